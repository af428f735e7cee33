/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options that every rule may have, and putting the parts together.
 *
 * iptables tests addresses, interfaces and the protocol first and then its modules in the order
 * they were named; the rule that is written tests in the same order, so that a rate limit counts
 * the same packets.
 */
#include "iptables/rule.h"

#include "iptables/names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void take_option(struct convert_job *job);
static bool take_common(struct convert_job *job, const char *option);
static void take_address(struct convert_job *job, char **to, bool *is_negated);
static void take_interface(struct convert_job *job, char to[24], bool *is_negated);
static bool build(struct convert_job *job, const char *matches, unsigned nr,
                  struct convert_rule *out);

size_t convert_rule_make(struct convert_job *job, struct convert_rule out[CONVERT_RULES_MAX])
{
	char *matches = NULL;
	size_t size;
	size_t made = 0;

	job->matches = open_memstream(&matches, &size);
	if (job->matches == NULL) {
		return 0;
	}
	while (job->at < job->len && job->why[0] == '\0') {
		take_option(job);
	}
	if (job->why[0] == '\0' && job->is_negated) {
		convert_cannot(job, "\"!\" with nothing behind it");
	}
	if (fclose(job->matches) == 0 && job->why[0] == '\0') {
		size_t wanted = job->either_ports != NULL ? 2 : 1;

		while (made < wanted && build(job, matches, (unsigned)made, &out[made])) {
			made++;
		}
		if (made < wanted) {
			while (made > 0) {
				convert_rule_fini(&out[--made]);
			}
		}
	}
	free(matches);
	free(job->source);
	free(job->destination);
	free(job->either_ports);
	free(job->comment);
	free(job->target);
	free(job->action.log_prefix);
	return made;
}

void convert_cannot(struct convert_job *job, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(job->why, sizeof(job->why), fmt, args);
	va_end(args);
}

bool convert_number(const char *text, uint32_t max, uint32_t *out)
{
	unsigned long long v;
	char *end;

	if (text[0] < '0' || text[0] > '9') {
		return false;
	}
	errno = 0;
	v = strtoull(text, &end, 0);
	if (errno != 0 || *end != '\0' || v > max) {
		return false;
	}
	*out = (uint32_t)v;
	return true;
}

const char *convert_argument(struct convert_job *job)
{
	const char *option = job->word[job->at];

	if (job->at + 1 >= job->len) {
		convert_cannot(job, "\"%.40s\" has nothing behind it", option);
		job->at = job->len;
		return NULL;
	}
	job->at++;
	return job->word[job->at];
}

/* "! -s x" is how it is written now, "-s ! x" how it once was. */
static void take_option(struct convert_job *job)
{
	const char *option = job->word[job->at];

	if (strcmp(option, "!") == 0) {
		if (job->is_negated) {
			convert_cannot(job, "\"!\" twice");
		}
		job->is_negated = true;
		job->at++;
		return;
	}
	if (job->at + 1 < job->len && strcmp(job->word[job->at + 1], "!") == 0 &&
	    job->at + 2 < job->len && job->word[job->at + 2][0] != '-') {
		job->is_negated = true;
		job->word++;
		job->len--;
		/* the option's name is said before it is known: it must not be the "!" */
	}
	if (!take_common(job, option) && !convert_match_option(job, option) &&
	    !convert_target_option(job, option)) {
		convert_cannot(job, "option \"%.60s\" has nothing like it", option);
	}
	job->is_negated = false;
	job->at++;
}

static bool is_one_of(const char *option, const char *a, const char *b, const char *c)
{
	return strcmp(option, a) == 0 || strcmp(option, b) == 0 ||
	       (c != NULL && strcmp(option, c) == 0);
}

static void take_target(struct convert_job *job)
{
	const char *name = convert_argument(job);

	if (name == NULL) {
		return;
	}
	if (job->target != NULL) {
		convert_cannot(job, "a target twice");
		return;
	}
	if (convert_target_is_foreign(name)) {
		convert_cannot(job, "target %s has nothing like it", name);
		return;
	}
	job->target = strdup(name);
}

static bool take_common(struct convert_job *job, const char *option)
{
	const char *text;

	if (is_one_of(option, "-s", "--source", "--src")) {
		take_address(job, &job->source, &job->source_is_negated);
	} else if (is_one_of(option, "-d", "--destination", "--dst")) {
		take_address(job, &job->destination, &job->destination_is_negated);
	} else if (is_one_of(option, "-i", "--in-interface", NULL)) {
		take_interface(job, job->iif, &job->iif_is_negated);
	} else if (is_one_of(option, "-o", "--out-interface", NULL)) {
		take_interface(job, job->oif, &job->oif_is_negated);
	} else if (is_one_of(option, "-p", "--protocol", "--proto")) {
		text = convert_argument(job);
		job->proto = text != NULL ? convert_proto(text) : 0;
		job->proto_is_negated = job->is_negated;
		if (job->proto < 0) {
			convert_cannot(job, "protocol \"%.40s\" is not known", text);
		}
		if (job->proto == 0 && job->is_negated) {
			convert_cannot(job, "no protocol at all never matches");
		}
	} else if (is_one_of(option, "-m", "--match", NULL)) {
		text = convert_argument(job);
		if (text != NULL && !convert_module_is_known(text)) {
			convert_cannot(job, "match \"%.40s\" has nothing like it", text);
		}
		if (text != NULL && strcmp(text, "connlimit") == 0 && !job->has_count) {
			job->has_count = true;
			job->count_is_first = !job->has_limit;
			job->count_at = ftell(job->matches);
			job->count_max = job->count_mask = UINT32_MAX;
		}
		if (text != NULL && strcmp(text, "limit") == 0 && !job->has_limit) {
			job->has_limit = true;
			job->limit_at = ftell(job->matches);
			job->limit_rate = 3;
			strcpy(job->limit_unit, "hour");
			job->limit_burst = 5;
		}
	} else if (is_one_of(option, "-j", "--jump", NULL)) {
		take_target(job);
	} else if (is_one_of(option, "-g", "--goto", NULL)) {
		take_target(job);
		job->is_goto = true;
	} else if (is_one_of(option, "-c", "--set-counters", NULL)) {
		if (convert_argument(job) != NULL) {
			convert_argument(job);
		}
	} else {
		return is_one_of(option, "-4", "-6", NULL) ||
		       is_one_of(option, "--ipv4", "--ipv6", NULL) ||
		       is_one_of(option, "-w", "--wait", NULL);
	}
	return true;
}

/* Bits of a netmask, given as a number or written out; -1 when it has holes or is none. */
static int mask_bits(enum convert_family family, const char *text)
{
	const int max = family == CONVERT_IP ? 32 : 128;
	uint8_t mask[16] = { 0 };
	uint32_t number;
	int bits = 0;

	if (convert_number(text, (uint32_t)max, &number)) {
		return (int)number;
	}
	if (inet_pton(family == CONVERT_IP ? AF_INET : AF_INET6, text, mask) != 1) {
		return -1;
	}
	while (bits < max && (mask[bits / 8] & 0x80u >> bits % 8) != 0) {
		bits++;
	}
	for (int i = bits; i < max; i++) {
		if ((mask[i / 8] & 0x80u >> i % 8) != 0) {
			return -1;
		}
	}
	return bits;
}

/* Writes "192.0.2.0/24" for one of the addresses. Returns false when it is none. */
static bool write_prefix(struct convert_job *job, FILE *to, char *text)
{
	const int af = job->family == CONVERT_IP ? AF_INET : AF_INET6;
	const int max = job->family == CONVERT_IP ? 32 : 128;
	char *slash = strchr(text, '/');
	uint8_t addr[16];
	char said[INET6_ADDRSTRLEN];
	int bits = max;

	if (slash != NULL) {
		*slash = '\0';
		bits = mask_bits(job->family, slash + 1);
	}
	if (inet_pton(af, text, addr) != 1) {
		convert_cannot(job, "\"%.60s\" is no IPv%d address; names are not looked up", text,
		               job->family == CONVERT_IP ? 4 : 6);
		return false;
	}
	if (bits < 0) {
		convert_cannot(job, "netmask \"%.60s\" is no prefix", slash + 1);
		return false;
	}
	for (int i = bits; i < max; i++) {
		addr[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
	}
	inet_ntop(af, addr, said, sizeof(said));
	fprintf(to, "%s", said);
	if (bits < max) {
		fprintf(to, "/%d", bits);
	}
	return true;
}

/* One address, or several with commas between, which is one rule each for iptables. */
static void take_address(struct convert_job *job, char **to, bool *is_negated)
{
	const char *arg = convert_argument(job);
	const bool is_list = arg != NULL && strchr(arg, ',') != NULL;
	char *copy = arg != NULL ? strdup(arg) : NULL;
	char *save = NULL;
	size_t size;
	FILE *f;

	if (copy == NULL) {
		return;
	}
	if (*to != NULL) {
		convert_cannot(job, "an address twice");
		free(copy);
		return;
	}
	*is_negated = job->is_negated;
	f = open_memstream(to, &size);
	if (f == NULL) {
		free(copy);
		return;
	}
	fputs(is_list ? "{ " : "", f);
	for (char *one = strtok_r(copy, ",", &save); one != NULL;) {
		if (!write_prefix(job, f, one)) {
			break;
		}
		one = strtok_r(NULL, ",", &save);
		fputs(one != NULL ? ", " : "", f);
	}
	fputs(is_list ? " }" : "", f);
	fclose(f);
	free(copy);
	if (job->why[0] == '\0' && (size == 0 || (is_list && size < 5))) {
		convert_cannot(job, "\"%.40s\" is no address", arg);
	}
	if (is_list && job->is_negated) {
		convert_cannot(job, "iptables itself does not negate several addresses");
	}
}

static void take_interface(struct convert_job *job, char to[24], bool *is_negated)
{
	const char *name = convert_argument(job);
	const size_t len = name != NULL ? strlen(name) : 0;

	if (name == NULL) {
		return;
	}
	if (len == 0 || len > 15 || strpbrk(name, "\"* \t\n") != NULL) {
		convert_cannot(job, "\"%.40s\" is no name of an interface", name);
		return;
	}
	if (to[0] != '\0') {
		convert_cannot(job, "an interface twice");
		return;
	}
	*is_negated = job->is_negated;
	if (strcmp(name, "+") == 0) {
		/* any at all: nothing to test */
		to[0] = '\0';
		if (job->is_negated) {
			convert_cannot(job, "no interface at all never matches");
		}
		return;
	}
	memcpy(to, name, len + 1);
	if (name[len - 1] == '+') {
		to[len - 1] = '*';
	}
}

/* True for an address that is every address: nothing to test, unless it is negated. */
static bool is_everything(const char *address, bool is_negated)
{
	return !is_negated && (strcmp(address, "0.0.0.0/0") == 0 || strcmp(address, "::/0") == 0);
}

static void put_addresses(const struct convert_job *job, FILE *f)
{
	const char *header = job->family == CONVERT_IP ? "ip" : "ip6";

	/* a plain source is kept apart, so that runs of them can become one set */
	if (job->source != NULL && job->source_is_negated) {
		fprintf(f, "%s saddr != %s ", header, job->source);
	}
	if (job->destination != NULL &&
	    !is_everything(job->destination, job->destination_is_negated)) {
		fprintf(f, "%s daddr %s%s ", header, job->destination_is_negated ? "!= " : "",
		        job->destination);
	}
	if (job->iif[0] != '\0') {
		fprintf(f, "iifname %s\"%s\" ", job->iif_is_negated ? "!= " : "", job->iif);
	}
	if (job->oif[0] != '\0') {
		fprintf(f, "oifname %s\"%s\" ", job->oif_is_negated ? "!= " : "", job->oif);
	}
	if (job->proto != 0 && !job->proto_is_implied) {
		static const char *const names[256] = {
			[PROTO_ICMP] = "icmp",
			[PROTO_TCP] = "tcp",
			[PROTO_UDP] = "udp",
			[PROTO_ICMPV6] = "icmpv6",
		};

		fprintf(f, "meta l4proto %s", job->proto_is_negated ? "!= " : "");
		if (names[job->proto] != NULL) {
			fprintf(f, "%s ", names[job->proto]);
		} else {
			fprintf(f, "%d ", job->proto);
		}
	}
}

/* Whether connections are counted apart for each address. */
static bool counts_by_address(const struct convert_job *job)
{
	return job->has_count && job->count_mask != 0;
}

/* The matches before the count, and the count; *at: how much of them is written. */
static void put_count(const struct convert_job *job, const char *matches, size_t *at, FILE *f)
{
	const char *over = job->count_is_upto ? "" : "over ";

	fprintf(f, "%.*s", (int)((size_t)job->count_at - *at), matches + *at);
	*at = (size_t)job->count_at;
	if (!counts_by_address(job)) {
		fprintf(f, "ct count %s%u ", over, job->count_max);
		return;
	}
	fprintf(f, "add @connections_%c { %s %s ct count %s%u } ", CONVERT_SET_NR,
	        job->family == CONVERT_IP ? "ip" : "ip6",
	        job->count_is_of_destination ? "daddr" : "saddr", over, job->count_max);
}

static void put_modules(const struct convert_job *job, const char *matches, unsigned nr, FILE *f)
{
	size_t at = 0;

	if (job->has_count && job->count_is_first) {
		put_count(job, matches, &at, f);
	}
	if (job->has_limit) {
		fprintf(f, "%.*slimit rate %u/%s burst %u packets ",
		        (int)((size_t)job->limit_at - at), matches + at, job->limit_rate,
		        job->limit_unit, job->limit_burst);
		at = (size_t)job->limit_at;
	}
	if (job->has_count && !job->count_is_first) {
		put_count(job, matches, &at, f);
	}
	fputs(matches + at, f);
	if (job->either_ports != NULL) {
		const char *header = job->proto == PROTO_TCP   ? "tcp"
		                     : job->proto == PROTO_UDP ? "udp"
		                                               : "th";

		if (nr == 0) {
			fprintf(f, "%s sport %s ", header, job->either_ports);
		} else {
			/* never both rules for one packet */
			fprintf(f, "%s sport != %s %s dport %s ", header, job->either_ports, header,
			        job->either_ports);
		}
	}
}

/* Nr of the rules that this one becomes. */
static bool build(struct convert_job *job, const char *matches, unsigned nr,
                  struct convert_rule *out)
{
	bool is_chain = false;
	bool is_complete;
	size_t size;
	FILE *f;

	*out = (struct convert_rule){ 0 };
	if (job->either_ports != NULL && (job->has_limit || job->has_count)) {
		convert_cannot(job, "--ports with a limit would be two limits");
		return false;
	}
	if (job->has_count && job->count_max == UINT32_MAX) {
		convert_cannot(job, "connlimit without a number of connections");
		return false;
	}
	f = open_memstream(&out->matches, &size);
	if (f == NULL) {
		return false;
	}
	put_addresses(job, f);
	put_modules(job, matches, nr, f);
	fclose(f);
	if (size > 0) {
		out->matches[size - 1] = '\0';
	}
	if (!convert_target_text(job, &out->action, &out->inet_action, &out->is_final, &is_chain)) {
		convert_rule_fini(out);
		return false;
	}
	is_complete = out->action != NULL;
	if (job->source != NULL && !job->source_is_negated && !is_everything(job->source, false)) {
		out->source = strdup(job->source);
		is_complete = is_complete && out->source != NULL;
	}
	if (job->comment != NULL) {
		out->comment = strdup(job->comment);
		is_complete = is_complete && out->comment != NULL;
	}
	if (is_chain) {
		/* "jump NAME", "goto NAME" */
		out->target = out->action + 5;
		out->is_jump = !job->is_goto;
	}
	/* two families would share one rate */
	out->is_of_family = job->has_limit || job->has_count || out->source != NULL ||
	                    job->source != NULL || job->destination != NULL ||
	                    job->proto == PROTO_ICMP || job->proto == PROTO_ICMPV6;
	out->is_rated = job->has_limit || job->has_count;
	out->has_set = counts_by_address(job);
	out->needs = (job->iif_is_negated ? NEED_IIF : 0u) | (job->oif_is_negated ? NEED_OIF : 0u);
	if (!is_complete) {
		convert_rule_fini(out);
	}
	return is_complete;
}

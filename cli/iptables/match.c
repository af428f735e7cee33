/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The matches of modules: ports, flags, types, states, limits, connections, marks, ranges.
 */
#include "iptables/names.h"
#include "iptables/rule.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const modules[] = {
	"comment",   "connlimit", "conntrack", "hl",      "icmp", "icmp6",     "icmpv6",
	"ipv6-icmp", "iprange",   "length",    "limit",   "mark", "multiport", "state",
	"tcp",       "udp",       "ttl",       "udplite", "sctp", "dccp",
};

bool convert_module_is_known(const char *name)
{
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		if (strcmp(modules[i], name) == 0) {
			return true;
		}
	}
	return false;
}

static const char *not_of(const struct convert_job *job)
{
	return job->is_negated ? "!= " : "";
}

/* "a", or "a<sep>b" with either end left out; a single number is a range of one. */
static bool read_range(const char *text, char sep, uint32_t max,
                       bool (*read)(const char *name, uint32_t *out), uint32_t out[2])
{
	const char *at = strchr(text, sep);
	char low[32] = "";

	if (at == NULL) {
		if (!read(text, &out[0])) {
			return false;
		}
		out[1] = out[0];
		return out[0] <= max;
	}
	if ((size_t)(at - text) >= sizeof(low)) {
		return false;
	}
	memcpy(low, text, (size_t)(at - text));
	out[0] = 0;
	out[1] = max;
	return (low[0] == '\0' || read(low, &out[0])) && (at[1] == '\0' || read(at + 1, &out[1])) &&
	       out[0] <= out[1] && out[1] <= max;
}

static void put_range(FILE *f, const uint32_t range[2])
{
	fprintf(f, "%u", range[0]);
	if (range[1] != range[0]) {
		fprintf(f, "-%u", range[1]);
	}
}

/* The header that has the ports. Its name says the protocol, except for "th". */
static const char *port_header(struct convert_job *job)
{
	if (!convert_proto_has_ports(job->proto) || job->proto_is_negated) {
		convert_cannot(job, "ports without a protocol that has them");
		return NULL;
	}
	if (job->proto == PROTO_TCP || job->proto == PROTO_UDP) {
		job->proto_is_implied = true;
		return job->proto == PROTO_TCP ? "tcp" : "udp";
	}
	return "th";
}

static void take_port(struct convert_job *job, const char *field)
{
	const char *header = port_header(job);
	const char *text = convert_argument(job);
	uint32_t range[2];

	if (text == NULL || header == NULL) {
		return;
	}
	if (!read_range(text, ':', 65535, convert_port, range)) {
		convert_cannot(job, "\"%.40s\" is no port or range of ports", text);
		return;
	}
	fprintf(job->matches, "%s %s %s", header, field, not_of(job));
	put_range(job->matches, range);
	fputc(' ', job->matches);
}

/* "80,443,8000:8100" as "{ 80, 443, 8000-8100 }", malloc'd. */
static char *port_set(struct convert_job *job, const char *text)
{
	char *copy = strdup(text);
	char *save = NULL;
	char *set = NULL;
	uint32_t range[2];
	size_t size;
	FILE *f = copy != NULL ? open_memstream(&set, &size) : NULL;
	unsigned len = 0;

	if (f == NULL) {
		free(copy);
		return NULL;
	}
	for (char *one = strtok_r(copy, ",", &save); one != NULL;
	     one = strtok_r(NULL, ",", &save)) {
		if (!read_range(one, ':', 65535, convert_port, range)) {
			convert_cannot(job, "\"%.40s\" is no port or range of ports", one);
			break;
		}
		fputs(len++ == 0 ? "{ " : ", ", f);
		put_range(f, range);
	}
	if (len == 0) {
		convert_cannot(job, "\"%.40s\" is no list of ports", text);
	}
	fputs(" }", f);
	fclose(f);
	free(copy);
	return set;
}

static void take_ports(struct convert_job *job, const char *field)
{
	const char *header = port_header(job);
	const char *text = convert_argument(job);
	char *set = text != NULL && header != NULL ? port_set(job, text) : NULL;

	if (set == NULL) {
		return;
	}
	if (field != NULL) {
		fprintf(job->matches, "%s %s %s%s ", header, field, not_of(job), set);
	} else if (job->is_negated) {
		fprintf(job->matches, "%s sport != %s %s dport != %s ", header, set, header, set);
	} else if (job->either_ports == NULL) {
		job->either_ports = set;
		return;
	} else {
		convert_cannot(job, "--ports twice");
	}
	free(set);
}

/* "SYN,ACK" as "(syn | ack)", one flag without brackets, none as 0x0 */
static bool put_flags(struct convert_job *job, FILE *f, const char *list)
{
	static const char *const names[] = { "fin", "syn", "rst", "psh", "ack", "urg" };
	unsigned seen = 0;
	char copy[64];
	char *save = NULL;
	const char *between = "";
	bool is_one;

	if (strlen(list) >= sizeof(copy)) {
		convert_cannot(job, "\"%.40s\" are no TCP flags", list);
		return false;
	}
	strcpy(copy, list);
	for (char *one = strtok_r(copy, ",", &save); one != NULL;
	     one = strtok_r(NULL, ",", &save)) {
		unsigned had = seen;

		for (unsigned i = 0; i < 6; i++) {
			seen |= strcasecmp(one, names[i]) == 0 ? 1u << i : 0;
		}
		seen |= strcasecmp(one, "ALL") == 0 ? 0x3fu : 0;
		if (seen == had && strcasecmp(one, "NONE") != 0) {
			convert_cannot(job, "\"%.40s\" is no TCP flag", one);
			return false;
		}
	}
	if (seen == 0) {
		fputs("0x0", f);
		return true;
	}
	is_one = (seen & (seen - 1)) == 0;
	fputs(is_one ? "" : "(", f);
	for (unsigned i = 0; i < 6; i++) {
		if ((seen & 1u << i) != 0) {
			fprintf(f, "%s%s", between, names[i]);
			between = " | ";
		}
	}
	fputs(is_one ? "" : ")", f);
	return true;
}

static void take_tcp_flags(struct convert_job *job, const char *mask, const char *flags)
{
	FILE *f = job->matches;

	if (mask == NULL || flags == NULL) {
		return;
	}
	if (job->proto != PROTO_TCP || job->proto_is_negated) {
		convert_cannot(job, "TCP flags without -p tcp");
		return;
	}
	job->proto_is_implied = true;
	fputs("tcp flags & ", f);
	if (!put_flags(job, f, mask)) {
		return;
	}
	fputs(job->is_negated ? " != " : " == ", f);
	if (put_flags(job, f, flags)) {
		fputc(' ', f);
	}
}

static void take_icmp_type(struct convert_job *job, enum convert_family family)
{
	const char *header = family == CONVERT_IP ? "icmp" : "icmpv6";
	const int proto = family == CONVERT_IP ? PROTO_ICMP : PROTO_ICMPV6;
	const char *text = convert_argument(job);
	struct convert_icmp icmp;
	const char *said;

	if (text == NULL) {
		return;
	}
	if (job->proto != proto || job->proto_is_negated || family != job->family) {
		convert_cannot(job, "an %s type without -p %s, or in the other family", header,
		               header);
		return;
	}
	if (!convert_icmp_type(family, text, &icmp)) {
		convert_cannot(job, "\"%.40s\" is no %s type", text, header);
		return;
	}
	if (icmp.type < 0) {
		if (job->is_negated) {
			convert_cannot(job, "no type at all never matches");
		}
		return;
	}
	if (icmp.code != CONVERT_CODE_ANY && job->is_negated) {
		convert_cannot(job, "type and code negated together have nothing like it");
		return;
	}
	job->proto_is_implied = true;
	said = convert_icmp_name(family, icmp.type);
	if (said != NULL) {
		fprintf(job->matches, "%s type %s%s ", header, not_of(job), said);
	} else {
		fprintf(job->matches, "%s type %s%d ", header, not_of(job), icmp.type);
	}
	if (icmp.code != CONVERT_CODE_ANY) {
		fprintf(job->matches, "%s code %d ", header, icmp.code);
	}
}

static void take_states(struct convert_job *job)
{
	static const char *const names[] = { "new", "established", "related", "invalid",
		                             "untracked" };
	const char *text = convert_argument(job);
	const char *between = "";
	unsigned seen = 0;
	char copy[96];
	char *save = NULL;

	if (text == NULL || strlen(text) >= sizeof(copy)) {
		convert_cannot(job, "no connection states");
		return;
	}
	strcpy(copy, text);
	for (char *one = strtok_r(copy, ",", &save); one != NULL;
	     one = strtok_r(NULL, ",", &save)) {
		unsigned had = seen;

		for (unsigned i = 0; i < 5; i++) {
			seen |= strcasecmp(one, names[i]) == 0 ? 1u << i : 0;
		}
		if (seen == had) {
			convert_cannot(job, "connection state \"%.40s\" has nothing like it", one);
			return;
		}
	}
	if (seen == 0) {
		convert_cannot(job, "no connection states");
		return;
	}
	fprintf(job->matches, "ct state %s", job->is_negated ? "! " : "");
	for (unsigned i = 0; i < 5; i++) {
		if ((seen & 1u << i) != 0) {
			fprintf(job->matches, "%s%s", between, names[i]);
			between = ",";
		}
	}
	fputc(' ', job->matches);
}

static void take_direction(struct convert_job *job)
{
	const char *text = convert_argument(job);
	bool is_reply = text != NULL && strcasecmp(text, "REPLY") == 0;

	if (text == NULL) {
		return;
	}
	if (!is_reply && strcasecmp(text, "ORIGINAL") != 0) {
		convert_cannot(job, "\"%.40s\" is no direction", text);
		return;
	}
	/* a packet of no connection has no direction, whichever is asked for */
	fprintf(job->matches, "ct state ! invalid,untracked ct direction %s%s ", not_of(job),
	        is_reply ? "reply" : "original");
}

static void take_limit(struct convert_job *job)
{
	static const char *const units[] = { "second", "minute", "hour", "day" };
	const char *text = convert_argument(job);
	const char *slash = text != NULL ? strchr(text, '/') : NULL;
	size_t len = slash != NULL ? strlen(slash + 1) : 0;
	char rate[16] = "";

	if (text == NULL) {
		return;
	}
	if (slash == NULL) {
		slash = text + strlen(text);
	}
	if ((size_t)(slash - text) < sizeof(rate)) {
		memcpy(rate, text, (size_t)(slash - text));
	}
	if (!job->has_limit || job->is_negated || !convert_number(rate, 10000, &job->limit_rate) ||
	    job->limit_rate == 0) {
		convert_cannot(job, "\"%.40s\" is no limit", text);
		return;
	}
	strcpy(job->limit_unit, "second");
	if (*slash == '\0') {
		return;
	}
	for (unsigned i = 0; i < 4; i++) {
		if (len > 0 && strncasecmp(units[i], slash + 1, len) == 0) {
			strcpy(job->limit_unit, units[i]);
			return;
		}
	}
	convert_cannot(job, "\"%.40s\" is no unit of time", slash);
}

static void take_burst(struct convert_job *job)
{
	const char *text = convert_argument(job);

	if (text != NULL && (!job->has_limit || !convert_number(text, 10000, &job->limit_burst) ||
	                     job->limit_burst == 0)) {
		convert_cannot(job, "\"%.40s\" is no burst", text);
	}
}

static void take_count(struct convert_job *job, bool is_upto)
{
	const char *text = convert_argument(job);

	if (text == NULL) {
		return;
	}
	if (!job->has_count || job->count_max != UINT32_MAX ||
	    !convert_number(text, UINT32_MAX - 1, &job->count_max)) {
		convert_cannot(job, "\"%.40s\" is no limit of connections", text);
		return;
	}
	job->count_is_upto = is_upto != job->is_negated;
}

static void opt_count_above(struct convert_job *job)
{
	take_count(job, false);
}
static void opt_count_upto(struct convert_job *job)
{
	take_count(job, true);
}

/* Networks have no counter of their own in the language: single addresses, or all of them. */
static void take_count_mask(struct convert_job *job)
{
	const char *text = convert_argument(job);
	uint32_t single = job->family == CONVERT_IP ? 32 : 128;

	if (text != NULL && (!job->has_count || !convert_number(text, single, &job->count_mask) ||
	                     (job->count_mask != 0 && job->count_mask != single))) {
		convert_cannot(job, "connections of networks (mask \"%.40s\") have nothing like it",
		               text);
	}
}

static void opt_count_source(struct convert_job *job)
{
	job->count_is_of_destination = false;
}
static void opt_count_destination(struct convert_job *job)
{
	job->count_is_of_destination = true;
}

static void take_mark(struct convert_job *job)
{
	const char *text = convert_argument(job);
	const char *slash = text != NULL ? strchr(text, '/') : NULL;
	char value_text[16] = "";
	uint32_t mask = UINT32_MAX;
	uint32_t value;

	if (text == NULL) {
		return;
	}
	if (slash != NULL && !convert_number(slash + 1, UINT32_MAX, &mask)) {
		convert_cannot(job, "\"%.40s\" is no mark", text);
		return;
	}
	if (slash == NULL) {
		slash = text + strlen(text);
	}
	if ((size_t)(slash - text) < sizeof(value_text)) {
		memcpy(value_text, text, (size_t)(slash - text));
	}
	if (!convert_number(value_text, UINT32_MAX, &value)) {
		convert_cannot(job, "\"%.40s\" is no mark", text);
		return;
	}
	fputs("meta mark ", job->matches);
	if (mask != UINT32_MAX) {
		fprintf(job->matches, "& 0x%x %s", mask, job->is_negated ? "" : "== ");
	}
	fprintf(job->matches, "%s0x%x ", not_of(job), value);
}

static void take_address_range(struct convert_job *job, const char *field)
{
	const int af = job->family == CONVERT_IP ? AF_INET : AF_INET6;
	const char *text = convert_argument(job);
	char said[2][INET6_ADDRSTRLEN];
	uint8_t addr[2][16] = { { 0 } };
	char copy[128];
	char *dash;

	if (text == NULL || strlen(text) >= sizeof(copy)) {
		convert_cannot(job, "no range of addresses");
		return;
	}
	strcpy(copy, text);
	dash = strchr(copy, '-');
	if (dash != NULL) {
		*dash = '\0';
	}
	if (inet_pton(af, copy, addr[0]) != 1 ||
	    inet_pton(af, dash != NULL ? dash + 1 : copy, addr[1]) != 1 ||
	    memcmp(addr[0], addr[1], 16) > 0) {
		convert_cannot(job, "\"%.80s\" is no range of addresses", text);
		return;
	}
	inet_ntop(af, addr[0], said[0], sizeof(said[0]));
	inet_ntop(af, addr[1], said[1], sizeof(said[1]));
	fprintf(job->matches, "%s %s %s%s-%s ", job->family == CONVERT_IP ? "ip" : "ip6", field,
	        not_of(job), said[0], said[1]);
}

static bool plain_number(const char *text, uint32_t *out)
{
	return convert_number(text, 65535, out);
}

static void take_length(struct convert_job *job)
{
	const char *text = convert_argument(job);
	uint32_t range[2];

	if (text == NULL) {
		return;
	}
	if (!read_range(text, ':', 65535, plain_number, range)) {
		convert_cannot(job, "\"%.40s\" is no range of lengths", text);
		return;
	}
	fprintf(job->matches, "meta length %s", not_of(job));
	put_range(job->matches, range);
	fputc(' ', job->matches);
}

static void take_ttl(struct convert_job *job, enum convert_family family, const char *relation)
{
	const char *text = convert_argument(job);
	uint32_t ttl;

	if (text == NULL) {
		return;
	}
	if (!convert_number(text, 255, &ttl) || family != job->family ||
	    (job->is_negated && *relation != '\0')) {
		convert_cannot(job, "\"%.40s\" is no time to live here", text);
		return;
	}
	fprintf(job->matches, "%s %s%s%u ", family == CONVERT_IP ? "ip ttl" : "ip6 hoplimit",
	        not_of(job), relation, ttl);
}

/* By option: iptables' own names, so that a module that lacks one shows by its absence. */
static void opt_sport(struct convert_job *job)
{
	take_port(job, "sport");
}
static void opt_dport(struct convert_job *job)
{
	take_port(job, "dport");
}
static void opt_sports(struct convert_job *job)
{
	take_ports(job, "sport");
}
static void opt_dports(struct convert_job *job)
{
	take_ports(job, "dport");
}
static void opt_ports(struct convert_job *job)
{
	take_ports(job, NULL);
}
static void opt_icmp(struct convert_job *job)
{
	take_icmp_type(job, CONVERT_IP);
}
static void opt_icmp6(struct convert_job *job)
{
	take_icmp_type(job, CONVERT_IP6);
}
static void opt_src_range(struct convert_job *job)
{
	take_address_range(job, "saddr");
}
static void opt_dst_range(struct convert_job *job)
{
	take_address_range(job, "daddr");
}
static void opt_ttl_eq(struct convert_job *job)
{
	take_ttl(job, CONVERT_IP, "");
}
static void opt_ttl_lt(struct convert_job *job)
{
	take_ttl(job, CONVERT_IP, "< ");
}
static void opt_ttl_gt(struct convert_job *job)
{
	take_ttl(job, CONVERT_IP, "> ");
}
static void opt_hl_eq(struct convert_job *job)
{
	take_ttl(job, CONVERT_IP6, "");
}
static void opt_hl_lt(struct convert_job *job)
{
	take_ttl(job, CONVERT_IP6, "< ");
}
static void opt_hl_gt(struct convert_job *job)
{
	take_ttl(job, CONVERT_IP6, "> ");
}

static void opt_syn(struct convert_job *job)
{
	take_tcp_flags(job, "FIN,SYN,RST,ACK", "SYN");
}

static void opt_tcp_flags(struct convert_job *job)
{
	const char *mask = convert_argument(job);

	take_tcp_flags(job, mask, mask != NULL ? convert_argument(job) : NULL);
}

static const struct {
	const char *name;
	void (*take)(struct convert_job *job);
	bool can_be_negated;
} options[] = {
	{ "--sport", opt_sport, true },
	{ "--source-port", opt_sport, true },
	{ "--dport", opt_dport, true },
	{ "--destination-port", opt_dport, true },
	{ "--sports", opt_sports, true },
	{ "--source-ports", opt_sports, true },
	{ "--dports", opt_dports, true },
	{ "--destination-ports", opt_dports, true },
	{ "--ports", opt_ports, true },
	{ "--syn", opt_syn, true },
	{ "--tcp-flags", opt_tcp_flags, true },
	{ "--icmp-type", opt_icmp, true },
	{ "--icmpv6-type", opt_icmp6, true },
	{ "--state", take_states, true },
	{ "--ctstate", take_states, true },
	{ "--ctdir", take_direction, false },
	{ "--limit", take_limit, false },
	{ "--limit-burst", take_burst, false },
	{ "--connlimit-above", opt_count_above, true },
	{ "--connlimit-upto", opt_count_upto, true },
	{ "--connlimit-mask", take_count_mask, false },
	{ "--connlimit-saddr", opt_count_source, false },
	{ "--connlimit-daddr", opt_count_destination, false },
	{ "--mark", take_mark, true },
	{ "--src-range", opt_src_range, true },
	{ "--dst-range", opt_dst_range, true },
	{ "--length", take_length, true },
	{ "--ttl-eq", opt_ttl_eq, true },
	{ "--ttl", opt_ttl_eq, true },
	{ "--ttl-lt", opt_ttl_lt, false },
	{ "--ttl-gt", opt_ttl_gt, false },
	{ "--hl-eq", opt_hl_eq, true },
	{ "--hl-lt", opt_hl_lt, false },
	{ "--hl-gt", opt_hl_gt, false },
};

bool convert_match_option(struct convert_job *job, const char *option)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strcmp(options[i].name, option) != 0) {
			continue;
		}
		if (job->is_negated && !options[i].can_be_negated) {
			convert_cannot(job, "\"! %s\" has nothing like it", option);
			job->at = job->len;
			return true;
		}
		options[i].take(job);
		return true;
	}
	return false;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options that every rule may have: addresses, interfaces, protocol, target.
 */
#include "iptables/names.h"
#include "iptables/rule.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static bool is_one_of(const char *option, const char *a, const char *b, const char *c)
{
	return strcmp(option, a) == 0 || strcmp(option, b) == 0 ||
	       (c != NULL && strcmp(option, c) == 0);
}

static void take_target(struct rule_parser *p)
{
	const char *name = convert_argument(p);

	if (name == NULL) {
		return;
	}
	if (p->target != NULL) {
		convert_refuse(p, "more than one target");
		return;
	}
	if (convert_target_is_unsupported(name)) {
		convert_refuse(p, "finwall has no equivalent for target %s", name);
		return;
	}
	p->target = strdup(name);
}

/* Prefix length of a netmask, given as a length or an address; -1 if it is not a prefix. */
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

/* Writes one of the addresses as "192.0.2.0/24". Returns false if it is refused. */
static bool write_prefix(struct rule_parser *p, FILE *to, char *text)
{
	const int af = p->family == CONVERT_IP ? AF_INET : AF_INET6;
	const int max = p->family == CONVERT_IP ? 32 : 128;
	char *slash = strchr(text, '/');
	uint8_t addr[16];
	char said[INET6_ADDRSTRLEN];
	int bits = max;

	if (slash != NULL) {
		*slash = '\0';
		bits = mask_bits(p->family, slash + 1);
	}
	if (inet_pton(af, text, addr) != 1) {
		convert_refuse(p, "\"%.60s\" is not an IPv%d address; names are not resolved", text,
		               p->family == CONVERT_IP ? 4 : 6);
		return false;
	}
	if (bits < 0) {
		convert_refuse(p, "netmask \"%.60s\" is not a prefix", slash + 1);
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

/* One address, or several separated by commas; iptables makes a rule of each. */
static void take_address(struct rule_parser *p, char **to, bool *is_negated)
{
	const char *arg = convert_argument(p);
	const bool is_list = arg != NULL && strchr(arg, ',') != NULL;
	char *copy = arg != NULL ? strdup(arg) : NULL;
	char *save = NULL;
	size_t size;
	FILE *f;

	if (copy == NULL) {
		return;
	}
	if (*to != NULL) {
		convert_refuse(p, "more than one address");
		free(copy);
		return;
	}
	*is_negated = p->is_negated;
	f = open_memstream(to, &size);
	if (f == NULL) {
		free(copy);
		return;
	}
	fputs(is_list ? "{ " : "", f);
	for (char *one = strtok_r(copy, ",", &save); one != NULL;) {
		if (!write_prefix(p, f, one)) {
			break;
		}
		one = strtok_r(NULL, ",", &save);
		fputs(one != NULL ? ", " : "", f);
	}
	fputs(is_list ? " }" : "", f);
	fclose(f);
	free(copy);
	if (p->why[0] == '\0' && (size == 0 || (is_list && size < 5))) {
		convert_refuse(p, "\"%.40s\" is not an address", arg);
	}
	if (is_list && p->is_negated) {
		convert_refuse(p, "several addresses cannot be negated");
	}
}

static void take_interface(struct rule_parser *p, char to[24], bool *is_negated)
{
	const char *name = convert_argument(p);
	const size_t len = name != NULL ? strlen(name) : 0;

	if (name == NULL) {
		return;
	}
	if (len == 0 || len > 15 || strpbrk(name, "\"* \t\n") != NULL) {
		convert_refuse(p, "\"%.40s\" is not an interface name", name);
		return;
	}
	if (to[0] != '\0') {
		convert_refuse(p, "more than one interface");
		return;
	}
	*is_negated = p->is_negated;
	if (strcmp(name, "+") == 0) {
		/* any interface: nothing to test */
		to[0] = '\0';
		if (p->is_negated) {
			convert_refuse(p, "negated \"+\" never matches");
		}
		return;
	}
	memcpy(to, name, len + 1);
	if (name[len - 1] == '+') {
		to[len - 1] = '*';
	}
}

bool convert_common_option(struct rule_parser *p, const char *option)
{
	const char *text;

	if (is_one_of(option, "-s", "--source", "--src")) {
		take_address(p, &p->source, &p->source_is_negated);
	} else if (is_one_of(option, "-d", "--destination", "--dst")) {
		take_address(p, &p->destination, &p->destination_is_negated);
	} else if (is_one_of(option, "-i", "--in-interface", NULL)) {
		take_interface(p, p->iif, &p->iif_is_negated);
	} else if (is_one_of(option, "-o", "--out-interface", NULL)) {
		take_interface(p, p->oif, &p->oif_is_negated);
	} else if (is_one_of(option, "-p", "--protocol", "--proto")) {
		text = convert_argument(p);
		p->proto = text != NULL ? convert_proto(text) : 0;
		p->proto_is_negated = p->is_negated;
		if (p->proto < 0) {
			convert_refuse(p, "unknown protocol \"%.40s\"", text);
		}
		if (p->proto == 0 && p->is_negated) {
			convert_refuse(p, "negated \"all\" never matches");
		}
	} else if (is_one_of(option, "-m", "--match", NULL)) {
		text = convert_argument(p);
		if (text != NULL && !convert_module_is_known(text)) {
			convert_refuse(p, "finwall has no equivalent for match \"%.40s\"", text);
		}
		if (text != NULL && strcmp(text, "connlimit") == 0 && !p->has_count) {
			p->has_count = true;
			p->count_is_first = !p->has_limit;
			p->count_at = ftell(p->matches);
			p->count_max = p->count_mask = UINT32_MAX;
		}
		if (text != NULL && strcmp(text, "limit") == 0 && !p->has_limit) {
			p->has_limit = true;
			p->limit_at = ftell(p->matches);
			p->limit_rate = 3;
			strcpy(p->limit_unit, "hour");
			p->limit_burst = 5;
		}
	} else if (is_one_of(option, "-j", "--jump", NULL)) {
		take_target(p);
	} else if (is_one_of(option, "-g", "--goto", NULL)) {
		take_target(p);
		p->is_goto = true;
	} else if (is_one_of(option, "-c", "--set-counters", NULL)) {
		if (convert_argument(p) != NULL) {
			convert_argument(p);
		}
	} else {
		return is_one_of(option, "-4", "-6", NULL) ||
		       is_one_of(option, "--ipv4", "--ipv6", NULL) ||
		       is_one_of(option, "-w", "--wait", NULL);
	}
	return true;
}

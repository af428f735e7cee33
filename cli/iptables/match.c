/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of the match modules, as iptables-extensions(8) lists them.
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

static const char *not_of(const struct rule_parser *p)
{
	return p->is_negated ? "!= " : "";
}

/* "a" or "a<sep>b"; without a or b the range is open. */
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

/* The header that has the ports. "th" matches any protocol, so it needs a protocol match. */
static const char *port_header(struct rule_parser *p)
{
	if (!convert_proto_has_ports(p->proto) || p->proto_is_negated) {
		convert_refuse(p, "ports without a protocol that has them");
		return NULL;
	}
	if (p->proto == PROTO_TCP || p->proto == PROTO_UDP) {
		p->proto_is_implied = true;
		return p->proto == PROTO_TCP ? "tcp" : "udp";
	}
	return "th";
}

static void take_port(struct rule_parser *p, const char *field)
{
	const char *header = port_header(p);
	const char *text = convert_argument(p);
	uint32_t range[2];

	if (text == NULL || header == NULL) {
		return;
	}
	if (!read_range(text, ':', 65535, convert_port, range)) {
		convert_refuse(p, "\"%.40s\" is not a port or a range of ports", text);
		return;
	}
	fprintf(p->matches, "%s %s %s", header, field, not_of(p));
	put_range(p->matches, range);
	fputc(' ', p->matches);
}

/* "80,443,8000:8100" as "{ 80, 443, 8000-8100 }", malloc'd. */
static char *port_set(struct rule_parser *p, const char *text)
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
			convert_refuse(p, "\"%.40s\" is not a port or a range of ports", one);
			break;
		}
		fputs(len++ == 0 ? "{ " : ", ", f);
		put_range(f, range);
	}
	if (len == 0) {
		convert_refuse(p, "\"%.40s\" is not a list of ports", text);
	}
	fputs(" }", f);
	fclose(f);
	free(copy);
	return set;
}

static void take_ports(struct rule_parser *p, const char *field)
{
	const char *header = port_header(p);
	const char *text = convert_argument(p);
	char *set = text != NULL && header != NULL ? port_set(p, text) : NULL;

	if (set == NULL) {
		return;
	}
	if (field != NULL) {
		fprintf(p->matches, "%s %s %s%s ", header, field, not_of(p), set);
	} else if (p->is_negated) {
		fprintf(p->matches, "%s sport != %s %s dport != %s ", header, set, header, set);
	} else if (p->either_ports == NULL) {
		p->either_ports = set;
		return;
	} else {
		convert_refuse(p, "--ports twice");
	}
	free(set);
}

/* "SYN,ACK" as "(syn | ack)", one flag without brackets, none as 0x0 */
static bool put_flags(struct rule_parser *p, FILE *f, const char *list)
{
	static const char *const names[] = { "fin", "syn", "rst", "psh", "ack", "urg" };
	unsigned seen = 0;
	char copy[64];
	char *save = NULL;
	const char *between = "";
	bool is_one;

	if (strlen(list) >= sizeof(copy)) {
		convert_refuse(p, "\"%.40s\" is not a list of TCP flags", list);
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
			convert_refuse(p, "\"%.40s\" is not a TCP flag", one);
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

static void take_tcp_flags(struct rule_parser *p, const char *mask, const char *flags)
{
	FILE *f = p->matches;

	if (mask == NULL || flags == NULL) {
		return;
	}
	if (p->proto != PROTO_TCP || p->proto_is_negated) {
		convert_refuse(p, "TCP flags without -p tcp");
		return;
	}
	p->proto_is_implied = true;
	fputs("tcp flags & ", f);
	if (!put_flags(p, f, mask)) {
		return;
	}
	fputs(p->is_negated ? " != " : " == ", f);
	if (put_flags(p, f, flags)) {
		fputc(' ', f);
	}
}

static void take_icmp_type(struct rule_parser *p, enum convert_family family)
{
	const char *header = family == CONVERT_IP ? "icmp" : "icmpv6";
	const int proto = family == CONVERT_IP ? PROTO_ICMP : PROTO_ICMPV6;
	const char *text = convert_argument(p);
	struct convert_icmp icmp;
	const char *said;

	if (text == NULL) {
		return;
	}
	if (p->proto != proto || p->proto_is_negated || family != p->family) {
		convert_refuse(p, "%s type without -p %s, or for the other family", header, header);
		return;
	}
	if (!convert_icmp_type(family, text, &icmp)) {
		convert_refuse(p, "\"%.40s\" is not an %s type", text, header);
		return;
	}
	if (icmp.type < 0) {
		if (p->is_negated) {
			convert_refuse(p, "negated \"any\" never matches");
		}
		return;
	}
	if (icmp.code != CONVERT_CODE_ANY && p->is_negated) {
		convert_refuse(p, "finwall has no equivalent for a negated type with a code");
		return;
	}
	p->proto_is_implied = true;
	said = convert_icmp_name(family, icmp.type);
	if (said != NULL) {
		fprintf(p->matches, "%s type %s%s ", header, not_of(p), said);
	} else {
		fprintf(p->matches, "%s type %s%d ", header, not_of(p), icmp.type);
	}
	if (icmp.code != CONVERT_CODE_ANY) {
		fprintf(p->matches, "%s code %d ", header, icmp.code);
	}
}

static void take_states(struct rule_parser *p)
{
	static const char *const names[] = { "new", "established", "related", "invalid",
		                             "untracked" };
	const char *text = convert_argument(p);
	const char *between = "";
	unsigned seen = 0;
	char copy[96];
	char *save = NULL;

	if (text == NULL || strlen(text) >= sizeof(copy)) {
		convert_refuse(p, "missing connection states");
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
			convert_refuse(
				p, "finwall has no equivalent for connection state \"%.40s\"", one);
			return;
		}
	}
	if (seen == 0) {
		convert_refuse(p, "missing connection states");
		return;
	}
	fprintf(p->matches, "ct state %s", p->is_negated ? "! " : "");
	for (unsigned i = 0; i < 5; i++) {
		if ((seen & 1u << i) != 0) {
			fprintf(p->matches, "%s%s", between, names[i]);
			between = ",";
		}
	}
	fputc(' ', p->matches);
}

static void take_direction(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	bool is_reply = text != NULL && strcasecmp(text, "REPLY") == 0;

	if (text == NULL) {
		return;
	}
	if (!is_reply && strcasecmp(text, "ORIGINAL") != 0) {
		convert_refuse(p, "\"%.40s\" is not a direction", text);
		return;
	}
	/* a packet without a connection matches neither direction */
	fprintf(p->matches, "ct state ! invalid,untracked ct direction %s%s ", not_of(p),
	        is_reply ? "reply" : "original");
}

static void take_limit(struct rule_parser *p)
{
	static const char *const units[] = { "second", "minute", "hour", "day" };
	const char *text = convert_argument(p);
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
	if (!p->has_limit || p->is_negated || !convert_number(rate, 10000, &p->limit_rate) ||
	    p->limit_rate == 0) {
		convert_refuse(p, "\"%.40s\" is not a limit", text);
		return;
	}
	strcpy(p->limit_unit, "second");
	if (*slash == '\0') {
		return;
	}
	for (unsigned i = 0; i < 4; i++) {
		if (len > 0 && strncasecmp(units[i], slash + 1, len) == 0) {
			strcpy(p->limit_unit, units[i]);
			return;
		}
	}
	convert_refuse(p, "\"%.40s\" is not a unit of time", slash);
}

static void take_burst(struct rule_parser *p)
{
	const char *text = convert_argument(p);

	if (text != NULL && (!p->has_limit || !convert_number(text, 10000, &p->limit_burst) ||
	                     p->limit_burst == 0)) {
		convert_refuse(p, "\"%.40s\" is not a burst", text);
	}
}

static void take_count(struct rule_parser *p, bool is_upto)
{
	const char *text = convert_argument(p);

	if (text == NULL) {
		return;
	}
	if (!p->has_count || p->count_max != UINT32_MAX ||
	    !convert_number(text, UINT32_MAX - 1, &p->count_max)) {
		convert_refuse(p, "\"%.40s\" is not a number of connections", text);
		return;
	}
	p->count_is_upto = is_upto != p->is_negated;
}

static void opt_count_above(struct rule_parser *p)
{
	take_count(p, false);
}
static void opt_count_upto(struct rule_parser *p)
{
	take_count(p, true);
}

/* finwall counts connections for single addresses or for all, not for networks. */
static void take_count_mask(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	uint32_t single = p->family == CONVERT_IP ? 32 : 128;

	if (text != NULL && (!p->has_count || !convert_number(text, single, &p->count_mask) ||
	                     (p->count_mask != 0 && p->count_mask != single))) {
		convert_refuse(
			p, "finwall has no equivalent for connections of networks (mask \"%.40s\")",
			text);
	}
}

static void opt_count_source(struct rule_parser *p)
{
	p->count_is_of_destination = false;
}
static void opt_count_destination(struct rule_parser *p)
{
	p->count_is_of_destination = true;
}

static void take_mark(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	const char *slash = text != NULL ? strchr(text, '/') : NULL;
	char value_text[16] = "";
	uint32_t mask = UINT32_MAX;
	uint32_t value;

	if (text == NULL) {
		return;
	}
	if (slash != NULL && !convert_number(slash + 1, UINT32_MAX, &mask)) {
		convert_refuse(p, "\"%.40s\" is not a mark", text);
		return;
	}
	if (slash == NULL) {
		slash = text + strlen(text);
	}
	if ((size_t)(slash - text) < sizeof(value_text)) {
		memcpy(value_text, text, (size_t)(slash - text));
	}
	if (!convert_number(value_text, UINT32_MAX, &value)) {
		convert_refuse(p, "\"%.40s\" is not a mark", text);
		return;
	}
	fputs("meta mark ", p->matches);
	if (mask != UINT32_MAX) {
		fprintf(p->matches, "& 0x%x %s", mask, p->is_negated ? "" : "== ");
	}
	fprintf(p->matches, "%s0x%x ", not_of(p), value);
}

static void take_address_range(struct rule_parser *p, const char *field)
{
	const int af = p->family == CONVERT_IP ? AF_INET : AF_INET6;
	const char *text = convert_argument(p);
	char said[2][INET6_ADDRSTRLEN];
	uint8_t addr[2][16] = { { 0 } };
	char copy[128];
	char *dash;

	if (text == NULL || strlen(text) >= sizeof(copy)) {
		convert_refuse(p, "missing range of addresses");
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
		convert_refuse(p, "\"%.80s\" is not a range of addresses", text);
		return;
	}
	inet_ntop(af, addr[0], said[0], sizeof(said[0]));
	inet_ntop(af, addr[1], said[1], sizeof(said[1]));
	fprintf(p->matches, "%s %s %s%s-%s ", p->family == CONVERT_IP ? "ip" : "ip6", field,
	        not_of(p), said[0], said[1]);
}

static bool plain_number(const char *text, uint32_t *out)
{
	return convert_number(text, 65535, out);
}

static void take_length(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	uint32_t range[2];

	if (text == NULL) {
		return;
	}
	if (!read_range(text, ':', 65535, plain_number, range)) {
		convert_refuse(p, "\"%.40s\" is not a range of lengths", text);
		return;
	}
	fprintf(p->matches, "meta length %s", not_of(p));
	put_range(p->matches, range);
	fputc(' ', p->matches);
}

static void take_ttl(struct rule_parser *p, enum convert_family family, const char *relation)
{
	const char *text = convert_argument(p);
	uint32_t ttl;

	if (text == NULL) {
		return;
	}
	if (!convert_number(text, 255, &ttl) || family != p->family ||
	    (p->is_negated && *relation != '\0')) {
		convert_refuse(p, "\"%.40s\" is not a valid TTL or hop limit here", text);
		return;
	}
	fprintf(p->matches, "%s %s%s%u ", family == CONVERT_IP ? "ip ttl" : "ip6 hoplimit",
	        not_of(p), relation, ttl);
}

/* Handlers of the options table. */
static void opt_sport(struct rule_parser *p)
{
	take_port(p, "sport");
}
static void opt_dport(struct rule_parser *p)
{
	take_port(p, "dport");
}
static void opt_sports(struct rule_parser *p)
{
	take_ports(p, "sport");
}
static void opt_dports(struct rule_parser *p)
{
	take_ports(p, "dport");
}
static void opt_ports(struct rule_parser *p)
{
	take_ports(p, NULL);
}
static void opt_icmp(struct rule_parser *p)
{
	take_icmp_type(p, CONVERT_IP);
}
static void opt_icmp6(struct rule_parser *p)
{
	take_icmp_type(p, CONVERT_IP6);
}
static void opt_src_range(struct rule_parser *p)
{
	take_address_range(p, "saddr");
}
static void opt_dst_range(struct rule_parser *p)
{
	take_address_range(p, "daddr");
}
static void opt_ttl_eq(struct rule_parser *p)
{
	take_ttl(p, CONVERT_IP, "");
}
static void opt_ttl_lt(struct rule_parser *p)
{
	take_ttl(p, CONVERT_IP, "< ");
}
static void opt_ttl_gt(struct rule_parser *p)
{
	take_ttl(p, CONVERT_IP, "> ");
}
static void opt_hl_eq(struct rule_parser *p)
{
	take_ttl(p, CONVERT_IP6, "");
}
static void opt_hl_lt(struct rule_parser *p)
{
	take_ttl(p, CONVERT_IP6, "< ");
}
static void opt_hl_gt(struct rule_parser *p)
{
	take_ttl(p, CONVERT_IP6, "> ");
}

static void opt_syn(struct rule_parser *p)
{
	take_tcp_flags(p, "FIN,SYN,RST,ACK", "SYN");
}

static void opt_tcp_flags(struct rule_parser *p)
{
	const char *mask = convert_argument(p);

	take_tcp_flags(p, mask, mask != NULL ? convert_argument(p) : NULL);
}

static const struct {
	const char *name;
	void (*take)(struct rule_parser *p);
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

bool convert_match_option(struct rule_parser *p, const char *option)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strcmp(options[i].name, option) != 0) {
			continue;
		}
		if (p->is_negated && !options[i].can_be_negated) {
			convert_refuse(p, "finwall has no equivalent for \"! %s\"", option);
			p->at = p->len;
			return true;
		}
		options[i].take(p);
		return true;
	}
	return false;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of the match modules that test a field of the packet, as iptables-extensions(8) lists
 * them.
 */
#include "iptables/list.h"
#include "iptables/names.h"
#include "iptables/rule.h"

#include "text/addr.h"

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

/* "a" or "a<sep>b"; without a or b the range is open. */
static bool read_range(const char *text, char sep, uint32_t max,
                       bool (*read)(const char *name, uint32_t *out), uint32_t out[2])
{
	const char *at = strchr(text, sep);
	char low[32];

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
	snprintf(low, sizeof(low), "%.*s", (int)(at - text), text);
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
	if (!read_range(text, ':', UINT16_MAX, convert_port, range)) {
		convert_refuse(p, "\"%.40s\" is not a port or a range of ports", text);
		return;
	}
	fprintf(p->matches, "%s %s %s", header, field, convert_not(p));
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
		if (!read_range(one, ':', UINT16_MAX, convert_port, range)) {
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
		fprintf(p->matches, "%s %s %s%s ", header, field, convert_not(p), set);
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

/* Bits as in the TCP header; the first TCP_FLAGS_LEN have a name in the language. */
#define TCP_FLAGS_LEN 6
#define TCP_FLAGS_ALL ((1u << TCP_FLAGS_LEN) - 1)

static const struct convert_list_name tcp_flags[] = {
	{ "fin", 1 },
	{ "syn", 2 },
	{ "rst", 4 },
	{ "psh", 8 },
	{ "ack", 16 },
	{ "urg", 32 },
	{ "all", TCP_FLAGS_ALL },
	{ "none", 0 },
};

/* "SYN,ACK" as "(syn | ack)", one flag without brackets, none as 0x0 */
static bool put_flags(struct rule_parser *p, FILE *f, const char *list)
{
	char copy[CONVERT_LIST_SIZE];
	unsigned bits;
	const char *unknown = convert_read_list(
		list, tcp_flags, sizeof(tcp_flags) / sizeof(tcp_flags[0]), &bits, copy);
	bool is_one;

	if (unknown != NULL) {
		convert_refuse(p, "\"%.40s\" is not a TCP flag", unknown);
		return false;
	}
	if (bits == 0) {
		fputs("0x0", f);
		return true;
	}
	is_one = (bits & (bits - 1)) == 0;
	fputs(is_one ? "" : "(", f);
	convert_put_list(f, tcp_flags, TCP_FLAGS_LEN, bits, " | ");
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
	const char *name;

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
	name = convert_icmp_name(family, icmp.type);
	if (name != NULL) {
		fprintf(p->matches, "%s type %s%s ", header, convert_not(p), name);
	} else {
		fprintf(p->matches, "%s type %s%d ", header, convert_not(p), icmp.type);
	}
	if (icmp.code != CONVERT_CODE_ANY) {
		fprintf(p->matches, "%s code %d ", header, icmp.code);
	}
}

static void take_mark(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	uint32_t value;
	uint32_t mask;

	if (text == NULL) {
		return;
	}
	if (!convert_mark(text, &value, &mask)) {
		convert_refuse(p, "\"%.40s\" is not a mark", text);
		return;
	}
	fputs("meta mark ", p->matches);
	if (mask != UINT32_MAX) {
		fprintf(p->matches, "& 0x%x %s", mask, p->is_negated ? "" : "== ");
	}
	fprintf(p->matches, "%s0x%x ", convert_not(p), value);
}

static void take_address_range(struct rule_parser *p, const char *field)
{
	const char *text = convert_argument(p);
	char lo_text[ADDR_TEXT_SIZE];
	char hi_text[ADDR_TEXT_SIZE];
	struct text_addr lo;
	struct text_addr hi;

	if (text == NULL) {
		return;
	}
	if (!text_addr_range(text, strlen(text), &lo, &hi) ||
	    lo.family != convert_ip_version(p->family)) {
		convert_refuse(p, "\"%.80s\" is not a range of IPv%u addresses", text,
		               convert_ip_version(p->family));
		return;
	}
	fprintf(p->matches, "%s %s %s%s-%s ", p->family == CONVERT_IP ? "ip" : "ip6", field,
	        convert_not(p), ip_text(lo.family, lo.bytes, lo_text),
	        ip_text(hi.family, hi.bytes, hi_text));
}

static bool plain_number(const char *text, uint32_t *out)
{
	return convert_number(text, UINT16_MAX, out);
}

static void take_length(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	uint32_t range[2];

	if (text == NULL) {
		return;
	}
	if (!read_range(text, ':', UINT16_MAX, plain_number, range)) {
		convert_refuse(p, "\"%.40s\" is not a range of lengths", text);
		return;
	}
	fprintf(p->matches, "meta length %s", convert_not(p));
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
	if (!convert_number(text, UINT8_MAX, &ttl) || family != p->family ||
	    (p->is_negated && *relation != '\0')) {
		convert_refuse(p, "\"%.40s\" is not a valid TTL or hop limit here", text);
		return;
	}
	fprintf(p->matches, "%s %s%s%u ", family == CONVERT_IP ? "ip ttl" : "ip6 hoplimit",
	        convert_not(p), relation, ttl);
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

static const struct convert_option options[] = {
	{ "--sport", opt_sport, true },         { "--source-port", opt_sport, true },
	{ "--dport", opt_dport, true },         { "--destination-port", opt_dport, true },
	{ "--sports", opt_sports, true },       { "--source-ports", opt_sports, true },
	{ "--dports", opt_dports, true },       { "--destination-ports", opt_dports, true },
	{ "--ports", opt_ports, true },         { "--syn", opt_syn, true },
	{ "--tcp-flags", opt_tcp_flags, true }, { "--icmp-type", opt_icmp, true },
	{ "--icmpv6-type", opt_icmp6, true },   { "--mark", take_mark, true },
	{ "--src-range", opt_src_range, true }, { "--dst-range", opt_dst_range, true },
	{ "--length", take_length, true },      { "--ttl-eq", opt_ttl_eq, true },
	{ "--ttl", opt_ttl_eq, true },          { "--ttl-lt", opt_ttl_lt, false },
	{ "--ttl-gt", opt_ttl_gt, false },      { "--hl-eq", opt_hl_eq, true },
	{ "--hl-lt", opt_hl_lt, false },        { "--hl-gt", opt_hl_gt, false },
};

bool convert_match_option(struct rule_parser *p, const char *option)
{
	return convert_run_option(p, option, options, sizeof(options) / sizeof(options[0]));
}

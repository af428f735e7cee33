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
		convert_refuse(p, "\"%.40s\" is not an %s type such as echo-request or 3/4", text,
		               header);
		return;
	}
	if (icmp.type < 0) {
		if (p->is_negated) {
			convert_refuse(p, "negated \"any\" never matches");
		}
		return;
	}
	p->proto_is_implied = true;
	if (icmp.code != CONVERT_CODE_ANY && p->is_negated && convert_has(CONSTRUCT_CONCAT)) {
		fprintf(p->matches, "%s type . %s code != { %d . %d } ", header, header, icmp.type,
		        icmp.code);
		return;
	}
	if (icmp.code != CONVERT_CODE_ANY && p->is_negated) {
		convert_either(p, convert_text("%s type != %d ", header, icmp.type));
		convert_either(p, convert_text("%s type %d %s code != %d ", header, icmp.type,
		                               header, icmp.code));
		return;
	}
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
	if (!convert_range(text, ':', UINT16_MAX, plain_number, range)) {
		convert_refuse(p, "\"%.40s\" is not a range of lengths", text);
		return;
	}
	if (!convert_range_check(p, text, range)) {
		return;
	}
	fprintf(p->matches, "meta length %s", convert_not(p));
	convert_range_put(p->matches, range);
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

/* Whether a TCP option is there. */
static void opt_tcp_option(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	uint32_t number;

	if (text == NULL) {
		return;
	}
	if (!convert_number(text, UINT8_MAX, &number) || p->proto != PROTO_TCP ||
	    p->proto_is_negated) {
		convert_refuse(p,
		               "\"%.40s\" is not the number of a TCP option, or -p tcp is missing",
		               text);
	} else if (convert_needs(p, CONSTRUCT_TCP_OPTION)) {
		fprintf(p->matches, "tcp option %u %s ", number,
		        p->is_negated ? "missing" : "exists");
	}
}

static const struct convert_option options[] = {
	{ "--tcp-option", opt_tcp_option, true }, { "--syn", opt_syn, true },
	{ "--tcp-flags", opt_tcp_flags, true },   { "--icmp-type", opt_icmp, true },
	{ "--icmpv6-type", opt_icmp6, true },     { "--src-range", opt_src_range, true },
	{ "--dst-range", opt_dst_range, true },   { "--length", take_length, true },
	{ "--ttl-eq", opt_ttl_eq, true },         { "--ttl", opt_ttl_eq, true },
	{ "--ttl-lt", opt_ttl_lt, false },        { "--ttl-gt", opt_ttl_gt, false },
	{ "--hl-eq", opt_hl_eq, true },           { "--hl-lt", opt_hl_lt, false },
	{ "--hl-gt", opt_hl_gt, false },          { "--hl", opt_hl_eq, true },
};

bool convert_match_option(struct rule_parser *p, const char *option)
{
	return convert_run_option(p, option, options, sizeof(options) / sizeof(options[0]));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fields of packets that rules can match. A new field needs a row here and an enum rs_field,
 * with how it is read, in finwall/ruleset_layout.h.
 */
#include "selector.h"
#include "suggest.h"

#include <string.h>

#define HEADER_IP(name, type, field)                                                               \
	{                                                                                          \
		"ip", name, false, SEL_FIELD, type, 4, 0, PKT_REACH_IP, field                      \
	}
#define HEADER_IP6(name, type, field)                                                              \
	{                                                                                          \
		"ip6", name, false, SEL_FIELD, type, 6, 0, PKT_REACH_IP, field                     \
	}
/* A field of the transport header, which ends `end` bytes behind the header's beginning. */
#define TH(header, name, type, family, proto, end, field)                                          \
	{                                                                                          \
		header, name, false, SEL_FIELD, type, family, proto, PKT_REACH_PROTO + (end),      \
			field                                                                      \
	}
#define SPORT(header, proto)          TH(header, "sport", &dtype_port, 0, proto, 2, RS_F_SPORT)
#define DPORT(header, proto)          TH(header, "dport", &dtype_port, 0, proto, 4, RS_F_DPORT)
#define ICMP4(name, type, end, field) TH("icmp", name, type, 4, IPPROTO_NR_ICMP, end, field)
#define ICMP6(name, type, end, field) TH("icmpv6", name, type, 6, IPPROTO_NR_ICMPV6, end, field)
#define META(name, alone, kind, type, depth, field)                                                \
	{                                                                                          \
		"meta", name, alone, kind, type, 0, 0, depth, field                                \
	}
#define CT(name, kind, type, field)                                                                \
	{                                                                                          \
		"ct", name, false, kind, type, 0, 0, PKT_REACH_NOTHING, field                      \
	}

static const struct selector selectors[] = {
	HEADER_IP("saddr", &dtype_ip4, RS_F_SADDR),
	HEADER_IP("daddr", &dtype_ip4, RS_F_DADDR),
	HEADER_IP("protocol", &dtype_proto, RS_F_L4PROTO),
	HEADER_IP("ttl", &dtype_ttl, RS_F_TTL),
	HEADER_IP("version", &dtype_number4, RS_F_IP_VERSION),
	HEADER_IP("hdrlength", &dtype_number4, RS_F_IP_HDRLENGTH),
	HEADER_IP("dscp", &dtype_dscp, RS_F_IP_DSCP),
	HEADER_IP("ecn", &dtype_ecn, RS_F_IP_ECN),
	HEADER_IP("length", &dtype_number16, RS_F_IP_LENGTH),
	HEADER_IP("id", &dtype_number16, RS_F_IP_ID),
	HEADER_IP("frag-off", &dtype_number16, RS_F_IP_FRAG_OFF),
	HEADER_IP("checksum", &dtype_number16, RS_F_IP_CHECKSUM),
	HEADER_IP6("saddr", &dtype_ip6, RS_F_SADDR),
	HEADER_IP6("daddr", &dtype_ip6, RS_F_DADDR),
	HEADER_IP6("hoplimit", &dtype_ttl, RS_F_TTL),
	HEADER_IP6("nexthdr", &dtype_proto, RS_F_IP6_NEXTHDR),
	HEADER_IP6("version", &dtype_number4, RS_F_IP_VERSION),
	HEADER_IP6("dscp", &dtype_dscp, RS_F_IP_DSCP),
	HEADER_IP6("ecn", &dtype_ecn, RS_F_IP_ECN),
	HEADER_IP6("flowlabel", &dtype_number20, RS_F_IP6_FLOWLABEL),
	HEADER_IP6("length", &dtype_number16, RS_F_IP6_LENGTH),
	SPORT("tcp", IPPROTO_NR_TCP),
	DPORT("tcp", IPPROTO_NR_TCP),
	TH("tcp", "flags", &dtype_tcp_flags, 0, IPPROTO_NR_TCP, 14, RS_F_TCP_FLAGS),
	TH("tcp", "sequence", &dtype_number32, 0, IPPROTO_NR_TCP, 8, RS_F_TCP_SEQUENCE),
	TH("tcp", "ackseq", &dtype_number32, 0, IPPROTO_NR_TCP, 12, RS_F_TCP_ACKSEQ),
	TH("tcp", "doff", &dtype_number4, 0, IPPROTO_NR_TCP, 13, RS_F_TCP_DOFF),
	TH("tcp", "reserved", &dtype_number4, 0, IPPROTO_NR_TCP, 13, RS_F_TCP_RESERVED),
	TH("tcp", "window", &dtype_number16, 0, IPPROTO_NR_TCP, 16, RS_F_TCP_WINDOW),
	TH("tcp", "urgptr", &dtype_number16, 0, IPPROTO_NR_TCP, 20, RS_F_TCP_URGPTR),
	SPORT("udp", IPPROTO_NR_UDP),
	DPORT("udp", IPPROTO_NR_UDP),
	TH("udp", "length", &dtype_number16, 0, IPPROTO_NR_UDP, 6, RS_F_UDP_LENGTH),
	SPORT("th", 0),
	DPORT("th", 0),
	ICMP4("type", &dtype_icmp_type, 1, RS_F_ICMP_TYPE),
	ICMP4("code", &dtype_icmp_code, 2, RS_F_ICMP_CODE),
	ICMP6("type", &dtype_icmp6_type, 1, RS_F_ICMP_TYPE),
	ICMP6("code", &dtype_icmp6_code, 2, RS_F_ICMP_CODE),
	META("l4proto", false, SEL_FIELD, &dtype_proto, PKT_REACH_PROTO, RS_F_L4PROTO),
	META("nfproto", false, SEL_NFPROTO, &dtype_nfproto, PKT_REACH_IP, RS_F_L4PROTO),
	META("protocol", false, SEL_NFPROTO, &dtype_ethertype, PKT_REACH_IP, RS_F_L4PROTO),
	META("mark", false, SEL_FIELD, &dtype_mark, PKT_REACH_NOTHING, RS_F_MARK),
	META("length", false, SEL_FIELD, &dtype_length, PKT_REACH_NOTHING, RS_F_LENGTH),
	META("iif", true, SEL_IFACE, &dtype_ifname, PKT_REACH_NOTHING, RS_F_IIF),
	META("iifname", true, SEL_IFACE, &dtype_ifname, PKT_REACH_NOTHING, RS_F_IIF),
	META("oif", true, SEL_IFACE, &dtype_ifname, PKT_REACH_NOTHING, RS_F_OIF),
	META("oifname", true, SEL_IFACE, &dtype_ifname, PKT_REACH_NOTHING, RS_F_OIF),
	CT("state", SEL_CT_STATE, &dtype_ct_state, RS_F_DIR),
	CT("direction", SEL_FIELD, &dtype_ct_dir, RS_F_DIR),
	CT("count", SEL_CT_COUNT, &dtype_length, RS_F_DIR),
};

#define SELECTORS_LEN (sizeof(selectors) / sizeof(selectors[0]))

const struct selector *selector_find(const char *header, const char *name)
{
	for (size_t i = 0; i < SELECTORS_LEN; i++) {
		if (strcmp(selectors[i].header, header) == 0 &&
		    strcmp(selectors[i].name, name) == 0) {
			return &selectors[i];
		}
	}
	return NULL;
}

bool selector_is_proto(const struct selector *sel)
{
	return sel->kind == SEL_FIELD &&
	       (sel->field == RS_F_L4PROTO || sel->field == RS_F_IP6_NEXTHDR);
}

void selector_suggest(struct suggest *s, const char *header)
{
	for (size_t i = 0; i < SELECTORS_LEN; i++) {
		if (strcmp(selectors[i].header, header) == 0) {
			suggest_consider(s, selectors[i].name);
		}
	}
}

void selector_print(struct text *t, const struct selector *sel)
{
	if (!sel->stands_alone) {
		text_add(t, "%s ", sel->header);
	}
	text_add(t, "%s", sel->name);
}

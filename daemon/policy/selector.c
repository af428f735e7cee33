/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fields of packets that rules can match. A new field needs a row here and an enum rs_field,
 * with how it is read, in finwall/ruleset_layout.h.
 */
#include "selector.h"
#include "suggest.h"

#include <inttypes.h>
#include <string.h>

#define HEADER_IP(name, type, field)                                                               \
	{                                                                                          \
		"ip", name, false, SEL_FIELD, type, 4, 0, PKT_REACH_IP, field, NULL, NULL          \
	}
#define HEADER_IP6(name, type, field)                                                              \
	{                                                                                          \
		"ip6", name, false, SEL_FIELD, type, 6, 0, PKT_REACH_IP, field, NULL, NULL         \
	}
/* A field of the transport header, which ends `end` bytes behind the header's beginning. */
#define TH(header, name, type, family, proto, end, field)                                          \
	{                                                                                          \
		header, name, false, SEL_FIELD, type, family, proto, PKT_REACH_PROTO + (end),      \
			field, NULL, NULL                                                          \
	}
#define SPORT(header, proto)          TH(header, "sport", &dtype_port, 0, proto, 2, RS_F_SPORT)
#define DPORT(header, proto)          TH(header, "dport", &dtype_port, 0, proto, 4, RS_F_DPORT)
#define ICMP4(name, type, end, field) TH("icmp", name, type, 4, IPPROTO_NR_ICMP, end, field)
#define ICMP6(name, type, end, field) TH("icmpv6", name, type, 6, IPPROTO_NR_ICMPV6, end, field)
#define META(name, alone, kind, type, depth, field)                                                \
	{                                                                                          \
		"meta", name, alone, kind, type, 0, 0, depth, field, NULL, NULL                    \
	}
#define CT(name, kind, type, field)                                                                \
	{                                                                                          \
		"ct", name, false, kind, type, 0, 0, PKT_REACH_NOTHING, field, NULL, NULL          \
	}

#define CT_ADDR(name, type, family, field)                                                         \
	{                                                                                          \
		"ct", name, false, SEL_FIELD, type, family, 0, PKT_REACH_NOTHING, field, NULL,     \
			NULL                                                                       \
	}
#define CT_ACCOUNT(name, what, dirs)                                                               \
	{                                                                                          \
		"ct", name, false, SEL_ACCOUNT, &dtype_number64, 0, 0, PKT_REACH_NOTHING,          \
			RS_F_NONE, NULL, (const uint8_t[])                                         \
		{                                                                                  \
			what, dirs                                                                 \
		}                                                                                  \
	}
#define BOTH_DIRS (RS_ACCOUNT_ORIG | RS_ACCOUNT_REPLY)

/* A field of some types of ICMP: nft tests the type, too. */
#define ICMP4_OF(name, type, end, types, field)                                                    \
	{                                                                                          \
		"icmp", name, false, SEL_FIELD, type, 4, IPPROTO_NR_ICMP, PKT_REACH_PROTO + (end), \
			field, NULL, types                                                         \
	}
#define ICMP6_OF(name, type, end, types, field)                                                    \
	{                                                                                          \
		"icmpv6", name, false, SEL_FIELD, type, 6, IPPROTO_NR_ICMPV6,                      \
			PKT_REACH_PROTO + (end), field, NULL, types                                \
	}

/* Extension headers of IPv6, which are searched for when a rule needs them. */
#define EXT(header, name, type, load)                                                              \
	{                                                                                          \
		header, name, false, SEL_FIELD, type, 6, 0, PKT_REACH_IP, RS_F_LOADED, load, NULL  \
	}
#define EXT_LOAD(number, first_bit, bits_len)                                                      \
	{                                                                                          \
		.kind = RS_LOAD_EXT, .seed = (number), .offset = (first_bit), .bits = (bits_len)   \
	}

#define EXT_HBH  0
#define EXT_RT   43
#define EXT_FRAG 44
#define EXT_DST  60
#define EXT_MH   135

static const struct load hbh_nexthdr = EXT_LOAD(EXT_HBH, 0, 8);
static const struct load hbh_hdrlength = EXT_LOAD(EXT_HBH, 8, 8);
static const struct load rt_nexthdr = EXT_LOAD(EXT_RT, 0, 8);
static const struct load rt_hdrlength = EXT_LOAD(EXT_RT, 8, 8);
static const struct load rt_type = EXT_LOAD(EXT_RT, 16, 8);
static const struct load rt_seg_left = EXT_LOAD(EXT_RT, 24, 8);
static const struct load frag_nexthdr = EXT_LOAD(EXT_FRAG, 0, 8);
static const struct load frag_reserved = EXT_LOAD(EXT_FRAG, 8, 8);
static const struct load frag_off = EXT_LOAD(EXT_FRAG, 16, 13);
static const struct load frag_reserved2 = EXT_LOAD(EXT_FRAG, 29, 2);
static const struct load frag_more = EXT_LOAD(EXT_FRAG, 31, 1);
static const struct load frag_id = EXT_LOAD(EXT_FRAG, 32, 32);
static const struct load dst_nexthdr = EXT_LOAD(EXT_DST, 0, 8);
static const struct load dst_hdrlength = EXT_LOAD(EXT_DST, 8, 8);
static const struct load mh_nexthdr = EXT_LOAD(EXT_MH, 0, 8);
static const struct load mh_hdrlength = EXT_LOAD(EXT_MH, 8, 8);
static const struct load mh_type = EXT_LOAD(EXT_MH, 16, 8);
static const struct load mh_reserved = EXT_LOAD(EXT_MH, 24, 8);
static const struct load mh_checksum = EXT_LOAD(EXT_MH, 32, 16);

static const struct load exists_hbh = { .kind = RS_LOAD_EXT_THERE, .seed = EXT_HBH };
static const struct load exists_rt = { .kind = RS_LOAD_EXT_THERE, .seed = EXT_RT };
static const struct load exists_frag = { .kind = RS_LOAD_EXT_THERE, .seed = EXT_FRAG };
static const struct load exists_dst = { .kind = RS_LOAD_EXT_THERE, .seed = EXT_DST };
static const struct load exists_mh = { .kind = RS_LOAD_EXT_THERE, .seed = EXT_MH };

/* A field that may stand without "meta", or not. */
#define META_LOADED_AS(name, is_alone, type, load)                                                 \
	{                                                                                          \
		"meta", name, is_alone, SEL_FIELD, type, 0, 0, PKT_REACH_NOTHING, RS_F_LOADED,     \
			load, NULL                                                                 \
	}
#define META_LOADED(name, type, load)       META_LOADED_AS(name, false, type, load)
#define META_ALONE_LOADED(name, type, load) META_LOADED_AS(name, true, type, load)

static const struct load load_uid = { .kind = RS_LOAD_UID, .bits = 32 };
static const struct load load_gid = { .kind = RS_LOAD_GID, .bits = 32 };

static const struct load load_time = { .kind = RS_LOAD_TIME, .bits = 32 };
static const struct load load_day = { .kind = RS_LOAD_DAY, .bits = 8 };
static const struct load load_hour = { .kind = RS_LOAD_HOUR, .bits = 32 };
static const struct load load_iiftype = { .kind = RS_LOAD_LINK, .offset = RS_LINK_IIFTYPE };
static const struct load load_oiftype = { .kind = RS_LOAD_LINK, .offset = RS_LINK_OIFTYPE };
static const struct load load_iifgroup = { .kind = RS_LOAD_LINK, .offset = RS_LINK_IIFGROUP };
static const struct load load_oifgroup = { .kind = RS_LOAD_LINK, .offset = RS_LINK_OIFGROUP };

static const uint8_t icmp_echo[] = { 2, 0, 8 };
static const uint8_t icmp_unreachable[] = { 1, 3 };
static const uint8_t icmp_redirect[] = { 1, 5 };
static const uint8_t icmp6_echo[] = { 2, 128, 129 };
static const uint8_t icmp6_too_big[] = { 1, 2 };
static const uint8_t icmp6_mld_query[] = { 1, 130 };

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
	TH("tcp", "checksum", &dtype_number16, 0, IPPROTO_NR_TCP, 18, RS_F_TH_16_16),
	TH("tcp", "urgptr", &dtype_number16, 0, IPPROTO_NR_TCP, 20, RS_F_TCP_URGPTR),
	SPORT("udp", IPPROTO_NR_UDP),
	DPORT("udp", IPPROTO_NR_UDP),
	TH("udp", "length", &dtype_number16, 0, IPPROTO_NR_UDP, 6, RS_F_UDP_LENGTH),
	TH("udp", "checksum", &dtype_number16, 0, IPPROTO_NR_UDP, 8, RS_F_TH_16_6),
	SPORT("udplite", IPPROTO_NR_UDPLITE),
	DPORT("udplite", IPPROTO_NR_UDPLITE),
	TH("udplite", "checksum", &dtype_number16, 0, IPPROTO_NR_UDPLITE, 8, RS_F_TH_16_6),
	SPORT("sctp", IPPROTO_NR_SCTP),
	DPORT("sctp", IPPROTO_NR_SCTP),
	TH("sctp", "vtag", &dtype_number32, 0, IPPROTO_NR_SCTP, 8, RS_F_TH_32_4),
	TH("sctp", "checksum", &dtype_number32, 0, IPPROTO_NR_SCTP, 12, RS_F_TH_32_8),
	SPORT("dccp", IPPROTO_NR_DCCP),
	DPORT("dccp", IPPROTO_NR_DCCP),
	TH("dccp", "type", &dtype_dccp_type, 0, IPPROTO_NR_DCCP, 9, RS_F_DCCP_TYPE),
	TH("esp", "spi", &dtype_number32, 0, IPPROTO_NR_ESP, 4, RS_F_TH_32_0),
	TH("esp", "sequence", &dtype_number32, 0, IPPROTO_NR_ESP, 8, RS_F_TH_32_4),
	TH("ah", "nexthdr", &dtype_proto, 0, IPPROTO_NR_AH, 1, RS_F_TH_8_0),
	TH("ah", "hdrlength", &dtype_number8, 0, IPPROTO_NR_AH, 2, RS_F_TH_8_1),
	TH("ah", "reserved", &dtype_number16, 0, IPPROTO_NR_AH, 4, RS_F_TH_16_2),
	TH("ah", "spi", &dtype_number32, 0, IPPROTO_NR_AH, 8, RS_F_TH_32_4),
	TH("ah", "sequence", &dtype_number32, 0, IPPROTO_NR_AH, 12, RS_F_TH_32_8),
	TH("comp", "nexthdr", &dtype_proto, 0, IPPROTO_NR_COMP, 1, RS_F_TH_8_0),
	TH("comp", "flags", &dtype_number8, 0, IPPROTO_NR_COMP, 2, RS_F_TH_8_1),
	TH("comp", "cpi", &dtype_number16, 0, IPPROTO_NR_COMP, 4, RS_F_TH_16_2),
	TH("igmp", "type", &dtype_igmp_type, 4, IPPROTO_NR_IGMP, 1, RS_F_TH_8_0),
	TH("igmp", "mrt", &dtype_number8, 4, IPPROTO_NR_IGMP, 2, RS_F_TH_8_1),
	TH("igmp", "checksum", &dtype_number16, 4, IPPROTO_NR_IGMP, 4, RS_F_TH_16_2),
	TH("igmp", "group", &dtype_ip4, 4, IPPROTO_NR_IGMP, 8, RS_F_TH_32_4),
	SPORT("th", 0),
	DPORT("th", 0),
	ICMP4("type", &dtype_icmp_type, 1, RS_F_ICMP_TYPE),
	ICMP4("code", &dtype_icmp_code, 2, RS_F_ICMP_CODE),
	ICMP4("checksum", &dtype_number16, 4, RS_F_TH_16_2),
	ICMP4_OF("id", &dtype_number16, 6, icmp_echo, RS_F_UDP_LENGTH),
	ICMP4_OF("sequence", &dtype_number16, 8, icmp_echo, RS_F_TH_16_6),
	ICMP4_OF("mtu", &dtype_number16, 8, icmp_unreachable, RS_F_TH_16_6),
	ICMP4_OF("gateway", &dtype_number32, 8, icmp_redirect, RS_F_TH_32_4),
	ICMP6("type", &dtype_icmp6_type, 1, RS_F_ICMP_TYPE),
	ICMP6("code", &dtype_icmp6_code, 2, RS_F_ICMP_CODE),
	ICMP6("checksum", &dtype_number16, 4, RS_F_TH_16_2),
	ICMP6_OF("id", &dtype_number16, 6, icmp6_echo, RS_F_UDP_LENGTH),
	ICMP6_OF("sequence", &dtype_number16, 8, icmp6_echo, RS_F_TH_16_6),
	ICMP6_OF("mtu", &dtype_number32, 8, icmp6_too_big, RS_F_TH_32_4),
	ICMP6("parameter-problem", &dtype_number32, 8, RS_F_TH_32_4),
	ICMP6_OF("max-delay", &dtype_number16, 6, icmp6_mld_query, RS_F_UDP_LENGTH),
	{ "ether", "saddr", false, SEL_FIELD, &dtype_ether, 0, 0, PKT_REACH_NOTHING,
	  RS_F_ETHER_SADDR, NULL, NULL },
	{ "ether", "type", false, SEL_NFPROTO, &dtype_ethertype, 0, 0, PKT_REACH_IP, RS_F_L4PROTO,
	  NULL, NULL },
	EXT("hbh", "nexthdr", &dtype_proto, &hbh_nexthdr),
	EXT("hbh", "hdrlength", &dtype_number8, &hbh_hdrlength),
	EXT("rt", "nexthdr", &dtype_proto, &rt_nexthdr),
	EXT("rt", "hdrlength", &dtype_number8, &rt_hdrlength),
	EXT("rt", "type", &dtype_number8, &rt_type),
	EXT("rt", "seg-left", &dtype_number8, &rt_seg_left),
	EXT("frag", "nexthdr", &dtype_proto, &frag_nexthdr),
	EXT("frag", "reserved", &dtype_number8, &frag_reserved),
	EXT("frag", "frag-off", &dtype_number13, &frag_off),
	EXT("frag", "reserved2", &dtype_number2, &frag_reserved2),
	EXT("frag", "more-fragments", &dtype_number1, &frag_more),
	EXT("frag", "id", &dtype_number32, &frag_id),
	EXT("dst", "nexthdr", &dtype_proto, &dst_nexthdr),
	EXT("dst", "hdrlength", &dtype_number8, &dst_hdrlength),
	EXT("mh", "nexthdr", &dtype_proto, &mh_nexthdr),
	EXT("mh", "hdrlength", &dtype_number8, &mh_hdrlength),
	EXT("mh", "type", &dtype_mh_type, &mh_type),
	EXT("mh", "reserved", &dtype_number8, &mh_reserved),
	EXT("mh", "checksum", &dtype_number16, &mh_checksum),
	EXT("exthdr", "hbh", &dtype_presence, &exists_hbh),
	EXT("exthdr", "rt", &dtype_presence, &exists_rt),
	EXT("exthdr", "frag", &dtype_presence, &exists_frag),
	EXT("exthdr", "dst", &dtype_presence, &exists_dst),
	EXT("exthdr", "mh", &dtype_presence, &exists_mh),
	META_LOADED("time", &dtype_time, &load_time),
	META_LOADED("day", &dtype_day, &load_day),
	META_LOADED("hour", &dtype_hour, &load_hour),
	META_LOADED("iiftype", &dtype_link_type, &load_iiftype),
	META_LOADED("oiftype", &dtype_link_type, &load_oiftype),
	META_ALONE_LOADED("iifgroup", &dtype_link_group, &load_iifgroup),
	META_ALONE_LOADED("oifgroup", &dtype_link_group, &load_oifgroup),
	META_LOADED("skuid", &dtype_uid, &load_uid),
	META_LOADED("skgid", &dtype_gid, &load_gid),
	META("pkttype", false, SEL_FIELD, &dtype_pkttype, PKT_REACH_IP, RS_F_PKTTYPE),
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
	CT("status", SEL_FIELD, &dtype_ct_status, RS_F_CT_STATUS),
	CT("direction", SEL_FIELD, &dtype_ct_dir, RS_F_DIR),
	CT("count", SEL_CT_COUNT, &dtype_length, RS_F_DIR),
	CT("mark", SEL_FIELD, &dtype_mark, RS_F_CT_MARK),
	CT("zone", SEL_FIELD, &dtype_number16, RS_F_CT_ZONE),
	CT("expiration", SEL_FIELD, &dtype_duration, RS_F_CT_EXPIRATION),
	CT("l3proto", SEL_FIELD, &dtype_nfproto, RS_F_CT_L3PROTO),
	CT("protocol", SEL_FIELD, &dtype_proto, RS_F_CT_PROTOCOL),
	CT_ADDR("original ip saddr", &dtype_ip4, 4, RS_F_CT_ORIG_SADDR),
	CT_ADDR("original ip daddr", &dtype_ip4, 4, RS_F_CT_ORIG_DADDR),
	CT_ADDR("original ip6 saddr", &dtype_ip6, 6, RS_F_CT_ORIG_SADDR),
	CT_ADDR("original ip6 daddr", &dtype_ip6, 6, RS_F_CT_ORIG_DADDR),
	CT("original proto-src", SEL_FIELD, &dtype_port, RS_F_CT_ORIG_SRC),
	CT("original proto-dst", SEL_FIELD, &dtype_port, RS_F_CT_ORIG_DST),
	CT_ADDR("reply ip saddr", &dtype_ip4, 4, RS_F_CT_REPLY_SADDR),
	CT_ADDR("reply ip daddr", &dtype_ip4, 4, RS_F_CT_REPLY_DADDR),
	CT_ADDR("reply ip6 saddr", &dtype_ip6, 6, RS_F_CT_REPLY_SADDR),
	CT_ADDR("reply ip6 daddr", &dtype_ip6, 6, RS_F_CT_REPLY_DADDR),
	CT("reply proto-src", SEL_FIELD, &dtype_port, RS_F_CT_REPLY_SRC),
	CT("reply proto-dst", SEL_FIELD, &dtype_port, RS_F_CT_REPLY_DST),
	CT("original zone", SEL_FIELD, &dtype_number16, RS_F_CT_ZONE),
	CT("reply zone", SEL_FIELD, &dtype_number16, RS_F_CT_ZONE),
	CT_ACCOUNT("packets", RS_ACCOUNT_PACKETS, BOTH_DIRS),
	CT_ACCOUNT("bytes", RS_ACCOUNT_BYTES, BOTH_DIRS),
	CT_ACCOUNT("avgpkt", RS_ACCOUNT_AVGPKT, BOTH_DIRS),
	CT_ACCOUNT("original packets", RS_ACCOUNT_PACKETS, RS_ACCOUNT_ORIG),
	CT_ACCOUNT("original bytes", RS_ACCOUNT_BYTES, RS_ACCOUNT_ORIG),
	CT_ACCOUNT("original avgpkt", RS_ACCOUNT_AVGPKT, RS_ACCOUNT_ORIG),
	CT_ACCOUNT("reply packets", RS_ACCOUNT_PACKETS, RS_ACCOUNT_REPLY),
	CT_ACCOUNT("reply bytes", RS_ACCOUNT_BYTES, RS_ACCOUNT_REPLY),
	CT_ACCOUNT("reply avgpkt", RS_ACCOUNT_AVGPKT, RS_ACCOUNT_REPLY),
	CT("tracking", SEL_TRACKING, &dtype_number8, RS_F_NONE),
};

const struct selector selector_constant = {
	.header = "",
	.name = "a constant",
	.stands_alone = true,
	.kind = SEL_FIELD,
	.type = &dtype_any,
	.reach = PKT_REACH_NOTHING,
	.field = RS_F_NONE,
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

bool selector_is_ct(const struct selector *sel)
{
	return (sel->kind == SEL_FIELD || sel->kind == SEL_ACCOUNT) &&
	       strcmp(sel->header, "ct") == 0;
}

uint32_t selector_ct_uses(const struct selector *sel)
{
	uint32_t uses = 0;

	if (sel->kind == SEL_CONCAT) {
		for (unsigned i = 0; i < sel->type->parts_len; i++) {
			uses |= selector_ct_uses(selector_part(sel, i));
		}
		return uses;
	}
	if (sel->kind == SEL_ACCOUNT) {
		return RULE_USES_CT | RULE_USES_CT_ACCOUNT;
	}
	/* the others need no connection table */
	return selector_is_ct(sel) && sel->field != RS_F_DIR && sel->field != RS_F_CT_STATUS
	               ? RULE_USES_CT
	               : 0;
}

void selector_suggest(struct suggest *s, const char *header)
{
	for (size_t i = 0; i < SELECTORS_LEN; i++) {
		if (strcmp(selectors[i].header, header) == 0) {
			suggest_consider(s, selectors[i].name);
		}
	}
}

/* "fib daddr . iif", in the order of nft. */
static void print_fib(struct text *t, uint32_t flags)
{
	static const struct symbol words[] = { { "saddr", RS_FIB_SADDR },
		                               { "daddr", RS_FIB_DADDR },
		                               { "mark", RS_FIB_MARK },
		                               { "iif", RS_FIB_IIF },
		                               { "oif", RS_FIB_OIF } };
	const char *between = "fib ";

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if ((flags & words[i].value) != 0) {
			text_add(t, "%s%s", between, words[i].word);
			between = " . ";
		}
	}
}

static void print_load(struct text *t, const struct load *l)
{
	const char *between = "jhash ";

	switch (l->kind) {
	case RS_LOAD_FIB_TYPE:
	case RS_LOAD_FIB_OIF:
		print_fib(t, l->offset);
		return;
	case RS_LOAD_NH:
	case RS_LOAD_TH:
		text_add(t, "@%s,%u,%u", l->kind == RS_LOAD_NH ? "nh" : "th", l->offset, l->bits);
		return;
	case RS_LOAD_INC:
	case RS_LOAD_RANDOM:
		text_add(t, "numgen %s", l->kind == RS_LOAD_INC ? "inc" : "random");
		break;
	default:
		for (unsigned i = 0; i < l->fields_len; i++) {
			text_add(t, "%s", between);
			selector_print(t, l->field[i]);
			between = " . ";
		}
		break;
	}
	text_add(t, " mod %" PRIu32, l->mod);
	if (l->has_seed) {
		text_add(t, " seed 0x%" PRIx32, l->seed);
	}
	if (l->plus != 0) {
		text_add(t, " offset %" PRIu32, l->plus);
	}
}

/* The others have a name, as fields have. */
static bool has_own_text(enum rs_load_kind kind)
{
	switch (kind) {
	case RS_LOAD_NH:
	case RS_LOAD_TH:
	case RS_LOAD_INC:
	case RS_LOAD_RANDOM:
	case RS_LOAD_HASH:
	case RS_LOAD_FIB_TYPE:
	case RS_LOAD_FIB_OIF:
		return true;
	default:
		return false;
	}
}

void selector_print(struct text *t, const struct selector *sel)
{
	if (sel->load != NULL && has_own_text((enum rs_load_kind)sel->load->kind)) {
		print_load(t, sel->load);
		if (strcmp(sel->header, "fib") == 0) {
			text_add(t, " %s", sel->name);
		}
		return;
	}
	if (!sel->stands_alone) {
		text_add(t, "%s ", sel->header);
	}
	text_add(t, "%s", sel->name);
}

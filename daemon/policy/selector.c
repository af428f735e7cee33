/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fields of packets that rules can match. A new field needs a row here, an enum rs_field and a
 * case in daemon/core/ruleset.c.
 */
#include "selector.h"

#include <string.h>

#define HEADER_IP(name, type, field)                                                               \
	{                                                                                          \
		"ip", name, false, SEL_FIELD, type, 4, 0, PKT_IP, field                            \
	}
#define HEADER_IP6(name, type, field)                                                              \
	{                                                                                          \
		"ip6", name, false, SEL_FIELD, type, 6, 0, PKT_IP, field                           \
	}
#define PORT(header, name, proto, field)                                                           \
	{                                                                                          \
		header, name, false, SEL_FIELD, &dtype_port, 0, proto, PKT_PORTS, field            \
	}
#define ICMP4(name, type, field)                                                                   \
	{                                                                                          \
		"icmp", name, false, SEL_FIELD, type, 4, IPPROTO_NR_ICMP, PKT_PORTS, field         \
	}
#define ICMP6(name, type, field)                                                                   \
	{                                                                                          \
		"icmpv6", name, false, SEL_FIELD, type, 6, IPPROTO_NR_ICMPV6, PKT_PORTS, field     \
	}
#define META(name, alone, kind, type, depth, field)                                                \
	{                                                                                          \
		"meta", name, alone, kind, type, 0, 0, depth, field                                \
	}
#define CT(name, kind, type, field)                                                                \
	{                                                                                          \
		"ct", name, false, kind, type, 0, 0, PKT_NOTHING, field                            \
	}

static const struct selector selectors[] = {
	HEADER_IP("saddr", &dtype_ip4, RS_F_SADDR),
	HEADER_IP("daddr", &dtype_ip4, RS_F_DADDR),
	HEADER_IP("protocol", &dtype_proto, RS_F_L4PROTO),
	HEADER_IP("ttl", &dtype_ttl, RS_F_TTL),
	HEADER_IP6("saddr", &dtype_ip6, RS_F_SADDR),
	HEADER_IP6("daddr", &dtype_ip6, RS_F_DADDR),
	HEADER_IP6("hoplimit", &dtype_ttl, RS_F_TTL),
	PORT("tcp", "sport", IPPROTO_NR_TCP, RS_F_SPORT),
	PORT("tcp", "dport", IPPROTO_NR_TCP, RS_F_DPORT),
	{ "tcp", "flags", false, SEL_FIELD, &dtype_tcp_flags, 0, IPPROTO_NR_TCP, PKT_FULL,
	  RS_F_TCP_FLAGS },
	PORT("udp", "sport", IPPROTO_NR_UDP, RS_F_SPORT),
	PORT("udp", "dport", IPPROTO_NR_UDP, RS_F_DPORT),
	PORT("th", "sport", PROTO_WITH_PORTS, RS_F_SPORT),
	PORT("th", "dport", PROTO_WITH_PORTS, RS_F_DPORT),
	ICMP4("type", &dtype_icmp_type, RS_F_ICMP_TYPE),
	ICMP4("code", &dtype_icmp_code, RS_F_ICMP_CODE),
	ICMP6("type", &dtype_icmp6_type, RS_F_ICMP_TYPE),
	ICMP6("code", &dtype_icmp6_code, RS_F_ICMP_CODE),
	META("l4proto", false, SEL_FIELD, &dtype_proto, PKT_IP, RS_F_L4PROTO),
	META("nfproto", false, SEL_NFPROTO, &dtype_nfproto, PKT_IP, RS_F_L4PROTO),
	META("mark", false, SEL_FIELD, &dtype_mark, PKT_NOTHING, RS_F_MARK),
	META("length", false, SEL_FIELD, &dtype_length, PKT_NOTHING, RS_F_LENGTH),
	META("iif", true, SEL_IFACE, &dtype_ifname, PKT_NOTHING, RS_F_IIF),
	META("iifname", true, SEL_IFACE, &dtype_ifname, PKT_NOTHING, RS_F_IIF),
	META("oif", true, SEL_IFACE, &dtype_ifname, PKT_NOTHING, RS_F_OIF),
	META("oifname", true, SEL_IFACE, &dtype_ifname, PKT_NOTHING, RS_F_OIF),
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

const char *selector_names(struct arena *a, const char *header)
{
	struct text t = { .arena = a };
	const char *between = "";

	for (size_t i = 0; i < SELECTORS_LEN; i++) {
		if (strcmp(selectors[i].header, header) == 0) {
			text_add(&t, "%s%s", between, selectors[i].name);
			between = ", ";
		}
	}
	return t.at;
}

void selector_print(struct text *t, const struct selector *sel)
{
	if (!sel->stands_alone) {
		text_add(t, "%s ", sel->header);
	}
	text_add(t, "%s", sel->name);
}

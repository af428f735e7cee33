/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of names, as iptables-extensions(8) lists them.
 */
#include "iptables/names.h"

#include "iptables/rule.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>
#include <strings.h>

/* Largest type and code; iptables uses the largest IPv4 type for "any". */
#define ICMP_MAX  255u
#define ICMP4_ANY 255u

#define PROTO_MAX 255u

static const struct {
	const char *name;
	int number;
} protos[] = {
	{ "all", 0 },         { "icmp", PROTO_ICMP },
	{ "igmp", 2 },        { "ipencap", 4 },
	{ "tcp", PROTO_TCP }, { "udp", PROTO_UDP },
	{ "dccp", 33 },       { "ipv6", 41 },
	{ "gre", 47 },        { "esp", 50 },
	{ "ah", 51 },         { "icmpv6", PROTO_ICMPV6 },
	{ "ospf", 89 },       { "ipv6-icmp", PROTO_ICMPV6 },
	{ "ipip", 94 },       { "pim", 103 },
	{ "vrrp", 112 },      { "l2tp", 115 },
	{ "sctp", 132 },      { "mh", 135 },
	{ "ipv6-mh", 135 },   { "udplite", 136 },
};

struct icmp_row {
	const char *name;
	int type;
	int code;
};

static const struct icmp_row icmp4_rows[] = {
	{ "any", -1, -1 },
	{ "echo-reply", 0, -1 },
	{ "pong", 0, -1 },
	{ "destination-unreachable", 3, -1 },
	{ "network-unreachable", 3, 0 },
	{ "host-unreachable", 3, 1 },
	{ "protocol-unreachable", 3, 2 },
	{ "port-unreachable", 3, 3 },
	{ "fragmentation-needed", 3, 4 },
	{ "source-route-failed", 3, 5 },
	{ "network-unknown", 3, 6 },
	{ "host-unknown", 3, 7 },
	{ "network-prohibited", 3, 9 },
	{ "host-prohibited", 3, 10 },
	{ "TOS-network-unreachable", 3, 11 },
	{ "TOS-host-unreachable", 3, 12 },
	{ "communication-prohibited", 3, 13 },
	{ "host-precedence-violation", 3, 14 },
	{ "precedence-cutoff", 3, 15 },
	{ "source-quench", 4, -1 },
	{ "redirect", 5, -1 },
	{ "network-redirect", 5, 0 },
	{ "host-redirect", 5, 1 },
	{ "TOS-network-redirect", 5, 2 },
	{ "TOS-host-redirect", 5, 3 },
	{ "echo-request", 8, -1 },
	{ "ping", 8, -1 },
	{ "router-advertisement", 9, -1 },
	{ "router-solicitation", 10, -1 },
	{ "time-exceeded", 11, -1 },
	{ "ttl-exceeded", 11, -1 },
	{ "ttl-zero-during-transit", 11, 0 },
	{ "ttl-zero-during-reassembly", 11, 1 },
	{ "parameter-problem", 12, -1 },
	{ "ip-header-bad", 12, 0 },
	{ "required-option-missing", 12, 1 },
	{ "timestamp-request", 13, -1 },
	{ "timestamp-reply", 14, -1 },
	{ "address-mask-request", 17, -1 },
	{ "address-mask-reply", 18, -1 },
	{ NULL, 0, 0 },
};

static const struct icmp_row icmp6_rows[] = {
	{ "destination-unreachable", 1, -1 },
	{ "no-route", 1, 0 },
	{ "communication-prohibited", 1, 1 },
	{ "beyond-scope", 1, 2 },
	{ "address-unreachable", 1, 3 },
	{ "port-unreachable", 1, 4 },
	{ "failed-policy", 1, 5 },
	{ "reject-route", 1, 6 },
	{ "packet-too-big", 2, -1 },
	{ "time-exceeded", 3, -1 },
	{ "ttl-exceeded", 3, -1 },
	{ "ttl-zero-during-transit", 3, 0 },
	{ "ttl-zero-during-reassembly", 3, 1 },
	{ "parameter-problem", 4, -1 },
	{ "bad-header", 4, 0 },
	{ "unknown-header-type", 4, 1 },
	{ "unknown-option", 4, 2 },
	{ "echo-request", 128, -1 },
	{ "ping", 128, -1 },
	{ "echo-reply", 129, -1 },
	{ "pong", 129, -1 },
	{ "router-solicitation", 133, -1 },
	{ "router-advertisement", 134, -1 },
	{ "neighbour-solicitation", 135, -1 },
	{ "neighbor-solicitation", 135, -1 },
	{ "neighbour-advertisement", 136, -1 },
	{ "neighbor-advertisement", 136, -1 },
	{ "redirect", 137, -1 },
	{ NULL, 0, 0 },
};

static const struct convert_reject rejects4[] = {
	{ "icmp-port-unreachable", "icmp port-unreachable", "icmpx port-unreachable" },
	{ "port-unreach", "icmp port-unreachable", "icmpx port-unreachable" },
	{ "icmp-net-unreachable", "icmp net-unreachable", NULL },
	{ "net-unreach", "icmp net-unreachable", NULL },
	{ "icmp-host-unreachable", "icmp host-unreachable", NULL },
	{ "host-unreach", "icmp host-unreachable", NULL },
	{ "icmp-net-prohibited", "icmp net-prohibited", NULL },
	{ "net-prohib", "icmp net-prohibited", NULL },
	{ "icmp-host-prohibited", "icmp host-prohibited", NULL },
	{ "host-prohib", "icmp host-prohibited", NULL },
	{ "icmp-admin-prohibited", "icmp admin-prohibited", "icmpx admin-prohibited" },
	{ "admin-prohib", "icmp admin-prohibited", "icmpx admin-prohibited" },
	{ "icmp-proto-unreachable", "icmp prot-unreachable", NULL },
	{ "proto-unreach", "icmp prot-unreachable", NULL },
	{ "tcp-reset", "tcp reset", "tcp reset" },
	{ "tcp-rst", "tcp reset", "tcp reset" },
	{ NULL, NULL, NULL },
};

static const struct convert_reject rejects6[] = {
	{ "icmp6-port-unreachable", "icmpv6 port-unreachable", "icmpx port-unreachable" },
	{ "port-unreach", "icmpv6 port-unreachable", "icmpx port-unreachable" },
	{ "icmp6-no-route", "icmpv6 no-route", NULL },
	{ "no-route", "icmpv6 no-route", NULL },
	{ "icmp6-adm-prohibited", "icmpv6 admin-prohibited", "icmpx admin-prohibited" },
	{ "adm-prohibited", "icmpv6 admin-prohibited", "icmpx admin-prohibited" },
	{ "icmp6-addr-unreachable", "icmpv6 addr-unreachable", NULL },
	{ "addr-unreach", "icmpv6 addr-unreachable", NULL },
	{ "icmp6-policy-fail", "icmpv6 policy-fail", NULL },
	{ "policy-fail", "icmpv6 policy-fail", NULL },
	{ "icmp6-reject-route", "icmpv6 reject-route", NULL },
	{ "reject-route", "icmpv6 reject-route", NULL },
	{ "tcp-reset", "tcp reset", "tcp reset" },
	{ "tcp-rst", "tcp reset", "tcp reset" },
	{ NULL, NULL, NULL },
};

/* iptables also accepts the numbers of syslog, and aliases. */
static const struct {
	const char *name;
	const char *level;
} levels[] = {
	{ "0", "emerg" },       { "1", "alert" },     { "2", "crit" },      { "3", "err" },
	{ "4", "warn" },        { "5", "notice" },    { "6", "info" },      { "7", "debug" },
	{ "emerg", "emerg" },   { "panic", "emerg" }, { "alert", "alert" }, { "crit", "crit" },
	{ "err", "err" },       { "error", "err" },   { "warn", "warn" },   { "warning", "warn" },
	{ "notice", "notice" }, { "info", "info" },   { "debug", "debug" },
};

int convert_proto(const char *name)
{
	uint32_t number;

	if (convert_number(name, PROTO_MAX, &number)) {
		return (int)number;
	}
	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
		if (strcasecmp(protos[i].name, name) == 0) {
			return protos[i].number;
		}
	}
	return -1;
}

bool convert_proto_has_ports(int proto)
{
	return proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_DCCP ||
	       proto == PROTO_SCTP || proto == PROTO_UDPLITE;
}

bool convert_port(const char *name, uint32_t *out)
{
	const struct servent *s;

	if (convert_number(name, UINT16_MAX, out)) {
		return true;
	}
	s = *name != '\0' ? getservbyname(name, NULL) : NULL;
	if (s == NULL) {
		return false;
	}
	*out = ntohs((uint16_t)s->s_port);
	return true;
}

bool convert_icmp_type(enum convert_family family, const char *text, struct convert_icmp *out)
{
	const struct icmp_row *row = family == CONVERT_IP ? icmp4_rows : icmp6_rows;
	const char *slash = strchr(text, '/');
	uint32_t type;
	uint32_t code;

	for (; row->name != NULL; row++) {
		if (strcasecmp(row->name, text) == 0) {
			*out = (struct convert_icmp){ row->type, row->code };
			return true;
		}
	}
	if (slash == NULL) {
		if (!convert_number(text, ICMP_MAX, &type)) {
			return false;
		}
		*out = (struct convert_icmp){ family == CONVERT_IP && type == ICMP4_ANY ? -1
			                                                                : (int)type,
			                      CONVERT_CODE_ANY };
		return true;
	}
	if (!convert_number_n(text, (size_t)(slash - text), ICMP_MAX, &type) ||
	    !convert_number(slash + 1, ICMP_MAX, &code)) {
		return false;
	}
	*out = (struct convert_icmp){ (int)type, (int)code };
	return true;
}

const char *convert_icmp_name(enum convert_family family, int type)
{
	static const char *const names[CONVERT_FAMILIES_LEN][256] = {
		[CONVERT_IP] = {
			[0] = "echo-reply",
			[3] = "destination-unreachable",
			[5] = "redirect",
			[8] = "echo-request",
			[11] = "time-exceeded",
			[12] = "parameter-problem",
		},
		[CONVERT_IP6] = {
			[1] = "destination-unreachable",
			[2] = "packet-too-big",
			[3] = "time-exceeded",
			[4] = "parameter-problem",
			[128] = "echo-request",
			[129] = "echo-reply",
			[133] = "nd-router-solicit",
			[134] = "nd-router-advert",
			[135] = "nd-neighbor-solicit",
			[136] = "nd-neighbor-advert",
		},
	};

	return names[family][type];
}

const char *convert_log_level(const char *text)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcasecmp(levels[i].name, text) == 0) {
			return levels[i].level;
		}
	}
	return NULL;
}

const struct convert_reject *convert_reject_find(enum convert_family family, const char *name)
{
	const struct convert_reject *row = family == CONVERT_IP ? rejects4 : rejects6;

	if (name == NULL) {
		return row;
	}
	for (; row->name != NULL; row++) {
		if (strcmp(row->name, name) == 0) {
			return row;
		}
	}
	return NULL;
}

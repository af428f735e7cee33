/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names in iptables: protocols, ICMP types, ports, log levels, reject types.
 */
#ifndef FINWALL_CLI_IPTABLES_NAMES_H
#define FINWALL_CLI_IPTABLES_NAMES_H

#include "iptables/convert.h"

enum {
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_DCCP = 33,
	PROTO_ICMPV6 = 58,
	PROTO_SCTP = 132,
	PROTO_UDPLITE = 136,
};

/* Number of a protocol by name or digits, 0 for all, -1 when unknown. */
int convert_proto(const char *name);

/* True for protocols whose header begins with the ports. */
bool convert_proto_has_ports(int proto);

/* A port's number by name or digits; false when unknown. */
bool convert_port(const char *name, uint32_t *out);

#define CONVERT_CODE_ANY (-1)

struct convert_icmp {
	int type; /* -1 = any */
	int code; /* CONVERT_CODE_ANY */
};

/* "echo-request", "8", "3/4"; false when unknown. */
bool convert_icmp_type(enum convert_family family, const char *text, struct convert_icmp *out);

/* The name of a type in the configuration language, NULL if it has none. */
const char *convert_icmp_name(enum convert_family family, int type);

/* The name of a log level in the configuration language, NULL when unknown. */
const char *convert_log_level(const char *text);

struct convert_reject {
	const char *name;
	const char *text; /* in the configuration language; NULL: no equivalent */
	const char *inet; /* in a table inet; NULL: for one family only */
};

/* Finds a reject type; name NULL = the default. Returns NULL when unknown. */
const struct convert_reject *convert_reject_find(enum convert_family family, const char *name);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that iptables knows: protocols, ICMP types, ports, levels, ways to reject.
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

/* True for the protocols that have ports at the same place. */
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

/* The language's name of a type that people write by name, NULL for others. */
const char *convert_icmp_name(enum convert_family family, int type);

/* The language's name of a level, NULL when unknown. */
const char *convert_log_level(const char *text);

struct convert_reject {
	const char *name;
	const char *said; /* NULL: the language has nothing near it */
	const char *inet; /* in a table inet; NULL where only one family can be told so */
	bool is_near;     /* said is not quite the same */
};

/* A way to reject; name NULL = the default. NULL when unknown. */
const struct convert_reject *convert_reject_find(enum convert_family family, const char *name);

#endif

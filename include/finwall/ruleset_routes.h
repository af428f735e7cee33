/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout of a snapshot of the kernel's routes and links, for `fib`, `iiftype` and the like. It
 * is never changed once it is in use: a change of the kernel's tables makes a new snapshot.
 * daemon/sets/routes.c builds it, the evaluator (daemon/core/ruleset_routes.c) searches it.
 *
 * The prefixes of a table divide the addresses into intervals. Each interval names its first route:
 * that of the longest prefix and of those the one that the kernel prefers. `next` of a route is the
 * next one to try: of the same prefix, then of the prefix around it. So a look-up is one binary
 * search, and a few steps where a route does not fit the packet.
 */
#ifndef FINWALL_RULESET_ROUTES_H
#define FINWALL_RULESET_ROUTES_H

#include <finwall/u128.h>

#include <stdint.h>

/* Types of routes and of addresses: RTN_* of the kernel. */
enum rs_route_type {
	RS_ROUTE_UNSPEC,
	RS_ROUTE_UNICAST,
	RS_ROUTE_LOCAL,
	RS_ROUTE_BROADCAST,
	RS_ROUTE_ANYCAST,
	RS_ROUTE_MULTICAST,
	RS_ROUTE_BLACKHOLE,
	RS_ROUTE_UNREACHABLE,
	RS_ROUTE_PROHIBIT,
	RS_ROUTE_THROW,
};

#define RS_ROUTE_NONE UINT32_MAX

struct rs_route {
	uint32_t dev;     /* of the first next hop, 0 = none */
	uint32_t devs_at; /* the other next hops, in rs_routes.dev */
	uint16_t devs_len;
	uint8_t type; /* enum rs_route_type */
	uint8_t prefix_len;
	uint8_t tos; /* of IPv4; 0 = any */
	uint8_t has_gateway : 1;
	uint8_t is_address : 1; /* the kernel made it of an address of an interface */
	uint32_t next;          /* RS_ROUTE_NONE = no other */
};

/* Interval i begins at its lower end; the first one at 0. */
struct rs_route_table {
	const uint32_t *lo32;
	const struct u128 *lo128;
	const uint32_t *first; /* the first route of each interval, RS_ROUTE_NONE = none */
	uint32_t len;          /* intervals, > 0 */
};

enum rs_route_action {
	RS_ROUTE_LOOKUP,
	RS_ROUTE_GOTO,
	RS_ROUTE_NOP,
	RS_ROUTE_FAIL, /* blackhole, unreachable, prohibit: the type is in `fail` */
};

/* A rule of the policy routing, in the order of priorities. */
struct rs_route_rule {
	struct u128 from, from_mask;
	struct u128 to, to_mask;
	uint32_t iif; /* UINT32_MAX = an interface that does not exist; 0 = any */
	uint32_t oif;
	uint32_t mark, mark_mask;
	uint32_t table;              /* its number in rs_routes.table, or RS_ROUTE_NONE */
	uint32_t go_to;              /* number of a rule */
	int16_t suppress_prefix_len; /* routes of at most this length do not count; -1 = all do */
	uint8_t action;
	uint8_t fail; /* enum rs_route_type */
	uint8_t tos;  /* 0 = any */
	uint8_t is_inverted;
};

struct rs_route_family {
	const struct rs_route_rule *rule;
	const struct rs_route_table *table;
	uint32_t rules_len;
	uint32_t local; /* the number of table local, or RS_ROUTE_NONE */
};

struct rs_link {
	uint32_t ifindex;
	uint32_t type; /* ARPHRD_* */
	uint32_t group;
};

struct rs_routes {
	struct rs_route_family ip4;
	struct rs_route_family ip6;
	const struct rs_route *route;
	const uint32_t *dev;
	const struct rs_link *link; /* by ifindex */
	uint32_t links_len;
};

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's routes and policy routing rules as they were read (struct route_dump), and the
 * snapshot of them that rules search (finwall/ruleset_routes.h).
 */
#ifndef FINWALL_ROUTES_H
#define FINWALL_ROUTES_H

#include <finwall/ruleset_routes.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers of tables: RT_TABLE_* of the kernel. */
#define ROUTE_TABLE_DEFAULT 253u
#define ROUTE_TABLE_MAIN    254u
#define ROUTE_TABLE_LOCAL   255u

struct route_line {
	struct u128 dst;
	uint32_t table;
	uint32_t metric;
	uint32_t devs_at; /* in route_dump.dev */
	uint32_t devs_len;
	uint8_t family; /* 4 or 6 */
	uint8_t type;   /* enum rs_route_type */
	uint8_t prefix_len;
	uint8_t tos;
	bool has_gateway;
	bool is_address;
};

struct route_rule_line {
	struct rs_route_rule rule; /* but for table and go_to */
	uint32_t priority;
	uint32_t table;
	uint32_t go_to; /* a priority */
	uint8_t family;
};

/* Zeroed at first. Lines are in the order of the kernel. */
struct route_dump {
	struct route_line *route;
	size_t routes_len;
	size_t routes_size;
	struct route_rule_line *rule;
	size_t rules_len;
	size_t rules_size;
	uint32_t *dev;
	size_t devs_len;
	size_t devs_size;
	struct rs_link *link;
	size_t links_len;
	size_t links_size;
	/* Rules that select by what a snapshot cannot know, such as a user; they are left out. */
	uint32_t unknown_rules;
	uint32_t unknown_priority; /* of the first of them */
	bool is_incomplete;        /* memory ran out */
};

void route_dump_fini(struct route_dump *d);

/* What a ruleset reads. */
#define ROUTES_IP4_LOCAL 0x1u /* table local */
#define ROUTES_IP4       0x2u /* all tables, and the policy routing rules */
#define ROUTES_IP6       0x4u
#define ROUTES_LINKS     0x8u

/* Makes a snapshot. Returns NULL if memory runs out. */
struct rs_routes *routes_new(const struct route_dump *d);
void routes_free(struct rs_routes *r);

#endif

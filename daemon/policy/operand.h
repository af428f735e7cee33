/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The compiler's first step: each match, limit and log of the text becomes an operand, once,
 * however many lists its rule ends up in. What operands point into is gathered in pools.
 */
#ifndef FINWALL_POLICY_OPERAND_H
#define FINWALL_POLICY_OPERAND_H

#include "selector.h"
#include "tree.h"

#include "core/ruleset_code.h"

struct operand {
	enum rs_op op;
	bool is_negated;
	uint32_t a;
	uint32_t b;
	uint32_t statics; /* ct state, nfproto: the states or rs_families that match, as bits */
};

/* A set of intervals in a pool. */
struct pool_set {
	uint32_t at;
	uint32_t len;
};

/* What a struct rs_bucket starts with; see there. */
struct pool_bucket {
	uint64_t interval_ns;
	uint64_t slack_ns;
};

struct pools {
	struct arena *arena;
	struct vec lo32, hi32, set32;    /* uint32_t, uint32_t, struct pool_set */
	struct vec lo128, hi128, set128; /* struct rs_u128 ..., struct pool_set */
	struct vec sets;                 /* struct live_set *, a reference each */
	struct vec bitmap;               /* uint64_t */
	struct vec buckets;              /* struct pool_bucket */
	struct vec logs;                 /* struct rs_log, prefixes in the configuration */
	struct operand *of_set;          /* by set->nr */
	uint8_t *has_set;                /* of_set[nr] was made */
	uint32_t with_ports;             /* bitmap of the protocols that have ports, plus one */
};

void pools_init(struct pools *p, struct arena *a, uint32_t sets_len);

/* Gives the references up that the ruleset does not take over. */
void pools_fini(struct pools *p);

/* Makes the operand of a statement of kind match, limit or log. */
struct operand operand_make(struct pools *p, const struct config *c, const struct stmt *s);

/* The bitmap of protocols that `th` stands for. */
uint32_t pools_with_ports(struct pools *p);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The compiler's first step: each match, limit and log of the text becomes an operand, once,
 * however many lists its rule ends up in. What operands point into is gathered in pools.
 */
#ifndef FINWALL_POLICY_OPERAND_H
#define FINWALL_POLICY_OPERAND_H

#include "selector.h"
#include "tree.h"

#include <finwall/ruleset_layout.h>

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

/* A struct rs_map whose parts are still offsets; see there. */
struct pool_map {
	enum rs_map_form form;
	uint32_t at;      /* of its intervals in lo32 and hi32, or lo128 and hi128 of the maps */
	uint32_t len;     /* of them */
	uint32_t nr_at;   /* of its numbers */
	uint32_t data_at; /* of its data */
	uint32_t mask;
	uint32_t other_nr;
	uint64_t patterns;
};

/* What maps point into, apart from sets. */
struct map_pools {
	struct vec lo32, hi32, nr, data; /* uint32_t */
	struct vec lo128, hi128;         /* struct u128 */
	struct vec maps;                 /* struct pool_map */
	uint32_t *of_map;                /* by map->head.nr: maps[] of its unmasked use, plus one */
};

struct pools {
	struct arena *arena;
	struct vec lo32, hi32, set32;    /* uint32_t, uint32_t, struct pool_set */
	struct vec lo128, hi128, set128; /* struct u128 ..., struct pool_set */
	struct vec sets;                 /* struct live_set *, a reference each */
	struct vec bitmap;               /* uint64_t */
	struct vec buckets;              /* struct pool_bucket */
	struct vec logs;                 /* struct rs_log, prefixes in the configuration */
	struct vec counts;               /* struct rs_count_limit */
	struct map_pools maps;
	struct operand *of_set; /* by set->nr */
	uint8_t *has_set;       /* of_set[nr] was made */
	uint32_t with_ports;    /* bitmap of the protocols that have ports, plus one */
};

void pools_init(struct pools *p, struct arena *a, const struct config *c);

/* Gives the references up that the ruleset does not take over. */
void pools_fini(struct pools *p);

/* Makes the operand of a statement of kind match, limit or log. */
struct operand operand_make(struct pools *p, const struct config *c, const struct stmt *s);

/* The place in maps.maps of what a statement looks up. Not for fields that are decided when rules
 * are compiled. */
uint32_t map_make(struct pools *p, const struct config *c, const struct lookup *l);

/* The entry of a map for a state or family, given as its value; NULL for none. */
const struct map_entry *map_static(const struct lookup *l, uint32_t value);

/* The place in counts of a statement of kind count in this chain. */
uint32_t count_make(struct pools *p, const struct chain *ch, const struct rule *r,
                    const struct stmt *s);

/* Gives rules that are alike in all a counter each, once all are made. */
void counts_tell_apart(struct pools *p);

/* The bitmap of protocols that `th` stands for. */
uint32_t pools_with_ports(struct pools *p);

#endif

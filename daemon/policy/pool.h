/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pools: the tables that instructions refer to by number, while the compiler fills them. layout.c
 * makes arrays of a struct ruleset of them.
 */
#ifndef FINWALL_POLICY_POOL_H
#define FINWALL_POLICY_POOL_H

#include "tree.h"

#include <finwall/ruleset_layout.h>

/* A part of an array in a pool. */
struct pool_span {
	uint32_t at;
	uint32_t len;
};

/* Lower and upper ends of intervals, as the evaluator searches them. */
struct interval_pool {
	struct vec lo32, hi32;   /* uint32_t */
	struct vec lo128, hi128; /* struct u128 */
};

/* A struct rs_map whose parts are still offsets; see there. */
struct pool_map {
	enum rs_map_form form;
	struct pool_span keys; /* in the intervals of the maps */
	uint32_t nr_at;        /* of its numbers */
	uint32_t data_at;      /* of its data */
	uint32_t mask;
	uint32_t other_nr;
	uint64_t patterns;
};

/* A struct rs_fold_field, and a struct rs_fold, whose arrays are still offsets. */
struct pool_fold_field {
	struct rs_fold_field field;
	uint32_t from; /* in fold_words or fold_wide; the others in fold_words */
	uint32_t list_at;
	uint32_t list;
};

struct pool_fold {
	struct rs_fold fold;
	uint32_t fields_at;
	uint32_t other;
	uint32_t at;
};

/* A struct rs_key whose data is still an offset, in the data of the maps. */
struct pool_key {
	struct rs_key key;
	uint32_t data_at;
};

/* What maps refer to. */
struct map_pools {
	struct interval_pool keys;
	struct vec nr, data; /* uint32_t */
	struct vec maps;     /* struct pool_map */
	uint32_t *of_map;    /* by map->head.nr: maps[] of its unmasked use, plus one */
};

struct pools {
	struct arena *arena;
	struct interval_pool intervals; /* of small sets */
	struct vec set32, set128;       /* struct pool_span */
	struct vec sets;                /* struct live_set *, with a reference each */
	struct vec bitmap;              /* uint64_t */
	struct vec buckets;             /* struct rs_rate */
	struct vec quotas;              /* struct rs_quota */
	struct vec loads;               /* struct rs_load */
	struct vec mark_changes;        /* struct rs_mark_change */
	struct vec accounts;            /* struct rs_account */
	struct vec logs;                /* struct rs_log, prefixes in the configuration */
	struct vec counts;              /* struct rs_count_limit */
	struct vec keys;                /* struct pool_key */
	struct vec folds;               /* struct pool_fold */
	struct vec fold_fields;         /* struct pool_fold_field */
	struct vec fold_words;          /* uint32_t */
	struct vec fold_wide;           /* struct u128 */
	struct vec keyed;               /* struct live_keyed *, with a reference each */
	struct map_pools maps;
	struct operand *of_set; /* by set->nr */
	uint32_t *of_limit;     /* by object->nr: its bucket, plus one */
	uint32_t *of_quota;     /* likewise */
	uint8_t *has_set;       /* of_set[nr] was made */
	uint32_t needs_routes;  /* ROUTES_* */
};

/* What a struct rs_bucket starts with; see there. */
struct rs_rate {
	uint64_t interval_ns;
	uint64_t slack_ns;
};

/* What a statement was compiled to: the operands of its instruction. */
struct operand {
	enum rs_op op;
	bool is_negated;
	uint32_t a;
	uint32_t b;
	uint32_t load;    /* number of a struct rs_load that makes what is compared, plus one */
	uint32_t types;   /* bitmap of ICMP types that have the field, plus one */
	uint32_t statics; /* ct state, nfproto: the states or rs_families that match, as bits */
};

void pools_init(struct pools *p, struct arena *a, const struct config *c);

/* Gives back the references to sets, which no ruleset took over. */
void pools_fini(struct pools *p);

/* Adds intervals of 32 or 128 bits. Returns their place. */
struct pool_span pool_intervals(struct arena *a, struct interval_pool *p, bool is_wide,
                                const struct interval *i, size_t len);

/* Adds a bitmap of zeroes; sets one bit of it. */
uint32_t pool_bitmap(struct pools *p, uint32_t bits);
void pool_bitmap_set(struct pools *p, uint32_t at, uint64_t bit);

/* Adds a set; takes the reference over, which may be NULL for lack of memory. Returns its number.
 */
uint32_t pool_set(struct pools *p, struct live_set *s);

#endif

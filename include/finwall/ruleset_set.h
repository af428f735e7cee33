/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout of sets that are large or can change: a shallow tree of cache lines that is never
 * changed once it is in use. A change builds a new root that shares all chunks but those it
 * touches, and replaces the set's one pointer. daemon/sets/tree.c builds and frees trees, the
 * evaluator (daemon/core/ruleset_tree.c) searches them.
 *
 * A tree is an array of chunks, found by their first values. A chunk is an array of lines: one line
 * of values that divide its rows, then the rows, each a line of values that divide leaves, then the
 * leaves: eight intervals each, padded by repeating the last one. A look-up in a million intervals
 * reads three or four cache lines that are not in the cache of a busy processor.
 */
#ifndef FINWALL_RULESET_SET_H
#define FINWALL_RULESET_SET_H

#include <finwall/u128.h>

#include <stdatomic.h>

#define RS_LEAF_LEN 8 /* intervals */

/* Values up to 32 bits: a leaf is one line, eight lower ends, then the eight upper ends. */
#define RS_FAN32       16
#define RS_CHUNK32_LEN (RS_FAN32 * RS_FAN32 * RS_LEAF_LEN)

struct rs_line32 {
	uint32_t at[RS_FAN32];
} __attribute__((aligned(64)));

/*
 * Values of 128 bits. Rows and leaves are divided by upper halves only, so that these stay in the
 * cache; where several are equal, whole values decide.
 */
#define RS_FAN128       16
#define RS_CHUNK128_LEN (RS_FAN128 * RS_FAN128 * RS_LEAF_LEN)

struct rs_line64 {
	uint64_t at[RS_FAN128];
} __attribute__((aligned(64)));

struct rs_leaf128 {
	struct u128 lo[RS_LEAF_LEN];
	struct u128 hi[RS_LEAF_LEN];
} __attribute__((aligned(64)));

/* A chunk of whole /64s has only upper halves in its leaves too. This bit of its line[0].at[0]
 * marks it. */
#define RS_CHUNK_HALVED (UINT64_C(1) << 32)

struct rs_leaf64 {
	uint64_t lo[RS_LEAF_LEN];
	uint64_t hi[RS_LEAF_LEN];
} __attribute__((aligned(64)));

/*
 * In a chunk, line[0].at[0] holds the number of its intervals: the first value of the top line
 * divides nothing. Unused places of a line hold the largest value.
 */
static inline uint32_t rs_leaves(uint32_t intervals)
{
	return (intervals + RS_LEAF_LEN - 1) / RS_LEAF_LEN;
}

static inline uint32_t rs_rows(uint32_t leaves, uint32_t fan)
{
	return (leaves + fan - 1) / fan;
}

/* One state of a set. Immutable. */
struct rs_tree {
	uint32_t chunks_len;
	uint32_t is_wide; /* 128 bits */
	union {
		uint32_t *first32; /* the lowest value of each chunk */
		struct u128 *first128;
	};
	void **chunk; /* struct rs_line32, or rs_line64 and then leaves */
	uint64_t len; /* intervals */
};

/* A set as rules refer to it. One thread writes the pointer, any thread reads it. */
struct rs_set {
	_Atomic(struct rs_tree *) tree;
};

static inline struct rs_tree *rs_set_tree(const struct rs_set *s)
{
	return atomic_load_explicit(&s->tree, memory_order_acquire);
}

bool rs_set_has32(const struct rs_set *s, uint32_t v);
bool rs_set_has128(const struct rs_set *s, struct u128 v);

#endif

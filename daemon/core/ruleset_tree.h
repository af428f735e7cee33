/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets that are large or can change: intervals in a shallow tree of cache lines, which is never
 * changed once it is there. A change makes a new root that shares all chunks but those it touches,
 * and the set's one pointer is swung over. daemon/policy/set_tree.c builds and frees them.
 *
 * A tree is an array of chunks, found by their first values. A chunk is an array of lines: on top
 * one line of values that divide its rows, then the rows, each a line of values that divide leaves,
 * then the leaves: eight intervals each, padded by repeating the last one. So a look-up in a
 * million intervals reads three or four lines that are not in the cache of a busy processor anyway.
 */
#ifndef FINWALL_CORE_RULESET_TREE_H
#define FINWALL_CORE_RULESET_TREE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rs_u128 {
	uint64_t hi;
	uint64_t lo;
};

/* Branch-free. */
static inline uint32_t rs_u128_is_le(struct rs_u128 a, struct rs_u128 b)
{
	return (uint32_t)(a.hi < b.hi) | ((uint32_t)(a.hi == b.hi) & (uint32_t)(a.lo <= b.lo));
}

/*
 * The binary search of all look-ups: the number of the last of len ascending values that is at most
 * v; 0 when none is. len may be 0. One 128-bit value in stride is searched.
 */
static inline uint32_t rs_last_le32(const uint32_t *at, uint32_t len, uint32_t v)
{
	const uint32_t *base = at;

	for (; len > 1; len -= len / 2) {
		base += base[len / 2] <= v ? len / 2 : 0;
	}
	return (uint32_t)(base - at);
}

static inline uint32_t rs_last_le128(const struct rs_u128 *at, uint32_t stride, uint32_t len,
                                     struct rs_u128 v)
{
	uint32_t nr = 0;

	for (; len > 1; len -= len / 2) {
		nr += rs_u128_is_le(at[(size_t)(nr + len / 2) * stride], v) * (len / 2);
	}
	return nr;
}

#define RS_LEAF_LEN 8 /* intervals */

/* Values up to 32 bits: a leaf is one line, eight lower ends, then the eight upper ends. */
#define RS_FAN32       16
#define RS_CHUNK32_LEN (RS_FAN32 * RS_FAN32 * RS_LEAF_LEN)

struct rs_line32 {
	uint32_t at[RS_FAN32];
} __attribute__((aligned(64)));

/*
 * Values of 128 bits. What divides rows and leaves are the upper halves only, so that these stay in
 * the cache; where several of them are the same, whole values decide.
 */
#define RS_FAN128       16
#define RS_CHUNK128_LEN (RS_FAN128 * RS_FAN128 * RS_LEAF_LEN)

struct rs_line64 {
	uint64_t at[RS_FAN128];
} __attribute__((aligned(64)));

struct rs_leaf128 {
	struct rs_u128 lo[RS_LEAF_LEN];
	struct rs_u128 hi[RS_LEAF_LEN];
} __attribute__((aligned(64)));

/* A chunk that holds whole /64s only keeps upper halves in its leaves too, and says so by this bit
 * of its line[0].at[0]. */
#define RS_CHUNK_HALVED (UINT64_C(1) << 32)

struct rs_leaf64 {
	uint64_t lo[RS_LEAF_LEN];
	uint64_t hi[RS_LEAF_LEN];
} __attribute__((aligned(64)));

/*
 * In a chunk, line[0].at[0] holds the number of its intervals: the first value of the top line
 * divides nothing. Where rows or leaves are fewer than a line has places, the rest are the largest
 * value there is.
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
		struct rs_u128 *first128;
	};
	void **chunk; /* struct rs_line32, or rs_line64 and then leaves */
	uint64_t len; /* intervals */
};

/* A set as rules refer to it. The pointer is written by one thread and read by any. */
struct rs_set {
	_Atomic(struct rs_tree *) tree;
};

static inline struct rs_tree *rs_set_tree(const struct rs_set *s)
{
	return atomic_load_explicit(&s->tree, memory_order_acquire);
}

bool rs_set_has32(const struct rs_set *s, uint32_t v);
bool rs_set_has128(const struct rs_set *s, struct rs_u128 v);

#endif

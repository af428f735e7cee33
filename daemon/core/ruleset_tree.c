/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Look-ups in the trees of finwall/ruleset_set.h. Only the last branch depends on the value.
 */
#include "ruleset_code.h"

/* The number of a line's values that are at most v; the compiler vectorises it. */
static uint32_t count32(const uint32_t *at, unsigned len, uint32_t v)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < len; i++) {
		n += at[i] <= v;
	}
	return n;
}

static uint32_t at_most(uint32_t n, uint32_t max)
{
	return n < max ? n : max;
}

bool rs_set_has32(const struct rs_set *s, uint32_t v)
{
	const struct rs_tree *t = rs_set_tree(s);
	uint32_t chunk;
	const struct rs_line32 *line;
	uint32_t leaves;
	uint32_t rows;
	uint32_t row = 0;
	uint32_t leaf = 0;
	uint32_t n;

	if (t->chunks_len == 0) {
		return false;
	}
	chunk = rs_last_le32(t->first32, t->chunks_len, v);
	line = t->chunk[chunk];
	leaves = rs_leaves(line[0].at[0]);
	rows = rs_rows(leaves, RS_FAN32);
	if (leaves > 1) {
		row = count32(line[0].at, RS_FAN32, v) - (line[0].at[0] <= v);
		row = at_most(row, rows - 1);
		n = count32(line[1 + row].at, RS_FAN32, v);
		leaf = at_most(row * RS_FAN32 + n - (n > 0), leaves - 1);
	}
	line += 1 + rows + leaf;
	n = count32(line->at, RS_LEAF_LEN, v);
	return n > 0 && v <= line->at[RS_LEAF_LEN + n - 1];
}

static uint32_t count64(const uint64_t *at, unsigned len, uint64_t v)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < len; i++) {
		n += at[i] <= v;
	}
	return n;
}

/* Reads all, so that both cache lines are loaded at once. */
static uint32_t count128(const struct u128 *at, struct u128 v)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < RS_LEAF_LEN; i++) {
		n += (uint32_t)u128_is_le(at[i], v);
	}
	return n;
}

/* Upper halves are equal: the last of the leaves before nr that begins at or before v. */
static uint32_t search_back(const struct rs_leaf128 *leaves, uint32_t nr, struct u128 v)
{
	return rs_last_le128(leaves[0].lo, sizeof(leaves[0]) / sizeof(leaves[0].lo[0]), nr, v);
}

static bool leaf64_has(const struct rs_leaf64 *leaf, uint64_t v)
{
	uint32_t n = count64(leaf->lo, RS_LEAF_LEN, v);

	return n > 0 && v <= leaf->hi[n - 1];
}

static bool leaf128_has(const struct rs_leaf128 *leaf, uint32_t nr, struct u128 v)
{
	uint32_t n;

	__builtin_prefetch(&leaf[nr].hi[0]);
	__builtin_prefetch(&leaf[nr].hi[RS_LEAF_LEN / 2]);
	n = count128(leaf[nr].lo, v);
	if (n == 0 && nr > 0) {
		nr = search_back(leaf, nr, v);
		n = count128(leaf[nr].lo, v);
	}
	return n > 0 && u128_is_le(v, leaf[nr].hi[n - 1]);
}

bool rs_set_has128(const struct rs_set *s, struct u128 v)
{
	const struct rs_tree *t = rs_set_tree(s);
	uint32_t chunk;
	const struct rs_line64 *line;
	const void *leaf;
	uint32_t leaves;
	uint32_t rows;
	uint32_t row = 0;
	uint32_t nr = 0;
	uint32_t n;

	if (t->chunks_len == 0) {
		return false;
	}
	chunk = rs_last_le128(t->first128, 1, t->chunks_len, v);
	line = t->chunk[chunk];
	leaves = rs_leaves((uint32_t)line[0].at[0]);
	rows = rs_rows(leaves, RS_FAN128);
	leaf = line + 1 + rows;
	if (leaves > 1) {
		row = count64(line[0].at, RS_FAN128, v.hi) - (line[0].at[0] <= v.hi);
		row = at_most(row, rows - 1);
		n = count64(line[1 + row].at, RS_FAN128, v.hi);
		nr = at_most(row * RS_FAN128 + n - (n > 0), leaves - 1);
	}
	if ((line[0].at[0] & RS_CHUNK_HALVED) != 0) {
		return leaf64_has((const struct rs_leaf64 *)leaf + nr, v.hi);
	}
	return leaf128_has(leaf, nr, v);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Look-ups in the trees of ruleset_tree.h: no branch depends on the value but the last.
 */
#include "ruleset_tree.h"

/* How many of a line's values are at most v; the compiler makes vector instructions of it. */
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
	const uint32_t *first = t->first32;
	const struct rs_line32 *line;
	uint32_t leaves;
	uint32_t rows;
	uint32_t row = 0;
	uint32_t leaf = 0;
	uint32_t n;

	if (t->chunks_len == 0) {
		return false;
	}
	for (uint32_t len = t->chunks_len; len > 1; len -= len / 2) {
		first += first[len / 2] <= v ? len / 2 : 0;
	}
	line = t->chunk[first - t->first32];
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

static uint32_t u128_is_le(struct rs_u128 a, struct rs_u128 b)
{
	return (uint32_t)(a.hi < b.hi) | ((uint32_t)(a.hi == b.hi) & (uint32_t)(a.lo <= b.lo));
}

/* The last of a line's values that is at most v, or the first. */
static uint32_t last128(const struct rs_line128 *line, struct rs_u128 v)
{
	uint32_t i = u128_is_le(line->at[4], v) * 4;

	i += u128_is_le(line->at[i + 2], v) * 2;
	return i + u128_is_le(line->at[i + 1], v);
}

bool rs_set_has128(const struct rs_set *s, struct rs_u128 v)
{
	const struct rs_tree *t = rs_set_tree(s);
	const struct rs_u128 *first = t->first128;
	const struct rs_line128 *line;
	uint32_t leaves;
	uint32_t rows;
	uint32_t row = 0;
	uint32_t leaf = 0;
	uint32_t i;

	if (t->chunks_len == 0) {
		return false;
	}
	for (uint32_t len = t->chunks_len; len > 1; len -= len / 2) {
		first += u128_is_le(first[len / 2], v) * (len / 2);
	}
	line = t->chunk[first - t->first128];
	leaves = rs_leaves((uint32_t)line[0].at[0].lo);
	rows = rs_rows(leaves, RS_FAN128);
	if (leaves > 1) {
		row = at_most(last128(&line[0], v), rows - 1);
		leaf = at_most(row * RS_FAN128 + last128(&line[1 + row], v), leaves - 1);
	}
	line += 1 + rows + 2 * leaf;
	i = last128(&line[0], v);
	return u128_is_le(line[0].at[i], v) && u128_is_le(v, line[1].at[i]);
}

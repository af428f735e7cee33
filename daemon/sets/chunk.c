/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chunks of trees: see chunk.h. Their layout is described in finwall/ruleset_set.h; only this file
 * and the evaluator know it.
 */
#include "chunk.h"

#include <stdlib.h>
#include <string.h>

uint32_t chunk_max(bool is_wide)
{
	return is_wide ? RS_CHUNK128_LEN : RS_CHUNK32_LEN;
}

static void *chunk_write32(const struct interval *in, uint32_t len)
{
	uint32_t leaves = rs_leaves(len);
	uint32_t rows = rs_rows(leaves, RS_FAN32);
	struct rs_line32 *line = aligned_alloc(64, (1 + rows + leaves) * sizeof(*line));

	if (line == NULL) {
		return NULL;
	}
	memset(line, 0xff, (1 + rows) * sizeof(*line));
	for (uint32_t leaf = 0; leaf < leaves; leaf++) {
		struct rs_line32 *out = &line[1 + rows + leaf];

		for (uint32_t n = 0; n < RS_LEAF_LEN; n++) {
			uint32_t from = leaf * RS_LEAF_LEN + n;
			const struct interval *i = &in[from < len ? from : len - 1];

			out->at[n] = (uint32_t)i->lo.lo;
			out->at[RS_LEAF_LEN + n] = (uint32_t)i->hi.lo;
		}
		line[1 + leaf / RS_FAN32].at[leaf % RS_FAN32] = out->at[0];
	}
	for (uint32_t row = 1; row < rows; row++) {
		line[0].at[row] = line[1 + row].at[0];
	}
	line[0].at[0] = len;
	return line;
}

/* The first leaf of a wide chunk. */
static void *leaves_of(struct rs_line64 *line)
{
	return line + 1 + rs_rows(rs_leaves((uint32_t)line[0].at[0]), RS_FAN128);
}

static bool are_whole_64s(const struct interval *in, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		if (in[i].lo.lo != 0 || in[i].hi.lo != UINT64_MAX) {
			return false;
		}
	}
	return true;
}

static void leaf_write64(const struct interval *const in[RS_LEAF_LEN], struct rs_leaf64 *out)
{
	for (unsigned n = 0; n < RS_LEAF_LEN; n++) {
		out->lo[n] = in[n]->lo.hi;
		out->hi[n] = in[n]->hi.hi;
	}
}

static void leaf_write128(const struct interval *const in[RS_LEAF_LEN], struct rs_leaf128 *out)
{
	for (unsigned n = 0; n < RS_LEAF_LEN; n++) {
		out->lo[n] = in[n]->lo;
		out->hi[n] = in[n]->hi;
	}
}

static void *chunk_write128(const struct interval *in, uint32_t len)
{
	uint32_t leaves = rs_leaves(len);
	uint32_t rows = rs_rows(leaves, RS_FAN128);
	bool halved = are_whole_64s(in, len);
	size_t leaf_size = halved ? sizeof(struct rs_leaf64) : sizeof(struct rs_leaf128);
	struct rs_line64 *line = aligned_alloc(64, (1 + rows) * sizeof(*line) + leaves * leaf_size);

	if (line == NULL) {
		return NULL;
	}
	memset(line, 0xff, (1 + rows) * sizeof(*line));
	line[0].at[0] = len | (halved ? RS_CHUNK_HALVED : 0);
	for (uint32_t leaf = 0; leaf < leaves; leaf++) {
		const struct interval *of_leaf[RS_LEAF_LEN];

		for (uint32_t n = 0; n < RS_LEAF_LEN; n++) {
			uint32_t from = leaf * RS_LEAF_LEN + n;

			of_leaf[n] = &in[from < len ? from : len - 1];
		}
		if (halved) {
			leaf_write64(of_leaf, (struct rs_leaf64 *)leaves_of(line) + leaf);
		} else {
			leaf_write128(of_leaf, (struct rs_leaf128 *)leaves_of(line) + leaf);
		}
		line[1 + leaf / RS_FAN128].at[leaf % RS_FAN128] = of_leaf[0]->lo.hi;
	}
	for (uint32_t row = 1; row < rows; row++) {
		line[0].at[row] = line[1 + row].at[0];
	}
	return line;
}

void *chunk_write(bool is_wide, const struct interval *in, uint32_t len)
{
	return is_wide ? chunk_write128(in, len) : chunk_write32(in, len);
}

static uint32_t chunk_read32(const struct rs_line32 *line, struct interval *out)
{
	uint32_t len = line[0].at[0];
	const struct rs_line32 *leaf = &line[1 + rs_rows(rs_leaves(len), RS_FAN32)];

	for (uint32_t i = 0; i < len; i++) {
		const uint32_t *at = &leaf[i / RS_LEAF_LEN].at[i % RS_LEAF_LEN];

		out[i] = (struct interval){ { 0, at[0] }, { 0, at[RS_LEAF_LEN] } };
	}
	return len;
}

static uint32_t chunk_read128(struct rs_line64 *line, struct interval *out)
{
	uint32_t len = (uint32_t)line[0].at[0];
	const struct rs_leaf64 *half = leaves_of(line);
	const struct rs_leaf128 *whole = leaves_of(line);

	for (uint32_t i = 0; i < len; i++) {
		uint32_t leaf = i / RS_LEAF_LEN;
		uint32_t n = i % RS_LEAF_LEN;

		if ((line[0].at[0] & RS_CHUNK_HALVED) != 0) {
			out[i].lo = (struct u128){ half[leaf].lo[n], 0 };
			out[i].hi = (struct u128){ half[leaf].hi[n], UINT64_MAX };
		} else {
			out[i].lo = whole[leaf].lo[n];
			out[i].hi = whole[leaf].hi[n];
		}
	}
	return len;
}

uint32_t chunk_len(bool is_wide, const void *chunk)
{
	if (is_wide) {
		return (uint32_t)((const struct rs_line64 *)chunk)->at[0];
	}
	return ((const struct rs_line32 *)chunk)->at[0];
}

uint32_t chunk_read(bool is_wide, void *chunk, struct interval *out)
{
	return is_wide ? chunk_read128(chunk, out) : chunk_read32(chunk, out);
}

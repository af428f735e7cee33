/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A chunk of a tree: written whole from an array of intervals, and read back into one.
 */
#ifndef FINWALL_SETS_CHUNK_H
#define FINWALL_SETS_CHUNK_H

#include <finwall/ruleset_set.h>

/* The most intervals that one holds. */
uint32_t chunk_max(bool is_wide);

/* len > 0 intervals, sorted and disjoint. Returns NULL when memory runs out; free() frees it. */
void *chunk_write(bool is_wide, const struct interval *in, uint32_t len);

uint32_t chunk_len(bool is_wide, const void *chunk);

/* Returns how many. */
uint32_t chunk_read(bool is_wide, void *chunk, struct interval *out);

#endif

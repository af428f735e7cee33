/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trees of intervals, and changes of them: see tree.h. Every change is a splice: it replaces the
 * intervals between two places by at most two.
 */
#include "tree.h"
#include "chunk.h"

#include <stdlib.h>
#include <string.h>

/* trees */

/* Root and arrays in one block; the caller fills in the chunks. */
static struct rs_tree *root_new(bool is_wide, size_t chunks_len)
{
	size_t first_size = is_wide ? sizeof(struct u128) : sizeof(uint32_t);
	size_t chunks_at = sizeof(struct rs_tree);
	size_t first_at = chunks_at + chunks_len * sizeof(void *);
	struct rs_tree *t;

	first_at = (first_at + 15) & ~(size_t)15;
	t = calloc(1, first_at + chunks_len * first_size);
	if (t != NULL) {
		t->chunks_len = (uint32_t)chunks_len;
		t->is_wide = is_wide;
		t->chunk = (void **)(void *)((char *)t + chunks_at);
		t->first32 = (uint32_t *)(void *)((char *)t + first_at);
	}
	return t;
}

static void root_put(struct rs_tree *t, size_t nr, struct u128 first, void *chunk)
{
	t->chunk[nr] = chunk;
	if (t->is_wide) {
		t->first128[nr] = first;
	} else {
		t->first32[nr] = (uint32_t)first.lo;
	}
}

static struct u128 root_first(const struct rs_tree *t, size_t nr)
{
	if (t->is_wide) {
		return t->first128[nr];
	}
	return (struct u128){ 0, t->first32[nr] };
}

struct rs_tree *tree_build(bool is_wide, const struct interval *sorted, uint64_t len)
{
	uint32_t max = chunk_max(is_wide);
	struct rs_tree *t = root_new(is_wide, (size_t)((len + max - 1) / max));

	if (t == NULL) {
		return NULL;
	}
	t->len = len;
	for (uint32_t nr = 0; nr < t->chunks_len; nr++) {
		const struct interval *from = &sorted[(size_t)nr * max];
		uint64_t left = len - (uint64_t)nr * max;
		void *chunk = chunk_write(is_wide, from, left < max ? (uint32_t)left : max);

		if (chunk == NULL) {
			tree_free(t);
			return NULL;
		}
		root_put(t, nr, from->lo, chunk);
	}
	return t;
}

void tree_free(struct rs_tree *t)
{
	if (t == NULL) {
		return;
	}
	for (uint32_t nr = 0; nr < t->chunks_len; nr++) {
		free(t->chunk[nr]);
	}
	free(t);
}

uint32_t tree_walk(const struct rs_tree *t, struct tree_cursor *at, struct interval *out)
{
	uint32_t nr = t->chunks_len;
	uint32_t len;
	uint32_t skip = 0;

	if (at->is_over) {
		return 0;
	}
	while (nr > 0 && u128_cmp(root_first(t, nr - 1), at->next) > 0) {
		nr--;
	}
	for (nr = nr > 0 ? nr - 1 : 0; nr < t->chunks_len; nr++) {
		len = chunk_read(t->is_wide, t->chunk[nr], out);
		for (skip = 0; skip < len && u128_cmp(out[skip].lo, at->next) < 0; skip++) {
		}
		if (skip < len) {
			at->is_over = u128_is_max(out[len - 1].lo);
			at->next = u128_inc(out[len - 1].lo);
			memmove(out, out + skip, (len - skip) * sizeof(*out));
			return len - skip;
		}
	}
	at->is_over = true;
	return 0;
}

/* garbage */

static bool garbage_reserve(struct tree_garbage *g, size_t len)
{
	if (g->len + len > g->cap) {
		size_t cap = (g->len + len) * 2 + 16;
		void **more = realloc(g->block, cap * sizeof(*more));

		if (more == NULL) {
			return false;
		}
		g->block = more;
		g->cap = cap;
	}
	return true;
}

/* The caller has reserved the slot. */
static void garbage_add(struct tree_garbage *g, void *block)
{
	g->block[g->len++] = block;
}

void tree_garbage_free(struct tree_garbage *g)
{
	for (size_t i = 0; i < g->len; i++) {
		free(g->block[i]);
	}
	free(g->block);
	*g = (struct tree_garbage){ 0 };
}

/* changes */

struct edit_chunk {
	struct u128 first;
	void *chunk;
	bool is_new; /* not part of the old tree */
};

struct tree_edit {
	struct rs_tree *old;
	enum tree_kind kind;
	bool is_wide;
	struct edit_chunk *chunk;
	size_t len;
	size_t cap;
	uint64_t intervals;
	struct tree_garbage garbage; /* blocks of the old tree that are not in the new one */
	struct interval *buf;        /* chunks are read into it and written from it */
};

/* A place between intervals: before the i-th of a chunk. */
struct place {
	size_t chunk;
	uint32_t i;
	uint32_t len; /* of the chunk, which is in buf */
};

struct tree_edit *tree_edit_new(struct rs_tree *t, enum tree_kind kind)
{
	struct tree_edit *e = calloc(1, sizeof(*e));

	if (e == NULL) {
		return NULL;
	}
	e->old = t;
	e->kind = kind;
	e->is_wide = t->is_wide;
	e->len = t->chunks_len;
	e->cap = e->len + 16;
	e->intervals = t->len;
	e->chunk = calloc(e->cap, sizeof(*e->chunk));
	e->buf = calloc(3u * (size_t)chunk_max(e->is_wide) + 2, sizeof(*e->buf));
	if (e->chunk == NULL || e->buf == NULL) {
		tree_edit_drop(e);
		return NULL;
	}
	for (size_t nr = 0; nr < e->len; nr++) {
		e->chunk[nr] = (struct edit_chunk){ root_first(t, nr), t->chunk[nr], false };
	}
	return e;
}

/* Finds the place after all intervals that begin at or before v. Reads the chunk into buf. */
static struct place find_place(struct tree_edit *e, struct u128 v)
{
	struct place p = { 0, 0, 0 };
	size_t len = e->len;

	if (len == 0) {
		return p;
	}
	for (; len > 1; len -= len / 2) {
		if (u128_cmp(e->chunk[p.chunk + len / 2].first, v) <= 0) {
			p.chunk += len / 2;
		}
	}
	p.len = chunk_read(e->is_wide, e->chunk[p.chunk].chunk, e->buf);
	for (uint32_t left = p.len; left > 0;) {
		uint32_t half = left / 2;

		if (u128_cmp(e->buf[p.i + half].lo, v) <= 0) {
			p.i += half + 1;
			left -= half + 1;
		} else {
			left = half;
		}
	}
	return p;
}

/* Reserves slots for chunks and garbage, so that the change itself cannot fail. */
static bool reserve(struct tree_edit *e, size_t chunks, size_t garbage)
{
	if (e->len + chunks > e->cap) {
		size_t cap = (e->len + chunks) * 2;
		struct edit_chunk *more = realloc(e->chunk, cap * sizeof(*more));

		if (more == NULL) {
			return false;
		}
		e->chunk = more;
		e->cap = cap;
	}
	return garbage_reserve(&e->garbage, garbage);
}

/* Replaces the chunks in [from, to) by fresh ones. */
static void exchange(struct tree_edit *e, size_t from, size_t to, const struct edit_chunk *fresh,
                     size_t fresh_len)
{
	for (size_t nr = from; nr < to; nr++) {
		if (e->chunk[nr].is_new) {
			free(e->chunk[nr].chunk);
		} else {
			garbage_add(&e->garbage, e->chunk[nr].chunk);
		}
	}
	memmove(&e->chunk[from + fresh_len], &e->chunk[to], (e->len - to) * sizeof(*e->chunk));
	memcpy(&e->chunk[from], fresh, fresh_len * sizeof(*fresh));
	e->len += fresh_len - (to - from);
}

/* Writes e->buf[0..len) as chunks of equal size; at most SPLICE_MAX. */
#define SPLICE_MAX 3
static bool write_chunks(const struct tree_edit *e, uint32_t len, uint32_t parts,
                         struct edit_chunk *out)
{
	for (uint32_t n = 0; n < parts; n++) {
		uint32_t at = (uint32_t)((uint64_t)len * n / parts);
		uint32_t next = (uint32_t)((uint64_t)len * (n + 1) / parts);

		out[n] = (struct edit_chunk){ e->buf[at].lo, NULL, true };
		out[n].chunk = chunk_write(e->is_wide, e->buf + at, next - at);
		if (out[n].chunk == NULL) {
			while (n > 0) {
				free(out[--n].chunk);
			}
			return false;
		}
	}
	return true;
}

/* Replaces the intervals between two places by with[0..with_len), at most two. */
static enum tree_outcome splice(struct tree_edit *e, const struct place *from,
                                const struct place *to, const struct interval *with,
                                uint32_t with_len)
{
	uint32_t max = chunk_max(e->is_wide);
	size_t end = e->len == 0 ? 0 : to->chunk + 1;
	struct interval *tail = e->buf + 2 * (size_t)max;
	struct edit_chunk fresh[SPLICE_MAX];
	uint32_t len = from->i;
	uint32_t tail_len = 0;
	uint32_t parts;

	if (e->len != 0) {
		tail_len = chunk_read(e->is_wide, e->chunk[to->chunk].chunk, tail) - to->i;
		(void)chunk_read(e->is_wide, e->chunk[from->chunk].chunk, e->buf);
	}
	memcpy(e->buf + len, with, with_len * sizeof(*with));
	len += with_len;
	memmove(e->buf + len, tail + to->i, tail_len * sizeof(*tail));
	len += tail_len;
	parts = (len + max - 1) / max;
	if (!reserve(e, SPLICE_MAX, end - from->chunk) || !write_chunks(e, len, parts, fresh)) {
		return TREE_NO_MEMORY;
	}
	e->intervals += len;
	for (size_t nr = from->chunk; nr < end; nr++) {
		e->intervals -= chunk_len(e->is_wide, e->chunk[nr].chunk);
	}
	exchange(e, from->chunk, end, fresh, parts);
	return TREE_CHANGED;
}

/* The interval after a place, whose chunk is in buf. */
static bool after_place(struct tree_edit *e, const struct place *p, struct interval *out)
{
	if (p->i < p->len) {
		*out = e->buf[p->i];
		return true;
	}
	if (p->chunk + 1 >= e->len) {
		return false;
	}
	(void)chunk_read(e->is_wide, e->chunk[p->chunk + 1].chunk, e->buf + p->len);
	*out = e->buf[p->len];
	return true;
}

static enum tree_outcome add_distinct(struct tree_edit *e, const struct place *p,
                                      const struct interval *i, struct interval *other)
{
	if (p->i > 0 && u128_cmp(e->buf[p->i - 1].hi, i->lo) >= 0) {
		*other = e->buf[p->i - 1];
		return interval_is_equal(other, i) ? TREE_SAME : TREE_OVERLAPS;
	}
	if (after_place(e, p, other) && u128_cmp(other->lo, i->hi) <= 0) {
		return TREE_OVERLAPS;
	}
	return splice(e, p, p, i, 1);
}

static enum tree_outcome add_merging(struct tree_edit *e, const struct place *p,
                                     const struct interval *i)
{
	struct interval merged = *i;
	struct place from = *p;
	struct place to;

	if (from.i > 0) {
		const struct interval *before = &e->buf[from.i - 1];
		bool touches =
			u128_is_max(before->hi) || u128_cmp(u128_inc(before->hi), i->lo) >= 0;

		if (interval_contains(before, i)) {
			return TREE_SAME;
		}
		if (touches) {
			merged.lo = before->lo;
			merged.hi = u128_cmp(before->hi, i->hi) > 0 ? before->hi : i->hi;
			from.i--;
		}
	}
	to = find_place(e, u128_is_max(merged.hi) ? merged.hi : u128_inc(merged.hi));
	if (to.i > 0 && u128_cmp(e->buf[to.i - 1].lo, merged.lo) > 0 &&
	    u128_cmp(e->buf[to.i - 1].hi, merged.hi) > 0) {
		merged.hi = e->buf[to.i - 1].hi;
	}
	return splice(e, &from, &to, &merged, 1);
}

/*
 * Values of 32 bits are stored as u128, so the largest one has a successor, and no interval begins
 * with it.
 */
enum tree_outcome tree_edit_add(struct tree_edit *e, const struct interval *i,
                                struct interval *other)
{
	struct place p = find_place(e, i->lo);

	if (e->kind == TREE_MERGING) {
		return add_merging(e, &p, i);
	}
	return add_distinct(e, &p, i, other);
}

enum tree_outcome tree_edit_delete(struct tree_edit *e, const struct interval *i,
                                   struct interval *other)
{
	struct place to = find_place(e, i->lo);
	struct place from = to;
	struct interval rest[2];
	struct interval found;
	uint32_t rest_len = 0;

	if (to.i == 0) {
		return after_place(e, &to, other) && u128_cmp(other->lo, i->hi) <= 0
		               ? TREE_OVERLAPS
		               : TREE_NOT_THERE;
	}
	found = e->buf[to.i - 1];
	*other = found;
	if (!interval_is_equal(&found, i) &&
	    (e->kind == TREE_DISTINCT || !interval_contains(&found, i))) {
		if (u128_cmp(found.hi, i->lo) >= 0) {
			return TREE_OVERLAPS;
		}
		return after_place(e, &to, other) && u128_cmp(other->lo, i->hi) <= 0
		               ? TREE_OVERLAPS
		               : TREE_NOT_THERE;
	}
	if (u128_cmp(found.lo, i->lo) < 0) {
		rest[rest_len++] = (struct interval){ found.lo, u128_dec(i->lo) };
	}
	if (u128_cmp(found.hi, i->hi) > 0) {
		rest[rest_len++] = (struct interval){ u128_inc(i->hi), found.hi };
	}
	from.i--;
	return splice(e, &from, &to, rest, rest_len);
}

struct rs_tree *tree_edit_commit(struct tree_edit *e, struct tree_garbage *g)
{
	struct rs_tree *t = root_new(e->is_wide, e->len);

	if (t == NULL || !garbage_reserve(&e->garbage, 1)) {
		free(t);
		tree_edit_drop(e);
		return NULL;
	}
	for (size_t nr = 0; nr < e->len; nr++) {
		root_put(t, nr, e->chunk[nr].first, e->chunk[nr].chunk);
	}
	t->len = e->intervals;
	garbage_add(&e->garbage, e->old);
	*g = e->garbage;
	free(e->chunk);
	free(e->buf);
	free(e);
	return t;
}

void tree_edit_drop(struct tree_edit *e)
{
	if (e == NULL) {
		return;
	}
	for (size_t nr = 0; nr < e->len && e->chunk != NULL; nr++) {
		if (e->chunk[nr].is_new) {
			free(e->chunk[nr].chunk);
		}
	}
	free(e->garbage.block); /* the blocks themselves are the old tree's */
	free(e->chunk);
	free(e->buf);
	free(e);
}

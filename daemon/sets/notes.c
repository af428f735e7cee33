/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements that commands have added: see notes.h. A blocklist that is fed by commands has many, so
 * boxes are found by a keyed hash: who is banned chooses the addresses.
 */
#include "notes.h"

#include "keyed_build.h"

#include <stdlib.h>
#include <string.h>

#define PLACES_LEAST 32

static const struct interval *box_of(const struct notes *n, size_t nr, uint32_t fields_len)
{
	return &n->at[nr * fields_len];
}

static size_t home_of(const struct notes *n, const struct interval *box, uint32_t fields_len)
{
	const uint64_t *words = (const uint64_t *)(const void *)box;

	return siphash13(keyed_hash_key(), words, fields_len * (sizeof(*box) / sizeof(*words))) &
	       (n->places_len - 1);
}

/* The place of the box, or the empty one where it belongs. There are places. */
static size_t find(const struct notes *n, const struct interval *box, uint32_t fields_len)
{
	size_t at = home_of(n, box, fields_len);

	while (n->place[at] != 0 && memcmp(box_of(n, n->place[at] - 1, fields_len), box,
	                                   fields_len * sizeof(*box)) != 0) {
		at = (at + 1) & (n->places_len - 1);
	}
	return at;
}

static bool grow_places(struct notes *n, uint32_t fields_len)
{
	size_t len = n->places_len == 0 ? PLACES_LEAST : n->places_len * 2;
	uint32_t *place = calloc(len, sizeof(*place));

	if (place == NULL) {
		return false;
	}
	free(n->place);
	n->place = place;
	n->places_len = len;
	for (size_t nr = 0; nr < n->len; nr++) {
		n->place[find(n, box_of(n, nr, fields_len), fields_len)] = (uint32_t)nr + 1;
	}
	return true;
}

static bool grow_boxes(struct notes *n, uint32_t fields_len)
{
	size_t cap = n->cap * 2 + 16;
	struct interval *more = realloc(n->at, cap * fields_len * sizeof(*more));

	if (more == NULL) {
		return false;
	}
	n->at = more;
	n->cap = cap;
	return true;
}

void notes_add(struct notes *n, const struct interval *box, uint32_t fields_len)
{
	size_t at;

	if ((n->len + 1) * 2 > n->places_len && !grow_places(n, fields_len)) {
		return;
	}
	at = find(n, box, fields_len);
	if (n->place[at] != 0 || (n->len == n->cap && !grow_boxes(n, fields_len))) {
		return;
	}
	memcpy(&n->at[n->len * fields_len], box, fields_len * sizeof(*box));
	n->place[at] = (uint32_t)++n->len;
}

/* Empties a place. Those behind it that were kept from their home move up. */
static void empty_place(struct notes *n, size_t at, uint32_t fields_len)
{
	const size_t mask = n->places_len - 1;

	n->place[at] = 0;
	for (size_t next = (at + 1) & mask; n->place[next] != 0; next = (next + 1) & mask) {
		size_t home = home_of(n, box_of(n, n->place[next] - 1, fields_len), fields_len);

		if (((next - home) & mask) >= ((next - at) & mask)) {
			n->place[at] = n->place[next];
			n->place[next] = 0;
			at = next;
		}
	}
}

/* Drops the box of a place. The last one takes its number. */
static void drop(struct notes *n, size_t at, uint32_t fields_len)
{
	size_t nr = n->place[at] - 1;
	size_t last = n->len - 1;

	empty_place(n, at, fields_len);
	if (nr != last) {
		n->place[find(n, box_of(n, last, fields_len), fields_len)] = (uint32_t)nr + 1;
		memcpy(&n->at[nr * fields_len], box_of(n, last, fields_len),
		       fields_len * sizeof(*n->at));
	}
	n->len = last;
}

void notes_remove(struct notes *n, const struct interval *box, uint32_t fields_len)
{
	size_t at;

	if (n->len == 0) {
		return;
	}
	at = find(n, box, fields_len);
	if (n->place[at] != 0) {
		drop(n, at, fields_len);
	}
}

void notes_cut(struct notes *n, const struct interval *gone)
{
	size_t i = 0;

	while (i < n->len) {
		const struct interval whole = n->at[i];

		if (u128_cmp(whole.hi, gone->lo) < 0 || u128_cmp(gone->hi, whole.lo) < 0) {
			i++;
			continue;
		}
		drop(n, find(n, &whole, 1), 1);
		if (u128_cmp(whole.lo, gone->lo) < 0) {
			notes_add(n, &(struct interval){ whole.lo, u128_dec(gone->lo) }, 1);
		}
		if (u128_cmp(gone->hi, whole.hi) < 0) {
			notes_add(n, &(struct interval){ u128_inc(gone->hi), whole.hi }, 1);
		}
	}
}

void notes_clear(struct notes *n)
{
	free(n->at);
	free(n->place);
	*n = (struct notes){ 0 };
}

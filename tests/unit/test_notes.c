/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notes of added elements against arrays of flags.
 */
#include "rng.h"
#include "suite.h"

#include "sets/notes.h"

enum {
	VALUES = 300,
	STEPS = 3000,
};

static struct interval interval(uint64_t lo, uint64_t hi)
{
	return (struct interval){ { 0, lo }, { 0, hi } };
}

static bool has(const struct notes *n, const struct interval *box, uint32_t fields_len)
{
	size_t found = 0;

	for (size_t i = 0; i < n->len; i++) {
		found += memcmp(&n->at[i * fields_len], box, fields_len * sizeof(*box)) == 0;
	}
	ck_assert_uint_le(found, 1);
	return found != 0;
}

/* Boxes of two fields are there once each, from their addition to their removal. */
START_TEST(boxes_are_noted_once)
{
	bool is_there[VALUES] = { false };
	struct notes n = { 0 };
	size_t len = 0;
	struct rng r;

	rng_init(&r, rng_seed(0, NULL));
	for (unsigned step = 0; step < STEPS; step++) {
		uint64_t v = rng_u64(&r) % VALUES;
		struct interval box[2] = { interval(v, v), interval(v / 2, v) };

		/* first more and more, then fewer */
		if (rng_u64(&r) % 3 < (step < STEPS / 2 ? 2 : 1)) {
			notes_add(&n, box, 2);
			len += !is_there[v];
			is_there[v] = true;
		} else {
			notes_remove(&n, box, 2);
			len -= is_there[v];
			is_there[v] = false;
		}
		ck_assert_uint_eq(n.len, len);
		ck_assert(has(&n, box, 2) == is_there[v]);
	}
	for (uint64_t v = 0; v < VALUES; v++) {
		struct interval box[2] = { interval(v, v), interval(v / 2, v) };

		ck_assert(has(&n, box, 2) == is_there[v]);
	}
	notes_clear(&n);
	ck_assert_uint_eq(n.len, 0);
}
END_TEST

/* What is cut out of intervals is in none, and all else in those it was in. */
START_TEST(values_are_cut_out_of_all)
{
	bool is_there[VALUES] = { false };
	struct notes n = { 0 };
	struct rng r;

	rng_init(&r, rng_seed(0, NULL));
	for (unsigned step = 0; step < STEPS; step++) {
		uint64_t lo = rng_u64(&r) % VALUES;
		uint64_t hi = lo + rng_u64(&r) % 8;
		struct interval i;
		bool adds = rng_u64(&r) % 2 == 0;
		bool noted[VALUES] = { false };

		hi = hi < VALUES ? hi : VALUES - 1;
		i = interval(lo, hi);
		if (adds) {
			notes_add(&n, &i, 1);
		} else {
			notes_cut(&n, &i);
		}
		for (uint64_t v = lo; v <= hi; v++) {
			is_there[v] = adds;
		}
		for (size_t at = 0; at < n.len; at++) {
			for (uint64_t v = n.at[at].lo.lo; v <= n.at[at].hi.lo; v++) {
				noted[v] = true;
			}
			ck_assert(has(&n, &n.at[at], 1));
		}
		ck_assert_mem_eq(noted, is_there, sizeof(noted));
	}
	notes_clear(&n);
}
END_TEST

SUITE_MAIN("notes", boxes_are_noted_once, values_are_cut_out_of_all)

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Delta debugging (A. Zeller, R. Hildebrandt, "Simplifying and isolating failure-inducing input",
 * 2002), its complement half: pieces of decreasing size are removed if the rest still fails.
 */
#include "shrink.h"

#include <stdlib.h>
#include <string.h>

#define TIME_BUDGET_NS (60 * NSEC_PER_SEC)
#define REPLAYS_MAX    4

enum lockstep_result replay(struct lockstep *d, const struct ends *e, const struct history *h,
                            replay_step_fn *step, size_t *at)
{
	lockstep_flush(d);
	lockstep_defaults(d);
	for (size_t i = 0; i < h->len; i++) {
		enum lockstep_result r = lockstep_step(d, e, &h->step[i]);

		if (r != LOCKSTEP_SAME) {
			*at = i;
			return r;
		}
		if (step != NULL) {
			step(d, e, &h->step[i]);
		}
	}
	return LOCKSTEP_SAME;
}

/* An uncertain replay decides nothing, so it is repeated. */
static bool still_fails(struct lockstep *d, const struct ends *e, const struct history *h,
                        size_t *at)
{
	enum lockstep_result r = LOCKSTEP_UNCERTAIN;

	for (unsigned i = 0; i < REPLAYS_MAX && r == LOCKSTEP_UNCERTAIN; i++) {
		r = replay(d, e, h, NULL, at);
	}
	return r == LOCKSTEP_DIFFERENT;
}

/* The history without steps [from, from + len). */
static void without(const struct history *h, size_t from, size_t len, struct history *out)
{
	out->len = 0;
	for (size_t i = 0; i < h->len; i++) {
		if (i < from || i >= from + len) {
			history_add(out, &h->step[i]);
		}
	}
}

bool shrink(struct lockstep *d, const struct ends *e, struct history *h)
{
	struct mono until = mono_add(lockstep_now(), TIME_BUDGET_NS);
	struct history shorter = { 0 };
	size_t at;

	if (!still_fails(d, e, h, &at)) {
		return false;
	}
	h->len = at + 1;
	for (size_t piece = (h->len + 1) / 2; piece > 0; piece /= 2) {
		for (size_t from = 0; from < h->len && !mono_is_due(until, lockstep_now());) {
			without(h, from, piece, &shorter);
			if (shorter.len != 0 && still_fails(d, e, &shorter, &at)) {
				struct history old = *h;

				*h = shorter;
				shorter = old;
				h->len = at + 1;
				continue;
			}
			from += piece;
		}
	}
	history_fini(&shorter);
	return true;
}

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

enum duel_result replay(struct duel *d, const struct ends *e, const struct history *h,
                        replay_step_fn *step, size_t *at)
{
	duel_flush(d);
	duel_defaults(d);
	for (size_t i = 0; i < h->len; i++) {
		enum duel_result r = duel_shot(d, e, &h->shot[i]);

		if (r != DUEL_SAME) {
			*at = i;
			return r;
		}
		if (step != NULL) {
			step(d, e, &h->shot[i]);
		}
	}
	return DUEL_SAME;
}

/* An uncertain replay decides nothing, so it is repeated. */
static bool still_fails(struct duel *d, const struct ends *e, const struct history *h, size_t *at)
{
	enum duel_result r = DUEL_BLURRED;

	for (unsigned i = 0; i < REPLAYS_MAX && r == DUEL_BLURRED; i++) {
		r = replay(d, e, h, NULL, at);
	}
	return r == DUEL_DIFFERENT;
}

/* The history without steps [from, from + len). */
static void without(const struct history *h, size_t from, size_t len, struct history *out)
{
	out->len = 0;
	for (size_t i = 0; i < h->len; i++) {
		if (i < from || i >= from + len) {
			history_add(out, &h->shot[i]);
		}
	}
}

bool shrink(struct duel *d, const struct ends *e, struct history *h)
{
	struct mono until = mono_add(duel_now(), TIME_BUDGET_NS);
	struct history shorter = { 0 };
	size_t at;

	if (!still_fails(d, e, h, &at)) {
		return false;
	}
	h->len = at + 1;
	for (size_t piece = (h->len + 1) / 2; piece > 0; piece /= 2) {
		for (size_t from = 0; from < h->len && !mono_is_due(until, duel_now());) {
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

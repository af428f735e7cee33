/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making a failing history short: leave steps out as long as the two sides still differ.
 */
#ifndef ORACLE_SHRINK_H
#define ORACLE_SHRINK_H

#include "duel.h"
#include "history.h"

/* Called after each step that both sides took alike. */
typedef void replay_step_fn(const struct duel *d, const struct ends *e, const struct shot *s);

/*
 * Plays a history from an empty table and default settings. Returns DUEL_SAME, or how it ended;
 * *at is then the step it ended with. step may be NULL.
 */
enum duel_result replay(struct duel *d, const struct ends *e, const struct history *h,
                        replay_step_fn *step, size_t *at);

/* Shortens *h in place, within a minute. Returns false when it does not fail again at all. */
bool shrink(struct duel *d, const struct ends *e, struct history *h);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shortens a failing history: removes steps as long as the two sides still differ.
 */
#ifndef ORACLE_SHRINK_H
#define ORACLE_SHRINK_H

#include "history.h"
#include "lockstep.h"

/* Called after each step with equal results. */
typedef void replay_step_fn(const struct lockstep *d, const struct ends *e, const struct step *s);

/*
 * Replays a history from an empty table and default settings. Returns LOCKSTEP_SAME or the first
 * other result; *at is then that step. step may be NULL.
 */
enum lockstep_result replay(struct lockstep *d, const struct ends *e, const struct history *h,
                            replay_step_fn *step, size_t *at);

/* Shortens *h in place, within a minute. Returns false if a replay does not fail. */
bool shrink(struct lockstep *d, const struct ends *e, struct history *h);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saves the engine's entries to a state file, in slices, while packets pass. Knows the engine and
 * files, not the daemon. The format is finwall/snapshot.h's.
 */
#ifndef FINWALL_STATE_SAVE_H
#define FINWALL_STATE_SAVE_H

#include "io/clock.h"

#include <finwall/engine.h>

#include <stdint.h>

struct state_save;

enum save_kind {
	SAVE_PERIODIC, /* workers are running */
	SAVE_FINAL,    /* workers have stopped: no packet gets a verdict after this save */
};

/*
 * Starts a save to path. wall: the same instant as now. Returns 0 with *out, which
 * state_save_step() or state_save_abort() frees, or -errno.
 */
int state_save_begin(const char *path, enum save_kind kind, struct mono now, struct wall_time wall,
                     struct state_save **out);

enum save_step {
	SAVE_CONTINUES,
	SAVE_DONE, /* the file has replaced the old one */
};

/*
 * Writes about budget records. Returns an enum save_step, or -errno after a failure, which leaves
 * the old file as it was. Frees s unless it returns SAVE_CONTINUES.
 */
int state_save_step(struct state_save *s, struct engine *e, struct mono now, unsigned budget);

/* Ends a save without replacing the file; NULL is fine. */
void state_save_abort(struct state_save *s);

#endif

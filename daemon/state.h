/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saved state: connections that outlive the daemon.
 *
 * Three parts: state_save.c writes the engine's table to a file in slices, state_load.c takes one
 * in, state.c decides when. The first two know the engine and files, not the daemon. The bytes are
 * finwall/snapshot.h's.
 */
#ifndef FINWALL_STATE_H
#define FINWALL_STATE_H

#include <finwall/engine.h>
#include <finwall/snapshot.h>

#include <stdbool.h>
#include <stdint.h>

struct daemon;

/* A save under way. */
struct state_save;

/* Whether packets are still answered while it is written. */
enum save_kind {
	SAVE_MEANWHILE,
	SAVE_FINAL,
};

/* Begins one. wall_ns: the wall clock at the same instant as now. Returns 0/-errno. */
int state_save_begin(const char *path, enum save_kind kind, struct mono now, uint64_t wall_ns,
                     struct state_save **out);

enum save_step {
	SAVE_GOES_ON,
	SAVE_DONE, /* the file is in place */
};

/*
 * Writes up to budget records, more or less. Returns an enum save_step, or -errno when it had to be
 * given up. Releases s unless it goes on.
 */
int state_save_step(struct state_save *s, struct engine *e, struct mono now, unsigned budget);

/* Gives it up; NULL is fine. */
void state_save_abort(struct state_save *s);

/* What passed while nobody looked. */
enum load_gap {
	GAP_NOTHING, /* packets were dropped, or waited */
	GAP_PACKETS, /* packets may have passed unseen */
};

struct state_taken {
	enum snapshot_result result; /* of the file; without SNAPSHOT_OK nothing was taken in */
	uint64_t flows;              /* alive */
	uint64_t tombs;              /* remembered, those that ran out meanwhile among them */
	uint64_t left_out;           /* for want of room, or because they are no longer wanted */
	int64_t down_ns;             /* by the wall clock; never negative */
};

/*
 * Takes in a file, before the workers run. w: for its policy and counters. Returns 0 with *out set,
 * or -errno when the file cannot be read (-ENOENT: there is none).
 */
int state_load(const char *path, struct engine *e, struct engine_worker *w, enum load_gap gap,
               struct mono now, uint64_t wall_ns, struct state_taken *out);

/*
 * state.c: loads what there is, and says what came of it. Never stops a start. Returns whether the
 * table goes on from where another process left it a moment ago.
 */
bool state_start(struct daemon *d);

/* state.c: saves bit by bit when it is time; some times a second. */
void state_tick(struct daemon *d, struct mono now);

/* state.c: saves everything; the workers have ended. */
void state_stop(struct daemon *d);

#endif

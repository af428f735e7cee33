/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads a state file into the engine, before the workers start. Knows the engine and files, not the
 * daemon.
 */
#ifndef FINWALL_STATE_LOAD_H
#define FINWALL_STATE_LOAD_H

#include "io/clock.h"

#include <finwall/engine.h>
#include <finwall/snapshot.h>

#include <stdint.h>

/* What happened to packets while no daemon ran. */
enum load_gap {
	GAP_NOTHING, /* they were dropped, or waited in the queue */
	GAP_PACKETS, /* they may have passed */
};

struct state_loaded {
	enum snapshot_result result; /* anything but SNAPSHOT_OK: nothing was loaded */
	uint64_t flows;              /* live */
	uint64_t tombs;              /* remembered, including flows that expired meanwhile */
	uint64_t left_out;           /* no longer wanted, or the table was full */
	uint64_t invalid;            /* records with a value that no entry can have */
	int64_t down_ns;             /* since the save; never negative */
};

/*
 * Checks the whole file, then loads it. w: for its policy and counters. wall: the same
 * instant as now. Returns 0 with *out, or -errno when the file
 * cannot be read (-ENOENT: there is none).
 */
int state_load(const char *path, struct engine *e, struct engine_worker *w, enum load_gap gap,
               struct mono now, struct wall_time wall, struct state_loaded *out);

/* Nanoseconds since a save, of which the header has the time; never negative. */
int64_t state_time_down(const struct snapshot_header *h, const struct wall_time *now);

#endif

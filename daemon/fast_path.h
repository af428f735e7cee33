/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel fast path, as the daemon uses it: finds the maps that `finwall hook` has pinned, takes
 * over the connections of an earlier process, and keeps leases valid while this process runs. Main
 * thread only.
 */
#ifndef FINWALL_FAST_PATH_H
#define FINWALL_FAST_PATH_H

#include "io/lease_pins.h"

#include <finwall/config.h>
#include <finwall/engine.h>

#include <stdbool.h>

struct log;
struct set_changes;
struct workers;

struct fast_path {
	/* set once; borrowed */
	struct log *log;
	struct engine *engine;
	struct engine_worker *worker; /* the main thread's */
	struct set_changes *changes;
	struct workers *workers;
	bool has_dir;
	char dir[LEASE_PATH_SIZE];
	/* zeroed at first */
	struct lease_pins pins; /* inode 0: no longer in use */
	uint32_t left;          /* they are unmapped when the workers have passed this */
	ino_t refused;          /* inode of maps that cannot be used */
	int err;                /* why; -EPROTO is final, others are tried again */
	unsigned tries;         /* of these maps that failed */
	uint64_t adopted;       /* connections taken over from an earlier process */
	bool has_gap;           /* packets may pass while no daemon runs */
};

/*
 * The maps are beside the control socket. on_absent: as in force since the start. The other fields
 * are set by the caller.
 */
void fast_path_init(struct fast_path *fp, const char *socket_path, enum fail_mode on_absent);

/*
 * At the start, before the workers and before saved state is loaded: opens the maps, if there are
 * any, and takes over the connections in them. packets_passed: packets may have passed unseen.
 */
void fast_path_start(struct fast_path *fp, const struct settings *s, const struct tunables *tun,
                     bool packets_passed, struct mono now);

/* A configuration was published. */
void fast_path_publish(struct fast_path *fp, const struct settings *s, const struct tunables *tun);

/* Every 0.1 seconds: keeps leases valid; opens maps that were pinned, leaves those that are gone.
 */
void fast_path_tick(struct fast_path *fp, const struct settings *s, const struct tunables *tun,
                    struct mono now);

/* At the stop: leases stay valid for the next process, as long as the settings say. */
void fast_path_stop(struct fast_path *fp, const struct settings *s, struct mono now);

/* Frees what is mapped; the workers have stopped. */
void fast_path_fini(struct fast_path *fp);

/* Why there is no kernel fast path, or "". */
const char *fast_path_why_not(const struct fast_path *fp, const struct settings *s,
                              const struct tunables *tun);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saved state: decides when connections are saved and loaded, and logs the outcome. A failure never
 * stops the daemon, which can filter with an empty table. Main thread only.
 */
#ifndef FINWALL_STATE_H
#define FINWALL_STATE_H

#include "background_save.h"
#include "load.h"

#include <finwall/config.h>

#include <stdbool.h>

struct log;

struct state {
	/* set once; borrowed */
	struct log *log;
	struct engine *engine;
	struct engine_worker *worker; /* the main thread's */
	const char *path;             /* from the command line, "none"; NULL = as configured */
	/* zeroed at first */
	struct background_save *save; /* in progress, or NULL */
	struct mono saved;            /* when the last save ended */
	bool is_due;                  /* the next one does not wait for the interval */
	struct sets_text *sets;       /* for the next save, or NULL */
	int err;                      /* of the last save, as logged: 0 or -errno */
};

/* Returns the path, or NULL when nothing is to be saved. */
const char *state_path(const struct state *s, const struct settings *settings);

/*
 * Loads the state file, if there is one, before the workers start, and the elements of the
 * configuration's sets. Returns true when it held live connections and the daemon was down for less
 * than a minute.
 */
bool state_start(struct state *s, const struct config *c, enum load_gap gap, struct mono now);

/* There are connections that nothing but this process knows: the next state_tick() saves. */
void state_save_soon(struct state *s);

/* Starts a save in the background when the interval has passed. Call it every 0.1 seconds. */
void state_tick(struct state *s, const struct config *c, struct mono now);

/* Saves everything before it returns; the workers have stopped. */
void state_stop(struct state *s, const struct config *c);

#endif

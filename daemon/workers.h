/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All workers: start, stop, and what the main thread exchanges with them. Main thread only.
 */
#ifndef FINWALL_WORKERS_H
#define FINWALL_WORKERS_H

#include "worker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log;

/* Zeroed before workers_alloc(). */
struct workers {
	struct worker *at; /* [len], in anonymous memory */
	uint32_t len;
	uint32_t allocated; /* at least len */
};

/* Allocates len zeroed workers, len > 0. Returns 0/-ENOMEM. */
int workers_alloc(struct workers *ws, uint32_t len);

/*
 * Starts all workers, whose queues are open (queues.h), with a configuration. pin: the setting
 * `queue pin`, NULL = off; a worker that cannot be pinned is logged and runs unpinned. cfg, engine:
 * borrowed until workers_stop(). start: of the daemon. Logs a failure. Returns 0/-errno.
 */
struct workers_params {
	struct engine *engine;
	const struct worker_config *cfg;
	const char *pin;
	struct mono start;
	bool compares_kernel;
	struct older *older; /* for the comparison; may be NULL */
};
int workers_start(struct workers *ws, const struct workers_params *params, struct log *log);

/* Stops all workers and waits for them: 0.2 seconds, at most a few. Their counters stay. */
void workers_stop(struct workers *ws, struct log *log);

/* Closes the queues and frees the workers, which must not be running. */
void workers_free(struct workers *ws);

/* Publishes a configuration; each worker switches to it between two batches. */
void workers_set_config(struct workers *ws, const struct worker_config *cfg);

/* True when all workers use cfg and none holds a reference to an earlier one. */
bool workers_all_use(const struct workers *ws, const struct worker_config *cfg);

/* Publishes the number of the last change of a set. Numbers wrap. */
void workers_set_change(struct workers *ws, uint32_t change);

/* True when no worker holds a reference to what this change, or an earlier one, replaced. */
bool workers_all_passed(const struct workers *ws, uint32_t change);

/* True when each worker has made a turn since the call that last returned true. Watchdog only. */
bool workers_all_turned(struct workers *ws);

/* Returns how many packets all workers have received. */
uint64_t workers_packets(const struct workers *ws);

/* Adds the counters of all workers to sum. */
void workers_add_stats(const struct workers *ws, struct stats *sum);

#endif

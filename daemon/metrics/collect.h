/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads all counters and writes them as metrics. The time it takes depends on the numbers of
 * queues, rules with a counter and sets, not on the number of connections. Main thread only.
 */
#ifndef FINWALL_METRICS_COLLECT_H
#define FINWALL_METRICS_COLLECT_H

#include "exposition.h"

#include <finwall/mono.h>

#include <stdbool.h>
#include <stddef.h>

struct control;
struct engine;
struct engine_worker;
struct generations;
struct hook_watch;
struct raw_sender;
struct reload_counts;
struct workers;

/* What is read. All pointers are borrowed. */
struct metrics_sources {
	struct engine *engine;
	const struct engine_worker *worker; /* the main thread's */
	const struct workers *workers;
	const struct generations *generations;
	const struct hook_watch *hook_watch;
	const struct raw_sender *raw_sender;
	struct cluster *cluster; /* NULL without one */
	const struct reload_counts *reloads;
	const struct control *const *control; /* where the pointer is; it may be NULL */
	struct mono start;                    /* of the daemon */
	bool compares_kernel;
};

/* Numbers of the server itself. */
struct metrics_own {
	uint64_t scrapes;
	uint64_t refused; /* clients: too many, too slow or invalid */
	int64_t last_ns;  /* time that the last collection took */
};

/* Returns malloc'd text and its size, or NULL when memory ran out. */
char *metrics_collect(const struct metrics_sources *from, const struct metrics_own *own,
                      enum exposition_format format, size_t *size);

#endif

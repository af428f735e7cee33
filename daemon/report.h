/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reports: the workers' events and failures, to the log and to subscribers. Main thread only.
 */
#ifndef FINWALL_REPORT_H
#define FINWALL_REPORT_H

#include "workers.h"

#include <stdbool.h>

struct ifnames;
struct log;

struct event_sinks;
struct generations;

struct report {
	/* set once; borrowed */
	struct log *log;
	struct event_sinks *sinks;
	const struct generations *generations;
	const struct ifnames *ifnames;
	struct workers *workers;
	bool logs_late; /* late closes go to the log */
	/* gets each event, borrowed for the call; NULL = nobody */
	void (*on_event)(void *ctx, const struct worker_event *ev);
	/* gets each record of the watch rings, likewise */
	void (*on_watch)(void *ctx, const struct watch_record *record, const void *contents);
	void *ctx;
	struct watch *watch;
	/* state */
	struct mono failures_logged;
};

/* Takes the workers' events, at most one ring per worker, and passes them on. */
void report_events(struct report *r);

/* Logs each failure counter that has changed since the last call, of workers and kernel. */
void report_failures(struct report *r);

/* report_events(), and at most once in ten seconds report_failures(). */
void report_tick(struct report *r, struct mono now);

#endif

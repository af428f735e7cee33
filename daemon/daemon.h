/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon as its parts see it: one struct, owned and used by the main thread.
 *
 * Workers see only their own struct worker and the engine. Everything else here (configuration,
 * control socket, logging, interface names) runs on the main thread's event loop and needs no lock.
 */
#ifndef FINWALL_DAEMON_H
#define FINWALL_DAEMON_H

#include "events.h"
#include "worker.h"

#include <finwall/config.h>
#include <finwall/engine.h>

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

struct log;
struct ifnames;
struct ctl;

struct daemon {
	/* set once */
	const char *config_path;
	struct event_base *base;
	struct log *log;         /* io/log.h */
	struct ifnames *ifnames; /* io/ifname.h: index to name */
	struct engine *engine;
	void *engine_mem;
	size_t engine_mem_size;
	struct mono start;
	int64_t start_wall_sec; /* seconds since 1970 */
	struct worker *workers;
	uint32_t workers_len;
	uint32_t verbose; /* late closes go to the log */
	/* current configuration: settings, rules, counters; ->older are on their way out */
	struct generation *generation;
	uint32_t reloads;        /* successful ones */
	uint32_t reloads_failed; /* the old configuration stayed */
	/* the main thread's own access to the engine: deleting, flushing */
	struct engine_worker control;
	/* the control socket's state; NULL when there is none */
	struct ctl *ctl;
	/* sees every event as it is drained; may be NULL */
	void (*tap)(void *ctx, const struct event *ev);
	void *tap_ctx;
	/* the loop's own */
	struct event *ev_term;
	struct event *ev_int;
	struct event *ev_hup;
	struct event *ev_tick;
	struct event *ev_link;
};

/*
 * Reads the configuration file again and puts it in force, or leaves everything as it was. Returns
 * 0, or -errno with *errors set to malloc'd lines for people (the caller frees them; may be NULL
 * when memory ran out). Logs the outcome itself.
 */
int daemon_reload(struct daemon *d, char **errors);

/* Ends the main loop soon: what SIGTERM does. */
void daemon_stop(struct daemon *d);

/* Adds up what all workers and the main thread counted. sum is overwritten. */
void daemon_stats(const struct daemon *d, struct stats *sum);

/* What is in force. */
static inline const struct settings *daemon_settings(const struct daemon *d)
{
	return config_settings(d->generation->config);
}

#endif

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
#include <sys/queue.h>

struct log;
struct ifnames;
struct ctl;
struct event_reader;
struct state_save;

struct daemon {
	/* set once */
	const char *config_path;
	const char *socket_path; /* of the control socket; NULL = the default */
	const char *state_path;  /* of the saved state, "none"; NULL = as configured */
	struct event_base *base;
	struct log *log;         /* io/log.h */
	struct ifnames *ifnames; /* io/ifname.h: index to name */
	struct engine *engine;
	void *engine_mem;
	size_t engine_mem_size;
	size_t engine_table_size; /* of it, what is worth taking in advance */
	struct mono start;
	int64_t start_wall_sec; /* seconds since 1970 */
	struct settings
		settings_at_start; /* those that cannot change are in force as here; no text */
	struct worker *workers;
	uint32_t workers_len;
	uint32_t queues_kept; /* of them, those whose queue came from the process before */
	uint32_t keeps_fds;   /* the service manager keeps the queues' sockets for the next one */
	uint32_t verbose;     /* late closes go to the log */
	/* started when a configuration first needs it, there until the end */
	struct rawsend raw;
	struct mono raw_started;
	uint32_t raw_restarts; /* it had ended, and another one took its place */
	/* current configuration: settings, rules, counters; ->older are on their way out */
	struct generation *generation;
	uint32_t reloads;        /* successful ones */
	uint32_t reloads_failed; /* the old configuration stayed */
	/* the main thread's own access to the engine: deleting, flushing */
	struct engine_worker control;
	/* the control socket's state; NULL when there is none */
	struct ctl *ctl;
	/* clients that get every event as it is drained (ctl_events.c) */
	LIST_HEAD(, event_reader) event_readers;
	uint64_t events_skipped; /* what they were too slow for, all together */
	/* the loop's own */
	struct event *ev_term;
	struct event *ev_int;
	struct event *ev_hup;
	struct event *ev_tick;
	struct event *ev_link;
	struct event *ev_prefault; /* prefault.c: while it goes on */
	size_t prefaulted;         /* bytes of engine_mem that were touched in advance */
	int64_t watchdog_ns; /* how often the service manager wants to hear of us; 0 = never */
	struct mono watchdog_fed;
	struct mono troubles_told;
	/* saved state: state.c */
	struct state_save *save; /* under way, or NULL */
	struct mono state_saved; /* when the last one ended */
	int state_err;           /* of the last one, as it was told */
	uint32_t has_run;        /* what is in the table is worth saving */
	uint32_t import_waits;   /* for the first packets, to read the kernel's table once more */
};

/* How the program ends. */
enum exit_code {
	EXIT_OK,
	EXIT_BAD_CONFIG,
	EXIT_CANNOT_RUN,
};

/*
 * daemon_init: everything up to running workers; says itself what went wrong. daemon_run: the main
 * loop, until daemon_stop(). daemon_fini: ends the workers with all packets answered and releases
 * everything; also after a daemon_init() that failed. d is zeroed but for what is set on the
 * command line.
 */
enum exit_code daemon_init(struct daemon *d);
void daemon_run(struct daemon *d);
void daemon_fini(struct daemon *d);

/*
 * reload.c: a generation from the configuration file, for d->workers_len workers, or while that is
 * 0 for as many as the settings ask for. NULL: *errors as in daemon_reload().
 */
struct generation *generation_new(const struct daemon *d, uint32_t number, char **errors);

/*
 * reload.c: gives the generation what it needs to act: interface names, and the process that sends
 * raw packets where its policies ask for resets or probes.
 */
void generation_equip(struct daemon *d, struct generation *g);

/* reload.c: with all that are older; NULL is fine. */
void generation_free(struct generation *g);

/* reload.c: frees what no worker uses any longer, after the events that refer to it were drained.
 */
void generation_retire(struct daemon *d);

/* housekeeping.c: to be called some times a second. */
void housekeeping_tick(struct daemon *d);

/* housekeeping.c: says what went wrong since it was called last. */
void housekeeping_tell_troubles(struct daemon *d);

/* housekeeping.c: hands on what the workers told. */
void housekeeping_drain_events(struct daemon *d);

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

/* What it does, in one line for the service manager. */
static inline const char *daemon_status(const struct daemon *d)
{
	return d->generation->policy.tun.enforce != 0
	               ? "Filtering"
	               : "Watching: every packet passes (enforce off)";
}

#endif

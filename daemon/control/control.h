/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control interface org.finwall.Control: what clients of the control socket can call.
 *
 * Runs on the main loop. finwall(8) describes the methods; interface.c defines them in Varlink's
 * interface language.
 */
#ifndef FINWALL_CONTROL_H
#define FINWALL_CONTROL_H

#include "event_ring.h"
#include "watch.h"

#include <finwall/mono.h>

#include <stdbool.h>
#include <stdint.h>

struct cluster;
struct control;
struct event_base;
struct generations;
struct ifnames;
struct fast_path;
struct hook_watch;
struct importer;
struct log;
struct raw_sender;
struct set_changes;
struct workers;

/* Reloads since the start. */
struct reload_counts {
	uint32_t done;
	uint32_t failed; /* the configuration in force stayed */
};

/* What methods read and act on. All pointers are borrowed until control_stop(). */
struct control_env {
	struct log *log;
	const struct ifnames *ifnames;
	struct engine *engine;
	struct engine_worker *worker; /* the main thread's */
	struct workers *workers;
	const struct generations *generations;
	struct set_changes *set_changes;
	struct watch *watch;
	struct importer *importer;
	struct raw_sender *raw_sender;
	struct hook_watch *hook_watch;
	const struct fast_path *fast_path;
	struct cluster *cluster; /* NULL without one */
	uint32_t queues_len; /* of the configuration at the start */
	const char *config_path;
	const char *group; /* of those who may read; NULL = none */
	const struct reload_counts *reloads;
	struct mono start; /* of the daemon */
	bool compares_kernel;
	/*
	 * Reloads the configuration. confirm_s: the one before comes back after so many seconds,
	 * unless confirmed; 0 = it does not. Returns 0 with *warnings set to malloc'd lines or
	 * NULL, or -errno with *errors set to such lines. The caller frees both.
	 */
	int (*reload)(void *ctx, uint32_t confirm_s, char **errors, char **warnings);
	/* Confirms a reload; false: none waits. */
	bool (*confirm)(void *ctx);
	/* Nanoseconds until the configuration before comes back; 0: no reload waits. */
	int64_t (*confirm_left)(void *ctx);
	void *ctx;
};

/*
 * Listens at socket_path. Returns 0 with *out, or -errno; -EADDRINUSE when another daemon answers
 * there.
 */
int control_start(struct event_base *base, const char *socket_path, const struct control_env *env,
                  struct control **out);

/* Closes the socket and all clients; NULL is fine. */
void control_stop(struct control *c);

/* The hook rules, or what they have to be, changed: for the clients of GetHooks. c may be NULL. */
void control_hooks_changed(struct control *c);

/* Returns how many clients that may change the daemon follow GetHooks: finwall hook watch. c may be
 * NULL. */
unsigned control_hook_watchers(const struct control *c);

/* Passes an event to the clients of StreamEvents; never blocks. c may be NULL. */
void control_publish(struct control *c, const struct worker_event *ev);

/* Passes a record of the watch rings to the clients that want it; likewise. */
void control_publish_record(struct control *c, const struct watch_record *record,
                            const void *contents);

struct control_usage {
	unsigned event_readers;
	uint64_t events_skipped; /* that readers were too slow for */
};

/* c may be NULL. */
void control_usage(const struct control *c, struct control_usage *out);

#endif

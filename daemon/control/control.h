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

#include <finwall/mono.h>

#include <stdbool.h>
#include <stdint.h>

struct control;
struct event_base;
struct generations;
struct ifnames;
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
	struct importer *importer;
	const struct raw_sender *raw_sender;
	const struct reload_counts *reloads;
	struct mono start; /* of the daemon */
	bool compares_kernel;
	/*
	 * Reloads the configuration. Returns 0, or -errno with *errors set to malloc'd lines that
	 * the caller frees, or to NULL.
	 */
	int (*reload)(void *ctx, char **errors);
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

/* Passes an event to the clients of StreamEvents; never blocks. c may be NULL. */
void control_publish(struct control *c, const struct worker_event *ev);

#endif

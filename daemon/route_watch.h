/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's routes for the rules: reads them if a rule has `fib`, reads them again after
 * changes, and frees a snapshot when no worker can use it any longer. Main thread only.
 */
#ifndef FINWALL_ROUTE_WATCH_H
#define FINWALL_ROUTE_WATCH_H

#include <finwall/mono.h>
#include <finwall/routes.h>
#include <finwall/ruleset.h>

#include <stdbool.h>

struct log;
struct set_changes;
struct workers;
struct old_routes;

struct route_watch {
	struct log *log;
	struct set_changes *changes;
	struct workers *workers;
	int fd; /* -1 = none */
	/* the rules in force, and the snapshot that they have; NULL = none */
	struct ruleset *rules;
	struct rs_routes *routes;
	uint32_t what;          /* ROUTES_* of it */
	struct old_routes *old; /* not freed yet */
	struct mono not_before; /* reading takes time: at most a part of it is spent so */
	uint32_t unknown_rules; /* as last logged */
	bool is_stale;
	bool has_failed;
};

/* Subscribes to changes. The pointers are borrowed. */
void route_watch_open(struct route_watch *w, struct log *log, struct set_changes *changes,
                      struct workers *workers);

/* To be called for rules that are put in force, before a worker gets them. */
void route_watch_require(struct route_watch *w, struct ruleset *rules);

/* The descriptor is readable. */
void route_watch_notified(struct route_watch *w);
void route_watch_tick(struct route_watch *w, struct mono now);

/* Frees all; the workers have stopped. */
void route_watch_close(struct route_watch *w);

#endif

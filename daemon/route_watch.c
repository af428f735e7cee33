/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshots of the kernel's routes, one after another. See route_watch.h. */
#include "route_watch.h"

#include "io/clock.h"
#include "io/log.h"
#include "io/route_read.h"
#include "set_changes.h"
#include "workers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Between two readings, at least, and this many times what one takes. */
#define PAUSE_LEAST_NS INT64_C(50000000)
#define PAUSE_FACTOR   10

/* After a failure. */
#define PAUSE_FAILED_NS INT64_C(1000000000)

struct old_routes {
	struct old_routes *next; /* replaced later */
	struct rs_routes *routes;
	uint32_t change;
};

void route_watch_open(struct route_watch *w, struct log *log, struct set_changes *changes,
                      struct workers *workers)
{
	*w = (struct route_watch){ .log = log, .changes = changes, .workers = workers };
	w->fd = route_changes_open();
	if (w->fd < 0) {
		log_write(log, LOG_LEVEL_WARNING,
		          "cannot watch the routes: %s; fib in rules goes by those of the last "
		          "reload",
		          strerror(-w->fd));
		w->fd = -1;
	}
}

/* Frees the snapshots that no worker can use. */
static void retire(struct route_watch *w)
{
	while (w->old != NULL && workers_all_passed(w->workers, w->old->change)) {
		struct old_routes *o = w->old;

		w->old = o->next;
		routes_free(o->routes);
		free(o);
	}
}

/* Puts a snapshot in place of the one in use. Returns false if memory runs out. */
static bool replace(struct route_watch *w, struct rs_routes *fresh)
{
	struct old_routes *o = calloc(1, sizeof(*o));
	struct old_routes **end = &w->old;

	if (o == NULL) {
		return false;
	}
	if (w->rules != NULL) {
		ruleset_set_routes(w->rules, fresh);
	}
	o->routes = w->routes;
	w->routes = fresh;
	/* A worker that acknowledges it has the newest rules and has seen their new pointer. */
	o->change = set_changes_mark(w->changes, w->workers);
	while (*end != NULL) {
		end = &(*end)->next;
	}
	*end = o;
	retire(w);
	return true;
}

static void report_unknown(struct route_watch *w, const struct route_dump *d)
{
	if (d->unknown_rules != w->unknown_rules && d->unknown_rules != 0) {
		log_write(w->log, LOG_LEVEL_WARNING,
		          "fib in rules: %" PRIu32 " policy routing rule%s ignored, the first of "
		          "priority %" PRIu32
		          ": it selects by protocol, port, user, VRF or the like",
		          d->unknown_rules, d->unknown_rules == 1 ? " is" : "s are",
		          d->unknown_priority);
	}
	w->unknown_rules = d->unknown_rules;
}

static void read_routes(struct route_watch *w, uint32_t what)
{
	const struct mono before = clock_now();
	struct route_dump dump = { 0 };
	struct rs_routes *fresh = NULL;
	int err = route_read(what, &dump);
	struct mono after;
	int64_t pause_ns;

	if (err == 0) {
		fresh = routes_new(&dump);
		err = fresh == NULL ? -ENOMEM : 0;
	}
	if (err == 0 && !replace(w, fresh)) {
		routes_free(fresh);
		err = -ENOMEM;
	}
	if (err == 0) {
		report_unknown(w, &dump);
		w->what = what;
	} else if (!w->has_failed) {
		log_write(w->log, LOG_LEVEL_ERROR,
		          "cannot read the routes for fib in rules: %s; those read before stay",
		          strerror(-err));
	}
	route_dump_fini(&dump);
	after = clock_now();
	pause_ns = PAUSE_FACTOR * mono_diff(after, before);
	pause_ns = pause_ns < PAUSE_LEAST_NS ? PAUSE_LEAST_NS : pause_ns;
	w->not_before = mono_add(after, err == 0 ? pause_ns : PAUSE_FAILED_NS);
	w->is_stale = err != 0;
	w->has_failed = err != 0;
}

/* The rules' time of day follows the kernel's clock, which may be set. */
static void set_wall(struct ruleset *rules, struct mono now)
{
	ruleset_set_wall(rules, (int64_t)clock_wall_ns() - now.ns);
}

void route_watch_require(struct route_watch *w, struct ruleset *rules)
{
	uint32_t what = ruleset_needs_routes(rules);

	if (what != 0 && (w->is_stale || (what & ~w->what) != 0)) {
		read_routes(w, what);
	}
	ruleset_set_routes(rules, w->routes);
	set_wall(rules, clock_now());
	w->rules = rules;
}

static void read_if_due(struct route_watch *w, struct mono now)
{
	uint32_t what = w->rules != NULL ? ruleset_needs_routes(w->rules) : 0;

	if (w->is_stale && what != 0 && mono_is_due(w->not_before, now)) {
		read_routes(w, what);
	}
}

void route_watch_notified(struct route_watch *w)
{
	if (route_changes_take(w->fd)) {
		w->is_stale = true;
		read_if_due(w, clock_now());
	}
}

void route_watch_tick(struct route_watch *w, struct mono now)
{
	if (w->rules != NULL) {
		set_wall(w->rules, now);
	}
	read_if_due(w, now);
	retire(w);
}

void route_watch_close(struct route_watch *w)
{
	while (w->old != NULL) {
		struct old_routes *o = w->old;

		w->old = o->next;
		routes_free(o->routes);
		free(o);
	}
	routes_free(w->routes);
	w->routes = NULL;
	if (w->log != NULL && w->fd >= 0) {
		close(w->fd);
	}
}

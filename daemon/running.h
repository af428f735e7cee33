/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running daemon: every module's part, owned by daemon.c. Of the main thread.
 */
#ifndef FINWALL_RUNNING_H
#define FINWALL_RUNNING_H

#include "control/control.h"
#include "daemon.h"
#include "event_sinks.h"
#include "fast_path.h"
#include "fixed_settings.h"
#include "generation.h"
#include "hook_watch.h"
#include "raw_sender.h"
#include "report.h"
#include "route_watch.h"
#include "set_changes.h"
#include "state/import_conntrack.h"
#include "state/state.h"
#include "watch.h"
#include "workers.h"

/* What the main loop waits for. */
enum source {
	SOURCE_TERM,
	SOURCE_INT,
	SOURCE_HUP,
	SOURCE_TICK,
	SOURCE_LINK,
	SOURCE_HOOKS,
	SOURCE_ROUTES,
	SOURCES_LEN,
};

struct daemon {
	struct daemon_options options;
	struct mono start;
	struct event_base *base;
	struct event *sources[SOURCES_LEN];
	struct log *log;
	struct ifnames *ifnames;
	/* settings that a reload cannot change are in force as here; other pointers in it dangle */
	struct settings settings_at_start;
	char *texts_at_start[FIXED_TEXTS_LEN]; /* its texts, owned */
	uint32_t queues_len;                   /* of the configuration, without extra_queues */
	struct extra_queues *extra_queues;
	/* memory of the engine */
	struct engine *engine;
	void *engine_mem;
	size_t engine_mem_size;
	size_t engine_table_size; /* of it, what prefault populates */
	struct prefaulter *prefaulter;
	/* modules */
	struct engine_worker engine_worker; /* the main thread's: delete, flush, load, import */
	struct workers workers;
	struct generations generations;
	struct set_changes set_changes;
	struct route_watch route_watch;
	struct watch watch;
	struct event_sinks sinks;
	struct raw_sender raw_sender;
	struct report report;
	struct watchdog *watchdog; /* NULL when the service manager has none */
	struct hook_watch hook_watch;
	struct fast_path fast_path;
	struct state state;
	struct importer importer;
	struct cluster *cluster; /* NULL without one */
	struct older *older;     /* for the comparison with the kernel's tracker; may be NULL */
	struct control *control; /* NULL when there is none */
	struct reload_counts reloads;
	uint32_t generation_last; /* the last number given */
	struct mono confirm_end;  /* without a confirmation, the kept generation is put in force */
	struct metrics *metrics;
	bool has_run; /* the table is worth saving */
};

#endif

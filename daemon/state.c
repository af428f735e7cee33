/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When state is saved and loaded, and what people are told of it. Nothing that goes wrong here
 * stops the daemon: it filters with an empty table as well.
 */
#include "state.h"

#include "daemon.h"
#include "io/clock.h"
#include "io/log.h"
#include "io/state_file.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

/* Records written in one turn of the main loop: some milliseconds of work. */
#define TICK_RECORDS 4096

/* After a longer absence others may have done our work meanwhile. */
#define ABSENCE_NS sec_to_ns(60)

static void saved(struct daemon *d, int res, const char *path);

/* Where, or NULL for nowhere. */
static const char *state_path(const struct daemon *d)
{
	if (d->state_path == NULL) {
		return daemon_settings(d)->state_file;
	}
	return strcmp(d->state_path, "none") == 0 ? NULL : d->state_path;
}

static void set_aside(struct daemon *d, const char *path, const char *why)
{
	int err = state_file_set_aside(path);

	if (err == 0) {
		log_say(d->log, LOG_LEVEL_ERROR,
		        "%s: %s: kept as %s.bad, starting without connections", path, why, path);
	} else {
		log_say(d->log, LOG_LEVEL_ERROR, "%s: %s: starting without connections (%s)", path,
		        why, strerror(-err));
	}
}

static void tell_taken(struct daemon *d, const struct state_taken *t)
{
	log_say(d->log, LOG_LEVEL_NOTICE,
	        "%" PRIu64 " connections and %" PRIu64 " remembered ones taken over, down for "
	        "%" PRId64 ".%03d s",
	        t->flows, t->tombs, t->down_ns / NSEC_PER_SEC,
	        (int)(t->down_ns % NSEC_PER_SEC / NSEC_PER_MSEC));
	if (t->left_out > 0) {
		log_say(d->log, LOG_LEVEL_NOTICE,
		        "%" PRIu64 " saved ones left out: run out, or no room for them",
		        t->left_out);
	}
}

bool state_start(struct daemon *d)
{
	const char *path = state_path(d);
	const struct settings *s = &d->settings_at_start;
	/* Packets waited in a queue that was kept, or found it full. */
	uint32_t unseen = d->queues_kept == d->workers_len ? s->on_overload : s->on_absent;
	enum load_gap gap = unseen == FAIL_ACCEPT ? GAP_PACKETS : GAP_NOTHING;
	struct state_taken taken;
	int err;

	d->state_saved = d->start;
	if (path == NULL) {
		return false;
	}
	err = state_load(path, d->engine, &d->control, gap, clock_now(), clock_wall_ns(), &taken);
	if (err == -ENOENT) {
		return false;
	}
	if (err != 0) {
		log_say(d->log, LOG_LEVEL_ERROR, "%s: %s: starting without connections", path,
		        strerror(-err));
		return false;
	}
	if (taken.result != SNAPSHOT_OK) {
		set_aside(d, path, snapshot_text(taken.result));
		return false;
	}
	tell_taken(d, &taken);
	return taken.flows > 0 && taken.down_ns < ABSENCE_NS;
}

void state_tick(struct daemon *d, struct mono now)
{
	const char *path = state_path(d);
	int64_t interval_ns = sec_to_ns(daemon_settings(d)->state_interval_s);
	int res;

	if (d->save == NULL) {
		if (path == NULL || mono_diff(now, d->state_saved) < interval_ns) {
			return;
		}
		res = state_save_begin(path, SAVE_MEANWHILE, now, clock_wall_ns(), &d->save);
		if (res != 0) {
			saved(d, res, path);
			return;
		}
	}
	res = state_save_step(d->save, d->engine, now, TICK_RECORDS);
	if (res != SAVE_GOES_ON) {
		saved(d, res, path);
	}
}

void state_stop(struct daemon *d)
{
	const char *path = state_path(d);
	struct mono now = clock_now();
	int res;

	state_save_abort(d->save);
	d->save = NULL;
	if (path == NULL) {
		return;
	}
	res = state_save_begin(path, SAVE_FINAL, now, clock_wall_ns(), &d->save);
	if (res == 0) {
		do {
			res = state_save_step(d->save, d->engine, now, UINT_MAX);
		} while (res == SAVE_GOES_ON);
	}
	saved(d, res, path);
}

/* A save ended. Trouble is told when it begins, changes or ends, not each time. */
static void saved(struct daemon *d, int res, const char *path)
{
	int err = res < 0 ? res : 0;

	if (path == NULL) {
		path = "state"; /* a reload has just turned it off */
	}
	if (err != d->state_err && err != 0) {
		log_say(d->log, LOG_LEVEL_ERROR, "%s: connections cannot be saved: %s", path,
		        strerror(-err));
	} else if (err != d->state_err) {
		log_say(d->log, LOG_LEVEL_NOTICE, "%s: connections are saved again", path);
	}
	d->state_err = err;
	d->state_saved = clock_now();
	d->save = NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When connections are saved and loaded. See state.h.
 */
#include "state.h"

#include "io/clock.h"
#include "io/log.h"
#include "io/state_file.h"
#include "sets_text.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

/* After a longer absence another tracker may have worked meanwhile: import from it. */
#define ABSENCE_MAX_NS sec_to_ns(60)

static void save_ended(struct state *s, int res, const char *path);

const char *state_path(const struct state *s, const struct settings *settings)
{
	if (s->path == NULL) {
		return settings->state_file;
	}
	return strcmp(s->path, "none") == 0 ? NULL : s->path;
}

/* Renames an invalid file to .bad. why: the reason. */
static void reject_file(struct state *s, const char *path, const char *why)
{
	int err = state_file_rename_bad(path);

	if (err == 0) {
		log_write(s->log, LOG_LEVEL_ERROR,
		          "%s: %s: renamed to %s.bad, starting with an empty connection table",
		          path, why, path);
	} else {
		log_write(s->log, LOG_LEVEL_ERROR,
		          "%s: %s: cannot rename it (%s), starting with an empty connection table",
		          path, why, strerror(-err));
	}
}

static void log_loaded(struct state *s, const struct state_loaded *l)
{
	log_write(s->log, LOG_LEVEL_NOTICE,
	          "loaded %" PRIu64 " connections and %" PRIu64
	          " remembered connections, down for %" PRId64 ".%03d s",
	          l->flows, l->tombs, l->down_ns / NSEC_PER_SEC,
	          (int)(l->down_ns % NSEC_PER_SEC / NSEC_PER_MSEC));
	if (l->left_out > 0) {
		log_write(s->log, LOG_LEVEL_NOTICE,
		          "%" PRIu64 " saved connections not loaded: expired, or the table is full",
		          l->left_out);
	}
	if (l->invalid > 0) {
		log_write(s->log, LOG_LEVEL_WARNING,
		          "%" PRIu64 " saved connections not loaded: invalid record", l->invalid);
	}
}

/* A ban outlives a restart, also where no connections were saved. */
static void load_sets(struct state *s, const char *path, const struct config *c, struct mono now)
{
	struct sets_loaded loaded;
	int err = sets_text_load(path, c, now, clock_wall(), &loaded);

	if (err != 0 && err != -ENOENT) {
		log_write(s->log, LOG_LEVEL_ERROR, "%s" SETS_TEXT_ENDING ": cannot read it: %s",
		          path, strerror(-err));
	} else if (err == 0 && loaded.is_invalid) {
		log_write(s->log, LOG_LEVEL_ERROR,
		          "%s" SETS_TEXT_ENDING ": damaged: the sets have the elements of the "
		          "configuration only",
		          path);
	} else if (err == 0 && loaded.elements + loaded.left_out != 0) {
		log_write(s->log, LOG_LEVEL_NOTICE,
		          "loaded %" PRIu64 " elements of sets; %" PRIu64
		          " have expired or no longer fit",
		          loaded.elements, loaded.left_out);
	}
}

bool state_start(struct state *s, const struct config *c, enum load_gap gap, struct mono now)
{
	const char *path = state_path(s, config_settings(c));
	struct state_loaded loaded;
	int err;

	s->saved = now;
	if (path == NULL) {
		return false;
	}
	load_sets(s, path, c, now);
	err = state_load(path, s->engine, s->worker, gap, now, clock_wall(), &loaded);
	if (err == -ENOENT) {
		return false;
	}
	if (err != 0) {
		log_write(s->log, LOG_LEVEL_ERROR,
		          "%s: cannot read it: %s: starting with an empty connection table", path,
		          strerror(-err));
		return false;
	}
	if (loaded.result != SNAPSHOT_OK) {
		reject_file(s, path, snapshot_text(loaded.result));
		return false;
	}
	log_loaded(s, &loaded);
	return loaded.flows > 0 && loaded.down_ns < ABSENCE_MAX_NS;
}

/* Returns true when they are complete, or memory ran out. */
static bool gather_sets(struct state *s, const struct config *c, struct mono now)
{
	if (s->sets == NULL) {
		s->sets = sets_text_new();
	}
	return s->sets == NULL || sets_text_step(s->sets, c, now);
}

void state_save_soon(struct state *s)
{
	s->is_due = true;
}

void state_tick(struct state *s, const struct config *c, struct mono now)
{
	const struct settings *settings = config_settings(c);
	const char *path = state_path(s, settings);
	int64_t interval_ns = sec_to_ns(settings->state_interval_s);
	int res;

	if (s->save == NULL) {
		if (path == NULL || (!s->is_due && mono_diff(now, s->saved) < interval_ns) ||
		    !gather_sets(s, c, now)) {
			return;
		}
		s->is_due = false;
		res = background_save_start(path, s->engine, s->sets, now, clock_wall(), &s->save);
		s->sets = NULL;
		if (res != 0) {
			save_ended(s, res, path);
		}
	} else if (background_save_has_ended(s->save, &res)) {
		save_ended(s, res, path);
	}
}

/* Returns SAVE_DONE or -errno. */
static int save_final(const struct state *s, const char *path)
{
	struct mono now = clock_now();
	struct state_save *save;
	int res = state_save_begin(path, SAVE_FINAL, now, clock_wall(), &save);

	if (res == 0) {
		do {
			res = state_save_step(save, s->engine, now, UINT_MAX);
		} while (res == SAVE_CONTINUES);
	}
	return res;
}

static int save_sets(struct state *s, const struct config *c, const char *path)
{
	struct mono now = clock_now();

	sets_text_free(s->sets);
	s->sets = NULL;
	while (!gather_sets(s, c, now)) {
	}
	return sets_text_write(s->sets, path, clock_wall());
}

void state_stop(struct state *s, const struct config *c)
{
	const char *path = state_path(s, config_settings(c));

	background_save_stop(s->save);
	s->save = NULL;
	if (path != NULL) {
		int sets_err = save_sets(s, c, path);
		int res = save_final(s, path);

		save_ended(s, res < 0 || sets_err == 0 ? res : sets_err, path);
	}
	sets_text_free(s->sets);
	s->sets = NULL;
}

/* Logs a failure when it begins, changes or ends, not at each save. */
static void save_ended(struct state *s, int res, const char *path)
{
	int err = res < 0 ? res : 0;

	if (path == NULL) {
		path = "state file"; /* a reload has turned saving off meanwhile */
	}
	if (err != s->err && err != 0) {
		log_write(s->log, LOG_LEVEL_ERROR, "%s: cannot save connections: %s", path,
		          strerror(-err));
	} else if (err != s->err) {
		log_write(s->log, LOG_LEVEL_NOTICE, "%s: connections saved again", path);
	}
	s->err = err;
	s->saved = clock_now();
	s->save = NULL;
}

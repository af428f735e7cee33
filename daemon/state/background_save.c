/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread of a periodic save. See background_save.h.
 *
 * Lists are read without locks (engine_list_flows()), so the thread delays no worker. It pauses
 * between the slices: it must not compete with them for the processor either.
 */
#include "background_save.h"

#include "io/clock.h"
#include "io/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Records in one slice, a few milliseconds, and the pause after it. */
#define SLICE_RECORDS 4096
#define PAUSE_NS      100000000

struct background_save {
	/* set once */
	char *path;
	struct engine *engine;
	struct sets_text *sets;
	struct mono start;
	struct wall_time wall;
	pthread_t thread;
	/* between the two threads */
	_Atomic int stop;  /* written by main */
	_Atomic int ended; /* written by the thread: res is valid */
	int res;
};

static void release(struct background_save *s)
{
	sets_text_free(s->sets);
	free(s->path);
	free(s);
}

/* Returns SAVE_DONE, or -errno; -ECANCELED after a stop. */
static int save(struct background_save *s)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	struct state_save *save;
	int sets_err = sets_text_write(s->sets, s->path, s->wall);
	int res = state_save_begin(s->path, SAVE_PERIODIC, s->start, s->wall, &save);

	if (res != 0) {
		return res;
	}
	for (;;) {
		res = state_save_step(save, s->engine, clock_now(), SLICE_RECORDS);
		if (res != SAVE_CONTINUES) {
			return res < 0 || sets_err == 0 ? res : sets_err;
		}
		if (atomic_load_explicit(&s->stop, memory_order_relaxed) != 0) {
			state_save_abort(save);
			return -ECANCELED;
		}
		(void)nanosleep(&pause, NULL);
	}
}

static void *save_main(void *arg)
{
	struct background_save *s = arg;

	s->res = save(s);
	atomic_store_explicit(&s->ended, 1, memory_order_release);
	return NULL;
}

int background_save_start(const char *path, struct engine *e, struct sets_text *sets,
                          struct mono now, struct wall_time wall, struct background_save **out)
{
	struct background_save *s = calloc(1, sizeof(*s));
	int err;

	if (s == NULL) {
		sets_text_free(sets);
		return -ENOMEM;
	}
	s->sets = sets;
	s->path = strdup(path);
	if (s->path == NULL) {
		release(s);
		return -ENOMEM;
	}
	s->engine = e;
	s->start = now;
	s->wall = wall;
	err = thread_start("state", save_main, s, &s->thread);
	if (err != 0) {
		release(s);
		return err;
	}
	*out = s;
	return 0;
}

/* Waits for the thread, and frees s. */
static void finish(struct background_save *s)
{
	(void)pthread_join(s->thread, NULL);
	release(s);
}

bool background_save_has_ended(struct background_save *s, int *res)
{
	if (atomic_load_explicit(&s->ended, memory_order_acquire) == 0) {
		return false;
	}
	*res = s->res;
	finish(s);
	return true;
}

void background_save_stop(struct background_save *s)
{
	if (s != NULL) {
		atomic_store_explicit(&s->stop, 1, memory_order_relaxed);
		finish(s);
	}
}

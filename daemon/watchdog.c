/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service manager's watchdog. See watchdog.h.
 */
#include "watchdog.h"

#include "io/clock.h"
#include "io/notify.h"
#include "io/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

/* Checks per interval: a message that is late by half an interval does not end the service. */
#define CHECKS_PER_INTERVAL 4

/* Without a turn of the main loop for so long, the feeding ends. */
#define MAIN_STALL_NS sec_to_ns(300)

struct watchdog {
	/* set once */
	int64_t interval_ns; /* within which the manager expects a message */
	struct workers *workers;
	pthread_t thread;
	/* between the two threads */
	_Atomic int64_t main_turned_ns; /* written by main */
	/* under the lock */
	pthread_mutex_t lock;
	pthread_cond_t end;
	bool is_ending;
};

bool watchdog_is_due(struct workers *ws, struct mono main_turned, struct mono now)
{
	return mono_diff(now, main_turned) < MAIN_STALL_NS && workers_all_turned(ws);
}

/* Returns false at the end. */
static bool wait_for_check(struct watchdog *wd)
{
	struct mono until = mono_add(clock_now(), wd->interval_ns / CHECKS_PER_INTERVAL);
	int err = 0;
	bool is_ending;

	(void)pthread_mutex_lock(&wd->lock);
	while (!wd->is_ending && err != -ETIMEDOUT) {
		err = thread_cond_wait(&wd->end, &wd->lock, until);
	}
	is_ending = wd->is_ending;
	(void)pthread_mutex_unlock(&wd->lock);
	return !is_ending;
}

static void *watchdog_main(void *arg)
{
	struct watchdog *wd = arg;

	while (wait_for_check(wd)) {
		struct mono main_turned = { atomic_load_explicit(&wd->main_turned_ns,
			                                         memory_order_relaxed) };

		if (watchdog_is_due(wd->workers, main_turned, clock_now())) {
			notify_watchdog();
		}
	}
	return NULL;
}

static struct watchdog *watchdog_new(struct workers *ws, struct mono now, int64_t interval_ns)
{
	struct watchdog *wd = calloc(1, sizeof(*wd));

	if (wd == NULL) {
		return NULL;
	}
	wd->interval_ns = interval_ns;
	wd->workers = ws;
	watchdog_tick(wd, now);
	(void)pthread_mutex_init(&wd->lock, NULL);
	thread_cond_init(&wd->end);
	return wd;
}

static void watchdog_free(struct watchdog *wd)
{
	(void)pthread_cond_destroy(&wd->end);
	(void)pthread_mutex_destroy(&wd->lock);
	free(wd);
}

int watchdog_start(struct workers *ws, struct mono now, struct watchdog **out)
{
	int64_t interval_ns = notify_watchdog_ns();
	struct watchdog *wd;
	int err;

	*out = NULL;
	if (interval_ns == 0) {
		return 0;
	}
	wd = watchdog_new(ws, now, interval_ns);
	if (wd == NULL) {
		return -ENOMEM;
	}
	err = thread_start("watchdog", watchdog_main, wd, &wd->thread);
	if (err != 0) {
		watchdog_free(wd);
		return err;
	}
	*out = wd;
	return 0;
}

void watchdog_tick(struct watchdog *wd, struct mono now)
{
	if (wd != NULL) {
		atomic_store_explicit(&wd->main_turned_ns, now.ns, memory_order_relaxed);
	}
}

void watchdog_stop(struct watchdog *wd)
{
	if (wd == NULL) {
		return;
	}
	(void)pthread_mutex_lock(&wd->lock);
	wd->is_ending = true;
	(void)pthread_cond_signal(&wd->end);
	(void)pthread_mutex_unlock(&wd->lock);
	(void)pthread_join(wd->thread, NULL);
	watchdog_free(wd);
}

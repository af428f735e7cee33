/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads and condition variables. See thread.h. */
#include "thread.h"

#include <signal.h>
#include <time.h>

int thread_start(const char *name, void *(*fn)(void *arg), void *arg, pthread_t *out)
{
	sigset_t all;
	sigset_t before;
	int err;

	/* Blocked before it starts: the thread inherits the mask. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(out, NULL, fn, arg);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err != 0) {
		return -err;
	}
	(void)pthread_setname_np(*out, name);
	return 0;
}

void thread_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(cond, &attr);
	(void)pthread_condattr_destroy(&attr);
}

int thread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, struct mono until)
{
	const struct timespec deadline = {
		.tv_sec = until.ns / NSEC_PER_SEC,
		.tv_nsec = until.ns % NSEC_PER_SEC,
	};

	return -pthread_cond_timedwait(cond, mutex, &deadline);
}

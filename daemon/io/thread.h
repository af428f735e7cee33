/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts threads, and waits by the monotonic clock. Signals are for the main thread, so the others
 * block all.
 */
#ifndef FINWALL_IO_THREAD_H
#define FINWALL_IO_THREAD_H

#include <finwall/mono.h>

#include <pthread.h>

/*
 * Starts fn(arg) in a thread with all signals blocked. name: at most 15 characters, shown by ps(1).
 * Returns 0 with *out, or -errno.
 */
int thread_start(const char *name, void *(*fn)(void *arg), void *arg, pthread_t *out);

/* A condition variable for thread_cond_wait(). */
void thread_cond_init(pthread_cond_t *cond);

/* Waits with the mutex locked, at most until this instant. Returns 0, or -ETIMEDOUT at that
 * instant. May return 0 without a signal. */
int thread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, struct mono until);

#endif

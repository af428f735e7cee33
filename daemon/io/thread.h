/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts threads. Signals are for the main thread, so the others block all.
 */
#ifndef FINWALL_IO_THREAD_H
#define FINWALL_IO_THREAD_H

#include <pthread.h>

/*
 * Starts fn(arg) in a thread with all signals blocked. name: at most 15 characters, shown by ps(1).
 * Returns 0 with *out, or -errno.
 */
int thread_start(const char *name, void *(*fn)(void *arg), void *arg, pthread_t *out);

#endif

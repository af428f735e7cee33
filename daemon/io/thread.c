/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starts threads. See thread.h. */
#include "thread.h"

#include <signal.h>

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

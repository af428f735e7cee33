/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wakes up a loop. See wakeup.h. */
#include "wakeup.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

int wakeup_open(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd >= 0 ? fd : -errno;
}

void wakeup_close(int fd)
{
	if (fd >= 0) {
		(void)close(fd);
	}
}

void wakeup_send(int fd)
{
	const uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one));
}

void wakeup_take(int fd)
{
	uint64_t times;

	(void)!read(fd, &times, sizeof(times));
}

int wakeup_timer_open(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	return fd >= 0 ? fd : -errno;
}

void wakeup_timer_set(int fd, struct mono when)
{
	const struct itimerspec at = { .it_value = { .tv_sec = when.ns / NSEC_PER_SEC,
		                                     .tv_nsec = when.ns % NSEC_PER_SEC } };

	(void)timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL);
}

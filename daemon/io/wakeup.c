/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wakes up a loop. See wakeup.h. */
#include "wakeup.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
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

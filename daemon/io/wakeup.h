/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wakes up a loop that waits for file descriptors, from any thread. Several calls before the loop
 * looks wake it up once.
 */
#ifndef FINWALL_IO_WAKEUP_H
#define FINWALL_IO_WAKEUP_H

#include <finwall/mono.h>

/* A descriptor that becomes readable. Returns it, or -errno. */
int wakeup_open(void);
void wakeup_close(int fd);

/* Any thread; never blocks. */
void wakeup_send(int fd);

/* The loop has woken up. */
void wakeup_take(int fd);

/* Likewise, at a time of clock_now(): more precise than the loop's own timers. wakeup_take() and
 * wakeup_close() are for it, too. */
int wakeup_timer_open(void);
void wakeup_timer_set(int fd, struct mono when);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wakes up a loop that waits for file descriptors, from any thread. Several calls before the loop
 * looks wake it up once.
 */
#ifndef FINWALL_IO_WAKEUP_H
#define FINWALL_IO_WAKEUP_H

/* A descriptor that becomes readable. Returns it, or -errno. */
int wakeup_open(void);
void wakeup_close(int fd);

/* Any thread; never blocks. */
void wakeup_send(int fd);

/* The loop has woken up. */
void wakeup_take(int fd);

#endif

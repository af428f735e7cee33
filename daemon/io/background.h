/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwalld --wait-ready: the daemon in a process of its own, while the first one waits until it is
 * ready or has ended.
 */
#ifndef FINWALL_IO_BACKGROUND_H
#define FINWALL_IO_BACKGROUND_H

/*
 * Starts the process and returns in it, with a descriptor for background_is_ready(). The first
 * process does not return: it exits with 0 when the other one is ready, otherwise with its exit
 * status, or with failure if it was killed or not started. Before any thread or socket.
 */
int background_start(int failure);

/* Notifies the first process. fd: -1 = there is none. */
void background_is_ready(int fd);

#endif

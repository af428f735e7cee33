/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who holds a queue that we cannot have.
 */
#ifndef FINWALL_IO_WHO_HOLDS_H
#define FINWALL_IO_WHO_HOLDS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes who holds the queue: "queue 0 is held by finwalld (pid 123)". Returns 0, or -ENOENT when
 * nobody does. Walks all of /proc: for the message after a failure only.
 */
int who_holds(uint16_t queue, char *out, size_t out_size);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process that holds a queue, for messages.
 */
#ifndef FINWALL_IO_WHO_HOLDS_H
#define FINWALL_IO_WHO_HOLDS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes "queue 0 is held by finwalld (pid 123)", cut at out_size. Returns 0, -ENOENT when the
 * queue is not bound, or another -errno. Slow: reads all of /proc.
 */
int who_holds(uint16_t queue, char *out, size_t out_size);

#endif

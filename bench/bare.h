/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The least that a program can do with a queue: accept everything, as fast as the kernel allows.
 */
#ifndef FINWALL_BENCH_BARE_H
#define FINWALL_BENCH_BARE_H

#include <stdint.h>

/* Writes a byte to ready_fd when the queue is bound, then serves it for ever. */
_Noreturn void bare_serve(uint16_t queue, int ready_fd);

#endif

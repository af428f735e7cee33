/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue program that accepts everything: the upper limit for any filter in user space.
 */
#ifndef FINWALL_BENCH_BARE_LOOP_H
#define FINWALL_BENCH_BARE_LOOP_H

#include <stdint.h>

/* Binds the queue, writes a byte to ready_fd, and accepts packets until it is killed. */
_Noreturn void bare_loop_run(uint16_t queue, int ready_fd);

#endif

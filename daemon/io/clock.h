/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clocks.
 */
#ifndef FINWALL_IO_CLOCK_H
#define FINWALL_IO_CLOCK_H

#include <finwall/mono.h>

#include <stdint.h>

/* CLOCK_MONOTONIC. */
struct mono clock_now(void);

/* CLOCK_REALTIME, which the kernel stamps packets with: nanoseconds since 1970. */
uint64_t clock_wall_ns(void);

#endif

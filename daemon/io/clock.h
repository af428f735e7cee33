/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clocks.
 */
#ifndef FINWALL_IO_CLOCK_H
#define FINWALL_IO_CLOCK_H

#include <finwall/mono.h>

#include <stdint.h>

/* Now, on the clock that never goes back. */
struct mono clock_now(void);

/* Now, on the clock that the kernel stamps packets with: nanoseconds since 1970. */
uint64_t clock_wall_ns(void);

/* Now, for people: seconds since 1970. */
int64_t clock_wall_sec(void);

#endif

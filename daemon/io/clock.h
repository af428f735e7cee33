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

/* An instant, for comparison with one of another process. */
struct wall_time {
	uint64_t wall_ns; /* CLOCK_REALTIME, which may be set */
	uint32_t boot_s;  /* CLOCK_BOOTTIME, seconds */
	uint32_t boot_id; /* 24 bits that identify a boot of the machine; 0: unknown */
};

struct wall_time clock_wall(void);

#endif

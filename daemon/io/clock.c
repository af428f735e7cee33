/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clocks.
 */
#include "clock.h"

#include <time.h>

struct mono clock_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono){ sec_to_ns(ts.tv_sec) + ts.tv_nsec };
}

uint64_t clock_wall_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

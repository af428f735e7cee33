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

int64_t clock_wall_sec(void)
{
	return time(NULL);
}

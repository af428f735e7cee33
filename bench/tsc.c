/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The length of a tick. It is a property of the machine, measured once, and the only global state
 * of the benchmarks.
 */
#include "tsc.h"

#include "clock.h"

#define CALIBRATE_NS UINT64_C(50000000)

static double ns_per_tick = 1.0;

void tsc_calibrate(void)
{
	uint64_t from_ns = clock_ns();
	uint64_t from = tsc_now();
	uint64_t to_ns;

	do {
		to_ns = clock_ns();
	} while (to_ns - from_ns < CALIBRATE_NS);
	ns_per_tick = (double)(to_ns - from_ns) / (double)(tsc_now() - from);
}

double tsc_to_ns(uint64_t ticks)
{
	return (double)ticks * ns_per_tick;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long a tick is. The only state of the benchmarks that is not passed around: a property of the
 * machine, found once.
 */
#include "ticks.h"

#include "sample.h"

#include <time.h>

#define CALIBRATE_NS  UINT64_C(50000000)
#define OVERHEAD_RUNS 1001

static double ns_per_tick = 1.0;

uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void clock_sleep_ns(uint64_t ns)
{
	struct timespec left = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };

	while (nanosleep(&left, &left) != 0) {
	}
}

void ticks_calibrate(void)
{
	uint64_t from_ns = clock_ns();
	uint64_t from = ticks_now();
	uint64_t to_ns;

	do {
		to_ns = clock_ns();
	} while (to_ns - from_ns < CALIBRATE_NS);
	ns_per_tick = (double)(to_ns - from_ns) / (double)(ticks_now() - from);
}

double ticks_to_ns(uint64_t ticks)
{
	return (double)ticks * ns_per_tick;
}

double ticks_overhead_ns(void)
{
	double run[OVERHEAD_RUNS];

	for (unsigned i = 0; i < OVERHEAD_RUNS; i++) {
		uint64_t from = ticks_now();

		run[i] = ticks_to_ns(ticks_now() - from);
	}
	return sample_quantile(run, OVERHEAD_RUNS, 0.5);
}

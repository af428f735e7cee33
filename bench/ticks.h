/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A clock fine enough for one packet: the processor's own counter, fenced on both sides so that
 * nothing measured leaks out of the measured region, and nothing else into it.
 */
#ifndef FINWALL_BENCH_TICKS_H
#define FINWALL_BENCH_TICKS_H

#include <stdint.h>

#if defined(__x86_64__)
#include <x86intrin.h>

static inline uint64_t ticks_now(void)
{
	uint64_t t;

	_mm_lfence();
	t = __rdtsc();
	_mm_lfence();
	return t;
}
#elif defined(__aarch64__)
static inline uint64_t ticks_now(void)
{
	uint64_t t;

	__asm__ volatile("isb; mrs %0, cntvct_el0; isb" : "=r"(t)::"memory");
	return t;
}
#else
#include <time.h>

static inline uint64_t ticks_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}
#endif

/* Compares the counter with the monotonic clock for a while. Call it once, before the first use of
 * ticks_to_ns(). */
void ticks_calibrate(void);

double ticks_to_ns(uint64_t ticks);

/* What two readings with nothing between them differ by, median. */
double ticks_overhead_ns(void);

/* Monotonic clock, in nanoseconds. */
uint64_t clock_ns(void);

/* Sleeps at least that long, whatever signals come. */
void clock_sleep_ns(uint64_t ns);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processor's timestamp counter (TSC on x86-64, CNTVCT on arm64). It resolves a single packet.
 * Fences on both sides keep measured instructions inside the measured region and others out.
 */
#ifndef FINWALL_BENCH_TSC_H
#define FINWALL_BENCH_TSC_H

#include <stdint.h>

#if defined(__x86_64__)
#include <x86intrin.h>

static inline uint64_t tsc_now(void)
{
	uint64_t t;

	_mm_lfence();
	t = __rdtsc();
	_mm_lfence();
	return t;
}
#elif defined(__aarch64__)
static inline uint64_t tsc_now(void)
{
	uint64_t t;

	__asm__ volatile("isb; mrs %0, cntvct_el0; isb" : "=r"(t)::"memory");
	return t;
}
#else
#include <time.h>

static inline uint64_t tsc_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}
#endif

/*
 * Measures the length of a tick against the monotonic clock, in 50 ms. Call it once, before the
 * first tsc_to_ns().
 */
void tsc_calibrate(void);

double tsc_to_ns(uint64_t ticks);

#endif

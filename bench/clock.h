/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monotonic clock, in nanoseconds.
 */
#ifndef FINWALL_BENCH_CLOCK_H
#define FINWALL_BENCH_CLOCK_H

#include <stdint.h>

uint64_t clock_ns(void);

/* Sleeps at least that long, even when signals interrupt it. */
void clock_sleep_ns(uint64_t ns);

/* Sleeps until that time; returns the time of waking. */
uint64_t clock_sleep_until(uint64_t due_ns);

#endif

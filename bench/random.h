/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pseudorandom numbers, xorshift64*. A fixed seed makes two runs the same.
 */
#ifndef FINWALL_BENCH_RANDOM_H
#define FINWALL_BENCH_RANDOM_H

#include <stdint.h>

/* The next number of the sequence. *state != 0. */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

/* A number below len, without a division. */
static inline uint32_t random_below(uint64_t *state, uint32_t len)
{
	return (uint32_t)(((random_next(state) >> 32) * len) >> 32);
}

#endif

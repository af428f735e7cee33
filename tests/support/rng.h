/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reproducible random numbers for tests (xorshift64*), and the seed of a run.
 */
#ifndef FINWALL_TESTS_RNG_H
#define FINWALL_TESTS_RNG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct rng {
	uint64_t s;
};

static inline void rng_init(struct rng *r, uint64_t seed)
{
	r->s = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	if (r->s == 0) {
		r->s = 1;
	}
}

static inline uint64_t rng_u64(struct rng *r)
{
	r->s ^= r->s >> 12;
	r->s ^= r->s << 25;
	r->s ^= r->s >> 27;
	return r->s * UINT64_C(0x2545f4914f6cdd1d);
}

/* 0 .. n-1 */
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)((rng_u64(r) >> 32) % n);
}

/* Returns true in this percentage of calls. */
static inline bool rng_percent(struct rng *r, unsigned percent)
{
	return rng_below(r, 100) < percent;
}

/* A random element of an array. */
#define RNG_PICK(r, array) ((array)[rng_below((r), sizeof(array) / sizeof((array)[0]))])

/* Returns argv[1], else FINWALL_SEED, else the time, and prints it so that a run can be repeated.
 */
static inline uint64_t rng_seed(int argc, char **argv)
{
	const char *env = getenv("FINWALL_SEED");
	uint64_t seed = (uint64_t)time(NULL);

	if (argc > 1) {
		seed = strtoull(argv[1], NULL, 0);
	} else if (env != NULL && *env != '\0') {
		seed = strtoull(env, NULL, 0);
	}
	printf("seed %llu\n", (unsigned long long)seed);
	fflush(stdout);
	return seed;
}

#endif

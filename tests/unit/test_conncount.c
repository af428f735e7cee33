/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the connection counters alone: against a naive model, with full memory or a full set,
 * and from several threads.
 */
#include "core/conncount.h"

#include "flows.h"
#include "rng.h"
#include "suite.h"

#include <pthread.h>
#include <sched.h>

static const struct sipkey hash_key = { 1, 2 };
static struct conncount counts;
static void *memory;

static void start(uint32_t slots_len)
{
	free(memory);
	memory = flows_memory(conncount_size(slots_len));
	memset(&counts, 0, sizeof(counts));
	conncount_init(&counts, memory, slots_len, &hash_key, NULL);
}

static uint32_t take(uint64_t counter, uint64_t lo, uint32_t keys_max, struct conncount_claim *c)
{
	const struct conncount_key key = { counter, 0, lo };

	return conncount_take(&counts, &key, keys_max, c);
}

static uint32_t get(uint64_t counter, uint64_t lo)
{
	const struct conncount_key key = { counter, 0, lo };

	return conncount_get(&counts, &key);
}

START_TEST(a_released_place_can_be_claimed_again)
{
	struct conncount_claim a = { 0 };
	struct conncount_claim b = { 0 };

	start(10);
	ck_assert_uint_eq(get(2, 7), 0);
	ck_assert_uint_eq(take(2, 7, 0, &a), 1);
	ck_assert_uint_eq(take(2, 7, 0, &b), 2);
	ck_assert_uint_eq(take(2, 7, 0, &b), 2);
	ck_assert_uint_eq(take(2, 8, 0, &b), 1);
	ck_assert_uint_eq(take(4, 7, 0, &b), 1);
	ck_assert_uint_eq(conncount_used(&counts), 3);
	conncount_give_back(&counts, &b);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_uint_eq(get(2, 7), 1);
	ck_assert_uint_eq(get(2, 8), 0);
	conncount_give_back(&counts, &a);
	ck_assert_uint_eq(conncount_used(&counts), 0);
}
END_TEST

START_TEST(a_claim_is_limited_to_its_maximum)
{
	struct conncount_claim a = { 0 };

	start(10);
	for (unsigned i = 0; i < CONNCOUNT_CLAIMS_MAX; i++) {
		ck_assert_uint_eq(take(2, i, 0, &a), 1);
	}
	ck_assert_uint_eq(take(2, 100, 0, &a), 0);
	ck_assert_uint_eq(conncount_used(&counts), CONNCOUNT_CLAIMS_MAX);
	conncount_give_back(&counts, &a);
	ck_assert_uint_eq(conncount_used(&counts), 0);
}
END_TEST

START_TEST(a_full_set_or_full_memory_refuses)
{
	struct conncount_claim a[6] = { { 0 } };

	start(5);
	ck_assert_uint_eq(take(2, 1, 2, &a[0]), 1);
	ck_assert_uint_eq(take(2, 2, 2, &a[1]), 1);
	ck_assert_uint_eq(take(2, 3, 2, &a[2]), 0);
	ck_assert_uint_eq(a[2].len, 0);
	ck_assert_uint_eq(take(2, 2, 2, &a[2]), 2);
	conncount_give_back(&counts, &a[0]);
	ck_assert_uint_eq(take(2, 3, 2, &a[0]), 1);
	/* One place for the set, two for its keys, two more for other keys. */
	ck_assert_uint_eq(take(4, 0, 0, &a[3]), 1);
	ck_assert_uint_eq(take(6, 0, 0, &a[4]), 1);
	ck_assert_uint_eq(take(8, 0, 0, &a[5]), 0);
	ck_assert_uint_eq(take(10, 0, 9, &a[5]), 0);
	conncount_give_back(&counts, &a[4]);
	/* One place is not enough for a set and its key; the place is not lost. */
	ck_assert_uint_eq(take(10, 0, 9, &a[5]), 0);
	ck_assert_uint_eq(take(8, 0, 0, &a[5]), 1);
	for (unsigned i = 0; i < 6; i++) {
		conncount_give_back(&counts, &a[i]);
	}
	ck_assert_uint_eq(conncount_used(&counts), 0);
}
END_TEST

#define KEYS_LEN   20
#define CLAIMS_LEN 300

START_TEST(random_claims_agree_with_the_model)
{
	static struct conncount_claim claims[CLAIMS_LEN];
	static bool has[CLAIMS_LEN][KEYS_LEN];
	uint32_t model[KEYS_LEN] = { 0 };
	struct rng rng;

	rng_init(&rng, rng_seed(0, NULL));
	start(1000);
	for (unsigned n = 0; n < 100000; n++) {
		unsigned c = rng_below(&rng, CLAIMS_LEN);
		unsigned k = rng_below(&rng, KEYS_LEN);

		if (rng_below(&rng, 3) == 0) {
			conncount_give_back(&counts, &claims[c]);
			for (unsigned i = 0; i < KEYS_LEN; i++) {
				model[i] -= has[c][i] ? 1 : 0;
				has[c][i] = false;
			}
			continue;
		}
		if (claims[c].len < CONNCOUNT_CLAIMS_MAX || has[c][k]) {
			model[k] += has[c][k] ? 0 : 1;
			has[c][k] = true;
			ck_assert_uint_eq(take(2, k, 0, &claims[c]), model[k]);
		} else {
			ck_assert_uint_eq(take(2, k, 0, &claims[c]), 0);
		}
		ck_assert_uint_eq(get(2, k), model[k]);
	}
}
END_TEST

#define THREADS_LEN 4
#define LIMIT       5

/* Counts the holders that hold this key. */
static _Atomic uint32_t holders[KEYS_LEN];
static _Atomic bool is_wrong;

static void give_way(void)
{
	sched_yield();
}

static void *hold(void *ctx)
{
	struct rng rng;

	rng_init(&rng, (uint64_t)(uintptr_t)ctx);
	for (unsigned n = 0; n < 20000; n++) {
		struct conncount_claim claim = { 0 };
		unsigned k = rng_below(&rng, KEYS_LEN);
		uint32_t live = take(2, k, 100, &claim);

		if (live == 0) {
			is_wrong = true;
		}
		if (live <= LIMIT) {
			if (atomic_fetch_add(&holders[k], 1) >= LIMIT) {
				is_wrong = true;
			}
			atomic_fetch_sub(&holders[k], 1);
		}
		conncount_give_back(&counts, &claim);
	}
	return NULL;
}

START_TEST(several_threads_may_claim_at_once)
{
	pthread_t thread[THREADS_LEN];

	start(100);
	counts.yield = give_way;
	for (uintptr_t i = 0; i < THREADS_LEN; i++) {
		ck_assert_int_eq(pthread_create(&thread[i], NULL, hold, (void *)(i + 1)), 0);
	}
	for (unsigned i = 0; i < THREADS_LEN; i++) {
		pthread_join(thread[i], NULL);
	}
	ck_assert(!is_wrong);
	ck_assert_uint_eq(conncount_used(&counts), 0);
}
END_TEST

SUITE_MAIN("conncount", a_released_place_can_be_claimed_again, a_claim_is_limited_to_its_maximum,
           a_full_set_or_full_memory_refuses, random_claims_agree_with_the_model,
           several_threads_may_claim_at_once)

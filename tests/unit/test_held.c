/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Held packets: order, release by token, deadlines, limits; against a simple model at random. */
#include "held.h"

#include "rng.h"
#include "suite.h"

#include <pthread.h>

static struct held *h;

static void start(uint32_t max)
{
	held_free(h);
	h = held_new(max);
	ck_assert_ptr_nonnull(h);
}

static struct mono at(int64_t ms)
{
	return (struct mono){ .ns = ms * NSEC_PER_MSEC };
}

static bool add(uint32_t id, uint64_t token, int64_t deadline_ms)
{
	uint8_t data[64];
	struct held_packet p = {
		.frame = { .data = data, .cap_size = sizeof(data), .true_size = 1000 },
		.token = token,
		.deadline = at(deadline_ms),
		.id = id,
	};

	memset(data, (int)id, sizeof(data));
	return held_add(h, &p);
}

/* The id of the next packet that is due; 0: none. */
static uint32_t next(int64_t now_ms)
{
	const struct held_packet *p = held_next(h, at(now_ms));
	uint32_t id;

	if (p == NULL) {
		return 0;
	}
	id = p->id;
	/* It is a copy. */
	ck_assert_uint_eq(p->frame.data[0], id & 0xff);
	ck_assert_uint_eq(p->frame.data[63], id & 0xff);
	ck_assert_uint_eq(p->frame.true_size, 1000);
	held_done(h, p);
	return id;
}

START_TEST(packets_are_due_in_the_order_of_their_deadlines)
{
	start(8);
	ck_assert(add(1, 11, 300) && add(2, 12, 100) && add(3, 13, 200));
	ck_assert_uint_eq(held_len(h), 3);
	ck_assert_uint_eq(next(99), 0);
	ck_assert_uint_eq(next(250), 2);
	ck_assert_uint_eq(next(250), 3);
	ck_assert_uint_eq(next(250), 0);
	ck_assert_uint_eq(next(300), 1);
	ck_assert_uint_eq(held_len(h), 0);
}
END_TEST

START_TEST(a_released_token_is_due_in_the_order_of_arrival)
{
	start(8);
	ck_assert(add(1, 7, 300) && add(2, 8, 100) && add(3, 7, 200) && add(4, 7, 250));
	ck_assert_uint_eq(held_release(h, 9), 0);
	ck_assert_uint_eq(held_release(h, 7), 3);
	ck_assert_uint_eq(held_release(h, 7), 0);
	ck_assert_uint_eq(next(0), 1);
	ck_assert_uint_eq(next(0), 3);
	ck_assert_uint_eq(next(0), 4);
	ck_assert_uint_eq(next(0), 0);
	ck_assert_uint_eq(next(100), 2);
}
END_TEST

START_TEST(no_more_than_max_are_held)
{
	start(2);
	ck_assert(add(1, 1, 10) && add(2, 2, 20));
	ck_assert(!add(3, 3, 30));
	ck_assert_uint_eq(held_release(h, 2), 1);
	ck_assert_uint_eq(next(0), 2);
	ck_assert_uint_eq(held_release(h, 2), 0);
	ck_assert(add(4, 4, 5));
	ck_assert_uint_eq(next(100), 4);
	ck_assert_uint_eq(next(100), 1);
	ck_assert_uint_eq(next(100), 0);
}
END_TEST

START_TEST(at_the_end_all_are_due)
{
	start(4);
	ck_assert(add(1, 1, 30) && add(2, 2, 20) && add(3, 3, 40));
	held_release_all(h);
	ck_assert_uint_eq(next(0), 2);
	ck_assert_uint_eq(next(0), 1);
	ck_assert_uint_eq(next(0), 3);
	ck_assert_uint_eq(next(0), 0);
}
END_TEST

START_TEST(a_long_packet_is_cut)
{
	static uint8_t data[HELD_COPY_MAX + 100];
	struct held_packet p = {
		.frame = { .data = data, .cap_size = sizeof(data), .true_size = sizeof(data) }
	};
	const struct held_packet *got;

	start(1);
	memset(data, 5, sizeof(data));
	ck_assert(held_add(h, &p));
	got = held_next(h, at(0));
	ck_assert_uint_eq(got->frame.cap_size, HELD_COPY_MAX);
	ck_assert_uint_eq(got->frame.true_size, sizeof(data));
	ck_assert_uint_eq(got->frame.data[HELD_COPY_MAX - 1], 5);
}
END_TEST

#define MODEL_MAX 200

/* What is held, by id; token 0: not. */
static struct {
	uint64_t token;
	int64_t deadline_ms;
	bool released;
} model[MODEL_MAX * 4];

START_TEST(random_operations_agree_with_a_model)
{
	struct rng r;
	uint32_t len = 0;
	uint32_t id = 0;

	rng_init(&r, rng_seed(0, NULL));
	start(MODEL_MAX);
	memset(model, 0, sizeof(model));
	for (int64_t now_ms = 0; now_ms < 20000; now_ms++) {
		if (rng_below(&r, 3) != 0) {
			uint64_t token = 1 + rng_below(&r, 40);
			int64_t deadline_ms = now_ms + rng_below(&r, 400);

			for (id = 1; model[id].token != 0; id++) {
			}
			ck_assert(add(id, token, deadline_ms) == (len < MODEL_MAX));
			if (len < MODEL_MAX) {
				len++;
				model[id].token = token;
				model[id].deadline_ms = deadline_ms;
				model[id].released = false;
			}
		}
		if (rng_below(&r, 5) == 0) {
			uint64_t token = 1 + rng_below(&r, 40);
			unsigned want = 0;

			for (id = 1; id <= MODEL_MAX; id++) {
				if (model[id].token == token && !model[id].released) {
					model[id].released = true;
					want++;
				}
			}
			ck_assert_uint_eq(held_release(h, token), want);
		}
		for (unsigned n = rng_below(&r, 4); n > 0; n--) {
			bool any = false;

			for (uint32_t i = 1; i <= MODEL_MAX; i++) {
				any |= model[i].token != 0 &&
				       (model[i].released || model[i].deadline_ms <= now_ms);
			}
			id = next(now_ms);
			ck_assert(any == (id != 0));
			if (id != 0) {
				ck_assert(model[id].released || model[id].deadline_ms <= now_ms);
				model[id].token = 0;
				len--;
			}
		}
		ck_assert_uint_eq(held_len(h), len);
	}
}
END_TEST

static void *release_many(void *arg)
{
	uint64_t *released = arg;

	for (unsigned i = 0; i < 200000; i++) {
		*released += held_release(h, i % 16);
	}
	return NULL;
}

START_TEST(another_thread_may_release)
{
	uint64_t released = 0;
	uint64_t added = 0;
	uint64_t taken = 0;
	pthread_t other;

	start(64);
	ck_assert_int_eq(pthread_create(&other, NULL, release_many, &released), 0);
	for (unsigned i = 0; i < 200000; i++) {
		added += add(1 + i % 200, i % 16, INT64_MAX / NSEC_PER_SEC);
		taken += next(0) != 0;
	}
	ck_assert_int_eq(pthread_join(other, NULL), 0);
	while (next(0) != 0) {
		taken++;
	}
	ck_assert_uint_eq(taken, released);
	ck_assert_uint_eq(added - taken, held_len(h));
}
END_TEST

SUITE_MAIN("held", packets_are_due_in_the_order_of_their_deadlines,
           a_released_token_is_due_in_the_order_of_arrival, no_more_than_max_are_held,
           at_the_end_all_are_due, a_long_packet_is_cut, random_operations_agree_with_a_model,
           another_thread_may_release)

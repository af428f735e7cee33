/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The timer wheel against an array of due times.
 *
 * usage: model_wheel [SEED]
 */
#include "core/wheel.h"

#include "rng.h"

#include <string.h>

#define LEN 300
#define OPS 60000

struct elem {
	uint32_t before;
	struct wheel_link link;
};

static struct elem elem[LEN];
static struct wheel w;
static bool armed[LEN];
static uint32_t due[LEN];
static unsigned op;

static bool fail(const char *what, uint32_t i, uint32_t now)
{
	printf("operation %u: %s: element %u due %u, now %u\n", op, what, i, i < LEN ? due[i] : 0,
	       now);
	return false;
}

static uint32_t pick_distance(struct rng *r)
{
	switch (rng_below(r, 6)) {
	case 0:
		return 0;
	case 1:
		return rng_below(r, 4);
	case 2:
		return rng_below(r, 300);
	case 3:
		return rng_below(r, 70000);
	case 4:
		return rng_below(r, 20) * 256;
	default:
		return rng_below(r, 17000000);
	}
}

/* Pops all due elements with small budgets and compares them with the array. */
static bool pop_all(struct rng *r, uint32_t now)
{
	unsigned rounds = 0;
	bool more = true;

	while (more) {
		unsigned budget = 1 + rng_below(r, 20);
		uint32_t i;

		while ((i = wheel_pop(&w, now, &budget)) != WHEEL_NIL) {
			if (i >= LEN || !armed[i]) {
				return fail("popped an element that is not armed", i, now);
			}
			if (due[i] > now) {
				return fail("popped too early", i, now);
			}
			armed[i] = false;
		}
		more = budget == 0;
		if (++rounds > 100000) {
			return fail("pop does not terminate", WHEEL_NIL, now);
		}
	}
	for (uint32_t i = 0; i < LEN; i++) {
		if (armed[i] && due[i] <= now) {
			return fail("not popped", i, now);
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	struct rng r;
	uint32_t now;
	uint32_t count = 0;

	rng_init(&r, rng_seed(argc, argv));
	now = rng_below(&r, 1000000);
	wheel_init(&w, &elem[0].link, sizeof(elem[0]),
	           (struct mono){ (int64_t)((uint64_t)now << WHEEL_TICK_SHIFT) });
	for (op = 0; op < OPS; op++) {
		uint32_t i = rng_below(&r, LEN);

		if (rng_below(&r, 20) == 0) {
			/*
			 * The wheel may be one tick ahead, so elements are inserted with a tick
			 * after now.
			 */
			now += rng_below(&r, 4) == 0 ? pick_distance(&r) : rng_below(&r, 300);
			if (!pop_all(&r, now)) {
				return EXIT_FAILURE;
			}
		} else if (armed[i]) {
			wheel_remove(&w, i);
			armed[i] = false;
		} else {
			due[i] = now + 1 + pick_distance(&r);
			wheel_insert(&w, i, due[i]);
			armed[i] = true;
		}
		count = 0;
		for (uint32_t k = 0; k < LEN; k++) {
			count += armed[k];
		}
		if (w.armed != count) {
			printf("operation %u: %u armed, must be %u\n", op, w.armed, count);
			return EXIT_FAILURE;
		}
	}
	return EXIT_SUCCESS;
}

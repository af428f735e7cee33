/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the timer wheel: no element is returned early, none is lost, and the work per call is
 * bounded.
 */
#include "core/wheel.h"

#include "suite.h"

#define LEN 512

/* Elements larger than their link, so that the stride matters. */
struct elem {
	uint64_t other;
	struct wheel_link link;
	uint32_t more;
};

static struct wheel w;
static struct elem elem[LEN];

static void start_at_tick(uint32_t tick)
{
	struct mono now = { (int64_t)((uint64_t)tick << WHEEL_TICK_SHIFT) };

	memset(&w, 0, sizeof(w));
	memset(elem, 0, sizeof(elem));
	wheel_init(&w, &elem[0].link, sizeof(elem[0]), now);
}

static uint32_t pop(uint32_t now_tick)
{
	unsigned budget = 1u << 20;

	return wheel_pop(&w, now_tick, &budget);
}

START_TEST(ticks_round_up_for_deadlines_and_down_for_now)
{
	const int64_t tick_ns = INT64_C(1) << WHEEL_TICK_SHIFT;

	ck_assert_uint_eq(wheel_tick((struct mono){ 0 }), 0);
	ck_assert_uint_eq(wheel_tick((struct mono){ 1 }), 1);
	ck_assert_uint_eq(wheel_tick((struct mono){ tick_ns }), 1);
	ck_assert_uint_eq(wheel_tick((struct mono){ tick_ns + 1 }), 2);
	ck_assert_uint_eq(wheel_tick_floor((struct mono){ tick_ns - 1 }), 0);
	ck_assert_uint_eq(wheel_tick_floor((struct mono){ tick_ns }), 1);
}
END_TEST

START_TEST(an_empty_wheel_returns_nothing)
{
	start_at_tick(0);
	ck_assert_uint_eq(pop(0), WHEEL_NIL);
	ck_assert_uint_eq(pop(1000000), WHEEL_NIL);
	ck_assert_uint_eq(w.armed, 0);
}
END_TEST

/* An element is returned at its tick and not one tick earlier; distances at each level and edge. */
START_TEST(each_distance_is_returned_at_its_tick_exactly)
{
	static const uint32_t distance[] = {
		0,     1,     2,      255,    256,      257,      511,      512,      65535,
		65536, 65537, 131071, 131072, 16777215, 16777216, 16777217, 33554432, 1000003
	};
	static const uint32_t start[] = { 0,     1,        255,       256,      65535,
		                          65536, 0xffffff, 0x1000000, 123456789 };

	for (size_t s = 0; s < ARRAY_LEN(start); s++) {
		for (size_t d = 0; d < ARRAY_LEN(distance); d++) {
			uint32_t due = start[s] + distance[d];

			start_at_tick(start[s]);
			wheel_insert(&w, 3, due);
			if (distance[d] > 0) {
				ck_assert_msg(pop(due - 1) == WHEEL_NIL,
				              "early: start %u distance %u", start[s], distance[d]);
			}
			ck_assert_msg(pop(due) == 3, "start %u distance %u", start[s], distance[d]);
			ck_assert_uint_eq(w.armed, 0);
			ck_assert_uint_eq(pop(due), WHEEL_NIL);
		}
	}
}
END_TEST

START_TEST(a_past_tick_is_returned_at_once)
{
	start_at_tick(1000);
	wheel_insert(&w, 7, 3);
	ck_assert_uint_eq(pop(1000), 7);
	/* Also after time has passed: it is returned with the next tick. */
	ck_assert_uint_eq(pop(5000), WHEEL_NIL);
	wheel_insert(&w, 8, 4999);
	ck_assert_uint_eq(pop(5001), 8);
}
END_TEST

START_TEST(an_element_is_removed_from_any_place_of_a_slot)
{
	for (unsigned gone = 0; gone < 3; gone++) {
		unsigned seen = 0;

		start_at_tick(0);
		for (uint32_t i = 0; i < 3; i++) {
			wheel_insert(&w, i, 40);
		}
		wheel_remove(&w, gone);
		ck_assert_uint_eq(w.armed, 2);
		for (unsigned i = 0; i < 2; i++) {
			uint32_t got = pop(40);

			ck_assert_uint_lt(got, 3);
			seen |= 1u << got;
		}
		ck_assert_uint_eq(seen, 7u & ~(1u << gone));
		ck_assert_uint_eq(pop(40), WHEEL_NIL);
		/* A removed element can be armed again. */
		wheel_insert(&w, gone, 41);
		ck_assert_uint_eq(pop(41), gone);
	}
}
END_TEST

START_TEST(the_budget_bounds_the_work_and_no_element_is_lost)
{
	unsigned calls = 0;
	unsigned got = 0;

	start_at_tick(0);
	for (uint32_t i = 0; i < LEN; i++) {
		wheel_insert(&w, i, 70000 + i % 3);
	}
	/* A budget of 8 returns at most 8 elements, cascades included. */
	while (got < LEN && calls < 100000) {
		unsigned budget = 8;
		unsigned in_call = 0;

		calls++;
		while (wheel_pop(&w, 80000, &budget) != WHEEL_NIL) {
			in_call++;
		}
		ck_assert_uint_le(in_call, 8);
		got += in_call;
	}
	ck_assert_uint_eq(got, LEN);
	ck_assert_uint_ge(calls, LEN / 8);
	ck_assert_uint_eq(w.armed, 0);
}
END_TEST

START_TEST(a_budget_of_0_does_no_work)
{
	unsigned budget = 0;

	start_at_tick(0);
	wheel_insert(&w, 1, 1);
	ck_assert_uint_eq(wheel_pop(&w, 10, &budget), WHEEL_NIL);
	ck_assert_uint_eq(w.armed, 1);
	ck_assert_uint_eq(pop(10), 1);
}
END_TEST

START_TEST(the_farthest_deadline_is_returned)
{
	start_at_tick(5);
	wheel_insert(&w, 3, UINT32_MAX - 1);
	ck_assert_uint_eq(pop(UINT32_MAX - 2), WHEEL_NIL);
	ck_assert_uint_eq(pop(UINT32_MAX - 1), 3);
}
END_TEST

/* A daemon that was suspended for long must not process each elapsed tick. */
START_TEST(a_long_pause_is_cheap)
{
	start_at_tick(0);
	for (unsigned i = 0; i < 100; i++) {
		uint32_t now = i * 1000000;

		wheel_insert(&w, 5, now + 999999);
		ck_assert_uint_eq(pop(now), WHEEL_NIL);
		ck_assert_uint_eq(pop(now + 1000000), 5);
	}
}
END_TEST

/* Days without a timer are one step, with any budget. */
START_TEST(days_without_a_timer_cost_no_budget)
{
	unsigned budget = 6;

	start_at_tick(3);
	wheel_insert(&w, 1, 5);
	wheel_insert(&w, 2, 200000000);
	ck_assert_uint_eq(wheel_pop(&w, 200000001, &budget), 1);
	ck_assert_uint_eq(wheel_pop(&w, 200000001, &budget), 2);
	ck_assert_uint_eq(wheel_pop(&w, 200000001, &budget), WHEEL_NIL);
	ck_assert_uint_eq(w.tick, 200000002);
}
END_TEST

SUITE_MAIN("wheel", ticks_round_up_for_deadlines_and_down_for_now, an_empty_wheel_returns_nothing,
           each_distance_is_returned_at_its_tick_exactly, the_farthest_deadline_is_returned,
           a_past_tick_is_returned_at_once, an_element_is_removed_from_any_place_of_a_slot,
           the_budget_bounds_the_work_and_no_element_is_lost, a_budget_of_0_does_no_work,
           a_long_pause_is_cheap, days_without_a_timer_cost_no_budget)

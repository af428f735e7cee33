/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/hook/stall.h: when a queue counts as stalled. */
#include "hook/stall.h"

#include "suite.h"

START_TEST(a_queue_stalls_when_packets_wait_and_none_is_judged)
{
	struct stall_queue q = { .judged = 0 };

	ck_assert(!stall_queue_check(&q, 10, 4, 1000));
	ck_assert(!stall_queue_check(&q, 12, 6, 1000 + STALL_MS - 1));
	ck_assert(stall_queue_check(&q, 90, 84, 1000 + STALL_MS));
	/* one verdict */
	ck_assert(!stall_queue_check(&q, 90, 83, 1001 + STALL_MS));
	ck_assert(!stall_queue_check(&q, 90, 83, 2 * STALL_MS));
	ck_assert(stall_queue_check(&q, 90, 83, 1001 + 2 * STALL_MS));
}
END_TEST

START_TEST(an_idle_queue_does_not_stall)
{
	struct stall_queue q = { .judged = 0 };

	ck_assert(!stall_queue_check(&q, 10, 0, 1000));
	ck_assert(!stall_queue_check(&q, 10, 0, 100000));
	/* The time counts from the first packet that waits. */
	ck_assert(!stall_queue_check(&q, 11, 1, 101000));
	ck_assert(!stall_queue_check(&q, 12, 2, 100000 + STALL_MS - 1));
	ck_assert(stall_queue_check(&q, 12, 2, 100000 + STALL_MS));
	/* The counter of packets starts anew, and wraps. */
	ck_assert(!stall_queue_check(&q, 1, 1, 200000));
	ck_assert(!stall_queue_check(&q, UINT32_MAX, 3, 300000));
	ck_assert(!stall_queue_check(&q, 1, 4, 301000));
}
END_TEST

SUITE_MAIN("stall", a_queue_stalls_when_packets_wait_and_none_is_judged,
           an_idle_queue_does_not_stall)

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Late close evaluates all policies for its counters. This evaluation must have no other effect:
 * doc/late-close.md.
 */
#include "rules_world.h"

/* A rule's rate limit counts packets, not evaluations. */
START_TEST(a_late_close_takes_one_token)
{
	struct build fin = build_default(4, IPPROTO_NR_TCP);
	struct world w;
	unsigned passed = 0;

	world_init(&w, 10, 10, 1);
	rules_load(&w, "table inet finwall {\n"
	               "	chain input {\n"
	               "		type filter hook input priority filter; policy drop;\n"
	               "		limit rate 1/second burst 12 packets accept\n"
	               "	}\n"
	               "}\n");
	fin.flags = TCP_FIN | TCP_ACK;
	for (unsigned i = 0; i < 20; i++) {
		passed += world_send(&w, &fin, HOOK_INPUT).verdict == VERDICT_ACCEPT;
	}
	ck_assert_uint_eq(passed, 12);
	rules_fini(&w);
}
END_TEST

/* For each late close each policy is counted by its outcome. */
START_TEST(each_policy_is_counted_once)
{
	struct build fin = build_default(4, IPPROTO_NR_TCP);
	struct world w;

	world_init(&w, 10, 10, 1);
	world_accept(&w, ACCEPT_ALL & ~ACCEPT_STATE(CT_INVALID));
	fin.flags = TCP_FIN | TCP_ACK;
	for (unsigned i = 0; i < 5; i++) {
		world_send(&w, &fin, HOOK_INPUT);
	}
	for (unsigned p = 0; p < LATE_POLICIES_LEN; p++) {
		bool would_pass = p == LATE_PICKUP || p == LATE_LENIENT;

		ck_assert_uint_eq(stat_get(&w.worker->stats.late[p][LATE_FIN_UNKNOWN][would_pass]),
		                  5);
		ck_assert_uint_eq(stat_get(&w.worker->stats.late[p][LATE_FIN_UNKNOWN][!would_pass]),
		                  0);
	}
	world_fini(&w);
}
END_TEST

SUITE_MAIN("late_shadow", a_late_close_takes_one_token, each_policy_is_counted_once)

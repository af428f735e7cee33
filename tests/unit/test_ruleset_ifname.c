/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of rule evaluation: interface names, which change while rules are evaluated. */
#include "test_ruleset.h"

#include <pthread.h>
#include <stdatomic.h>

START_TEST(interfaces_match_by_name)
{
	struct given g = given_syn();

	load_input("iif \"lo\" accept\n iifname \"wan*\" reject\n"
	           "iifname { \"eth0\", \"eth1\" } tcp dport 22 accept\n"
	           "iifname != \"br0\" counter\n oifname \"x\" accept");
	ruleset_set_ifname(rules, 1, "lo");
	ruleset_set_ifname(rules, 2, "wan0");
	ruleset_set_ifname(rules, 3, "eth1");
	ruleset_set_ifname(rules, 4, "br0");
	ruleset_set_ifname(rules, 5, "wa");
	ck_assert_uint_eq(evaluate(&g), RULE_REJECT);
	g.frame.iif = 1;
	ck_assert_uint_eq(evaluate(&g), RULE_ACCEPT);
	g.frame.iif = 3;
	ck_assert_uint_eq(evaluate(&g), RULE_ACCEPT);
	ck_assert_uint_eq(g.out.rule_nr, 2);
	g.frame.iif = 5;
	ck_assert_uint_eq(evaluate(&g), RULE_DROP);
	/* Renamed, then deleted. */
	ruleset_set_ifname(rules, 5, "wan5");
	ck_assert_uint_eq(evaluate(&g), RULE_REJECT);
	ruleset_set_ifname(rules, 5, NULL);
	ck_assert_uint_eq(evaluate(&g), RULE_DROP);
	/* An unknown index. */
	g.frame.iif = 77;
	ck_assert_uint_eq(evaluate(&g), RULE_DROP);
}
END_TEST

static const char *name_of_77;

static bool note_ifname(void *ctx, uint32_t ifindex, char name[static RULE_IFNAME_SIZE])
{
	(void)ctx;
	ck_assert_uint_eq(ifindex, 77);
	if (name_of_77 == NULL) {
		return false;
	}
	snprintf(name, RULE_IFNAME_SIZE, "%s", name_of_77);
	return true;
}

/* A new interface is not in the name map yet: a negation must not match it for that. */
START_TEST(a_new_interface_is_matched_by_its_name)
{
	struct given g = given_syn();

	load_input("iifname != \"wan0\" accept\n iifname vmap { \"wan0\" : drop }\n accept");
	g.frame.iif = 77;
	g.in.ifname = note_ifname;
	name_of_77 = "wan0";
	ck_assert_uint_eq(evaluate(&g), RULE_DROP);
	name_of_77 = "lan0";
	ck_assert_uint_eq(evaluate(&g), RULE_ACCEPT);
	/* The interface is gone. */
	name_of_77 = NULL;
	ck_assert_uint_eq(evaluate(&g), RULE_ACCEPT);
	ck_assert_uint_eq(g.out.rule_nr, 2);
	/* In the map, the name is not asked for. */
	ruleset_set_ifname(rules, 77, "wan0");
	g.in.ifname = NULL;
	ck_assert_uint_eq(evaluate(&g), RULE_DROP);
}
END_TEST

START_TEST(interfaces_may_be_added_and_deleted_many_times)
{
	struct given g = given_syn();
	char name[16];

	load_input("iifname \"veth*\" accept");
	for (uint32_t i = 1; i <= 100000; i++) {
		snprintf(name, sizeof(name), "veth%u", i);
		ruleset_set_ifname(rules, i, name);
		if (i > 5000) {
			ruleset_set_ifname(rules, i - 5000, NULL);
		}
	}
	for (uint32_t i = 1; i <= 100000; i++) {
		g.frame.iif = i;
		ck_assert_uint_eq(evaluate(&g), i > 95000 ? RULE_ACCEPT : RULE_DROP);
	}
}
END_TEST

static _Atomic bool is_over;

static void *rename_forever(void *arg)
{
	(void)arg;
	while (!atomic_load(&is_over)) {
		ruleset_set_ifname(rules, 2, "wan0");
		ruleset_set_ifname(rules, 3, "lan0");
		ruleset_set_ifname(rules, 2, NULL);
		ruleset_set_ifname(rules, 3, NULL);
	}
	return NULL;
}

START_TEST(names_may_change_during_evaluation)
{
	struct given g = given_syn();
	pthread_t writer;

	load_input("iifname \"wan*\" reject\n iifname \"lan*\" accept");
	atomic_store(&is_over, false);
	ck_assert_int_eq(pthread_create(&writer, NULL, rename_forever, NULL), 0);
	for (int n = 0; n < 20000; n++) {
		g.frame.iif = 2;
		ck_assert_uint_ne(evaluate(&g), RULE_ACCEPT);
		g.frame.iif = 3;
		ck_assert_uint_ne(evaluate(&g), RULE_REJECT);
	}
	atomic_store(&is_over, true);
	pthread_join(writer, NULL);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_unchecked_fixture(tc, NULL, drop_rules);
	tcase_add_checked_fixture(tc, NULL, drop_rules);
	tcase_add_test(tc, interfaces_match_by_name);
	tcase_add_test(tc, a_new_interface_is_matched_by_its_name);
	tcase_add_test(tc, interfaces_may_be_added_and_deleted_many_times);
	tcase_add_test(tc, names_may_change_during_evaluation);
}

SUITE_MAIN_PARTS("ruleset_ifname", add_tests)

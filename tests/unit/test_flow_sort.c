/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of flow_sort: each order, and that a full heap keeps the same ones as a sort of all.
 */
#include "wire/flow_sort.h"

#include "suite.h"

#include <stdlib.h>
#include <string.h>

/* Two in each pair of neighbours differ in one member. ifindex is the name. */
static void add_rows(struct flow_sort *s)
{
	struct flow_view v[4];

	memset(v, 0, sizeof(v));
	v[0].orig = (struct tuple){ .family = 6, .proto = IPPROTO_NR_UDP };
	v[0].orig.src.bytes[15] = 1;
	v[0].orig.dst.bytes[15] = 2;
	v[0].time_ns = 5;
	v[0].account.bytes[1] = 70;
	for (int i = 1; i < 4; i++) {
		v[i].orig = (struct tuple){ .family = 4, .proto = IPPROTO_NR_TCP };
		memcpy(v[i].orig.src.bytes, (const uint8_t[]){ 192, 0, 2, 9 }, 4);
		memcpy(v[i].orig.dst.bytes, (const uint8_t[]){ 192, 0, 2, 1 }, 4);
		v[i].tcp.state = TCP_ESTABLISHED;
	}
	v[1].orig.src.bytes[3] = 10;
	v[1].time_ns = 7;
	v[1].tcp.state = TCP_TIME_WAIT;
	v[1].account.bytes[0] = 50;
	v[1].account.bytes[1] = 50;
	v[1].age_ns = 3;
	v[2].time_ns = 6;
	v[2].orig.sport = 1000;
	v[2].account.packets[1] = 9;
	v[2].age_ns = 9;
	v[3].time_ns = 9;
	v[3].orig.sport = 999;
	v[3].idle_ns = 1;
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert(flow_sort_add(s, &v[i], 'a' + i));
	}
}

static void expect_order(enum flow_order order, size_t limit, const char *expected)
{
	struct flow_sort *s = flow_sort_new(order, limit);
	char got[8] = "";
	size_t len;

	add_rows(s);
	len = flow_sort_finish(s);
	for (size_t i = 0; i < len; i++) {
		uint32_t name;

		(void)flow_sort_at(s, i, &name);
		got[i] = (char)name;
	}
	ck_assert_str_eq(got, expected);
	ck_assert_uint_eq(flow_sort_left_out(s), 4 - len);
	flow_sort_free(s);
}

START_TEST(orders_are_exact)
{
	enum flow_order order;

	expect_order(FLOW_ORDER_EXPIRY, 10, "acbd");
	expect_order(FLOW_ORDER_STATE, 10, "dcba");
	expect_order(FLOW_ORDER_ADDRESS, 10, "dcba");
	expect_order(FLOW_ORDER_BYTES, 10, "badc");
	expect_order(FLOW_ORDER_PACKETS, 1, "c");
	expect_order(FLOW_ORDER_AGE, 2, "cb");
	expect_order(FLOW_ORDER_IDLE, 1, "d");
	expect_order(FLOW_ORDER_EXPIRY, 2, "ac");
	expect_order(FLOW_ORDER_ADDRESS, 3, "dcb");
	ck_assert(flow_order_read("address", &order) && order == FLOW_ORDER_ADDRESS);
	ck_assert(!flow_order_read("", &order));
	ck_assert(!flow_order_read("addr", &order));
}
END_TEST

START_TEST(a_full_heap_keeps_the_first)
{
	enum { LEN = 5000, LIMIT = 100 };
	static int values[LEN];
	struct flow_sort *s = flow_sort_new(FLOW_ORDER_EXPIRY, LIMIT);
	unsigned seed = 12345;

	for (int i = 0; i < LEN; i++) {
		values[i] = i;
	}
	for (int i = LEN - 1; i > 0; i--) {
		int j = rand_r(&seed) % (i + 1);
		int v = values[i];

		values[i] = values[j];
		values[j] = v;
	}
	for (int i = 0; i < LEN; i++) {
		struct flow_view v;

		memset(&v, 0, sizeof(v));
		v.time_ns = values[i];
		ck_assert(flow_sort_add(s, &v, 0));
	}
	ck_assert_uint_eq(flow_sort_finish(s), LIMIT);
	ck_assert_uint_eq(flow_sort_left_out(s), LEN - LIMIT);
	for (int i = 0; i < LIMIT; i++) {
		uint32_t ifindex;

		ck_assert_int_eq(flow_sort_at(s, (size_t)i, &ifindex)->time_ns, i);
	}
	flow_sort_free(s);
}
END_TEST

SUITE_MAIN("flow_sort", orders_are_exact, a_full_heap_keeps_the_first)

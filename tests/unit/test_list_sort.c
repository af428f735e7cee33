/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of list_sort: each order, and that a full heap keeps the same ones as a sort of all.
 */
#include "cmd/list_sort.h"

#include "suite.h"

#include <stdio.h>
#include <stdlib.h>

static void add(struct list_sort *s, const char *json, const char *line)
{
	json_t *o = json_loads(json, 0, NULL);

	ck_assert_ptr_nonnull(o);
	ck_assert(list_sort_add(s, o, line));
	json_decref(o);
}

/* Two in each pair of neighbours differ in one member. */
static void add_rows(struct list_sort *s)
{
	add(s,
	    "{\"family\":\"ipv6\",\"protocol_number\":17,\"expires_ms\":5,"
	    "\"original\":{\"source\":\"::1\",\"destination\":\"::2\"}}",
	    "a");
	add(s,
	    "{\"family\":\"ipv4\",\"protocol_number\":6,\"expires_ms\":7,\"state\":\"TIME_WAIT\","
	    "\"original\":{\"source\":\"192.0.2.10\",\"destination\":\"192.0.2.1\"}}",
	    "b");
	add(s,
	    "{\"family\":\"ipv4\",\"protocol_number\":6,\"expires_ms\":6,\"state\":\"ESTABLISHED\","
	    "\"original\":{\"source\":\"192.0.2.9\",\"destination\":\"192.0.2.1\","
	    "\"source_port\":1000}}",
	    "c");
	add(s,
	    "{\"family\":\"ipv4\",\"protocol_number\":6,\"expires_ms\":9,\"state\":\"ESTABLISHED\","
	    "\"original\":{\"source\":\"192.0.2.9\",\"destination\":\"192.0.2.1\","
	    "\"source_port\":999}}",
	    "d");
}

static void expect_order(enum list_order order, size_t limit, const char *expected)
{
	struct list_sort *s = list_sort_new(order, limit);
	char got[8] = "";
	size_t len;

	add_rows(s);
	len = list_sort_finish(s);
	for (size_t i = 0; i < len; i++) {
		strcat(got, list_sort_text(s, i));
	}
	ck_assert_str_eq(got, expected);
	ck_assert_uint_eq(list_sort_left_out(s), 4 - len);
	list_sort_free(s);
}

START_TEST(orders_are_exact)
{
	enum list_order order;

	expect_order(ORDER_EXPIRY, 10, "acbd");
	expect_order(ORDER_STATE, 10, "dcba");
	expect_order(ORDER_ADDRESS, 10, "dcba");
	expect_order(ORDER_EXPIRY, 2, "ac");
	expect_order(ORDER_ADDRESS, 3, "dcb");
	ck_assert(list_order_read("address", &order) && order == ORDER_ADDRESS);
	ck_assert(!list_order_read("", &order));
	ck_assert(!list_order_read("addr", &order));
}
END_TEST

START_TEST(a_full_heap_keeps_the_first)
{
	enum { LEN = 5000, LIMIT = 100 };
	static int values[LEN];
	struct list_sort *s = list_sort_new(ORDER_EXPIRY, LIMIT);
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
		char json[64];

		snprintf(json, sizeof(json), "{\"ended_ms_ago\":%d}", values[i]);
		add(s, json, NULL);
	}
	ck_assert_uint_eq(list_sort_finish(s), LIMIT);
	ck_assert_uint_eq(list_sort_left_out(s), LEN - LIMIT);
	for (int i = 0; i < LIMIT; i++) {
		char json[64];

		snprintf(json, sizeof(json), "{\"ended_ms_ago\":%d}", i);
		ck_assert_str_eq(list_sort_text(s, (size_t)i), json);
	}
	list_sort_free(s);
}
END_TEST

SUITE_MAIN("list_sort", orders_are_exact, a_full_heap_keeps_the_first)

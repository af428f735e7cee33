/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the flow table: find, delete, deadlines, eviction, lists; with a full table and with
 * equal hashes.
 */
#include "core/flowtab.h"

#include "flows.h"
#include "suite.h"

static struct flowtab t;
static void *mem;

static void start(uint32_t flows_max)
{
	free(mem);
	mem = flows_memory(flowtab_size(flows_max));
	memset(&t, 0, sizeof(t));
	flowtab_init(&t, mem, flows_max, (struct mono){ 0 });
}

static struct mono at(int64_t seconds)
{
	return (struct mono){ sec_to_ns(seconds) };
}

/* Equal hashes for all keys are legal. */
static uint64_t hash_of(uint32_t nr, bool collide)
{
	static const struct sipkey sip = { 0, 0 };
	struct flowkey k = flows_key(nr);

	return collide ? 7 : flowkey_hash(&k, &sip);
}

static struct flow *insert(uint32_t nr, bool collide, struct mono deadline)
{
	struct flow f = flows_tcp(nr);

	f.deadline = deadline;
	return flowtab_insert(&t, &f, hash_of(nr, collide));
}

static struct flow *find(uint32_t nr, bool collide)
{
	struct flowkey k = flows_key(nr);

	return flowtab_find(&t, &k, hash_of(nr, collide));
}

START_TEST(an_inserted_flow_is_found_until_deleted)
{
	for (unsigned collide = 0; collide < 2; collide++) {
		start(200);
		for (uint32_t i = 0; i < 200; i++) {
			ck_assert_ptr_nonnull(insert(i, collide, at(10)));
		}
		ck_assert_uint_eq(t.used, 200);
		for (uint32_t i = 0; i < 200; i++) {
			struct flow *f = find(i, collide);
			struct flowkey k = flows_key(i);

			ck_assert_ptr_nonnull(f);
			ck_assert(flowkey_equal(&f->key, &k));
			ck_assert_uint_eq((uintptr_t)f % 64, 0);
		}
		ck_assert_ptr_null(find(200, collide));
		for (uint32_t i = 0; i < 200; i += 3) {
			flowtab_delete(&t, find(i, collide), hash_of(i, collide));
		}
		for (uint32_t i = 0; i < 200; i++) {
			ck_assert_int_eq(find(i, collide) != NULL, i % 3 != 0);
		}
	}
}
END_TEST

START_TEST(a_full_table_refuses_until_a_flow_is_deleted)
{
	start(5);
	for (uint32_t i = 0; i < 5; i++) {
		ck_assert_ptr_nonnull(insert(i, false, at(10)));
	}
	ck_assert_ptr_null(insert(5, false, at(10)));
	ck_assert_uint_eq(t.used, 5);
	flowtab_delete(&t, find(2, false), hash_of(2, false));
	ck_assert_ptr_nonnull(insert(5, false, at(10)));
	ck_assert_ptr_nonnull(find(5, false));
	ck_assert_ptr_null(find(2, false));
}
END_TEST

START_TEST(a_table_of_one_flow_works)
{
	start(1);
	for (uint32_t i = 0; i < 100; i++) {
		ck_assert_ptr_nonnull(insert(i, false, at(10)));
		ck_assert_ptr_null(insert(i + 1000, false, at(10)));
		flowtab_delete(&t, find(i, false), hash_of(i, false));
		ck_assert_uint_eq(t.used, 0);
	}
}
END_TEST

/* Not before the deadline, and at most one tick after it. */
START_TEST(due_flows_are_returned)
{
	unsigned budget = 1000;
	struct flow *f;

	start(10);
	insert(1, false, at(100));
	insert(2, false, at(200));
	ck_assert_ptr_null(flowtab_pop_due(&t, at(99), &budget));
	f = flowtab_pop_due(&t, at(101), &budget);
	ck_assert_ptr_eq(f, find(1, false));
	ck_assert_ptr_null(flowtab_pop_due(&t, at(101), &budget));
	flowtab_delete(&t, f, hash_of(1, false));
	f = flowtab_pop_due(&t, at(201), &budget);
	ck_assert_ptr_eq(f, find(2, false));
	flowtab_set_deadline(&t, f, at(300));
	ck_assert_ptr_null(flowtab_pop_due(&t, at(299), &budget));
	ck_assert_ptr_eq(flowtab_pop_due(&t, at(301), &budget), f);
}
END_TEST

START_TEST(a_deadline_may_move_earlier_or_later)
{
	unsigned budget = 1000;
	struct flow *f;

	start(10);
	f = insert(1, false, at(100));
	flowtab_set_deadline(&t, f, at(500));
	ck_assert_ptr_null(flowtab_pop_due(&t, at(101), &budget));
	ck_assert_ptr_null(flowtab_pop_due(&t, at(499), &budget));
	flowtab_set_deadline(&t, f, at(600));
	ck_assert_ptr_null(flowtab_pop_due(&t, at(599), &budget));
	ck_assert_ptr_eq(flowtab_pop_due(&t, at(601), &budget), f);
	flowtab_set_deadline(&t, f, at(5000));
	flowtab_set_deadline(&t, f, at(700));
	ck_assert_ptr_null(flowtab_pop_due(&t, at(699), &budget));
	ck_assert_ptr_eq(flowtab_pop_due(&t, at(701), &budget), f);
}
END_TEST

START_TEST(expiry_keeps_its_budget)
{
	start(100);
	for (uint32_t i = 0; i < 100; i++) {
		insert(i, false, at(1));
	}
	for (unsigned round = 0; round < 1000 && t.used > 0; round++) {
		unsigned budget = 7;
		unsigned n = 0;
		struct flow *f;

		while ((f = flowtab_pop_due(&t, at(10), &budget)) != NULL) {
			n++;
			flowtab_delete(&t, f, hash_of(f->key.lo.word[0], false));
		}
		ck_assert_uint_le(n, 7);
	}
	ck_assert_uint_eq(t.used, 0);
}
END_TEST

START_TEST(only_unassured_and_expired_flows_are_evicted)
{
	struct flow unproven = flows_tcp(3);
	struct flow *f;

	start(8);
	for (uint32_t i = 0; i < 8; i++) {
		if (i != 3) {
			insert(i, false, at(100));
		}
	}
	ck_assert_ptr_null(flowtab_victim(&t, hash_of(50, false), false, at(1)));
	unproven.status = FLOW_SEEN_REPLY;
	unproven.deadline = at(100);
	ck_assert_ptr_nonnull(flowtab_insert(&t, &unproven, hash_of(3, false)));
	find(6, false)->deadline = at(1);
	f = flowtab_victim(&t, hash_of(50, false), false, at(1));
	ck_assert_ptr_eq(f, find(3, false));
	flowtab_assure(&t, f, hash_of(3, false));
	ck_assert_uint_eq(f->status, FLOW_SEEN_REPLY | FLOW_ASSURED);
	f = flowtab_victim(&t, hash_of(50, false), false, at(1));
	ck_assert_ptr_eq(f, find(6, false));
	find(6, false)->deadline = at(2);
	ck_assert_ptr_null(flowtab_victim(&t, hash_of(50, false), false, at(1)));
}
END_TEST

/* The ASSURED mark of a deleted flow must not protect the next flow in its slot. */
START_TEST(the_assured_mark_is_deleted_with_the_flow)
{
	struct flow f = flows_tcp(5);

	start(1);
	insert(4, false, at(100));
	flowtab_delete(&t, find(4, false), hash_of(4, false));
	f.status = 0;
	f.deadline = at(100);
	ck_assert_ptr_nonnull(flowtab_insert(&t, &f, hash_of(5, false)));
	ck_assert_ptr_eq(flowtab_victim(&t, hash_of(50, false), false, at(1)), find(5, false));
}
END_TEST

/* A flood: each new flow takes the place of an old one of its bucket. */
START_TEST(a_flood_evicts_the_oldest)
{
	const uint32_t len = 1000;
	unsigned young = 0;
	struct flow f;

	start(len);
	for (uint32_t i = 0; i < 5 * len; i++) {
		f = flows_tcp(i);
		f.status = 0;
		f.deadline = at(100000);
		if (flowtab_insert(&t, &f, hash_of(i, false)) == NULL) {
			struct flow *victim = flowtab_victim(&t, hash_of(i, false), false, at(1));
			uint32_t nr = victim->key.lo.word[0];

			young += i - nr < len / 5;
			ck_assert_msg(i - nr > len / 50, "%u for %u", nr, i);
			flowtab_delete(&t, victim, hash_of(nr, false));
			ck_assert_ptr_nonnull(flowtab_insert(&t, &f, hash_of(i, false)));
		}
	}
	/* Of the newest fifth: where many keys met in one bucket by chance. */
	ck_assert_msg(young < 4 * len / 100, "%u of %u", young, 4 * len);
}
END_TEST

/* An entry past its deadline is evicted before any other, whatever bucket it is in. */
START_TEST(an_expired_flow_is_evicted_first)
{
	const uint32_t len = 1000;

	start(len);
	for (uint32_t i = 0; i < len; i++) {
		struct flow f = flows_tcp(i);

		f.status = i == 77 ? FLOW_SEEN_REPLY | FLOW_ASSURED : 0;
		f.deadline = i == 77 ? at(5) : at(100000);
		ck_assert_ptr_nonnull(flowtab_insert(&t, &f, hash_of(i, false)));
	}
	for (uint32_t i = 2000; i < 2003; i++) {
		struct flow *victim = flowtab_victim(&t, hash_of(i, false), false, at(4));

		ck_assert_ptr_nonnull(victim);
		ck_assert_ptr_ne(victim, find(77, false));
	}
	ck_assert_ptr_eq(flowtab_victim(&t, hash_of(2000, false), false, at(6)), find(77, false));
}
END_TEST

/* One bucket: closed flows, then unassured ones, then those of which a side is closed. */
START_TEST(flows_are_evicted_by_their_worth)
{
	static const uint8_t states[] = { TCP_ESTABLISHED, TCP_FIN_WAIT,  TCP_SYN_SENT,   TCP_CLOSE,
		                          TCP_SYN_RECV,    TCP_TIME_WAIT, TCP_ESTABLISHED };
	static const uint32_t order[] = { 3, 5, 2, 4, 1 };

	start(7);
	for (uint32_t i = 0; i < 7; i++) {
		struct flow f = flows_tcp(i);

		f.conn.tcp.state = states[i];
		f.deadline = at(100);
		if (states[i] == TCP_SYN_SENT || states[i] == TCP_SYN_RECV) {
			f.status = 0;
		}
		ck_assert_ptr_nonnull(flowtab_insert(&t, &f, hash_of(i, false)));
	}
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		struct flow *victim = flowtab_victim(&t, hash_of(50, false), false, at(1));

		ck_assert_ptr_nonnull(victim);
		ck_assert_uint_eq(victim->key.lo.word[0], order[i]);
		flowtab_delete(&t, victim, hash_of(order[i], false));
	}
	ck_assert_ptr_null(flowtab_victim(&t, hash_of(50, false), false, at(1)));
	/* One that is due is first, wherever it is. */
	ck_assert_ptr_nonnull(flowtab_victim(&t, hash_of(50, false), false, at(101)));
}
END_TEST

START_TEST(a_list_returns_each_flow_once)
{
	bool seen[30] = { false };
	unsigned budget = 1;
	uint32_t cursor = 0;
	struct flow *f;
	unsigned n = 0;

	start(40);
	for (uint32_t i = 0; i < 30; i++) {
		insert(i, false, at(10));
	}
	flowtab_delete(&t, find(4, false), hash_of(4, false));
	/* In small steps; one ends before the empty slot, one behind it. */
	while ((f = flowtab_next(&t, &cursor, &budget)) != NULL || budget == 0) {
		if (f == NULL) {
			budget = 5;
			continue;
		}
		ck_assert(!seen[f->key.lo.word[0]]);
		seen[f->key.lo.word[0]] = true;
		n++;
	}
	ck_assert_uint_eq(n, 29);
	ck_assert(!seen[4]);
}
END_TEST

START_TEST(a_prefetch_of_any_hash_has_no_effect)
{
	start(3);
	for (uint32_t i = 0; i < 100; i++) {
		flowtab_prefetch_bucket(&t, hash_of(i, false));
		flowtab_prefetch_flow(&t, hash_of(i, false));
	}
}
END_TEST

SUITE_MAIN("flowtab", an_inserted_flow_is_found_until_deleted,
           a_full_table_refuses_until_a_flow_is_deleted, a_table_of_one_flow_works,
           due_flows_are_returned, a_deadline_may_move_earlier_or_later, expiry_keeps_its_budget,
           only_unassured_and_expired_flows_are_evicted, the_assured_mark_is_deleted_with_the_flow,
           a_flood_evicts_the_oldest, an_expired_flow_is_evicted_first,
           flows_are_evicted_by_their_worth, a_list_returns_each_flow_once,
           a_prefetch_of_any_hash_has_no_effect)

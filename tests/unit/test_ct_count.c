/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of `ct count`: the limit per rule and per key, and that every way in which a connection
 * ends releases its place.
 */
#include "flows.h"
#include "rules_world.h"

#include <pthread.h>

static struct world world;

static void setup(void)
{
	world_init(&world, 1000, 100, 4);
}

static void teardown(void)
{
	rules_fini(&world);
}

/* Connection nr from this source. */
static struct build conn(const char *from, uint16_t nr)
{
	struct build b = build_default(strchr(from, ':') != NULL ? 6 : 4, IPPROTO_NR_TCP);

	b.src = build_addr(from);
	b.sport = (uint16_t)(2000 + nr);
	b.seq = 1000;
	b.win = 5000;
	b.flags = TCP_SYN;
	return b;
}

static bool send_in(const struct build *b)
{
	return world_send(&world, b, HOOK_INPUT).verdict == VERDICT_ACCEPT;
}

static bool opens(const char *from, uint16_t nr)
{
	struct build b = conn(from, nr);

	return send_in(&b);
}

/* A segment of connection nr in this direction. */
static bool send_segment(const char *from, uint16_t nr, enum flow_dir dir, uint8_t flags,
                         uint32_t seq, uint32_t ack)
{
	struct build b = conn(from, nr);

	if (dir == DIR_REPLY) {
		build_reverse(&b);
	}
	b.flags = flags;
	b.seq = seq;
	b.ack = ack;
	return world_send(&world, &b, dir == DIR_REPLY ? HOOK_OUTPUT : HOOK_INPUT).verdict ==
	       VERDICT_ACCEPT;
}

static void answer(const char *from, uint16_t nr)
{
	ck_assert(send_segment(from, nr, DIR_REPLY, TCP_SYN | TCP_ACK, 7000, 1001));
	ck_assert(send_segment(from, nr, DIR_ORIG, TCP_ACK, 1001, 7001));
}

static void close_it(const char *from, uint16_t nr)
{
	ck_assert(send_segment(from, nr, DIR_ORIG, TCP_FIN | TCP_ACK, 1001, 7001));
	ck_assert(send_segment(from, nr, DIR_REPLY, TCP_FIN | TCP_ACK, 7001, 1002));
	ck_assert(send_segment(from, nr, DIR_ORIG, TCP_ACK, 1002, 7002));
}

static uint32_t counted(void)
{
	struct engine_usage usage;

	engine_usage(world.engine, &usage);
	return (uint32_t)usage.counters;
}

START_TEST(a_rule_limits_live_connections)
{
	rules_load_input(&world, "", "ct state established accept\n ct count over 2 drop\n accept");
	ck_assert(opens("10.0.0.1", 1));
	ck_assert(opens("10.0.0.2", 1));
	ck_assert(!opens("10.0.0.3", 1));
	ck_assert(!opens("10.0.0.1", 2));
	/* Existing connections continue, and a repeated SYN is not a new connection. */
	ck_assert(opens("10.0.0.1", 1));
	answer("10.0.0.1", 1);
	ck_assert(!opens("10.0.0.3", 1));
}
END_TEST

START_TEST(without_over_it_matches_below_the_limit)
{
	rules_load_input(&world, "", "ct count 2 accept");
	ck_assert(opens("10.0.0.1", 1));
	ck_assert(opens("10.0.0.1", 2));
	ck_assert(!opens("10.0.0.1", 3));
	answer("10.0.0.1", 1);
	close_it("10.0.0.1", 1);
	ck_assert(opens("10.0.0.1", 3));
}
END_TEST

START_TEST(a_close_releases_the_place)
{
	rules_load_input(&world, "", "ct state established accept\n ct count over 1 drop\n accept");
	ck_assert(opens("10.0.0.1", 1));
	answer("10.0.0.1", 1);
	ck_assert(send_segment("10.0.0.1", 1, DIR_ORIG, TCP_FIN | TCP_ACK, 1001, 7001));
	ck_assert(!opens("10.0.0.1", 2));
	ck_assert(send_segment("10.0.0.1", 1, DIR_REPLY, TCP_FIN | TCP_ACK, 7001, 1002));
	ck_assert(!opens("10.0.0.1", 2));
	/* TIME_WAIT is not counted, although the entry is live. */
	ck_assert(send_segment("10.0.0.1", 1, DIR_ORIG, TCP_ACK, 1002, 7002));
	ck_assert(opens("10.0.0.1", 2));
	answer("10.0.0.1", 2);
	ck_assert(!opens("10.0.0.1", 3));
	ck_assert(send_segment("10.0.0.1", 2, DIR_ORIG, TCP_RST | TCP_ACK, 1001, 7001));
	ck_assert(opens("10.0.0.1", 3));
	/* The two closed connections pass without being counted again. */
	world_pass(&world, 200 * NSEC_PER_SEC);
	world_tick(&world);
	ck_assert_uint_eq(counted(), 0);
}
END_TEST

START_TEST(expiry_releases_the_place)
{
	rules_load_input(&world, "", "ct count over 1 drop\n accept");
	ck_assert(opens("10.0.0.1", 1));
	ck_assert(!opens("10.0.0.1", 2));
	world_pass(&world, 121 * NSEC_PER_SEC);
	world_tick(&world);
	ck_assert(opens("10.0.0.1", 2));
}
END_TEST

START_TEST(deletion_releases_the_place)
{
	rules_load_input(&world, "", "ct count over 1 drop\n accept");
	ck_assert(opens("10.0.0.1", 1));
	engine_flush(world.engine, world.worker, world.now, DELETE_FORGET);
	ck_assert_uint_eq(counted(), 0);
	ck_assert(opens("10.0.0.1", 2));
}
END_TEST

START_TEST(other_protocols_count_until_the_entry_is_deleted)
{
	struct build b = build_default(4, IPPROTO_NR_UDP);

	rules_load_input(&world, "", "ct count over 1 drop\n accept");
	ck_assert(send_in(&b));
	ck_assert(send_in(&b));
	b.sport++;
	ck_assert(!send_in(&b));
	world_pass(&world, 31 * NSEC_PER_SEC);
	world_tick(&world);
	ck_assert(send_in(&b));
}
END_TEST

START_TEST(refused_packets_are_not_counted)
{
	rules_load_input(&world, "",
	                 "ct count over 2 drop\n tcp sport 2001 reject\n tcp sport 2002 drop\n "
	                 "accept");
	for (unsigned i = 0; i < 5; i++) {
		ck_assert(!opens("10.0.0.1", 1));
		ck_assert(!opens("10.0.0.1", 2));
		world_pass(&world, 2 * NSEC_PER_SEC);
	}
	ck_assert_uint_eq(counted(), 0);
	ck_assert(opens("10.0.0.1", 3));
	ck_assert(opens("10.0.0.1", 4));
	ck_assert(!opens("10.0.0.1", 5));
}
END_TEST

/* Reset by the server, then opened again with the same ports while the entry is still there. */
START_TEST(a_connection_opened_again_in_place_is_counted)
{
	rules_load_input(&world, "", "ct state established accept\n ct count over 1 drop\n accept");
	ck_assert(opens("10.0.0.1", 1));
	answer("10.0.0.1", 1);
	ck_assert(send_segment("10.0.0.1", 1, DIR_REPLY, TCP_RST | TCP_ACK, 7001, 1001));
	ck_assert(send_segment("10.0.0.1", 1, DIR_ORIG, TCP_SYN, 90000, 0));
	ck_assert(send_segment("10.0.0.1", 1, DIR_REPLY, TCP_SYN | TCP_ACK, 30000, 90001));
	ck_assert(send_segment("10.0.0.1", 1, DIR_ORIG, TCP_ACK, 90001, 30001));
	ck_assert(!opens("10.0.0.1", 2));
	ck_assert(send_segment("10.0.0.1", 1, DIR_REPLY, TCP_RST | TCP_ACK, 30001, 90001));
	ck_assert(opens("10.0.0.1", 2));
	/* One that stays closed releases its counter with its entry. */
	world_pass(&world, 11 * NSEC_PER_SEC);
	world_tick(&world);
	ck_assert(!opens("10.0.0.1", 3));
	engine_flush(world.engine, world.worker, world.now, DELETE_FORGET);
	ck_assert_uint_eq(counted(), 0);
}
END_TEST

/* A rejected SYN that is sent again at once is judged again. */
START_TEST(a_repeated_syn_is_rejected_again)
{
	rules_load_input(&world, "", "ct count over 1 reject\n accept");
	ck_assert(opens("10.0.0.1", 1));
	for (unsigned i = 0; i < 3; i++) {
		ck_assert(!opens("10.0.0.1", 2));
	}
	ck_assert_uint_eq(counted(), 1);
}
END_TEST

static const char meter[] = "set m { type ipv4_addr; size 4; flags dynamic; }\n"
			    "set m6 { type ipv6_addr; flags dynamic; }\n";

START_TEST(each_key_has_its_own_count)
{
	rules_load_input(&world, meter,
	                 "add @m { ip saddr ct count over 2 } drop\n"
	                 "add @m6 { ip6 saddr ct count over 1 } drop\n accept");
	for (unsigned i = 1; i < 4; i++) {
		char from[32];

		snprintf(from, sizeof(from), "10.0.0.%u", i);
		ck_assert(opens(from, 1));
		ck_assert(opens(from, 2));
		ck_assert(!opens(from, 3));
	}
	ck_assert(opens("fd00::1", 1));
	ck_assert(!opens("fd00::1", 2));
	ck_assert(opens("fd00::2", 1));
	engine_flush(world.engine, world.worker, world.now, DELETE_FORGET);
	ck_assert_uint_eq(counted(), 0);
}
END_TEST

/* As in the kernel, a new key is not counted when the set is full, and the rule does not match. */
START_TEST(a_set_is_limited_to_its_size)
{
	char from[32];

	rules_load_input(&world, meter, "add @m { ip saddr ct count 1 } accept");
	for (unsigned i = 1; i <= 4; i++) {
		snprintf(from, sizeof(from), "10.0.0.%u", i);
		ck_assert(opens(from, 1));
	}
	ck_assert(!opens("10.0.0.5", 1));
	answer("10.0.0.1", 1);
	close_it("10.0.0.1", 1);
	ck_assert(opens("10.0.0.5", 1));
	ck_assert(!opens("10.0.0.1", 2));
}
END_TEST

START_TEST(several_rules_count_one_connection)
{
	rules_load_input(
		&world, meter,
		"ct count over 3 drop\n add @m { ip saddr ct count over 2 } drop\n accept");
	ck_assert(opens("10.0.0.1", 1));
	ck_assert(opens("10.0.0.1", 2));
	ck_assert(!opens("10.0.0.1", 3));
	ck_assert(opens("10.0.0.2", 1));
	ck_assert(!opens("10.0.0.3", 1));
	answer("10.0.0.1", 1);
	close_it("10.0.0.1", 1);
	ck_assert(opens("10.0.0.1", 4));
	ck_assert(!opens("10.0.0.1", 5));
}
END_TEST

START_TEST(two_rules_with_one_set_count_once)
{
	rules_load_input(&world, meter,
	                 "add @m { ip saddr ct count over 2 } drop\n"
	                 "add @m { ip saddr ct count 2 } accept");
	ck_assert(opens("10.0.0.1", 1));
	ck_assert(opens("10.0.0.1", 2));
	ck_assert(!opens("10.0.0.1", 3));
}
END_TEST

START_TEST(equal_rules_count_separately)
{
	rules_load_input(&world, "", "ct count 1 accept\n ct count 1 accept");
	ck_assert(opens("10.0.0.1", 1));
	/* The first rule is at its limit; the second one has counted nothing. */
	ck_assert(opens("10.0.0.1", 2));
	ck_assert(!opens("10.0.0.1", 3));
}
END_TEST

/* A rule that is still present after a reload keeps its counts, also with another limit. */
START_TEST(counts_survive_a_reload)
{
	rules_load_input(&world, meter,
	                 "tcp dport 81 ct count over 1 drop\n"
	                 "add @m { ip saddr ct count over 2 } drop\n accept");
	ck_assert(opens("10.0.0.1", 1));
	ck_assert(opens("10.0.0.1", 2));
	rules_load_input(&world, meter,
	                 "tcp dport 22 accept\n tcp dport 80 ct count over 1 drop\n"
	                 "add @m { ip saddr ct count over 3 } drop\n accept");
	ck_assert(opens("10.0.0.1", 3));
	ck_assert(!opens("10.0.0.1", 4));
	rules_load_input(&world, "", "tcp dport 80 ct count over 2 drop\n accept");
	/* This rule counts one connection from before the reload. */
	ck_assert(opens("10.0.0.1", 5));
	ck_assert(!opens("10.0.0.1", 6));
}
END_TEST

START_TEST(packets_of_a_connection_compare_its_count_with_the_limit)
{
	rules_load_input(&world, "", "ct count over 3 drop\n accept");
	ck_assert(opens("10.0.0.1", 1));
	ck_assert(opens("10.0.0.1", 2));
	ck_assert(opens("10.0.0.1", 3));
	answer("10.0.0.1", 1);
	ck_assert(send_segment("10.0.0.1", 1, DIR_ORIG, TCP_ACK, 1001, 7001));
	rules_load_input(&world, "", "ct count over 2 drop\n accept");
	ck_assert(!send_segment("10.0.0.1", 1, DIR_ORIG, TCP_ACK, 1001, 7001));
}
END_TEST

#define THREADS_LEN  4
#define OPENINGS_LEN 400
#define PLACES_LEN   50

struct opener {
	pthread_t thread;
	struct engine_worker *worker;
	unsigned nr;
	unsigned accepted;
};

/* Opens connections without pause, one batch at a time. */
static void *open_many(void *ctx)
{
	struct opener *o = ctx;

	for (unsigned done = 0; done < OPENINGS_LEN; done += 8) {
		static _Thread_local uint8_t data[8][BUILD_MAX];
		struct frame frames[8];
		struct decision d[8];

		for (unsigned i = 0; i < 8; i++) {
			struct build b = build_default(4, IPPROTO_NR_UDP);

			b.src.bytes[3] = (uint8_t)o->nr;
			b.sport = (uint16_t)(1000 + done + i);
			frames[i] = build_frame(data[i], build_packet(&b, data[i]));
			frames[i].hook = HOOK_INPUT;
		}
		engine_batch(world.engine, o->worker, world.now, frames, 8, d);
		for (unsigned i = 0; i < 8; i++) {
			o->accepted += d[i].verdict == VERDICT_ACCEPT;
		}
	}
	return NULL;
}

/* In any order of the workers: the limit is never exceeded, and no place stays free. */
START_TEST(workers_share_the_limit)
{
	static struct opener openers[THREADS_LEN];
	unsigned accepted = 0;

	rules_load_input(&world, "", "ct count over 50 drop\n accept");
	for (unsigned i = 0; i < THREADS_LEN; i++) {
		openers[i].worker = flows_memory(sizeof(struct engine_worker));
		openers[i].worker->policy = &world.policy;
		openers[i].nr = i + 1;
	}
	for (unsigned i = 0; i < THREADS_LEN; i++) {
		ck_assert_int_eq(pthread_create(&openers[i].thread, NULL, open_many, &openers[i]),
		                 0);
	}
	for (unsigned i = 0; i < THREADS_LEN; i++) {
		pthread_join(openers[i].thread, NULL);
		accepted += openers[i].accepted;
		free(openers[i].worker);
	}
	ck_assert_uint_eq(accepted, PLACES_LEN);
	ck_assert_uint_eq(counted(), 1);
	engine_flush(world.engine, world.worker, world.now, DELETE_FORGET);
	ck_assert_uint_eq(counted(), 0);
}
END_TEST

static void add_tests(TCase *tc)
{
	const TTest *const tests[] = { a_rule_limits_live_connections,
		                       without_over_it_matches_below_the_limit,
		                       a_close_releases_the_place,
		                       expiry_releases_the_place,
		                       deletion_releases_the_place,
		                       other_protocols_count_until_the_entry_is_deleted,
		                       refused_packets_are_not_counted,
		                       a_connection_opened_again_in_place_is_counted,
		                       a_repeated_syn_is_rejected_again,
		                       each_key_has_its_own_count,
		                       a_set_is_limited_to_its_size,
		                       several_rules_count_one_connection,
		                       two_rules_with_one_set_count_once,
		                       equal_rules_count_separately,
		                       counts_survive_a_reload,
		                       packets_of_a_connection_compare_its_count_with_the_limit,
		                       workers_share_the_limit };

	tcase_add_checked_fixture(tc, setup, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		tcase_add_test(tc, tests[i]);
	}
}

SUITE_MAIN_PARTS("ct_count", add_tests)

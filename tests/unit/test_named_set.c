/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named sets with concurrent readers. One thread changes a set repeatedly and frees replaced memory
 * as the daemon does. The others look up elements that are always present, never present, or added
 * and deleted. AddressSanitizer and ThreadSanitizer detect a use of freed memory.
 * tests/model/model_sets.c tests what the changes do.
 */
#include "config_text.h"
#include "suite.h"

#include "sets/named_set.h"
#include <finwall/bytes.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READERS_LEN 2
#define CHANGES     100
#define ELEMENTS    5000 /* more elements than one chunk holds */

static struct config *config;
static struct ruleset *rules;
static struct named_set *set;

struct reader {
	pthread_t thread;
	_Atomic uint32_t wanted;
	_Atomic uint32_t seen;
	_Atomic uint32_t stop;
	uint32_t wrong;
	uint32_t flips; /* the number of additions and deletions of the changing element */
};

/* Elements are 10.x.y.0/24 with x.y below ELEMENTS. */
static void load(void)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	char problem[NAMED_SET_PROBLEM_SIZE];
	char *errors;

	fprintf(f, "table inet t {\nset s { type ipv4_addr; flags interval; elements = {\n");
	for (unsigned i = 0; i < ELEMENTS; i++) {
		fprintf(f, "10.%u.%u.0/24,\n", i >> 8, i & 0xff);
	}
	fprintf(f, "} }\nchain i { type filter hook input priority 0; ip saddr @s drop\n}\n}\n");
	fclose(f);
	config = config_text_load("text", text, &errors);
	ck_assert_msg(config != NULL, "%s", errors);
	rules = config_compile(config);
	set = named_set_find(config, "inet t", "s", problem);
	ck_assert_ptr_nonnull(rules);
	ck_assert_ptr_nonnull(set);
	free(text);
}

static bool has(uint32_t addr)
{
	struct frame f = { .true_size = 100 };
	struct pkt p = { .frame = &f, .depth = PKT_FULL, .reach = PKT_REACH_MAX };
	struct rule_input in = { .pkt = &p };
	struct rule_result out;

	p.tuple.family = 4;
	store_be32(p.tuple.src.bytes, addr);
	ruleset_eval(rules, NULL, CHAIN_INPUT, &in, &out);
	return out.code == RULE_DROP;
}

/* 10.1.0.0/24 is never changed, 11.0.0.0/8 never present, 10.2.3.0/24 added and deleted. */
static void *reader_main(void *arg)
{
	struct reader *r = arg;
	bool before = true;

	while (atomic_load_explicit(&r->stop, memory_order_relaxed) == 0) {
		uint32_t wanted = atomic_load_explicit(&r->wanted, memory_order_acquire);

		atomic_store_explicit(&r->seen, wanted, memory_order_release);
		for (uint32_t i = 0; i < 64; i++) {
			bool now = has(0x0a020301);

			r->wrong += !has(0x0a010000 + i) || has(0x0b000000 + i);
			r->flips += now != before;
			before = now;
		}
	}
	return NULL;
}

static void change(enum named_set_op op, struct reader *reader, uint32_t nr)
{
	static const char *const elements[] = { "10.2.3.0/24", "10.9.9.0/24", "10.19.0.0/24" };
	struct named_set_garbage *garbage;
	char problem[NAMED_SET_PROBLEM_SIZE];
	uint64_t changed;

	ck_assert_msg(named_set_change(set, (struct mono){ 0 }, op, elements, 3, &changed, &garbage, problem) == 0,
	              "%s", problem);
	ck_assert_uint_eq(changed, 3);
	for (unsigned i = 0; i < READERS_LEN; i++) {
		atomic_store_explicit(&reader[i].wanted, nr, memory_order_release);
	}
	for (unsigned i = 0; i < READERS_LEN; i++) {
		while (atomic_load_explicit(&reader[i].seen, memory_order_acquire) != nr) {
			sched_yield();
		}
	}
	named_set_garbage_free(garbage);
}

START_TEST(readers_see_the_old_set_or_the_new_one)
{
	struct reader reader[READERS_LEN] = { 0 };
	uint32_t flips = 0;

	load();
	for (unsigned i = 0; i < READERS_LEN; i++) {
		ck_assert_int_eq(pthread_create(&reader[i].thread, NULL, reader_main, &reader[i]),
		                 0);
	}
	for (uint32_t nr = 1; nr <= CHANGES; nr += 2) {
		change(SET_DELETE, reader, nr);
		ck_assert(!has(0x0a020301));
		change(SET_ADD, reader, nr + 1);
		ck_assert(has(0x0a020301));
	}
	for (unsigned i = 0; i < READERS_LEN; i++) {
		atomic_store(&reader[i].stop, 1);
		pthread_join(reader[i].thread, NULL);
		ck_assert_uint_eq(reader[i].wrong, 0);
		flips += reader[i].flips;
	}
	ck_assert_uint_gt(flips, 0);
	ruleset_free(rules);
	config_free(config);
}
END_TEST

/* Rules keep a set's elements after the configuration is freed. */
START_TEST(rules_may_outlive_their_configuration)
{
	load();
	config_free(config);
	ck_assert(has(0x0a010001));
	ruleset_free(rules);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_set_timeout(tc, 100);
	tcase_add_test(tc, readers_see_the_old_set_or_the_new_one);
	tcase_add_test(tc, rules_may_outlive_their_configuration);
}

SUITE_MAIN_PARTS("named_set", add_tests)

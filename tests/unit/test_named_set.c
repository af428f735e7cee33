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

#include <errno.h>
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

	ck_assert_msg(named_set_change(set, (struct mono){ 0 }, op, elements, 3, &changed, &garbage,
	                               problem) == 0,
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

/* sets that rules fill, over a reload */

static struct mono at_s(int64_t s)
{
	return (struct mono){ s * NSEC_PER_SEC };
}

static struct config *config_of(const char *text)
{
	char *errors = NULL;
	struct config *c = config_text_load("text", text, &errors);

	ck_assert_msg(c != NULL, "%s", errors);
	return c;
}

/* A configuration with a set s that rules fill, and elements of the text. */
static struct config *filled(const char *elements)
{
	char text[512];

	snprintf(text, sizeof(text),
	         "table inet t {\nset s { type ipv4_addr; flags dynamic, timeout; timeout 10s; %s "
	         "}\nchain i { type filter hook input priority 0; add @s { ip saddr } "
	         "accept\n}\n}\n",
	         elements);
	return config_of(text);
}

static struct named_set *set_of(struct config *c)
{
	char problem[NAMED_SET_PROBLEM_SIZE];
	struct named_set *s = named_set_find(c, "inet t", "s", problem);

	ck_assert_ptr_nonnull(s);
	return s;
}

static void note_line(void *ctx, const char *element)
{
	char *lines = ctx;

	snprintf(lines + strlen(lines), 256 - strlen(lines), "%s; ", element);
}

static const char *elements_of(struct config *c, struct mono now)
{
	static char lines[256];
	struct named_set_cursor at = { 0 };

	lines[0] = '\0';
	while (named_set_walk(set_of(c), now, &at, note_line, lines)) {
	}
	return lines;
}

static void add_element(struct config *c, const char *element, struct mono now)
{
	char problem[NAMED_SET_PROBLEM_SIZE];
	struct named_set_garbage *garbage;
	uint64_t changed;

	ck_assert_msg(named_set_change(set_of(c), now, SET_ADD, &element, 1, &changed, &garbage,
	                               problem) == 0,
	              "%s", problem);
	named_set_garbage_free(garbage);
}

START_TEST(a_kept_set_gets_the_elements_of_the_text)
{
	struct config *old = filled("");
	struct config *c = filled("elements = { 192.0.2.1, 192.0.2.2 expires 7s }");

	config_start(old, at_s(1000));
	add_element(old, "198.51.100.1", at_s(1995));
	ck_assert(config_adopt(c, old, false, at_s(2000)));
	config_start(c, at_s(2000));
	/* what may still fail changes nothing */
	ck_assert_str_eq(elements_of(old, at_s(2000)), "198.51.100.1 expires 5s; ");
	config_adopt_listed(c, at_s(2000));
	ck_assert_str_eq(elements_of(c, at_s(2001)),
	                 "198.51.100.1 expires 4s; 192.0.2.1 expires 9s; 192.0.2.2 expires 6s; ");
	ck_assert_str_eq(elements_of(c, at_s(2009)), "192.0.2.1 expires 1s; ");
	config_free(old);
	config_free(c);
}
END_TEST

START_TEST(a_trial_leaves_the_set_in_force_alone)
{
	struct config *old = filled("");
	struct config *c = filled("elements = { 192.0.2.1 }");

	config_start(old, at_s(1000));
	add_element(old, "198.51.100.1", at_s(1995));
	ck_assert(config_adopt(c, old, true, at_s(2000)));
	config_start(c, at_s(2000));
	config_adopt_listed(c, at_s(2000));
	add_element(c, "198.51.100.2", at_s(2001));
	ck_assert_str_eq(
		elements_of(c, at_s(2001)),
		"198.51.100.1 expires 4s; 192.0.2.1 expires 9s; 198.51.100.2 expires 10s; ");
	ck_assert_str_eq(elements_of(old, at_s(2001)), "198.51.100.1 expires 4s; ");
	config_free(old);
	ck_assert_str_eq(elements_of(c, at_s(2008)),
	                 "192.0.2.1 expires 2s; 198.51.100.2 expires 3s; ");
	config_free(c);
}
END_TEST

/* One change; problem: "" if it succeeds. Returns how many elements it changed. */
static uint64_t command(struct config *c, enum named_set_op op, const char *element,
                        struct mono now, char problem[NAMED_SET_PROBLEM_SIZE])
{
	struct named_set_garbage *garbage = NULL;
	uint64_t changed = 0;

	problem[0] = '\0';
	if (named_set_change(set_of(c), now, op, &element, element != NULL ? 1 : 0, &changed,
	                     &garbage, problem) == 0) {
		problem[0] = '\0';
		named_set_garbage_free(garbage);
	}
	return changed;
}

START_TEST(a_set_of_tuples_is_changed_by_commands)
{
	struct config *c =
		config_of("table inet t {\nset s { type ipv4_addr . inet_service; size 3; "
	                  "flags dynamic, timeout; timeout 10s; }\n"
	                  "chain i { type filter hook input priority 0; ip saddr . tcp "
	                  "dport @s drop\n}\n}\n");
	char problem[NAMED_SET_PROBLEM_SIZE];
	struct named_set_info info;

	config_start(c, at_s(1000));
	ck_assert_uint_eq(command(c, SET_ADD, "10.0.0.1 . 80", at_s(1000), problem), 1);
	ck_assert_uint_eq(command(c, SET_ADD, "10.0.0.1 . 80", at_s(1000), problem), 0);
	ck_assert_str_eq(problem, "");
	ck_assert_uint_eq(
		command(c, SET_ADD, "10.0.0.2 . 443 timeout 30s expires 20s", at_s(1000), problem),
		1);
	ck_assert_str_eq(elements_of(c, at_s(1001)),
	                 "10.0.0.1 . 80 expires 9s; 10.0.0.2 . 443 timeout 30s expires 19s; ");
	ck_assert_uint_eq(command(c, SET_DELETE, "10.0.0.9 . 80", at_s(1001), problem), 0);
	ck_assert_str_eq(problem, "10.0.0.9 . 80 is not in set s");
	ck_assert_uint_eq(command(c, SET_ADD, "10.0.0.9", at_s(1001), problem), 0);
	ck_assert_str_ne(problem, "");
	ck_assert_uint_eq(command(c, SET_ADD, "10.0.0.9 . 80 nonsense 3s", at_s(1001), problem), 0);
	ck_assert_str_ne(problem, "");
	ck_assert_uint_eq(command(c, SET_ADD, "10.0.0.9 . 80 timeout never", at_s(1001), problem),
	                  0);
	ck_assert_str_ne(problem, "");
	ck_assert_uint_eq(command(c, SET_ADD, "10.0.0.3 . 80", at_s(1001), problem), 1);
	ck_assert_uint_eq(command(c, SET_ADD, "10.0.0.4 . 80", at_s(1001), problem), 0);
	ck_assert_str_eq(problem, "set s is full: it has 3 elements at most");
	ck_assert_uint_eq(command(c, SET_DELETE, "10.0.0.1 . 80", at_s(1001), problem), 1);
	ck_assert_str_eq(problem, "");
	named_set_info(set_of(c), &info);
	ck_assert_uint_eq(info.len, 2);
	ck_assert_uint_eq(info.size, 3);
	ck_assert_uint_eq(info.added, 3);
	ck_assert_uint_eq(info.deleted, 1);
	ck_assert_uint_eq(command(c, SET_FLUSH, NULL, at_s(1002), problem), 2);
	ck_assert_str_eq(elements_of(c, at_s(1002)), "");
	config_free(c);
}
END_TEST

/* Packets look for one value in the set's only tuple. */
START_TEST(a_set_that_rules_delete_from_gets_no_interval)
{
	struct config *c =
		config_of("table inet t {\nset s { type ipv4_addr; }\nchain i { type "
	                  "filter hook input priority 0; delete @s { ip saddr }\n}\n}\n");
	const char *element = "10.0.0.0/8";
	char problem[NAMED_SET_PROBLEM_SIZE];
	struct named_set_garbage *garbage;
	uint64_t changed;

	ck_assert_int_eq(named_set_change(set_of(c), at_s(1), SET_ADD, &element, 1, &changed,
	                                  &garbage, problem),
	                 -EINVAL);
	ck_assert_str_eq(problem, "10.0.0.0/8 is an interval, which set s cannot have: rules "
	                          "change it");
	add_element(c, "10.0.0.1", at_s(1));
	ck_assert_str_eq(elements_of(c, at_s(1)), "10.0.0.1; ");
	config_free(c);
}
END_TEST

/* Keys have numbers of names, which another configuration gives to others. */
START_TEST(a_set_of_interfaces_is_not_kept)
{
	struct config *old = config_of("table inet t {\nset s { type ifname . inet_service; flags "
	                               "dynamic; elements = { \"lan0\" . 22 }; }\n}\n");
	struct config *c = config_of("table inet t {\nset s { type ifname . inet_service; flags "
	                             "dynamic; elements = { \"wan0\" . 23 }; }\n}\n");

	config_start(old, at_s(1000));
	ck_assert(config_adopt(c, old, false, at_s(2000)));
	config_start(c, at_s(2000));
	config_adopt_listed(c, at_s(2000));
	ck_assert_str_eq(elements_of(c, at_s(2000)), "\"wan0\" . 23; ");
	ck_assert_str_eq(elements_of(old, at_s(2000)), "\"lan0\" . 22; ");
	config_free(old);
	config_free(c);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_set_timeout(tc, 100);
	tcase_add_test(tc, readers_see_the_old_set_or_the_new_one);
	tcase_add_test(tc, a_kept_set_gets_the_elements_of_the_text);
	tcase_add_test(tc, a_trial_leaves_the_set_in_force_alone);
	tcase_add_test(tc, a_set_of_tuples_is_changed_by_commands);
	tcase_add_test(tc, a_set_that_rules_delete_from_gets_no_interval);
	tcase_add_test(tc, a_set_of_interfaces_is_not_kept);
	tcase_add_test(tc, rules_may_outlive_their_configuration);
}

SUITE_MAIN_PARTS("named_set", add_tests)

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring of records (full, across its end, between two threads), and the list of readers: what is
 * made for whom, rates, slots that are free again.
 */
#include "rng.h"
#include "suite.h"

#include "watch.h"
#include "watch_text.h"
#include "workers.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

static struct watch_ring ring;

/* A record whose bytes follow from its number. */
static bool put(uint32_t nr, uint32_t size)
{
	uint8_t *to = watch_ring_reserve(&ring, nr, ~nr, size);

	if (to == NULL) {
		return false;
	}
	memset(to, (int)(nr & 0xff), size);
	watch_ring_publish(&ring);
	return true;
}

/* Takes the oldest record, which must be this one. */
static void ck_take(uint32_t nr, uint32_t size)
{
	const void *contents;
	const struct watch_record *record = watch_ring_peek(&ring, &contents);
	const uint8_t *bytes = contents;

	ck_assert_ptr_nonnull(record);
	ck_assert_uint_eq(record->kind, nr);
	ck_assert_uint_eq(record->readers, ~nr);
	ck_assert_uint_eq(record->size, size);
	ck_assert_uint_eq((uintptr_t)contents % WATCH_RING_ALIGN, 0);
	ck_assert(size == 0 || (bytes[0] == (nr & 0xff) && bytes[size - 1] == (nr & 0xff)));
	watch_ring_pop(&ring);
}

START_TEST(a_full_ring_refuses)
{
	const void *contents;
	uint32_t len = 0;

	memset(&ring, 0, sizeof(ring));
	ck_assert_ptr_null(watch_ring_peek(&ring, &contents));
	while (put(len, 100)) {
		len++;
	}
	ck_assert_uint_eq(len, WATCH_RING_SIZE / 192);
	ck_take(0, 100);
	ck_assert(put(len, 100));
	ck_assert(!put(len + 1, 100));
	for (uint32_t i = 1; i <= len; i++) {
		ck_take(i, 100);
	}
	ck_assert_ptr_null(watch_ring_peek(&ring, &contents));
}
END_TEST

static uint32_t size_of(uint32_t nr)
{
	return nr * UINT32_C(2654435761) >> 8 & 0x3fff;
}

START_TEST(records_of_any_size_cross_the_end)
{
	uint32_t from = 0;
	uint32_t to = 0;
	struct rng r;

	memset(&ring, 0, sizeof(ring));
	rng_init(&r, rng_seed(0, NULL));
	while (from < 20000) {
		while (rng_percent(&r, 70) && put(to, size_of(to))) {
			to++;
		}
		while (rng_percent(&r, 70) && from < to) {
			ck_take(from, size_of(from));
			from++;
		}
	}
}
END_TEST

#define PASSED_LEN 50000

static void *write_all(void *arg)
{
	(void)arg;
	for (uint32_t nr = 0; nr < PASSED_LEN;) {
		if (put(nr, size_of(nr) & 0x3ff)) {
			nr++;
		} else {
			(void)sched_yield();
		}
	}
	return NULL;
}

START_TEST(two_threads_pass_all_records)
{
	pthread_t writer;
	const void *contents;

	memset(&ring, 0, sizeof(ring));
	ck_assert_int_eq(pthread_create(&writer, NULL, write_all, NULL), 0);
	for (uint32_t nr = 0; nr < PASSED_LEN;) {
		if (watch_ring_peek(&ring, &contents) != NULL) {
			ck_take(nr, size_of(nr) & 0x3ff);
			nr++;
		} else {
			(void)sched_yield();
		}
	}
	ck_assert_int_eq(pthread_join(writer, NULL), 0);
}
END_TEST

/* readers */

static struct watch watch;
static struct workers workers;
static struct flow flow;

/* As a worker does between two batches. */
static void take(void)
{
	for (uint32_t i = 0; i < workers.len; i++) {
		struct worker *w = &workers.at[i];

		atomic_store(&w->watch_used, atomic_load(&w->watch_wanted));
	}
}

static void setup(void)
{
	ck_assert_int_eq(workers_alloc(&workers, 2), 0);
	memset(&watch, 0, sizeof(watch));
	memset(&flow, 0, sizeof(flow));
	flow.key.family = 4;
	flow.key.proto = IPPROTO_NR_TCP;
	flow.key.lo.bytes[0] = 10;
	flow.key.hi.bytes[0] = 20;
	flow.key.lo_port = 1025;
	flow.key.hi_port = 80;
	flow.conn.tcp.state = TCP_SYN_SENT;
	flow.deadline = (struct mono){ sec_to_ns(1120) };
}

static void teardown(void)
{
	watch_fini(&watch);
	workers_free(&workers);
}

static struct watcher *add(const char *filter, uint32_t kinds, uint32_t rate)
{
	json_t *object = json_loads(filter, 0, NULL);
	struct watch_filter parsed;
	struct watcher *w;
	const char *wrong;

	ck_assert(watch_filter_parse(object, &parsed, &wrong));
	json_decref(object);
	ck_assert_int_eq(watch_add(&watch, &workers, &parsed, WATCHERS_MAX, kinds, rate, &w), 0);
	take();
	return w;
}

static void change(unsigned changes, int64_t sec)
{
	const struct flow_event ev = {
		.flow = &flow,
		.now = { sec_to_ns(sec) },
		.changes = (uint8_t)changes,
		.rule_nr = UINT32_MAX,
	};

	watch_port_put_flow(watch.ports[0], watch.current, &ev);
}

/* Takes all records of the first worker's ring: how many are for these readers. */
static unsigned taken(uint32_t readers)
{
	const struct watch_record *record;
	const void *contents;
	unsigned n = 0;

	while ((record = watch_ring_peek(&watch.ports[0]->ring, &contents)) != NULL) {
		n += (record->readers & readers) != 0;
		watch_ring_pop(&watch.ports[0]->ring);
	}
	return n;
}

START_TEST(a_reader_gets_what_it_wants)
{
	struct watcher *all = add("{}", WATCH_FLOW_KINDS, 1000);
	struct watcher *ends = add("{}", 1u << WATCH_DESTROY, 1000);
	struct watcher *others = add("{\"destination_port\":81}", WATCH_FLOW_KINDS, 1000);

	change(FLOW_CHANGE_NEW, 1000);
	change(FLOW_CHANGE_UPDATE | FLOW_CHANGE_ASSURED, 1000);
	ck_assert_uint_eq(taken(watch_bit(&watch, all)), 2);
	change(FLOW_CHANGE_UPDATE, 1000);
	ck_assert_uint_eq(taken(watch_bit(&watch, ends) | watch_bit(&watch, others)), 0);
	change(FLOW_CHANGE_DESTROY, 1000);
	ck_assert_uint_eq(taken(watch_bit(&watch, ends)), 1);
	ck_assert_uint_eq(watch_take_left_out(all), 0);
}
END_TEST

START_TEST(the_surplus_of_a_rate_is_counted)
{
	struct watcher *slow = add("{}", 1u << WATCH_NEW, 10);
	struct watcher *fast = add("{}", 1u << WATCH_NEW, 1000000);

	for (unsigned i = 0; i < 100; i++) {
		change(FLOW_CHANGE_NEW, 1000);
	}
	ck_assert_uint_eq(watch_take_left_out(slow), 90);
	ck_assert_uint_eq(watch_take_left_out(slow), 0);
	ck_assert_uint_eq(watch_take_left_out(fast), 0);
	ck_assert_uint_eq(taken(watch_bit(&watch, slow)), 10);
	change(FLOW_CHANGE_NEW, 1001);
	ck_assert_uint_eq(taken(watch_bit(&watch, slow)), 1);
}
END_TEST

START_TEST(what_does_not_fit_is_counted)
{
	struct watcher *w = add("{}", 1u << WATCH_NEW, 1000000);
	unsigned got;

	for (unsigned i = 0; i < 20000; i++) {
		change(FLOW_CHANGE_NEW, 1000);
	}
	got = taken(watch_bit(&watch, w));
	ck_assert_uint_gt(got, 1000);
	ck_assert_uint_eq(got + watch_take_left_out(w), 20000);
}
END_TEST

/* Clients that may only read leave places for others, and these for files. */
START_TEST(places_are_kept_for_those_with_more_rights)
{
	static const unsigned places[] = { WATCHERS_READ, WATCHERS_WRITE, WATCHERS_MAX };
	const struct watch_filter all = { .hooks = 0 };
	struct watcher *w[WATCHERS_MAX];
	struct watcher *more;
	unsigned len = 0;

	for (unsigned i = 0; i < 3; i++) {
		while (watch_add(&watch, &workers, &all, places[i], 1, 1, &more) == 0) {
			w[len++] = more;
		}
		ck_assert_uint_eq(len, places[i]);
	}
	while (len > 0) {
		watch_remove(&watch, &workers, w[--len]);
	}
	take();
	watch_retire(&watch);
}
END_TEST

START_TEST(a_slot_is_free_when_no_worker_uses_it)
{
	struct watcher *w[WATCHERS_MAX];
	struct watcher *more;

	for (unsigned i = 0; i < WATCHERS_MAX; i++) {
		w[i] = add("{}", 1u << WATCH_TRACE, 1);
	}
	ck_assert_int_eq(watch_add(&watch, &workers, &w[0]->filter, WATCHERS_MAX, 1, 1, &more),
	                 -EBUSY);
	ck_assert(watch_can_retire(&watch, &workers));
	watch_retire(&watch);
	watch_remove(&watch, &workers, w[3]);
	ck_assert(!watch_can_retire(&watch, &workers));
	ck_assert_int_eq(watch_add(&watch, &workers, &w[0]->filter, WATCHERS_MAX, 1, 1, &more),
	                 -EBUSY);
	take();
	ck_assert(watch_can_retire(&watch, &workers));
	watch_retire(&watch);
	ck_assert_int_eq(watch_add(&watch, &workers, &w[0]->filter, WATCHERS_MAX, 1, 1, &more), 0);
	ck_assert_uint_eq(watch_bit(&watch, more), 1u << 3);
	for (unsigned i = 0; i < WATCHERS_MAX; i++) {
		watch_remove(&watch, &workers, i == 3 ? more : w[i]);
	}
	ck_assert_uint_eq(watch.current->kinds, 0);
	take();
	watch_retire(&watch);
}
END_TEST

START_TEST(lines_are_those_of_conntrack)
{
	struct watch_flow ev = { .flow = flow,
		                 .now = { sec_to_ns(1000) },
		                 .rule_nr = UINT32_MAX,
		                 .changes = FLOW_CHANGE_NEW };
	char text[WATCH_TEXT_SIZE];

	watch_text_flow(&ev, NULL, WATCH_CONNTRACK, text);
	ck_assert_str_eq(text, "    [NEW] tcp      6 120 SYN_SENT src=10.0.0.0 dst=20.0.0.0 "
	                       "sport=1025 dport=80 [UNREPLIED] src=20.0.0.0 dst=10.0.0.0 "
	                       "sport=80 dport=1025");
	ev.changes = FLOW_CHANGE_UPDATE | FLOW_CHANGE_ASSURED;
	ev.flow.status = FLOW_SEEN_REPLY | FLOW_ASSURED;
	ev.flow.conn.tcp.state = TCP_ESTABLISHED;
	watch_text_flow(&ev, NULL, WATCH_TEXT, text);
	ck_assert_str_eq(text, " [UPDATE] tcp      6 120 ESTABLISHED src=10.0.0.0 dst=20.0.0.0 "
	                       "sport=1025 dport=80 src=20.0.0.0 dst=10.0.0.0 sport=80 "
	                       "dport=1025 [ASSURED]");
	/* an entry that has run out has no time left */
	ev.changes = FLOW_CHANGE_DESTROY;
	ev.end = FLOW_END_TIMEOUT;
	ev.now = ev.flow.deadline;
	watch_text_flow(&ev, NULL, WATCH_TEXT, text);
	ck_assert_str_eq(text, "[DESTROY] tcp      6 ESTABLISHED src=10.0.0.0 dst=20.0.0.0 "
	                       "sport=1025 dport=80 src=20.0.0.0 dst=10.0.0.0 sport=80 "
	                       "dport=1025 [ASSURED] end=timeout");
}
END_TEST

static SUITE_PART(ring_part, a_full_ring_refuses, records_of_any_size_cross_the_end,
                  two_threads_pass_all_records)

	static void readers_part(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_reader_gets_what_it_wants);
	tcase_add_test(tc, the_surplus_of_a_rate_is_counted);
	tcase_add_test(tc, what_does_not_fit_is_counted);
	tcase_add_test(tc, places_are_kept_for_those_with_more_rights);
	tcase_add_test(tc, a_slot_is_free_when_no_worker_uses_it);
	tcase_add_test(tc, lines_are_those_of_conntrack);
}

SUITE_MAIN_PARTS("watch", ring_part, readers_part)

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keyed sets against lists that are searched from the beginning: random boxes of one to three
 * fields, additions, deletions, timeouts. Then threads that add, update, delete, look up and sweep
 * the same keys at once.
 */
#include "sets/keyed.h"

#include "rng.h"

#include <pthread.h>
#include <string.h>

#define ELEMENTS_MAX 200
#define FEW          24   /* values: boxes often overlap */
#define MANY         2000 /* and with short intervals, sets have many that do not */

#define REQUIRE(what)                                                                              \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			printf("%s:%d: %s\n", __FILE__, __LINE__, #what);                          \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* The simple set. */
struct element {
	struct interval box[3];
	uint64_t deadline_ns; /* RS_NEVER */
};

struct model {
	struct element at[ELEMENTS_MAX];
	size_t len;
	uint32_t fields_len;
	uint32_t values;
	uint64_t now_ns;
};

static struct u128 value(const struct model *m, struct rng *r, bool is_wide)
{
	struct u128 v = { 0, rng_below(r, m->values) };

	if (is_wide && rng_percent(r, 50)) {
		v.hi = v.lo;
		v.lo = rng_below(r, 3);
	}
	return v;
}

static struct interval interval(const struct model *m, struct rng *r, bool is_wide,
                                unsigned singles)
{
	struct u128 a = value(m, r, is_wide);
	struct u128 b = rng_percent(r, singles) ? a : value(m, r, is_wide);

	if (m->values == MANY) {
		b = (struct u128){ a.hi, a.lo + rng_below(r, 8) };
	}
	return u128_cmp(a, b) <= 0 ? (struct interval){ a, b } : (struct interval){ b, a };
}

static bool model_has(const struct model *m, const struct u128 *key)
{
	for (size_t i = 0; i < m->len; i++) {
		bool hit = m->at[i].deadline_ns > m->now_ns;

		for (uint32_t f = 0; f < m->fields_len; f++) {
			const struct interval one = { key[f], key[f] };

			hit = hit && interval_contains(&m->at[i].box[f], &one);
		}
		if (hit) {
			return true;
		}
	}
	return false;
}

static size_t model_find(const struct model *m, const struct interval *box)
{
	size_t i = 0;

	while (i < m->len && memcmp(m->at[i].box, box, m->fields_len * sizeof(*box)) != 0) {
		i++;
	}
	return i;
}

/* Expired elements are no longer there for a change. */
static void model_sweep(struct model *m)
{
	for (size_t i = 0; i < m->len;) {
		if (m->at[i].deadline_ns <= m->now_ns) {
			m->at[i] = m->at[--m->len];
		} else {
			i++;
		}
	}
}

static void change(struct model *m, struct live_keyed *s, struct rng *r, const bool *is_wide,
                   unsigned singles)
{
	const struct mono now = { (int64_t)m->now_ns + 1 };
	struct interval box[3];
	struct rs_item item = { .deadline_ns = RS_NEVER };
	struct keyed_list one = { box, &item, 1 };
	struct rs_keyed *old = NULL;
	uint64_t added;
	size_t at;

	model_sweep(m);
	for (uint32_t f = 0; f < m->fields_len; f++) {
		box[f] = interval(m, r, is_wide[f], singles);
	}
	if (m->len > 0 && rng_percent(r, 40)) {
		memcpy(box, m->at[rng_below(r, (uint32_t)m->len)].box, sizeof(box));
	}
	at = model_find(m, box);
	if (rng_percent(r, 45)) {
		REQUIRE((keyed_delete(s, box, now) == KEYED_OK) == (at < m->len));
		if (at < m->len) {
			m->at[at] = m->at[--m->len];
		}
		return;
	}
	if (m->len == ELEMENTS_MAX) {
		return;
	}
	if (s->shape.has_state && rng_percent(r, 60)) {
		item.timeout_ns = 1 + rng_below(r, 50);
		item.deadline_ns = m->now_ns + item.timeout_ns;
	}
	switch (keyed_add(s, &one, now, &added, &old)) {
	case KEYED_OK:
		REQUIRE(added == (at == m->len));
		break;
	case KEYED_TOO_DEEP:
		return;
	default:
		REQUIRE(false);
	}
	keyed_free(old);
	if (at == m->len) {
		memcpy(m->at[m->len].box, box, sizeof(box));
		m->at[m->len++].deadline_ns = item.deadline_ns;
	}
}

static void compare(const struct model *m, struct live_keyed *s, struct rng *r, const bool *is_wide)
{
	const struct rs_touch touch = { .now = { (int64_t)m->now_ns + 1 } };

	for (unsigned i = 0; i < 20; i++) {
		struct u128 key[3];
		uint32_t nr;

		for (uint32_t f = 0; f < m->fields_len; f++) {
			key[f] = value(m, r, is_wide[f]);
		}
		REQUIRE(rs_keyed_find(rs_keyed_of(&s->set), key, &touch, &nr) == model_has(m, key));
	}
}

static void compare_lists(struct model *m, struct live_keyed *s)
{
	struct interval box[RS_KEY_FIELDS_MAX];
	struct rs_item item;
	uint32_t slot = 0;
	size_t len = 0;

	model_sweep(m);
	while (keyed_next(s, &slot, (struct mono){ (int64_t)m->now_ns + 1 }, box, &item)) {
		size_t at = model_find(m, box);

		REQUIRE(at < m->len && m->at[at].deadline_ns == item.deadline_ns);
		len++;
	}
	REQUIRE(len == m->len);
}

static void run(struct rng *r)
{
	static const struct rs_kit nothing;
	struct model m = { .fields_len = 1 + rng_below(r, 3),
		           .values = rng_percent(r, 50) ? FEW : MANY };
	const unsigned singles = rng_below(r, 101);
	struct keyed_shape shape = { .fields_len = m.fields_len,
		                     .has_state = rng_percent(r, 60),
		                     .kit = &nothing,
		                     .kits_len = 1 };
	const struct keyed_list none = { 0 };
	enum keyed_problem problem;
	bool is_wide[3];
	struct live_keyed *s;

	for (uint32_t f = 0; f < m.fields_len; f++) {
		is_wide[f] = rng_percent(r, 30);
		shape.is_wide[f] = is_wide[f];
	}
	s = live_keyed_new(&shape, &none, &problem);
	REQUIRE(s != NULL);
	live_keyed_start(s, (struct mono){ 1 });
	for (unsigned i = 0; i < 400; i++) {
		change(&m, s, r, is_wide, singles);
		m.now_ns += rng_below(r, 3);
		if (rng_percent(r, 20)) {
			rs_table_sweep(&rs_keyed_of(&s->set)->table,
			               (struct mono){ (int64_t)m.now_ns + 1 }, rng_below(r, 100));
		}
		compare(&m, s, r, is_wide);
	}
	compare_lists(&m, s);
	live_keyed_put(s);
}

/* threads */

#define KEYS     64
#define CAP      48
#define THREADS  3
#define ROUNDS   30000
#define SURE_KEY 1000 /* is never deleted and never expires */

struct worker {
	pthread_t thread;
	struct live_keyed *set;
	uint64_t seed;
};

static void *work(void *arg)
{
	const struct worker *w = arg;
	struct rng r;

	rng_init(&r, w->seed);
	for (unsigned i = 0; i < ROUNDS; i++) {
		const struct u128 key = { 0, rng_below(&r, KEYS) };
		const struct u128 sure = { 0, SURE_KEY };
		const struct rs_touch touch = { .now = { i + 1 }, .bytes = 1 };
		const struct rs_new new = { .what = rng_below(&r, 3), .timeout_ns = 1 + i % 200 };
		uint32_t nr;

		(void)rs_keyed_change(rs_keyed_of(&w->set->set), &key, &new, &touch);
		(void)rs_keyed_find(rs_keyed_of(&w->set->set), &key, &touch, &nr);
		REQUIRE(rs_keyed_find(rs_keyed_of(&w->set->set), &sure, &touch, &nr));
		rs_table_sweep(&rs_keyed_of(&w->set->set)->table, touch.now, 1);
	}
	return NULL;
}

static void run_threads(struct rng *r)
{
	static const struct rs_kit kits[] = { { 0 }, { .has_counter = 1 } };
	const struct keyed_shape shape = {
		.fields_len = 1, .has_state = true, .cap = CAP, .kit = kits, .kits_len = 2
	};
	struct interval box = { { 0, SURE_KEY }, { 0, SURE_KEY } };
	struct rs_item item = { .kit = 1, .deadline_ns = RS_NEVER };
	const struct keyed_list one = { &box, &item, 1 };
	struct worker workers[THREADS];
	enum keyed_problem problem;
	struct live_keyed *s = live_keyed_new(&shape, &one, &problem);
	uint32_t slot = 0;
	uint32_t len = 0;

	REQUIRE(s != NULL);
	live_keyed_start(s, (struct mono){ 1 });
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .set = s, .seed = rng_u64(r) };
		REQUIRE(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
	}
	while (keyed_next(s, &slot, (struct mono){ 1 }, &box, &item)) {
		len++;
		REQUIRE(box.lo.lo != SURE_KEY || item.packets == THREADS * ROUNDS);
	}
	REQUIRE(len == rs_keyed_of(&s->set)->table.used && len <= CAP);
	live_keyed_put(s);
}

/* A full table looks for expired elements now and then only. */
static void fill_up(void)
{
	const struct keyed_shape shape = { .fields_len = 1, .has_state = true, .cap = 1024 };
	const struct keyed_list none = { 0 };
	const struct rs_new new = { .what = RS_CHANGE_ADD, .timeout_ns = NSEC_PER_SEC };
	struct rs_touch touch = { .now = { NSEC_PER_SEC } };
	enum keyed_problem problem;
	struct live_keyed *s = live_keyed_new(&shape, &none, &problem);
	struct rs_keyed *k;
	struct u128 key = { 0, 0 };
	uint32_t before;

	REQUIRE(s != NULL);
	live_keyed_start(s, (struct mono){ 1 });
	k = rs_keyed_of(&s->set);
	for (; key.lo < shape.cap; key.lo++) {
		REQUIRE(rs_keyed_change(k, &key, &new, &touch));
	}
	before = k->table.sweep_at;
	for (; key.lo < 2 * shape.cap; key.lo++) {
		REQUIRE(!rs_keyed_change(k, &key, &new, &touch));
	}
	REQUIRE(k->table.sweep_at - before <= 256);
	touch.now.ns += NSEC_PER_SEC;
	REQUIRE(rs_keyed_change(k, &key, &new, &touch));
	live_keyed_put(s);
}

/* A limit that is used up stays so when the set grows. */
static void grow(void)
{
	static const struct rs_kit kits[] = {
		{ 0 }, { .has_limit = 1, .interval_ns = 3600 * (uint64_t)NSEC_PER_SEC }
	};
	const struct keyed_shape shape = {
		.fields_len = 1, .has_state = true, .kit = kits, .kits_len = 2
	};
	const struct rs_touch touch = { .now = { NSEC_PER_SEC } };
	const struct u128 key = { 0, 1 };
	struct interval box = { key, key };
	struct rs_item item = { .kit = 1, .deadline_ns = RS_NEVER };
	const struct keyed_list one = { &box, &item, 1 };
	enum keyed_problem problem;
	struct live_keyed *s = live_keyed_new(&shape, &one, &problem);
	bool has_grown = false;

	REQUIRE(s != NULL);
	live_keyed_start(s, (struct mono){ 1 });
	REQUIRE(rs_keyed_find(rs_keyed_of(&s->set), &key, &touch, NULL));
	REQUIRE(!rs_keyed_find(rs_keyed_of(&s->set), &key, &touch, NULL));
	while (!has_grown) {
		struct rs_keyed *old;
		uint64_t added;

		box.lo.lo = ++box.hi.lo;
		REQUIRE(keyed_add(s, &one, touch.now, &added, &old) == KEYED_OK);
		has_grown = old != NULL;
		keyed_free(old);
	}
	REQUIRE(!rs_keyed_find(rs_keyed_of(&s->set), &key, &touch, NULL));
	live_keyed_put(s);
}

int main(int argc, char **argv)
{
	struct rng r;

	rng_init(&r, rng_seed(argc, argv));
	for (unsigned i = 0; i < 150; i++) {
		run(&r);
	}
	run_threads(&r);
	fill_up();
	grow();
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flood of tuples that are chosen to have one place in the index, against one of random tuples:
 * by somebody who knows the code and the size of the table but not the key of its hash, and by
 * somebody who has the key. The second shows that the attack is one.
 */
#include "engine_case.h"

#include "random.h"
#include "sample.h"

#include <errno.h>
#include <stdlib.h>

#define SET_LEN   4000
#define PAIRS_LEN 8

/* The index takes its bucket from the low half of the hash: tuples whose low half is below this
 * share a few buckets. Of all tuples of tcp_gen.h about 4096 do. */
#define HASH_LOW_END (UINT32_C(1) << 20)

struct collide {
	struct case_table t;
	uint32_t chosen[SET_LEN];
	uint32_t random[SET_LEN];
	double ratio[PAIRS_LEN];
};

static void collide_stop(void *state)
{
	struct collide *s = state;

	if (s != NULL) {
		case_table_fini(&s->t);
		free(s);
	}
}

/* Finds tuples that collide with this key. Returns false when there are too few. */
static bool choose(struct collide *s, const struct sipkey *key)
{
	size_t len = 0;

	for (uint32_t nr = 0; nr < TCP_GEN_NUMBERS && len < SET_LEN; nr++) {
		struct flowkey tuple;

		tcp_gen_key(s->t.p.family, nr, &tuple);
		if ((uint32_t)flowkey_hash(&tuple, key) < HASH_LOW_END) {
			s->chosen[len++] = nr;
		}
	}
	return len == SET_LEN;
}

static void *collide_start(const struct case_params *p, const struct sipkey *key)
{
	const struct fixture_config cfg = { .flows_max = p->flows,
		                            .shards_len = 1,
		                            .prefault = true };
	struct collide *s = calloc(1, sizeof(*s));
	uint64_t rng = 1;

	if (s == NULL) {
		return NULL;
	}
	if (case_table_init(&s->t, p, &cfg) != 0 || !choose(s, key)) {
		collide_stop(s);
		return NULL;
	}
	for (uint32_t i = 0; i < SET_LEN; i++) {
		/* all differ */
		s->random[i] = i * (TCP_GEN_NUMBERS / SET_LEN) +
		               random_below(&rng, TCP_GEN_NUMBERS / SET_LEN);
	}
	return s;
}

static void *blind_start(const struct case_params *p)
{
	static const struct sipkey guess = { 1, 2 };

	return collide_start(p, &guess);
}

static void *keyed_start(const struct case_params *p)
{
	return collide_start(p, &fixture_hash_key);
}

/* Opens the connections, repeats their SYNs, and deletes them. Returns nanoseconds per packet. */
static double flood_ns(struct collide *s, const uint32_t nr[SET_LEN])
{
	static const struct segment syn = { DIR_ORIG, TCP_SYN, 0 };
	struct driver *d = s->t.driver;
	struct flowkey key;
	double ns;

	(void)driver_take_ns(d, MEAN_TRIMMED);
	for (uint32_t i = 0; i < 2 * SET_LEN; i++) {
		struct conn_seq seq = { { 0, 0 } };

		driver_put(d, nr[i % SET_LEN], &syn, &seq);
	}
	driver_flush(d);
	ns = driver_take_ns(d, MEAN_TRIMMED);
	for (uint32_t i = 0; i < SET_LEN; i++) {
		tcp_gen_key(s->t.p.family, nr[i], &key);
		(void)engine_delete(d->engine, &d->worker, &key, d->now, DELETE_FORGET);
	}
	return ns;
}

static int collide_run(void *state, double *value)
{
	struct collide *s = state;
	uint64_t opened = driver_event(s->t.driver, EVENT_FLOW_NEW);

	for (uint32_t i = 0; i < PAIRS_LEN; i++) {
		double random_ns = flood_ns(s, s->random);

		s->ratio[i] = flood_ns(s, s->chosen) / random_ns;
	}
	*value = sample_quantile(s->ratio, PAIRS_LEN, 0.5);
	opened = driver_event(s->t.driver, EVENT_FLOW_NEW) - opened;
	return case_expect("opened", opened, 2 * PAIRS_LEN * SET_LEN);
}

const struct case_ops case_collide_blind = {
	.start = blind_start,
	.run = collide_run,
	.stop = collide_stop,
};

const struct case_ops case_collide_keyed = {
	.start = keyed_start,
	.run = collide_run,
	.stop = collide_stop,
};

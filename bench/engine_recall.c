/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Look-ups in the memory of expired connections, in random order. Two ways: each by itself and
 * wholly cold, two cache misses one behind the other; and as the engine makes them, sixteen at a
 * time with their cache lines fetched ahead. The figure is the median over the look-ups (or groups)
 * of a run and contains reading the clock.
 */
#include "engine_case.h"
#include "sample.h"
#include "ticks.h"
#include "traffic.h"

#include "io/mem.h"

#include "core/graveyard.h"

#include <errno.h>
#include <stdlib.h>

#define LOOKUPS_MAX 100000

/* The engine's own, see daemon/core/engine.c. */
#define GROUP 16

enum recall_what {
	RECALL_HIT,
	RECALL_MISS,
};

struct recall {
	struct case_params p;
	struct graveyard graves;
	void *mem;
	size_t size;
	uint64_t rng;
	double ns[LOOKUPS_MAX];
};

static const struct sipkey hash_key = { 1, 2 };

static void key_of(const struct case_params *p, uint32_t nr, struct flowkey *key)
{
	struct tuple t;
	enum key_side side;

	traffic_tuple(p->family, nr, &t);
	(void)flowkey_from_tuple(&t, key, &side);
}

static void recall_stop(void *state)
{
	struct recall *s = state;

	if (s != NULL) {
		mem_unmap(s->mem, s->size);
		free(s);
	}
}

static void *recall_start(const struct case_params *p)
{
	struct recall *s = calloc(1, sizeof(*s));
	struct flow f = { .status = FLOW_ASSURED | FLOW_SEEN_REPLY };

	if (s == NULL) {
		return NULL;
	}
	s->p = *p;
	s->rng = 1;
	s->size = graveyard_size(p->flows);
	s->mem = mem_map(s->size);
	if (s->mem == NULL) {
		free(s);
		return NULL;
	}
	graveyard_init(&s->graves, s->mem, p->flows, &hash_key);
	f.conn.tcp.state = TCP_ESTABLISHED;
	for (uint32_t nr = 0; nr < p->flows; nr++) {
		key_of(p, nr, &f.key);
		(void)graveyard_add(&s->graves, &f, flowkey_hash(&f.key, &hash_key), TOMB_IDLE,
		                    (struct mono){ 0 });
	}
	return s;
}

static int recall_run(struct recall *s, enum recall_what what, double *value)
{
	uint32_t len = s->p.packets < LOOKUPS_MAX ? s->p.packets : LOOKUPS_MAX;
	uint32_t found = 0;

	for (uint32_t i = 0; i < len; i++) {
		uint32_t nr = traffic_below(&s->rng, s->p.flows);
		struct flowkey key;
		uint64_t hash;
		uint64_t from;

		key_of(&s->p, what == RECALL_HIT ? nr : s->p.flows + nr, &key);
		hash = flowkey_hash(&key, &hash_key);
		from = ticks_now();
		found += graveyard_find(&s->graves, &key, hash) != UINT32_MAX;
		s->ns[i] = ticks_to_ns(ticks_now() - from);
	}
	*value = sample_quantile(s->ns, len, 0.5);
	if (found != (what == RECALL_HIT ? len : 0)) {
		return case_unexpected("found", found, what == RECALL_HIT ? len : 0);
	}
	return 0;
}

/* As engine_batch() does it: warm the buckets, then the tombstones, then look up. */
static int group_run(void *state, double *value)
{
	struct recall *s = state;
	uint32_t groups = (s->p.packets < LOOKUPS_MAX ? s->p.packets : LOOKUPS_MAX) / GROUP;
	uint32_t found = 0;

	for (uint32_t g = 0; g < groups; g++) {
		struct flowkey key[GROUP];
		uint64_t hash[GROUP];
		uint64_t from;

		for (unsigned i = 0; i < GROUP; i++) {
			key_of(&s->p, traffic_below(&s->rng, s->p.flows), &key[i]);
			hash[i] = flowkey_hash(&key[i], &hash_key);
		}
		from = ticks_now();
		for (unsigned i = 0; i < GROUP; i++) {
			graveyard_prefetch_bucket(&s->graves, hash[i]);
		}
		for (unsigned i = 0; i < GROUP; i++) {
			graveyard_prefetch_tomb(&s->graves, hash[i]);
		}
		for (unsigned i = 0; i < GROUP; i++) {
			found += graveyard_find(&s->graves, &key[i], hash[i]) != UINT32_MAX;
		}
		s->ns[g] = ticks_to_ns(ticks_now() - from) / GROUP;
	}
	*value = sample_quantile(s->ns, groups, 0.5);
	if (found != groups * GROUP) {
		return case_unexpected("found", found, groups * GROUP);
	}
	return 0;
}

static int hit_run(void *state, double *value)
{
	return recall_run(state, RECALL_HIT, value);
}

static int miss_run(void *state, double *value)
{
	return recall_run(state, RECALL_MISS, value);
}

const struct case_ops case_recall_hit = {
	.start = recall_start,
	.run = hit_run,
	.stop = recall_stop,
};

const struct case_ops case_recall_miss = {
	.start = recall_start,
	.run = miss_run,
	.stop = recall_stop,
};

const struct case_ops case_recall_group = {
	.start = recall_start,
	.run = group_run,
	.stop = recall_stop,
};

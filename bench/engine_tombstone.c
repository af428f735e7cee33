/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Look-ups among remembered connections, in random order: one by one with a cold cache, which
 * costs two cache misses in sequence, and as the engine does them, sixteen at a time with prefetch.
 * The result is the median over the look-ups (or groups) of a run and includes reading the
 * timestamp counter.
 */
#include "engine_case.h"
#include "tsc.h"

#include "io/mem.h"

#include "core/graveyard.h"

#include <errno.h>
#include <stdlib.h>

/* Packets that engine_batch() looks up together. */
#define GROUP 16

struct tombstones {
	struct case_params p;
	struct graveyard graveyard;
	void *mem;
	size_t size;
	struct lookup_times times;
};

static const struct sipkey hash_key = { 1, 2 };

static void tombstones_stop(void *state)
{
	struct tombstones *s = state;

	if (s != NULL) {
		mem_unmap(s->mem, s->size);
		free(s);
	}
}

static void *tombstones_start(const struct case_params *p)
{
	struct tombstones *s = calloc(1, sizeof(*s));
	struct flow f = { .status = FLOW_ASSURED | FLOW_SEEN_REPLY };

	if (s == NULL) {
		return NULL;
	}
	s->p = *p;
	s->times.rng = 1;
	s->size = graveyard_size(p->flows);
	s->mem = mem_map(s->size);
	if (s->mem == NULL) {
		free(s);
		return NULL;
	}
	graveyard_init(&s->graveyard, s->mem, p->flows, &hash_key);
	f.conn.tcp.state = TCP_ESTABLISHED;
	for (uint32_t nr = 0; nr < p->flows; nr++) {
		tcp_gen_key(p->family, nr, &f.key);
		(void)graveyard_add(&s->graveyard, &f, flowkey_hash(&f.key, &hash_key), TOMB_IDLE,
		                    (struct mono){ 0 });
	}
	return s;
}

static int look_up_singly(struct tombstones *s, enum lookup what, double *value)
{
	uint32_t len = lookup_count(&s->p);
	uint32_t found = 0;

	for (uint32_t i = 0; i < len; i++) {
		struct flowkey key;
		uint64_t hash;
		uint64_t from;

		tcp_gen_key(s->p.family, lookup_random(&s->times, &s->p, what), &key);
		hash = flowkey_hash(&key, &hash_key);
		from = tsc_now();
		found += graveyard_find(&s->graveyard, &key, hash) != UINT32_MAX;
		s->times.ns[i] = tsc_to_ns(tsc_now() - from);
	}
	return lookup_result(&s->times, len, what, found, value);
}

static int hit_run(void *state, double *value)
{
	return look_up_singly(state, LOOKUP_HIT, value);
}

static int miss_run(void *state, double *value)
{
	return look_up_singly(state, LOOKUP_MISS, value);
}

/* As engine_batch() does it: prefetch the buckets, then the tombstones, then look up. */
static uint32_t look_up_group(struct tombstones *s, double *ns)
{
	struct flowkey key[GROUP];
	uint64_t hash[GROUP];
	uint32_t found = 0;
	uint64_t from;

	for (unsigned i = 0; i < GROUP; i++) {
		tcp_gen_key(s->p.family, lookup_random(&s->times, &s->p, LOOKUP_HIT), &key[i]);
		hash[i] = flowkey_hash(&key[i], &hash_key);
	}
	from = tsc_now();
	for (unsigned i = 0; i < GROUP; i++) {
		graveyard_prefetch_bucket(&s->graveyard, hash[i]);
	}
	for (unsigned i = 0; i < GROUP; i++) {
		graveyard_prefetch_tomb(&s->graveyard, hash[i]);
	}
	for (unsigned i = 0; i < GROUP; i++) {
		found += graveyard_find(&s->graveyard, &key[i], hash[i]) != UINT32_MAX;
	}
	*ns = tsc_to_ns(tsc_now() - from) / GROUP;
	return found;
}

static int batch_run(void *state, double *value)
{
	struct tombstones *s = state;
	uint32_t groups = lookup_count(&s->p) / GROUP;
	uint32_t complete = 0;

	for (uint32_t g = 0; g < groups; g++) {
		complete += look_up_group(s, &s->times.ns[g]) == GROUP;
	}
	return lookup_result(&s->times, groups, LOOKUP_HIT, complete, value);
}

const struct case_ops case_tombstone_hit = {
	.start = tombstones_start,
	.run = hit_run,
	.stop = tombstones_stop,
};

const struct case_ops case_tombstone_miss = {
	.start = tombstones_start,
	.run = miss_run,
	.stop = tombstones_stop,
};

const struct case_ops case_tombstone_batch = {
	.start = tombstones_start,
	.run = batch_run,
	.stop = tombstones_stop,
};

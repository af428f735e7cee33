/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Engines and lanes. The rules are those of every comparison made by finwall-bench: established and
 * related pass, new connections to port 80 pass, the rest is dropped.
 */
#include "lane.h"

#include <finwall/config.h>

#include "bench.h"
#include "rules.h"
#include "sample.h"
#include "ticks.h"

#include "io/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The daemon's: entries that end between two batches. */
#define TICK_BUDGET 64

/* 32 packets each 10 us: 3.2 million packets in a second. */
#define STEP_NS 10000

/* One batch in so many is left out of a trimmed mean. */
#define TRIMMED 100

/* Any fixed one: two runs then see the same table. */
static const struct sipkey hash_key = { UINT64_C(0x0706050403020100),
	                                UINT64_C(0x0f0e0d0c0b0a0908) };

struct bed *bed_new(const struct bed_config *cfg)
{
	struct engine_config ec = {
		.flows_max = cfg->flows_max,
		.tombs_max = cfg->tombs_max,
		.shards_len = cfg->shards_len,
		.hash_key = hash_key,
	};
	struct bed *b = calloc(1, sizeof(*b));
	void *mem = NULL;

	if (b == NULL) {
		goto fail;
	}
	tunables_init(&b->policy.tun);
	b->policy.rules = rules_new(cfg->rules != NULL ? cfg->rules : rules_of_engine);
	b->size = engine_size(&ec);
	mem = mem_map(b->size);
	if (b->policy.rules == NULL || mem == NULL) {
		goto fail;
	}
	if (cfg->touch != 0) {
		(void)madvise(mem, b->size, MADV_POPULATE_WRITE);
	}
	b->engine = engine_init(mem, &ec);
	return b;
fail:
	fprintf(stderr, "finwall-bench: no memory for %u connections\n", cfg->flows_max);
	bed_free(b);
	return NULL;
}

void bed_free(struct bed *b)
{
	if (b == NULL) {
		return;
	}
	if (b->engine != NULL) {
		mem_unmap(b->engine, b->size);
	}
	ruleset_free(b->policy.rules);
	free(b);
}

struct lane *lane_new(struct bed *b, uint64_t seed)
{
	struct lane *l = aligned_alloc(64, (sizeof(*l) + 63) & ~(size_t)63);

	if (l == NULL) {
		return NULL;
	}
	memset(l, 0, sizeof(*l));
	l->engine = b->engine;
	l->worker.policy = &b->policy;
	l->step_ns = STEP_NS;
	l->rng = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	return l;
}

void lane_free(struct lane *l)
{
	if (l != NULL) {
		free(l->batch_ns);
		free(l);
	}
}

void lane_put(struct lane *l, uint8_t family, uint32_t nr, const struct segment *seg,
              struct progress *progress)
{
	traffic_segment(family, nr, seg, progress, l->buf[l->len], &l->frame[l->len]);
	if (++l->len == LANE_BATCH) {
		lane_flush(l);
	}
}

/* Keeps the time of a batch; without memory for it the run is worth nothing. */
static void note_batch(struct lane *l, double ns)
{
	if (l->batches_len == l->batches_room) {
		l->batches_room = l->batches_room == 0 ? 65536 : 2 * l->batches_room;
		l->batch_ns = reallocarray(l->batch_ns, l->batches_room, sizeof(*l->batch_ns));
		if (l->batch_ns == NULL) {
			fprintf(stderr, "finwall-bench: no memory for the times of a run\n");
			exit(BENCH_FAILED);
		}
	}
	l->batch_ns[l->batches_len++] = ns;
}

void lane_flush(struct lane *l)
{
	uint64_t from;

	if (l->len == 0) {
		return;
	}
	l->now = mono_add(l->now, l->step_ns);
	from = ticks_now();
	engine_tick(l->engine, &l->worker, l->now, TICK_BUDGET);
	engine_batch(l->engine, &l->worker, l->now, l->frame, l->len, l->out);
	l->batch_ticks = ticks_now() - from;
	note_batch(l, ticks_to_ns(l->batch_ticks) / (double)l->len);
	l->len = 0;
}

double lane_take_ns(struct lane *l, enum lane_mean mean)
{
	double sum = 0;
	size_t len;

	lane_flush(l);
	len = l->batches_len;
	if (mean == LANE_TRIMMED && len > 0) {
		(void)sample_quantile(l->batch_ns, len, 0.5); /* sorts */
		len -= len / TRIMMED;
	}
	for (size_t i = 0; i < len; i++) {
		sum += l->batch_ns[i];
	}
	l->batches_len = 0;
	return len == 0 ? 0 : sum / (double)len;
}

uint64_t lane_reason(const struct lane *l, enum reason why)
{
	return stat_get(&l->worker.stats.reason[why]);
}

uint64_t lane_event(const struct lane *l, enum stat_event what)
{
	return stat_get(&l->worker.stats.event[what]);
}

void lane_connect(struct lane *l, uint8_t family, uint32_t first, uint32_t len,
                  struct progress *progress)
{
	static const struct segment handshake[] = {
		{ DIR_ORIG, TCP_SYN, 0 },
		{ DIR_REPLY, TCP_SYN | TCP_ACK, 0 },
		{ DIR_ORIG, TCP_ACK, 0 },
		{ DIR_ORIG, TCP_ACK | TCP_PSH, 100 },
		{ DIR_REPLY, TCP_ACK | TCP_PSH, 100 },
		{ DIR_ORIG, TCP_ACK, 0 }, /* nothing is under way: the long timeout holds */
	};

	for (uint32_t done = 0; done < len; done += LANE_BATCH) {
		uint32_t group = len - done < LANE_BATCH ? len - done : LANE_BATCH;

		for (size_t step = 0; step < sizeof(handshake) / sizeof(handshake[0]); step++) {
			for (uint32_t i = 0; i < group; i++) {
				lane_put(l, family, first + done + i, &handshake[step],
				         &progress[done + i]);
			}
		}
	}
	lane_flush(l);
}

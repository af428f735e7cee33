/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data of established connections: random connection, random direction, each segment right where
 * its side has come to and acknowledging all that it has seen. Every one must go through the whole
 * window check and be accepted as ESTABLISHED, or the run does not count.
 */
#include "bench.h"
#include "engine_case.h"
#include "lane.h"

#include <finwall/pkt.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS_MAX   16
#define PAYLOAD_BYTES 1000
/* As the daemon picks it: 8 for each worker, so that two rarely want the same. */
#define SHARDS_PER_THREAD 8

struct established;

struct share {
	struct established *of;
	struct lane *lane;
	uint32_t first; /* its part of the connections: one thread each, as the kernel spreads them
	                 */
	uint32_t len;
	double ns;
};

struct established {
	struct case_params p;
	struct bed *bed;
	struct progress *progress;
	struct share share[THREADS_MAX];
	pthread_barrier_t barrier;
};

static void established_stop(void *state)
{
	struct established *s = state;

	if (s == NULL) {
		return;
	}
	for (unsigned i = 0; i < s->p.threads; i++) {
		lane_free(s->share[i].lane);
	}
	bed_free(s->bed);
	free(s->progress);
	free(s);
}

static void *established_start(const struct case_params *p)
{
	struct established *s = calloc(1, sizeof(*s));
	struct bed_config cfg = {
		.flows_max = p->flows,
		.shards_len = p->threads == 1 ? 1 : p->threads * SHARDS_PER_THREAD,
	};

	if (s == NULL) {
		return NULL;
	}
	s->p = *p;
	/* Shards fill unevenly: leave room, as a real limit does. */
	cfg.flows_max += p->threads == 1 ? 0 : p->flows / 4 + 1000;
	s->bed = bed_new(&cfg);
	s->progress = calloc(p->flows, sizeof(*s->progress));
	if (s->bed == NULL || s->progress == NULL) {
		goto fail;
	}
	for (unsigned i = 0; i < p->threads; i++) {
		struct share *h = &s->share[i];

		h->of = s;
		h->first = i * (p->flows / p->threads);
		h->len = p->flows / p->threads;
		h->lane = lane_new(s->bed, i + 1);
		if (h->lane == NULL) {
			goto fail;
		}
		lane_connect(h->lane, p->family, h->first, h->len, &s->progress[h->first]);
	}
	return s;
fail:
	established_stop(s);
	return NULL;
}

static void *run_share(void *arg)
{
	struct share *h = arg;
	const struct case_params *p = &h->of->p;
	struct lane *l = h->lane;

	if (p->threads > 1) {
		pthread_barrier_wait(&h->of->barrier);
	}
	(void)lane_take_ns(l, LANE_TRIMMED);
	for (uint32_t i = 0; i < p->packets / LANE_BATCH * LANE_BATCH; i++) {
		uint32_t nr = h->first + traffic_below(&l->rng, h->len);
		struct segment seg = {
			.dir = (l->rng & 0x100) != 0 ? DIR_ORIG : DIR_REPLY,
			.flags = TCP_ACK | TCP_PSH,
			.payload_size = PAYLOAD_BYTES,
		};

		lane_put(l, p->family, nr, &seg, &h->of->progress[nr]);
	}
	h->ns = lane_take_ns(l, LANE_TRIMMED);
	return NULL;
}

static uint64_t accepted(const struct lane *l)
{
	return stat_get(&l->worker.stats.verdict[HOOK_FORWARD][CT_ESTABLISHED][VERDICT_ACCEPT]);
}

static int established_run(void *state, double *value)
{
	struct established *s = state;
	pthread_t thread[THREADS_MAX];
	uint64_t before[THREADS_MAX][2];
	double per_ns = 0;

	pthread_barrier_init(&s->barrier, NULL, s->p.threads);
	for (unsigned i = 0; i < s->p.threads; i++) {
		before[i][0] = accepted(s->share[i].lane);
		before[i][1] = lane_reason(s->share[i].lane, REASON_TCP_TRACKED);
	}
	for (unsigned i = 1; i < s->p.threads; i++) {
		if (pthread_create(&thread[i], NULL, run_share, &s->share[i]) != 0) {
			/* Those that run wait for this one at the barrier. */
			fprintf(stderr, "finwall-bench: no thread to be had\n");
			exit(BENCH_FAILED);
		}
	}
	(void)run_share(&s->share[0]);
	for (unsigned i = 1; i < s->p.threads; i++) {
		pthread_join(thread[i], NULL);
	}
	pthread_barrier_destroy(&s->barrier);
	for (unsigned i = 0; i < s->p.threads; i++) {
		const struct lane *l = s->share[i].lane;
		uint64_t wanted = s->p.packets / LANE_BATCH * LANE_BATCH;
		uint64_t passed = accepted(l) - before[i][0];
		uint64_t tracked = lane_reason(l, REASON_TCP_TRACKED) - before[i][1];

		if (passed != wanted) {
			return case_unexpected("accepted as ESTABLISHED", passed, wanted);
		}
		if (tracked != wanted) {
			return case_unexpected("tracked through the window check", tracked, wanted);
		}
		per_ns += 1 / s->share[i].ns;
	}
	/* With several threads: of the common rate. */
	*value = 1 / per_ns;
	return 0;
}

const struct case_ops case_established = {
	.start = established_start,
	.run = established_run,
	.stop = established_stop,
};

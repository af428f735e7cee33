/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data of established connections: random connection, random direction, each segment with the next
 * sequence number of its side and the highest possible acknowledgement. Every segment must pass the
 * whole window check and be accepted as ESTABLISHED, or the run has no result.
 */
#include "bench.h"
#include "engine_case.h"
#include "random.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS_MAX   16
#define PAYLOAD_BYTES 1000
/* The daemon's choice: 8 for each worker, so that two workers rarely take the same lock. */
#define SHARDS_PER_THREAD 8

struct established;

/* One thread's connections: the kernel, too, sends each connection to one queue. */
struct share {
	struct established *of;
	struct driver *driver;
	uint32_t first;
	uint32_t len;
	double ns;
};

struct established {
	struct case_params p;
	struct fixture *fixture;
	struct conn_seq *seq;
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
		driver_free(s->share[i].driver);
	}
	fixture_free(s->fixture);
	free(s->seq);
	free(s);
}

static void *established_start(const struct case_params *p)
{
	struct established *s = calloc(1, sizeof(*s));
	struct fixture_config cfg = {
		.flows_max = p->flows,
		.shards_len = p->threads == 1 ? 1 : p->threads * SHARDS_PER_THREAD,
	};

	if (s == NULL) {
		return NULL;
	}
	s->p = *p;
	/* Shards fill unevenly, so the table needs spare slots. */
	cfg.flows_max += p->threads == 1 ? 0 : p->flows / 4 + 1000;
	s->fixture = fixture_new(&cfg);
	s->seq = calloc(p->flows, sizeof(*s->seq));
	if (s->fixture == NULL || s->seq == NULL) {
		goto fail;
	}
	for (unsigned i = 0; i < p->threads; i++) {
		struct share *h = &s->share[i];

		h->of = s;
		h->first = i * (p->flows / p->threads);
		h->len = p->flows / p->threads;
		h->driver = driver_new(s->fixture, p->family, i + 1);
		if (h->driver == NULL) {
			goto fail;
		}
		driver_connect(h->driver, h->first, h->len, &s->seq[h->first]);
	}
	return s;
fail:
	established_stop(s);
	return NULL;
}

static uint32_t packets_per_thread(const struct established *s)
{
	return s->p.packets / DRIVER_BATCH * DRIVER_BATCH;
}

static void *run_share(void *arg)
{
	struct share *h = arg;
	struct established *s = h->of;
	struct driver *d = h->driver;
	uint32_t len = packets_per_thread(s);

	if (s->p.threads > 1) {
		pthread_barrier_wait(&s->barrier);
	}
	(void)driver_take_ns(d, MEAN_TRIMMED);
	for (uint32_t i = 0; i < len; i++) {
		uint32_t nr = h->first + random_below(&d->rng, h->len);

		driver_put_data(d, nr, PAYLOAD_BYTES, &s->seq[nr]);
	}
	h->ns = driver_take_ns(d, MEAN_TRIMMED);
	return NULL;
}

/* Runs all shares, each in a thread of its own; the first in this one. */
static void run_shares(struct established *s)
{
	pthread_t thread[THREADS_MAX];

	pthread_barrier_init(&s->barrier, NULL, s->p.threads);
	for (unsigned i = 1; i < s->p.threads; i++) {
		if (pthread_create(&thread[i], NULL, run_share, &s->share[i]) != 0) {
			/* The threads that run wait for this one at the barrier. */
			fprintf(stderr, "finwall-bench: cannot create a thread\n");
			exit(BENCH_FAILED);
		}
	}
	(void)run_share(&s->share[0]);
	for (unsigned i = 1; i < s->p.threads; i++) {
		pthread_join(thread[i], NULL);
	}
	pthread_barrier_destroy(&s->barrier);
}

/* Sums over all drivers. */
static void count(const struct established *s, uint64_t *accepted, uint64_t *tracked)
{
	*accepted = 0;
	*tracked = 0;
	for (unsigned i = 0; i < s->p.threads; i++) {
		*accepted += driver_accepted(s->share[i].driver);
		*tracked += driver_reason(s->share[i].driver, REASON_TCP_TRACKED);
	}
}

static int established_run(void *state, double *value)
{
	struct established *s = state;
	uint64_t expected = (uint64_t)packets_per_thread(s) * s->p.threads;
	uint64_t before[2];
	uint64_t after[2];
	double per_ns = 0;
	int err;

	count(s, &before[0], &before[1]);
	run_shares(s);
	count(s, &after[0], &after[1]);
	for (unsigned i = 0; i < s->p.threads; i++) {
		per_ns += 1 / s->share[i].ns;
	}
	/* The inverse of the threads' total rate. */
	*value = 1 / per_ns;
	err = case_expect("accepted as ESTABLISHED", after[0] - before[0], expected);
	return err != 0 ? err
	                : case_expect("tracked through the window check", after[1] - before[1],
	                              expected);
}

const struct case_ops case_established = {
	.start = established_start,
	.run = established_run,
	.stop = established_stop,
};

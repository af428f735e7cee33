/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several workers on one engine with the same few connections, while entries expire, are listed and
 * flushed. In any order of the workers: no packet is lost or counted twice, limits hold, and at the
 * end the table is empty. Under ThreadSanitizer the test also detects data races.
 *
 * usage: model_workers [SEED]
 */
#include "build.h"
#include "flows.h"
#include "rng.h"

#include <finwall/engine.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define WORKERS 4
#define BATCHES 300
#define BATCH   16
#define FLOWS   40
#define TOMBS   20

static struct engine *engine;
static struct policy policy;
static uint64_t seed;
static _Atomic int64_t clock_ns;

struct job {
	pthread_t thread;
	unsigned nr;
	struct engine_worker *worker;
	unsigned long wrong;
};

static void give_way(void)
{
	sched_yield();
}

static struct build random_packet(struct rng *r)
{
	static const uint8_t flags[] = { TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK,
		                         TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST };
	static const uint32_t seq[] = { 1000, 1001, 5000, 5001 };
	struct build b = build_default(rng_below(r, 2) != 0 ? 4 : 6,
	                               rng_below(r, 4) != 0 ? IPPROTO_NR_TCP : IPPROTO_NR_UDP);

	b.sport = (uint16_t)(1 + rng_below(r, 100));
	b.flags = flags[rng_below(r, 6)];
	b.seq = seq[rng_below(r, 4)];
	b.ack = seq[rng_below(r, 4)];
	if (rng_below(r, 2) != 0) {
		build_reverse(&b);
	}
	return b;
}

static void look_around(struct job *j, struct rng *r, struct mono now)
{
	struct engine_cursor cur = { 0, 0 };
	struct engine_usage u;
	struct flow flows[8];

	engine_tick(engine, j->worker, now, 50);
	engine_usage(engine, &u);
	j->wrong += u.flows > FLOWS || u.tombs > TOMBS;
	while (!engine_list_is_over(engine, &cur)) {
		j->wrong += engine_list_flows(engine, &cur, now, flows, 8) > 0 &&
		            flows[0].key.proto != IPPROTO_NR_TCP &&
		            flows[0].key.proto != IPPROTO_NR_UDP;
	}
	if (rng_below(r, 20) == 0) {
		engine_flush(engine, j->worker, now, DELETE_REMEMBER);
	}
}

static void *work(void *ctx)
{
	static _Thread_local uint8_t data[BATCH][BUILD_MAX];
	struct job *j = ctx;
	struct rng r;

	rng_init(&r, seed + j->nr);
	for (unsigned i = 0; i < BATCHES; i++) {
		struct frame frames[BATCH];
		struct decision out[BATCH];
		struct mono now = { atomic_fetch_add(&clock_ns, 40 * NSEC_PER_MSEC) };

		for (unsigned k = 0; k < BATCH; k++) {
			struct build b = random_packet(&r);

			frames[k] = build_frame(data[k], build_packet(&b, data[k]));
		}
		engine_batch(engine, j->worker, now, frames, BATCH, out);
		for (unsigned k = 0; k < BATCH; k++) {
			j->wrong += out[k].reason >= REASONS_LEN || out[k].verdict >= VERDICTS_LEN;
		}
		if (i % 8 == 0) {
			look_around(j, &r, now);
		}
	}
	return NULL;
}

static uint64_t events(const struct job *jobs, enum stat_event e)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < WORKERS; i++) {
		sum += stat_get(&jobs[i].worker->stats.event[e]);
	}
	return sum;
}

static uint64_t packets(const struct job *jobs)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < WORKERS; i++) {
		for (unsigned r = 0; r < REASONS_LEN; r++) {
			sum += stat_get(&jobs[i].worker->stats.reason[r]);
		}
	}
	return sum;
}

int main(int argc, char **argv)
{
	struct engine_config cfg = { .flows_max = FLOWS,
		                     .tombs_max = TOMBS,
		                     .shards_len = 4,
		                     .hash_key = { 7, 8 },
		                     .start = { sec_to_ns(100) },
		                     .yield = give_way };
	struct job jobs[WORKERS];
	struct engine_usage u;
	uint64_t ended;
	unsigned long wrong = 0;
	void *mem = flows_memory(engine_size(&cfg));

	seed = rng_seed(argc, argv);
	atomic_store(&clock_ns, cfg.start.ns);
	tunables_init(&policy.tun);
	policy.tun.tcp_timeout_ns[TCP_ESTABLISHED] = sec_to_ns(2);
	engine = engine_init(mem, &cfg);
	for (unsigned i = 0; i < WORKERS; i++) {
		jobs[i] = (struct job){ .nr = i, .worker = flows_memory(sizeof(*jobs[i].worker)) };
		jobs[i].worker->policy = &policy;
		if (pthread_create(&jobs[i].thread, NULL, work, &jobs[i]) != 0) {
			return 2;
		}
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		pthread_join(jobs[i].thread, NULL);
		wrong += jobs[i].wrong;
	}
	engine_flush(engine, jobs[0].worker, (struct mono){ clock_ns }, DELETE_FORGET);
	engine_usage(engine, &u);
	ended = events(jobs, EVENT_FLOW_EXPIRED) + events(jobs, EVENT_FLOW_CLOSED) +
	        events(jobs, EVENT_FLOW_DISPLACED) + events(jobs, EVENT_FLOW_EVICTED) +
	        events(jobs, EVENT_FLOW_FLUSHED);
	printf("%llu packets, %llu flows made, %llu ended, %llu left, %lu wrong\n",
	       (unsigned long long)packets(jobs), (unsigned long long)events(jobs, EVENT_FLOW_NEW),
	       (unsigned long long)ended, (unsigned long long)u.flows, wrong);
	wrong += packets(jobs) != (uint64_t)WORKERS * BATCHES * BATCH;
	for (unsigned s = 0; s < TCP_STATES_LEN; s++) {
		wrong += u.tcp_by[s] != 0;
	}
	wrong += u.flows != 0 || ended != events(jobs, EVENT_FLOW_NEW);
	for (unsigned i = 0; i < WORKERS; i++) {
		free(jobs[i].worker);
	}
	free(mem);
	return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a table of N costs besides time per packet: real memory per connection, and how long a
 * packet may have to wait while all N expire at once.
 *
 * The wait is that of one batch: a step of expiry with the daemon's budget, then 32 packets of
 * connections that live on. Whatever else the machine does in that time shows as a longer one, so
 * the whole expiry is run several times, step by step the same, and of each step the shortest
 * counts: what the engine does comes back every time, what the machine does not.
 */
#include "engine_case.h"
#include "lane.h"
#include "memory.h"
#include "ticks.h"

#include <finwall/pkt.h>

#include <errno.h>
#include <stdlib.h>

/* Steps in which idle time goes by. */
#define STROLL_NS sec_to_ns(10)

/* Connections that go on talking. */
#define ALIVE_LEN 1024

static int flow_bytes_run(void *state, double *value)
{
	const struct case_params *p = state;
	struct bed_config cfg = { .flows_max = p->flows, .shards_len = 1 };
	struct progress *progress = malloc(p->flows * sizeof(*progress));
	struct bed *bed = NULL;
	struct lane *lane = NULL;
	struct engine_usage usage = { 0 };
	uint64_t before;

	if (progress == NULL) {
		return -ENOMEM;
	}
	memset(progress, 0, p->flows * sizeof(*progress));
	before = memory_resident_bytes();
	bed = bed_new(&cfg);
	lane = bed == NULL ? NULL : lane_new(bed, 1);
	if (lane != NULL) {
		lane_connect(lane, p->family, 0, p->flows, progress);
		engine_usage(lane->engine, &usage);
		*value = (double)(memory_resident_bytes() - before) / p->flows;
	}
	lane_free(lane);
	bed_free(bed);
	free(progress);
	return usage.flows == p->flows ? 0 : case_unexpected("connected", usage.flows, p->flows);
}

static void *params_start(const struct case_params *p)
{
	struct case_params *own = malloc(sizeof(*own));

	if (own != NULL) {
		*own = *p;
	}
	return own;
}

const struct case_ops case_flow_bytes = {
	.start = params_start,
	.run = flow_bytes_run,
	.stop = free,
};

struct stall {
	struct case_params p;
	uint64_t *shortest; /* of each step, in ticks */
	size_t steps_len;
	size_t steps_max;
};

static void *stall_start(const struct case_params *p)
{
	struct stall *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return NULL;
	}
	s->p = *p;
	/* Each step ends or moves up to 64 entries, and each entry moves down the wheel's levels
	 * at most four times. */
	s->steps_max = (size_t)p->flows / 8 + 4096;
	s->shortest = malloc(s->steps_max * sizeof(*s->shortest));
	if (s->shortest == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

static void stall_stop(void *state)
{
	struct stall *s = state;

	if (s != NULL) {
		free(s->shortest);
		free(s);
	}
}

/* A batch of data from those that live on. */
static void talk(struct lane *l, uint8_t family, uint32_t first, struct progress *progress)
{
	for (unsigned i = 0; i < LANE_BATCH; i++) {
		uint32_t nr = traffic_below(&l->rng, ALIVE_LEN);
		struct segment seg = { (l->rng & 0x100) != 0 ? DIR_ORIG : DIR_REPLY,
			               TCP_ACK | TCP_PSH, 100 };

		lane_put(l, family, first + nr, &seg, &progress[nr]);
	}
}

/* Time goes by in the daemon's small steps until all that was idle is due at once. */
static void await_first_deadline(struct lane *l)
{
	struct tunables tun;
	struct mono due;

	tunables_init(&tun);
	due.ns = tun.tcp_timeout_ns[TCP_ESTABLISHED];
	due.ns -= NSEC_PER_SEC;
	while (l->now.ns < due.ns) {
		int64_t left_ns = mono_diff(due, l->now);

		l->now = mono_add(l->now, left_ns < STROLL_NS ? left_ns : STROLL_NS);
		engine_tick(l->engine, &l->worker, l->now, UINT32_MAX);
	}
	/* Connecting them took less than this. */
	l->now = mono_add(l->now, 60 * NSEC_PER_SEC);
}

/* One expiry of all. Returns how many steps it took, or 0; *worst is the longest of this time. */
static size_t expire_all(struct stall *s, struct lane *l, struct progress *progress,
                         uint64_t *worst)
{
	struct engine_usage usage;
	size_t step = 0;

	lane_connect(l, s->p.family, 0, s->p.flows, progress);
	memset(progress, 0, ALIVE_LEN * sizeof(*progress));
	l->now = mono_add(l->now, sec_to_ns(4 * 86400));
	lane_connect(l, s->p.family, s->p.flows, ALIVE_LEN, progress);
	await_first_deadline(l);
	do {
		talk(l, s->p.family, s->p.flows, progress);
		if (step >= s->steps_len || l->batch_ticks < s->shortest[step]) {
			s->shortest[step] = l->batch_ticks;
		}
		*worst = l->batch_ticks > *worst ? l->batch_ticks : *worst;
		step++;
		if (step % 64 == 0) {
			engine_usage(l->engine, &usage);
		}
	} while (step < s->steps_max && (step % 64 != 0 || usage.flows > ALIVE_LEN));
	if (usage.flows != ALIVE_LEN) {
		(void)case_unexpected("left alive", usage.flows, ALIVE_LEN);
		return 0;
	}
	return step;
}

static int stall_run(void *state, double *value)
{
	struct stall *s = state;
	struct bed_config cfg = {
		.flows_max = s->p.flows + ALIVE_LEN,
		.tombs_max = s->p.flows,
		.shards_len = 1,
		.touch = s->p.memory == MEMORY_TOUCHED,
	};
	size_t progress_len = s->p.flows > ALIVE_LEN ? s->p.flows : ALIVE_LEN;
	struct progress *progress = calloc(progress_len, sizeof(*progress));
	struct bed *bed = bed_new(&cfg);
	struct lane *lane = bed == NULL ? NULL : lane_new(bed, 1);
	uint64_t worst = 0;
	size_t steps = 0;

	if (progress != NULL && lane != NULL) {
		steps = expire_all(s, lane, progress, &worst);
		s->steps_len = steps > s->steps_len ? steps : s->steps_len;
		*value = ticks_to_ns(worst) / 1000;
	}
	lane_free(lane);
	bed_free(bed);
	free(progress);
	return steps > 0 ? 0 : -EPROTO;
}

/* Only after the last run is the shortest of each step known. */
static double stall_conclude(void *state)
{
	struct stall *s = state;
	uint64_t worst = 0;

	for (size_t i = 0; i < s->steps_len; i++) {
		worst = s->shortest[i] > worst ? s->shortest[i] : worst;
	}
	return ticks_to_ns(worst) / 1000;
}

const struct case_ops case_stall = {
	.start = stall_start,
	.run = stall_run,
	.stop = stall_stop,
	.conclude = stall_conclude,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The longest time a batch takes while all idle connections expire.
 *
 * A step is one expiry with the daemon's budget and one batch of 32 packets of connections that
 * stay active. Each run expires the same table in the same steps. The result is the longest step,
 * where each step counts with its shortest time of all runs: the engine's own work recurs in every
 * run, interruptions by the machine do not.
 */
#include "engine_case.h"
#include "random.h"
#include "tsc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Steps in which the clock advances while all connections are idle. */
#define IDLE_STEP_NS sec_to_ns(10)

/* The active connections, and the data that they send. */
#define ACTIVE_LEN    1024
#define PAYLOAD_BYTES 100

/* Connections are opened so long after the idle ones. */
#define ACTIVE_AFTER_NS sec_to_ns(4 * 86400)

/* Longer than opening them took: all idle connections are due. */
#define OPENING_NS sec_to_ns(60)

/* engine_usage() after so many steps; it is not part of a step. */
#define USAGE_EVERY 64

struct expiry {
	struct case_params p;
	uint64_t *shortest; /* ticks of each step, of all runs */
	size_t steps_len;
	size_t steps_max;
};

static void expiry_stop(void *state)
{
	struct expiry *s = state;

	if (s != NULL) {
		free(s->shortest);
		free(s);
	}
}

static void *expiry_start(const struct case_params *p)
{
	struct expiry *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return NULL;
	}
	s->p = *p;
	/* A step expires or moves up to 64 entries, and an entry moves down the levels of the timer
	 * wheel at most four times. */
	s->steps_max = (size_t)p->flows / 8 + 4096;
	s->shortest = malloc(s->steps_max * sizeof(*s->shortest));
	if (s->shortest == NULL) {
		expiry_stop(s);
		return NULL;
	}
	return s;
}

/* Advances the clock in the daemon's small steps until all idle connections are due at once. */
static void advance_to_deadline(struct driver *d)
{
	struct tunables tun;
	struct mono due;

	tunables_init(&tun);
	due.ns = tun.tcp_timeout_ns[TCP_ESTABLISHED];
	due.ns -= NSEC_PER_SEC;
	while (d->now.ns < due.ns) {
		int64_t left_ns = mono_diff(due, d->now);

		d->now = mono_add(d->now, left_ns < IDLE_STEP_NS ? left_ns : IDLE_STEP_NS);
		engine_tick(d->engine, &d->worker, d->now, UINT32_MAX);
	}
	d->now = mono_add(d->now, OPENING_NS);
}

/* Opens the idle connections [0, flows), and the active ones after them. */
static void open_all(struct case_table *t, struct conn_seq *active)
{
	struct driver *d = t->driver;

	case_table_connect(t);
	d->now = mono_add(d->now, ACTIVE_AFTER_NS);
	driver_connect(d, t->p.flows, ACTIVE_LEN, active);
	advance_to_deadline(d);
}

/* One step: driver_put() of the last packet runs expiry and batch. Returns its ticks. */
static uint64_t run_step(struct case_table *t, struct conn_seq *active)
{
	struct driver *d = t->driver;

	for (unsigned i = 0; i < DRIVER_BATCH; i++) {
		uint32_t nr = random_below(&d->rng, ACTIVE_LEN);

		driver_put_data(d, t->p.flows + nr, PAYLOAD_BYTES, &active[nr]);
	}
	return d->batch_tsc;
}

/* Expires all idle connections. *longest: ticks of this run's longest step. Returns 0/-EPROTO. */
static int expire_all(struct expiry *s, struct case_table *t, uint64_t *longest)
{
	struct conn_seq active[ACTIVE_LEN] = { 0 };
	struct engine_usage usage;
	size_t step = 0;

	open_all(t, active);
	do {
		uint64_t ticks = run_step(t, active);

		if (step >= s->steps_len || ticks < s->shortest[step]) {
			s->shortest[step] = ticks;
		}
		*longest = ticks > *longest ? ticks : *longest;
		step++;
		if (step % USAGE_EVERY == 0) {
			engine_usage(t->driver->engine, &usage);
		}
	} while (step < s->steps_max && (step % USAGE_EVERY != 0 || usage.flows > ACTIVE_LEN));
	s->steps_len = step > s->steps_len ? step : s->steps_len;
	return case_expect("left in the table", usage.flows, ACTIVE_LEN);
}

static int expiry_run(void *state, double *value)
{
	struct expiry *s = state;
	const struct fixture_config cfg = {
		.flows_max = s->p.flows + ACTIVE_LEN,
		.tombs_max = s->p.flows,
		.shards_len = 1,
		.prefault = s->p.memory == MEMORY_PREFAULTED,
	};
	struct case_table t;
	uint64_t longest = 0;
	int err = case_table_init(&t, &s->p, &cfg);

	if (err == 0) {
		err = expire_all(s, &t, &longest);
		*value = tsc_to_ns(longest) / 1000;
	}
	case_table_fini(&t);
	return err;
}

static double expiry_conclude(void *state)
{
	struct expiry *s = state;
	uint64_t longest = 0;

	for (size_t i = 0; i < s->steps_len; i++) {
		longest = s->shortest[i] > longest ? s->shortest[i] : longest;
	}
	return tsc_to_ns(longest) / 1000;
}

const struct case_ops case_expire = {
	.start = expiry_start,
	.run = expiry_run,
	.stop = expiry_stop,
	.conclude = expiry_conclude,
};

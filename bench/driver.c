/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Batches in, times out.
 */
#include "driver.h"

#include "bench.h"
#include "random.h"
#include "sample.h"
#include "tsc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The daemon's budget of expiry between two batches. */
#define TICK_BUDGET 64

/* 32 packets every 10 us: 3.2 million packets per second. */
#define STEP_NS 10000

/* A trimmed mean leaves out one batch in so many. */
#define TRIMMED 100

struct driver *driver_new(struct fixture *x, uint8_t family, uint64_t seed)
{
	struct driver *d = aligned_alloc(64, (sizeof(*d) + 63) & ~(size_t)63);

	if (d == NULL) {
		return NULL;
	}
	memset(d, 0, sizeof(*d));
	d->engine = x->engine;
	d->worker.policy = &x->policy;
	d->step_ns = STEP_NS;
	d->rng = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	d->family = family;
	return d;
}

void driver_free(struct driver *d)
{
	if (d != NULL) {
		free(d->batch_ns);
		free(d);
	}
}

void driver_put(struct driver *d, uint32_t nr, const struct segment *seg, struct conn_seq *seq)
{
	tcp_gen_segment(d->family, nr, seg, seq, d->buf[d->len], &d->frame[d->len]);
	if (++d->len == DRIVER_BATCH) {
		driver_flush(d);
	}
}

void driver_put_data(struct driver *d, uint32_t nr, uint32_t payload_size, struct conn_seq *seq)
{
	struct segment seg = {
		.dir = (d->rng & 0x100) != 0 ? DIR_ORIG : DIR_REPLY,
		.flags = TCP_ACK | TCP_PSH,
		.payload_size = payload_size,
	};

	driver_put(d, nr, &seg, seq);
}

/* Stores the time of a batch. A run that cannot store it has no result, so the program ends. */
static void store_batch(struct driver *d, double ns)
{
	if (d->batches_len == d->batches_size) {
		d->batches_size = d->batches_size == 0 ? 65536 : 2 * d->batches_size;
		d->batch_ns = reallocarray(d->batch_ns, d->batches_size, sizeof(*d->batch_ns));
		if (d->batch_ns == NULL) {
			fprintf(stderr, "finwall-bench: no memory for the times of a run\n");
			exit(BENCH_FAILED);
		}
	}
	d->batch_ns[d->batches_len++] = ns;
}

void driver_flush(struct driver *d)
{
	uint64_t from;

	if (d->len == 0) {
		return;
	}
	d->now = mono_add(d->now, d->step_ns);
	from = tsc_now();
	engine_tick(d->engine, &d->worker, d->now, TICK_BUDGET);
	engine_batch(d->engine, &d->worker, d->now, d->frame, d->len, d->out);
	d->batch_tsc = tsc_now() - from;
	store_batch(d, tsc_to_ns(d->batch_tsc) / (double)d->len);
	d->len = 0;
}

double driver_take_ns(struct driver *d, enum driver_mean mean)
{
	double sum = 0;
	size_t len;

	driver_flush(d);
	len = d->batches_len;
	if (mean == MEAN_TRIMMED && len > 0) {
		(void)sample_quantile(d->batch_ns, len, 0.5); /* sorts */
		len -= len / TRIMMED;
	}
	for (size_t i = 0; i < len; i++) {
		sum += d->batch_ns[i];
	}
	d->batches_len = 0;
	return len == 0 ? 0 : sum / (double)len;
}

uint64_t driver_reason(const struct driver *d, enum reason why)
{
	return stat_get(&d->worker.stats.reason[why]);
}

uint64_t driver_event(const struct driver *d, enum stat_event what)
{
	return stat_get(&d->worker.stats.event[what]);
}

uint64_t driver_accepted(const struct driver *d)
{
	return stat_get(&d->worker.stats.verdict[HOOK_FORWARD][CT_ESTABLISHED][VERDICT_ACCEPT]);
}

void driver_connect(struct driver *d, uint32_t first, uint32_t len, struct conn_seq *seq)
{
	static const struct segment opening[] = {
		{ DIR_ORIG, TCP_SYN, 0 },
		{ DIR_REPLY, TCP_SYN | TCP_ACK, 0 },
		{ DIR_ORIG, TCP_ACK, 0 },
		{ DIR_ORIG, TCP_ACK | TCP_PSH, 100 },
		{ DIR_REPLY, TCP_ACK | TCP_PSH, 100 },
		{ DIR_ORIG, TCP_ACK, 0 }, /* all data is acknowledged: the long timeout applies */
	};

	for (uint32_t done = 0; done < len; done += DRIVER_BATCH) {
		uint32_t group = len - done < DRIVER_BATCH ? len - done : DRIVER_BATCH;

		for (size_t step = 0; step < sizeof(opening) / sizeof(opening[0]); step++) {
			for (uint32_t i = 0; i < group; i++) {
				driver_put(d, first + done + i, &opening[step], &seq[done + i]);
			}
		}
	}
	driver_flush(d);
}

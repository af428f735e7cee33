/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drives an engine as a worker thread of the daemon does, and times it. Segments are written into
 * the driver's small buffer outside the measured time. A full batch goes through engine_tick() and
 * engine_batch() inside it.
 */
#ifndef FINWALL_BENCH_DRIVER_H
#define FINWALL_BENCH_DRIVER_H

#include "fixture.h"
#include "tcp_gen.h"

#define DRIVER_BATCH 32

struct driver {
	struct engine *engine;
	struct engine_worker worker;
	struct mono now; /* simulated: advances by step_ns with each batch */
	int64_t step_ns;
	uint64_t rng;
	uint8_t family; /* of all its connections: 4 or 6 */
	/* measured */
	uint64_t batch_tsc; /* ticks of the last batch */
	double *batch_ns;   /* per packet, of each batch since the last driver_take_ns() */
	size_t batches_len;
	size_t batches_size; /* slots of batch_ns */
	/* the batch being filled */
	size_t len;
	struct frame frame[DRIVER_BATCH];
	struct decision out[DRIVER_BATCH];
	uint8_t buf[DRIVER_BATCH][TCP_GEN_COPY_SIZE];
};

/* One driver of the fixture's engine, at time 0. Returns NULL when memory runs out. */
struct driver *driver_new(struct fixture *x, uint8_t family, uint64_t seed);
void driver_free(struct driver *d);

/* Adds the next segment of connection nr to the batch, and runs the batch when it is full. */
void driver_put(struct driver *d, uint32_t nr, const struct segment *seg, struct conn_seq *seq);

/* Adds a data segment of that connection in a random direction. */
void driver_put_data(struct driver *d, uint32_t nr, uint32_t payload_size, struct conn_seq *seq);

/* Runs the batch, however full it is. */
void driver_flush(struct driver *d);

/* Which batches a mean is taken over. */
enum driver_mean {
	MEAN_ALL,
	MEAN_TRIMMED, /* without the slowest 1 %, in which the machine ran something else */
};

/*
 * Returns the measured nanoseconds per packet since the last call, the mean over batches, and
 * starts a new measurement.
 */
double driver_take_ns(struct driver *d, enum driver_mean mean);

/* Counters of the driver's worker. */
uint64_t driver_reason(const struct driver *d, enum reason why);
uint64_t driver_event(const struct driver *d, enum stat_event what);
uint64_t driver_accepted(const struct driver *d); /* ESTABLISHED, at the forward hook */

/*
 * Opens connections [first, first + len) by whole handshakes and exchanges data, so that they have
 * the long timeout of idle connections. seq[0..len) is advanced.
 */
void driver_connect(struct driver *d, uint32_t first, uint32_t len, struct conn_seq *seq);

#endif

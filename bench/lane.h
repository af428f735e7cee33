/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An engine set up as the daemon does it, and lanes: what a worker thread is to the daemon. Packets
 * are written into a lane's small buffer outside the measured time; a full batch goes through
 * engine_batch() and engine_tick() inside it.
 */
#ifndef FINWALL_BENCH_LANE_H
#define FINWALL_BENCH_LANE_H

#include "traffic.h"

#include <finwall/engine.h>

#define LANE_BATCH 32

struct bed_config {
	uint32_t flows_max;
	uint32_t tombs_max;
	uint32_t shards_len;
	uint32_t touch;    /* 1: its pages are all there from the start */
	const char *rules; /* a whole configuration; NULL = the three rules */
};

/* An engine with its rules, in memory of its own. */
struct bed {
	struct engine *engine;
	size_t size;
	struct policy policy;
};

struct lane {
	struct engine *engine;
	struct engine_worker worker;
	struct mono now; /* simulated: moves by step_ns with each batch */
	int64_t step_ns;
	uint64_t rng;
	/* measured */
	uint64_t batch_ticks; /* of the last batch */
	double *batch_ns;     /* per packet, of each batch since the last take */
	size_t batches_len;
	size_t batches_room;
	/* the batch that is being filled */
	size_t len;
	struct frame frame[LANE_BATCH];
	struct decision out[LANE_BATCH];
	uint8_t buf[LANE_BATCH][TRAFFIC_COPY_SIZE];
};

/* Returns NULL when there is no memory, having said so. */
struct bed *bed_new(const struct bed_config *cfg);
void bed_free(struct bed *b);

/* One lane of the bed, at time 0. Returns NULL when there is no memory. */
struct lane *lane_new(struct bed *b, uint64_t seed);
void lane_free(struct lane *l);

/* Adds the next segment of a connection to the batch, and runs the batch when it is full. */
void lane_put(struct lane *l, uint8_t family, uint32_t nr, const struct segment *seg,
              struct progress *progress);

/* Runs what is in the batch. */
void lane_flush(struct lane *l);

/* Which batches count. */
enum lane_mean {
	LANE_ALL,     /* every one */
	LANE_TRIMMED, /* all but the slowest hundredth: those in which the machine did other things
	               */
};

/* Measured nanoseconds per packet since the last call, the mean over batches; starts anew. */
double lane_take_ns(struct lane *l, enum lane_mean mean);

/* How often something was counted so far. */
uint64_t lane_reason(const struct lane *l, enum reason why);
uint64_t lane_event(const struct lane *l, enum stat_event what);

/* The whole handshake of connections [first, first + len). */
void lane_connect(struct lane *l, uint8_t family, uint32_t first, uint32_t len,
                  struct progress *progress);

#endif

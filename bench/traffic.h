/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets of many TCP connections, written when they are needed. A connection is a number: its
 * addresses, ports and initial sequence numbers follow from it; only how far each side has come is
 * stored, 8 bytes per connection. So the packets of ten million connections need no memory that
 * would push the table under test out of the caches.
 *
 * Segments look like those of a Linux host: window scaling, SACK permitted, timestamps on every
 * segment.
 */
#ifndef FINWALL_BENCH_TRAFFIC_H
#define FINWALL_BENCH_TRAFFIC_H

#include <finwall/flowkey.h>
#include <finwall/frame.h>

#include <stdint.h>

/* Bytes of a packet that the daemon has copied; headers take at most 80 of them. */
#define TRAFFIC_COPY_SIZE 192

/* How far both sides of a connection have come: bytes (and flags) sent, by enum flow_dir. */
struct progress {
	uint32_t sent[2];
};

/* Port 80 is what the rules let in. */
#define TRAFFIC_SERVER_PORT 80

struct segment {
	enum flow_dir dir;
	uint8_t flags; /* TCP_* */
	uint32_t payload_size;
};

/* The tuple of connection nr as its opener sends it. nr < 2^24. */
void traffic_tuple(uint8_t family, uint32_t nr, struct tuple *t);

/*
 * Writes the next segment of connection nr into buf (TRAFFIC_COPY_SIZE bytes) and describes it in
 * *frame, which borrows buf. It starts where its side has come to, acknowledges all that the other
 * side has sent, and moves *progress.
 */
void traffic_segment(uint8_t family, uint32_t nr, const struct segment *seg,
                     struct progress *progress, uint8_t *buf, struct frame *frame);

/* xorshift64*: a stream of numbers that costs next to nothing. *state != 0. */
static inline uint64_t traffic_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

/* A number below len, without a division. */
static inline uint32_t traffic_below(uint64_t *state, uint32_t len)
{
	return (uint32_t)(((traffic_random(state) >> 32) * len) >> 32);
}

#endif

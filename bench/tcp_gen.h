/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generates segments of many TCP connections on demand. A connection is a number: its addresses,
 * ports and initial sequence numbers follow from it. Only the progress of its sequence numbers is
 * stored, 8 bytes per connection, so that ten million connections do not evict the table under test
 * from the caches.
 *
 * Segments look like those of a Linux host: window scaling, SACK permitted, timestamps on every
 * segment.
 */
#ifndef FINWALL_BENCH_TCP_GEN_H
#define FINWALL_BENCH_TCP_GEN_H

#include <finwall/flowkey.h>
#include <finwall/frame.h>

#include <stdint.h>

/* Bytes of a packet that the daemon copies; headers take at most 80 of them. */
#define TCP_GEN_COPY_SIZE 192

/* Connections have numbers below this. */
#define TCP_GEN_NUMBERS (1u << 24)

/* Sequence space that each side of a connection has used, by enum flow_dir. */
struct conn_seq {
	uint32_t sent[2];
};

/* The destination port; the rules accept 80. */
#define TCP_GEN_SERVER_PORT 80

struct segment {
	enum flow_dir dir;
	uint8_t flags; /* TCP_* */
	uint32_t payload_size;
};

/* The tuple of connection nr in the direction of its opener. nr < TCP_GEN_NUMBERS. */
void tcp_gen_tuple(uint8_t family, uint32_t nr, struct tuple *t);

/* Its key. */
void tcp_gen_key(uint8_t family, uint32_t nr, struct flowkey *key);

/*
 * Writes the next segment of connection nr into buf (TCP_GEN_COPY_SIZE bytes) and describes it in
 * *frame, which borrows buf. Its sequence number is the next of its side, it acknowledges all that
 * the other side has sent, and *seq is advanced.
 */
void tcp_gen_segment(uint8_t family, uint32_t nr, const struct segment *seg, struct conn_seq *seq,
                     uint8_t *buf, struct frame *frame);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets of one queue whose verdict is given later: copies of them, and when they are due.
 *
 * A packet is due when its token was released or its deadline has passed. Number and memory are
 * bounded; pages are touched only as far as packets are held at once. The owner, a worker, adds and
 * takes packets; any thread may release. A short spinlock protects it: nothing here blocks, makes a
 * system call or reads a clock. Knows neither queues nor why a packet is held.
 */
#ifndef FINWALL_HELD_H
#define FINWALL_HELD_H

#include <finwall/frame.h>
#include <finwall/mono.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a packet that are copied at most; frame.true_size stays. */
#define HELD_COPY_MAX 512

/* A held packet. */
struct held_packet {
	struct frame frame; /* data: the copy */
	uint64_t token;
	struct mono since;
	struct mono deadline;
	uint32_t id; /* in its queue */
	uint32_t mark;
	uint8_t mark_is_ours; /* as in the worker's slot */
};

struct held;

/* For at most max packets, 0 < max. Returns NULL when memory runs out. */
struct held *held_new(uint32_t max);
void held_free(struct held *h);

/* Adds a copy of *p and of its frame's bytes. Returns false when there are max already. */
bool held_add(struct held *h, const struct held_packet *p);

/* Makes the packets with this token due. Returns how many. Any thread. */
unsigned held_release(struct held *h, uint64_t token);

/* Makes all packets due, in the order of their deadlines. */
void held_release_all(struct held *h);

/*
 * The next packet that is due, released ones first; NULL: none. It is valid until held_done(),
 * and no longer counted as held.
 */
const struct held_packet *held_next(struct held *h, struct mono now);

/* Frees the place of a packet that held_next() returned. */
void held_done(struct held *h, const struct held_packet *p);

/* Number of packets that are held. Any thread. */
uint32_t held_len(const struct held *h);

#endif

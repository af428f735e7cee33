/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events from a worker to the main thread: a ring with one writer and one reader.
 *
 * The worker writes under a shard's lock, so it copies header fields only; event_text.c and
 * event_json.c render them on the main thread. When the ring is full, the new event is lost and the
 * caller counts it: no packet waits for a log.
 */
#ifndef FINWALL_EVENT_RING_H
#define FINWALL_EVENT_RING_H

#include <finwall/compare.h>
#include <finwall/engine.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A power of two. */
#define EVENT_RING_LEN 1024

enum worker_event_kind {
	WORKER_EVENT_LOG,     /* a log statement matched */
	WORKER_EVENT_LATE,    /* a late close was judged */
	WORKER_EVENT_COMPARE, /* the kernel's tracker gives another state, without a known reason */
};

/* The fields of a packet that a log line shows. */
struct packet_event {
	const struct ruleset *rules; /* borrowed until the event is popped; WORKER_EVENT_LOG only */
	struct tuple tuple;
	uint32_t log_nr;
	uint32_t true_size; /* bytes */
	uint32_t iif;
	uint32_t oif;
	uint32_t mark;
	uint16_t win;
	uint8_t hook;  /* enum hook */
	uint8_t state; /* enum ct_state */
	uint8_t depth; /* enum pkt_depth: which of the remaining fields are valid */
	uint8_t ttl;
	uint8_t tos;
	uint8_t l4_proto;
	uint8_t icmp_type;
	uint8_t icmp_code;
	uint8_t tcp_flags;
};

/* A packet for which the engine and the kernel's tracker give different states. */
struct compare_event {
	struct packet_event packet;
	struct decision decision;
	uint32_t seq;
	uint32_t ack;
	uint8_t kernel_state; /* enum kernel_state */
};

struct worker_event {
	uint8_t kind;        /* enum worker_event_kind */
	uint32_t generation; /* of the policy; of log and late */
	union {
		struct packet_event log;
		struct late_event late;
		struct compare_event compare;
	};
};

struct event_ring {
	_Alignas(64) _Atomic uint32_t head; /* written by the worker */
	_Alignas(64) _Atomic uint32_t tail; /* written by the reader */
	struct worker_event slot[EVENT_RING_LEN];
};

/* Worker: append a copy of the arguments. Return false, and append nothing, when the ring is full.
 */
bool event_ring_put_log(struct event_ring *r, uint32_t generation, const struct ruleset *rules,
                        unsigned log_nr, const struct pkt *pkt, enum ct_state state);
bool event_ring_put_late(struct event_ring *r, uint32_t generation, const struct late_event *late);
bool event_ring_put_compare(struct event_ring *r, const struct pkt *pkt, const struct decision *d,
                            enum kernel_state kernel_state);

/* Reader: returns the oldest event, borrowed until event_ring_pop(), or NULL when there is none. */
const struct worker_event *event_ring_peek(struct event_ring *r);

/* Reader: removes the event that event_ring_peek() returned. */
void event_ring_pop(struct event_ring *r);

#endif

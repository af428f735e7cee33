/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ring with one writer and one reader. head and tail only grow, modulo 2^32; their difference is
 * the number of events in the ring.
 */
#include "event_ring.h"

#include <stddef.h>

_Static_assert((EVENT_RING_LEN & (EVENT_RING_LEN - 1)) == 0, "indexes wrap by mask");

/* Returns the slot of the next event, or NULL when the ring is full. */
static struct worker_event *next_slot(struct event_ring *r)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);

	return head - tail == EVENT_RING_LEN ? NULL : &r->slot[head & (EVENT_RING_LEN - 1)];
}

/* Makes the slot that next_slot() returned visible to the reader. */
static void publish(struct event_ring *r)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	atomic_store_explicit(&r->head, head + 1, memory_order_release);
}

static struct packet_event packet_fields(const struct pkt *pkt)
{
	return (struct packet_event){
		.tuple = pkt->tuple,
		.true_size = pkt->frame->true_size,
		.iif = pkt->frame->iif,
		.oif = pkt->frame->oif,
		.mark = pkt->frame->mark,
		.win = pkt->tcp.win,
		.hook = pkt->frame->hook,
		.depth = pkt->depth,
		.ttl = pkt->ttl,
		.tos = pkt->tos,
		.l4_proto = pkt->l4_proto,
		.icmp_type = pkt->icmp_type,
		.icmp_code = pkt->icmp_code,
		.tcp_flags = pkt->tcp.flags,
	};
}

bool event_ring_put_log(struct event_ring *r, uint32_t generation, const struct ruleset *rules,
                        unsigned log_nr, const struct pkt *pkt, enum ct_state state)
{
	struct worker_event *ev = next_slot(r);

	if (ev == NULL) {
		return false;
	}
	ev->kind = WORKER_EVENT_LOG;
	ev->generation = generation;
	ev->log = packet_fields(pkt);
	ev->log.rules = rules;
	ev->log.log_nr = log_nr;
	ev->log.state = (uint8_t)state;
	publish(r);
	return true;
}

bool event_ring_put_late(struct event_ring *r, uint32_t generation, const struct late_event *late)
{
	struct worker_event *ev = next_slot(r);

	if (ev == NULL) {
		return false;
	}
	ev->kind = WORKER_EVENT_LATE;
	ev->generation = generation;
	ev->late = *late;
	publish(r);
	return true;
}

bool event_ring_put_compare(struct event_ring *r, const struct pkt *pkt, const struct decision *d,
                            enum kernel_state kernel_state)
{
	struct worker_event *ev = next_slot(r);

	if (ev == NULL) {
		return false;
	}
	ev->kind = WORKER_EVENT_COMPARE;
	ev->compare = (struct compare_event){
		.packet = packet_fields(pkt),
		.decision = *d,
		.seq = pkt->tcp.seq,
		.ack = pkt->tcp.ack,
		.kernel_state = (uint8_t)kernel_state,
	};
	publish(r);
	return true;
}

const struct worker_event *event_ring_peek(struct event_ring *r)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);

	return head == tail ? NULL : &r->slot[tail & (EVENT_RING_LEN - 1)];
}

void event_ring_pop(struct event_ring *r)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ring with one writer and one reader. The counters run freely; their difference is what is in
 * it.
 */
#include "events.h"

#include <stddef.h>

_Static_assert((EVENT_RING_LEN & (EVENT_RING_LEN - 1)) == 0, "indexes wrap by mask");

/* Where the next event goes, or NULL. */
static struct event *next_slot(struct event_ring *r)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);

	return head - tail == EVENT_RING_LEN ? NULL : &r->slot[head & (EVENT_RING_LEN - 1)];
}

/* Makes the slot that next_slot() gave visible to the reader. */
static void publish(struct event_ring *r)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	atomic_store_explicit(&r->head, head + 1, memory_order_release);
}

static struct event_log packet_of(const struct pkt *pkt)
{
	return (struct event_log){
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

bool event_put_log(struct event_ring *r, const struct ruleset *rules, unsigned log_nr,
                   const struct pkt *pkt, enum ct_state state)
{
	struct event *ev = next_slot(r);

	if (ev == NULL) {
		return false;
	}
	ev->kind = EVENT_LOG;
	ev->log = packet_of(pkt);
	ev->log.rules = rules;
	ev->log.log_nr = log_nr;
	ev->log.state = (uint8_t)state;
	publish(r);
	return true;
}

bool event_put_late(struct event_ring *r, const struct late_event *late)
{
	struct event *ev = next_slot(r);

	if (ev == NULL) {
		return false;
	}
	ev->kind = EVENT_LATE;
	ev->late = *late;
	publish(r);
	return true;
}

bool event_put_compare(struct event_ring *r, const struct pkt *pkt, const struct decision *d,
                       enum kernel_state kernels)
{
	struct event *ev = next_slot(r);

	if (ev == NULL) {
		return false;
	}
	ev->kind = EVENT_COMPARE;
	ev->compare = (struct event_compare){
		.packet = packet_of(pkt),
		.decision = *d,
		.seq = pkt->tcp.seq,
		.ack = pkt->tcp.ack,
		.kernels = (uint8_t)kernels,
	};
	publish(r);
	return true;
}

const struct event *event_peek(struct event_ring *r)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);

	return head == tail ? NULL : &r->slot[tail & (EVENT_RING_LEN - 1)];
}

void event_pop(struct event_ring *r)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
}

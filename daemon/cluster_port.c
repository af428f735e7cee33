/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of changes, from a worker to the main thread. See cluster_port.h. */
#include "cluster_port.h"

#include "io/wakeup.h"

#define MASK (CLUSTER_PORT_LEN - 1)

_Static_assert((CLUSTER_PORT_LEN & MASK) == 0, "places wrap by mask");

static void put(struct cluster_port *p, enum cluster_kind kind, unsigned arg, const struct flow *f,
                struct mono now)
{
	uint64_t put = atomic_load_explicit(&p->put, memory_order_relaxed);

	if (put - atomic_load_explicit(&p->taken, memory_order_acquire) >= CLUSTER_PORT_LEN) {
		atomic_fetch_add_explicit(&p->lost, 1, memory_order_relaxed);
		return;
	}
	cluster_write_flow(kind, arg, f, now, p->record[put & MASK]);
	atomic_store_explicit(&p->put, put + 1, memory_order_release);
}

/*
 * Without waiting packets, another node can do nothing with a connection that is not answered: its
 * rules accept the next packet as they did the first one.
 */
static bool is_worth(const struct flow_event *ev, enum cluster_mode mode)
{
	const struct flow *f = ev->flow;

	if (mode == CLUSTER_MODE_HOLD || (f->status & FLOW_REVIVED) != 0) {
		return true;
	}
	if (f->key.proto == IPPROTO_NR_TCP) {
		return f->conn.tcp.state != TCP_SYN_SENT && f->conn.tcp.state != TCP_SYN_SENT2 &&
		       f->conn.tcp.state != TCP_SYN_RECV;
	}
	return f->key.proto == IPPROTO_NR_UDP && (f->status & FLOW_SEEN_REPLY) != 0;
}

/* A connection that ends by its timeout, closed or without a tombstone, ends there by the same. */
static bool ends_alike(const struct flow_event *ev)
{
	return ev->end == FLOW_END_TIMEOUT && !ev->is_remembered &&
	       (ev->flow->key.proto != IPPROTO_NR_TCP || flow_is_closed(ev->flow));
}

void cluster_port_note(struct cluster_port *p, const struct flow_event *ev)
{
	enum cluster_mode mode = cluster_port_mode(p);

	/* A connection that is still another node's is for that one to report. */
	if (mode == CLUSTER_MODE_OFF || (ev->flow->probes & FLOW_PROBE_REPLICATED) != 0 ||
	    !is_worth(ev, mode)) {
		return;
	}
	if ((ev->changes & FLOW_CHANGE_DESTROY) != 0) {
		if (ends_alike(ev)) {
			return;
		}
		put(p, CLUSTER_ENDED, ev->is_remembered ? CLUSTER_REMEMBERS : 0, ev->flow, ev->now);
		return;
	}
	put(p, CLUSTER_FLOW, 0, ev->flow, ev->now);
}

void cluster_port_push(struct cluster_port *p, uint64_t put_before)
{
	uint64_t put = atomic_load_explicit(&p->put, memory_order_relaxed);
	uint64_t waiting = put - atomic_load_explicit(&p->taken, memory_order_relaxed);

	if (put == put_before ||
	    (cluster_port_mode(p) != CLUSTER_MODE_HOLD && waiting <= CLUSTER_PORT_LEN / 2)) {
		return;
	}
	/* The main thread clears the flag before it looks for records. */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&p->is_awake, memory_order_relaxed) == 0) {
		wakeup_send(p->wake_fd);
	}
}

void cluster_port_set_awake(struct cluster_port *p, bool is_awake)
{
	atomic_store_explicit(&p->is_awake, is_awake, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
}

const uint8_t *cluster_port_peek(const struct cluster_port *p)
{
	uint64_t taken = atomic_load_explicit(&p->taken, memory_order_relaxed);

	if (taken == atomic_load_explicit(&p->put, memory_order_acquire)) {
		return NULL;
	}
	return p->record[taken & MASK];
}

void cluster_port_take(struct cluster_port *p)
{
	uint64_t taken = atomic_load_explicit(&p->taken, memory_order_relaxed);

	atomic_store_explicit(&p->taken, taken + 1, memory_order_release);
}

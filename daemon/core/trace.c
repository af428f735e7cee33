/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traces: what is known before a packet is tracked and after it. The rules' steps come from
 * verdict.c. Reads the tables only, so a traced packet has the fate of an untraced one.
 */
#include "trace.h"

#include "tcp_window.h"

#include <finwall/bytes.h>

static void fill_packet(const struct decoded *d, struct trace_packet *out)
{
	const struct pkt *p = &d->pkt;
	const struct frame *f = p->frame;

	*out = (struct trace_packet){
		.true_size = f->true_size,
		.iif = f->iif,
		.oif = f->oif,
		.mark = f->mark,
		.hook = f->hook,
		.depth = p->depth,
		.broken = d->broken,
	};
	if (p->depth == PKT_NOTHING) {
		return;
	}
	out->tuple = p->tuple;
	out->ttl = p->ttl;
	out->tos = p->tos;
	out->l4_proto = p->l4_proto;
	out->ip_id = p->tuple.family == 4 ? load_be16(f->data + 4) : 0;
	if (p->depth >= PKT_PORTS) {
		out->icmp_type = p->icmp_type;
		out->icmp_code = p->icmp_code;
	}
	if (p->depth == PKT_FULL && p->l4_proto == IPPROTO_NR_TCP) {
		out->seq = p->tcp.seq;
		out->ack = p->tcp.ack;
		out->payload_size = p->tcp.payload_size;
		out->win = p->tcp.win;
		out->tcp_flags = p->tcp.flags;
		out->class_nr = p->tcp.class_nr;
	}
	if (d->broken == REASON_NONE) {
		out->kind = p->kind;
		out->quoted = p->kind == PKT_KIND_ICMP_ERROR ? p->quoted : (struct tuple){ 0 };
	}
}

/* The window check of a segment with ACK, against the windows before it. */
static void fill_fit(const struct decoded *d, struct trace *t)
{
	const struct pkt_tcp *tcp = &d->pkt.tcp;
	const struct tcp_conn *conn = t->entry == TRACE_LIVE ? &t->before.conn.tcp : &t->tomb.conn;
	struct seg s = {
		.seq = tcp->seq,
		.ack = tcp->ack,
		.sack = tcp->ack,
		.end = tcp->seq + tcp->payload_size + ((tcp->flags & TCP_SYN) != 0) +
		       ((tcp->flags & TCP_FIN) != 0),
		.dir = (enum flow_dir)t->dir,
		.other = dir_other((enum flow_dir)t->dir),
	};
	struct fit fit;

	if (d->pkt.kind != PKT_KIND_TCP || (tcp->flags & TCP_ACK) == 0 ||
	    conn->seen[0].maxwin_bytes == 0 || conn->seen[1].maxwin_bytes == 0) {
		return;
	}
	fit = fit_of(conn, &s);
	t->has_fit = true;
	t->fit = (uint8_t)((fit.seq_is_inside ? TRACE_SEQ_INSIDE : 0) |
	                   (fit.seq_is_recent ? TRACE_SEQ_RECENT : 0) |
	                   (fit.ack_was_seen ? TRACE_ACK_SEEN : 0) |
	                   (fit.ack_is_recent ? TRACE_ACK_RECENT : 0));
}

static void fill_connection(const struct decoded *d, struct trace *t)
{
	struct mono now = d->cx->now;
	const struct flow *f = flowtab_find(&d->shard->flows, &d->key, d->hash);
	uint32_t tomb = UINT32_MAX;

	t->entry = TRACE_NONE;
	if (f != NULL) {
		t->entry = mono_is_due(f->deadline, now) ? TRACE_DUE : TRACE_LIVE;
		t->before = *f;
		flow_set_extra_of_copy(&t->before, shard_extra_of(d->shard, f));
		if (lease_is_held(f)) {
			lease_peek(&d->shard->leases, (uint32_t)(f - d->shard->flows.pool),
			           &t->before);
		}
		t->dir = (uint8_t)flow_dir_of(f, (enum key_side)d->side);
	}
	if (d->key.proto == IPPROTO_NR_TCP) {
		tomb = graveyard_find(&d->shard->graveyard, &d->key, d->hash);
	}
	if (tomb != UINT32_MAX) {
		graveyard_read(&d->shard->graveyard, tomb, now, &t->tomb);
		t->has_tomb = 1;
		t->tomb_is_old = mono_diff(now, t->tomb.ended) >= d->cx->policy->tun.remember_ns;
		if (f == NULL) {
			t->dir = (uint8_t)status_dir_of(t->tomb.status, (enum key_side)d->side);
		}
	}
	if (f != NULL || tomb != UINT32_MAX) {
		fill_fit(d, t);
	}
}

void trace_fill(const struct decoded *d, struct trace *t)
{
	const struct policy *policy = d->cx->policy;

	*t = (struct trace){
		.now = d->cx->now,
		.generation = policy->generation,
		.is_enforced = policy->tun.enforce != 0,
	};
	fill_packet(d, &t->packet);
	if (d->key.family != 0) {
		fill_connection(d, t);
	}
}

bool trace_begin(const struct decoded *d)
{
	struct engine_worker *w = d->cx->worker;

	trace_fill(d, w->trace);
	if (w->sink.trace_wants != NULL && !w->sink.trace_wants(w->sink.ctx, w->trace)) {
		return false;
	}
	w->steps = &w->trace->steps;
	return true;
}

void trace_end(const struct decoded *d, const struct decision *out)
{
	struct engine_worker *w = d->cx->worker;
	struct trace *t = w->trace;

	w->steps = NULL;
	t->decision = *out;
	if (d->key.family != 0) {
		const struct flow *f = flowtab_find(&d->shard->flows, &d->key, d->hash);

		t->has_after = f != NULL;
		t->has_tomb_after =
			graveyard_find(&d->shard->graveyard, &d->key, d->hash) != UINT32_MAX;
		if (f != NULL) {
			t->after = *f;
			flow_set_extra_of_copy(&t->after, shard_extra_of(d->shard, f));
		}
	}
	w->sink.traced(w->sink.ctx, t);
}

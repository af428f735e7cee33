/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The writers' side of traces and events: filters, rates, records. Runs in workers, under a shard's
 * lock.
 */
#include "watch.h"

#include "core/gcra.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static void leave_out(const struct watch_list *list, uint32_t readers)
{
	for (; readers != 0; readers &= readers - 1) {
		atomic_fetch_add_explicit(&list->at[__builtin_ctz(readers)]->left_out, 1,
		                          memory_order_relaxed);
	}
}

/* Whether the reader's rate allows one more; counts it otherwise. */
static bool rate_allows(struct watcher *w, struct mono now)
{
	if (gcra_take(&w->full_ns, w->interval_ns, w->slack_ns, now)) {
		return true;
	}
	atomic_fetch_add_explicit(&w->left_out, 1, memory_order_relaxed);
	return false;
}

bool watch_port_wants_trace(const struct watch_list *list, const struct trace *t)
{
	for (unsigned i = 0; i < WATCHERS_MAX; i++) {
		const struct watcher *w = list->at[i];

		if (w != NULL && (w->kinds & 1u << WATCH_TRACE) != 0 &&
		    watch_filter_may_want(&w->filter, t)) {
			return true;
		}
	}
	return false;
}

void watch_port_put_trace(struct watch_port *port, const struct watch_list *list,
                          const struct trace *t)
{
	uint32_t readers = 0;
	void *to;

	for (unsigned i = 0; i < WATCHERS_MAX; i++) {
		struct watcher *w = list->at[i];

		if (w != NULL && (w->kinds & 1u << WATCH_TRACE) != 0 &&
		    watch_filter_may_want(&w->filter, t) &&
		    watch_filter_wants_decision(&w->filter, &t->decision) &&
		    rate_allows(w, t->now)) {
			readers |= 1u << i;
		}
	}
	if (readers == 0) {
		return;
	}
	to = watch_ring_reserve(&port->ring, WATCH_TRACE, readers, sizeof(*t));
	if (to == NULL) {
		leave_out(list, readers);
		return;
	}
	memcpy(to, t, sizeof(*t));
	watch_ring_publish(&port->ring);
}

/* The kinds of event that a change is. */
static uint32_t kinds_of(unsigned changes)
{
	return ((changes & FLOW_CHANGE_NEW) != 0 ? 1u << WATCH_NEW : 0) |
	       ((changes & FLOW_CHANGE_UPDATE) != 0 ? 1u << WATCH_UPDATE : 0) |
	       ((changes & FLOW_CHANGE_ASSURED) != 0 ? 1u << WATCH_ASSURED : 0) |
	       ((changes & FLOW_CHANGE_DESTROY) != 0 ? 1u << WATCH_DESTROY : 0);
}

static bool wants_hook(const struct watch_filter *filter, uint8_t hook)
{
	return filter->hooks == 0 || (filter->hooks >> hook & 1) != 0;
}

void watch_port_put_flow(struct watch_port *port, const struct watch_list *list,
                         const struct flow_event *ev)
{
	uint32_t kinds = kinds_of(ev->changes);
	uint32_t readers = 0;
	struct watch_flow *to;
	struct flow_view view;

	if ((list->kinds & kinds) == 0) {
		return;
	}
	flow_view_live(ev->flow, ev->now, NULL, &view);
	for (unsigned i = 0; i < WATCHERS_MAX; i++) {
		struct watcher *w = list->at[i];

		if (w != NULL && (w->kinds & kinds) != 0 && !w->filter.has_mark &&
		    wants_hook(&w->filter, ev->flow->hook) &&
		    watch_filter_wants_flow(&w->filter, &view) && rate_allows(w, ev->now)) {
			readers |= 1u << i;
		}
	}
	if (readers == 0) {
		return;
	}
	to = watch_ring_reserve(&port->ring, WATCH_UPDATE, readers, sizeof(*to));
	if (to == NULL) {
		leave_out(list, readers);
		return;
	}
	*to = (struct watch_flow){
		.flow = *ev->flow,
		.account = ev->account,
		.now = ev->now,
		.rule_nr = ev->rule_nr,
		.generation = ev->generation,
		.changes = ev->changes,
		.end = ev->end,
		.hook = ev->hook,
		.has_rule = ev->has_rule,
	};
	watch_ring_publish(&port->ring);
}

void watch_port_put_reject(struct watch_port *port, const struct watch_list *list, struct mono now,
                           const struct frame *frame, const struct decision *d, uint32_t generation)
{
	uint32_t readers = 0;
	struct watch_reject *to;
	struct flow_view view;
	struct pkt pkt;

	(void)pkt_decode(frame, &pkt);
	memset(&view, 0, sizeof(view));
	view.ifname = "";
	if (pkt.depth != PKT_NOTHING) {
		view.orig = pkt.tuple;
		view.orig.proto = pkt.l4_proto;
	}
	for (unsigned i = 0; i < WATCHERS_MAX; i++) {
		struct watcher *w = list->at[i];

		if (w != NULL && (w->kinds & 1u << WATCH_REJECT) != 0 &&
		    wants_hook(&w->filter, frame->hook) &&
		    watch_filter_wants_mark(&w->filter, frame->mark) &&
		    watch_filter_wants_flow(&w->filter, &view) && rate_allows(w, now)) {
			readers |= 1u << i;
		}
	}
	if (readers == 0) {
		return;
	}
	to = watch_ring_reserve(&port->ring, WATCH_REJECT, readers, sizeof(*to));
	if (to == NULL) {
		leave_out(list, readers);
		return;
	}
	*to = (struct watch_reject){
		.tuple = view.orig,
		.now = now,
		.rule_nr = d->rule_nr,
		.generation = generation,
		.iif = frame->iif,
		.oif = frame->oif,
		.true_size = frame->true_size,
		.hook = frame->hook,
		.with = d->reject_with,
		.state = d->state,
		.depth = pkt.depth,
	};
	watch_ring_publish(&port->ring);
}

void watch_port_put_logged(struct watch_port *port, const struct watch_list *list, struct mono now,
                           const struct ruleset *rs, unsigned log_nr, const struct pkt *pkt)
{
	const struct frame *f = pkt->frame;
	uint32_t cap_size = f->cap_size < f->true_size ? f->cap_size : f->true_size;
	uint32_t readers = 0;
	struct watch_logged *to;

	for (unsigned i = 0; i < WATCHERS_MAX; i++) {
		struct watcher *w = list->at[i];

		if (w != NULL && (w->kinds & 1u << WATCH_LOGGED) != 0 && rate_allows(w, now)) {
			readers |= 1u << i;
		}
	}
	if (readers == 0) {
		return;
	}
	cap_size = cap_size < WATCH_LOGGED_BYTES ? cap_size : WATCH_LOGGED_BYTES;
	to = watch_ring_reserve(&port->ring, WATCH_LOGGED, readers,
	                        (uint32_t)offsetof(struct watch_logged, bytes) + cap_size);
	if (to == NULL) {
		leave_out(list, readers);
		return;
	}
	to->now = now;
	(void)snprintf(to->prefix, sizeof(to->prefix), "%s", ruleset_log_prefix(rs, log_nr));
	to->iif = f->iif;
	to->oif = f->oif;
	to->mark = f->mark;
	to->true_size = f->true_size;
	to->cap_size = cap_size;
	to->group = (uint16_t)ruleset_log_group(rs, log_nr);
	to->hook = f->hook;
	memcpy(to->bytes, f->data, cap_size);
	watch_ring_publish(&port->ring);
}

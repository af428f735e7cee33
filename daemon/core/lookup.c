/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flow of a packet and the connection state that follows from it.
 *
 * The state that rules match depends on the direction, and on whether a reply was seen before this
 * packet; the protocol's tracker then accepts, ignores or refuses the packet. A flow past its
 * deadline is expired first.
 */
#include "expire.h"
#include "slowpath.h"
#include "tcp_track.h"
#include "udp_track.h"

static void track_new(struct engine *e, const struct decoded *d, struct outcome *o);

/* The live flow of the packet's key, or NULL. An entry past its deadline is expired first. */
static struct flow *find_live(const struct decoded *d)
{
	struct flow *f = flowtab_find_hint(&d->shard->flows, &d->key, d->hash, d->hint);

	if (f != NULL && mono_is_due(f->deadline, d->cx->now) &&
	    !expire_flow(d->cx, d->shard, f, d->hash)) {
		return NULL;
	}
	return f;
}

static void refuse(struct outcome *o, enum reason why)
{
	o->state = CT_INVALID;
	o->reason = why;
}

/*
 * An error about a packet without an entry. This host sends one when it cannot forward the packet
 * (no route, hop limit, size): that is before the forward hook, where the packet would have got its
 * entry. Only the kernel, or a process that may send raw packets, makes an error in the output
 * hook.
 */
static void track_own_error(const struct decoded *d, struct outcome *o)
{
	const struct frame *f = d->pkt.frame;

	if (f->hook != HOOK_OUTPUT || f->iif != 0) {
		refuse(o, REASON_ICMP_UNRELATED);
		return;
	}
	o->dir = DIR_REPLY;
	o->state = CT_RELATED;
	o->reason = REASON_ICMP_OWN;
}

/* An ICMP error is related to the flow that it quotes, travels against the quoted packet, and
 * changes nothing. */
static void track_error(const struct decoded *d, struct outcome *o)
{
	struct flow *f = find_live(d);

	if (memcmp(&d->pkt.tuple.dst, &d->pkt.quoted.src, sizeof(union ip_addr)) != 0) {
		refuse(o, f == NULL ? REASON_ICMP_UNRELATED : REASON_ICMP_MISMATCH);
		return;
	}
	if (f == NULL) {
		track_own_error(d, o);
		return;
	}
	o->dir = flowkey_is_mirror(&f->key) ? DIR_REPLY
	                                    : dir_other(flow_dir_of(f, (enum key_side)d->side));
	o->state = CT_RELATED;
	o->reason = REASON_ICMP_RELATED;
}

/* The reason of an accepted packet of a protocol without a state machine. */
static enum reason stateless_reason(const struct pkt *p, enum ct_state state)
{
	bool is_new = state == CT_NEW;

	switch (p->kind) {
	case PKT_KIND_UDP:
		return is_new ? REASON_UDP_OPEN : REASON_UDP_TRACKED;
	case PKT_KIND_ICMP_QUERY:
		return is_new ? REASON_ICMP_OPEN : REASON_ICMP_TRACKED;
	default:
		return is_new ? REASON_OTHER_OPEN : REASON_OTHER_TRACKED;
	}
}

/* Runs the protocol's tracker on a flow. */
static enum track_verdict run_tracker(const struct decoded *d, struct flow *f, enum flow_dir dir,
                                      struct track_effect *fx)
{
	const struct tunables *tun = &d->cx->policy->tun;

	switch (d->pkt.kind) {
	case PKT_KIND_TCP:
		return tcp_track(&f->conn.tcp, &d->pkt, dir, f->status,
		                 mono_diff(f->deadline, d->cx->now), tun, fx);
	case PKT_KIND_UDP:
		udp_track(&f->conn.udp, d->cx->now, f->status, tun, fx);
		return TRACK_ACCEPT;
	default:
		*fx = (struct track_effect){ .timeout_ns =
			                             tunables_other_ttl_ns(tun, d->pkt.l4_proto) };
		return TRACK_ACCEPT;
	}
}

/*
 * A packet of a flow whose keepalives are unanswered. Returns true while the other end has not
 * answered: until then the deadline stays. Closing segments end the probing.
 */
static bool is_probed_still(const struct decoded *d, struct flow *f, enum flow_dir dir)
{
	f->probes &= (uint8_t) ~(1u << dir);
	if ((f->probes & FLOW_PROBE_WAITS) != 0 && d->pkt.tcp.class_nr == SEG_ACK) {
		return true;
	}
	f->probes = 0;
	return false;
}

/* A packet of a flow that is counted or probed. Returns true when the deadline stays. */
static bool update_rare(const struct decoded *d, struct flow *f, enum flow_dir dir)
{
	if (f->counted != 0) {
		shard_recount(d->shard, f);
	}
	return f->probes != 0 && is_probed_still(d, f, dir);
}

/* Applies what the tracker decided to the entry. */
static void apply(const struct decoded *d, struct flow *f, enum flow_dir dir,
                  const struct track_effect *fx)
{
	if (fx->set_assured) {
		flowtab_assure(&d->shard->flows, f, d->hash);
	}
	if ((f->probes != 0 || f->counted != 0) && update_rare(d, f, dir)) {
		return;
	}
	if (fx->timeout_ns != 0) {
		flowtab_set_deadline(&d->shard->flows, f, mono_add(d->cx->now, fx->timeout_ns));
	}
}

static void delete_closed(const struct decoded *d, struct flow *f)
{
	shard_delete(d->shard, f, d->hash);
	stat_add(&d->cx->worker->stats.event[EVENT_FLOW_CLOSED], 1);
}

/* A packet of a live flow. Returns false when the flow was over and is deleted: the packet has no
 * entry then. */
static bool track_live(const struct decoded *d, struct flow *f, struct outcome *o)
{
	enum flow_dir dir = flow_dir_of(f, (enum key_side)d->side);
	bool replied = dir == DIR_REPLY || (f->status & FLOW_SEEN_REPLY) != 0;
	struct track_effect fx;
	enum track_verdict v = run_tracker(d, f, dir, &fx);

	o->dir = dir;
	o->live = f;
	o->state = replied ? CT_ESTABLISHED : CT_NEW;
	o->reason = d->pkt.kind == PKT_KIND_TCP ? (enum reason)fx.reason
	                                        : stateless_reason(&d->pkt, o->state);
	switch (v) {
	case TRACK_REPEAT:
		delete_closed(d, f);
		return false;
	case TRACK_INVALID:
		if (fx.timeout_ns != 0) {
			flowtab_set_deadline(&d->shard->flows, f,
			                     mono_add(d->cx->now, fx.timeout_ns));
		}
		o->state = CT_INVALID;
		return true;
	case TRACK_IGNORE:
	case TRACK_ACCEPT:
		break;
	}
	if (o->reason == REASON_TCP_TRACKED && !replied) {
		o->reason = REASON_TCP_UNREPLIED;
	}
	if (fx.delete_it) {
		delete_closed(d, f);
		o->live = NULL;
		return true;
	}
	apply(d, f, dir, &fx);
	if (dir == DIR_REPLY) {
		f->status |= FLOW_SEEN_REPLY;
	}
	return true;
}

void lookup_packet(struct engine *e, const struct decoded *d, struct outcome *o)
{
	struct flow *f;

	switch (d->pkt.kind) {
	case PKT_KIND_UNTRACKED:
		o->state = CT_UNTRACKED;
		o->reason = REASON_UNTRACKED;
		return;
	case PKT_KIND_ICMP_ERROR:
		track_error(d, o);
		return;
	default:
		break;
	}
	f = find_live(d);
	if (f == NULL) {
		track_new(e, d, o);
		return;
	}
	if (!track_live(d, f, o)) {
		o->live = NULL;
		track_new(e, d, o);
		if (o->reason == REASON_TCP_OPEN) {
			o->reason = REASON_TCP_REOPEN;
		}
	}
}

/* Fills a new flow but for the protocol's part. */
static void init_fresh(const struct decoded *d, struct flow *f)
{
	const struct frame *frame = d->pkt.frame;

	memset(f, 0, sizeof(*f));
	f->key = d->key;
	/* The next packet of a flow to itself counts as a reply, as in the kernel's tracker. All
	 * its packets come from the low side, so its opener is the high side. */
	f->status = d->side == SIDE_HI || flowkey_is_mirror(&d->key) ? FLOW_ORIG_HI : 0;
	f->hook = frame->hook;
	f->ifindex = frame->hook == HOOK_OUTPUT ? frame->oif : frame->iif;
}

static void open_tcp(const struct decoded *d, struct outcome *o)
{
	const struct tunables *tun = &d->cx->policy->tun;
	struct flow *f = &o->fresh;
	struct track_effect fx;
	enum reason why = tcp_open(&f->conn.tcp, &d->pkt, tun);

	if (why == REASON_NONE &&
	    tcp_track(&f->conn.tcp, &d->pkt, DIR_ORIG, 0, 0, tun, &fx) != TRACK_ACCEPT) {
		why = (enum reason)fx.reason;
	}
	if (why != REASON_NONE) {
		refuse(o, why);
		return;
	}
	o->fresh_ttl_ns = fx.timeout_ns;
	o->reason = d->pkt.tcp.class_nr == SEG_SYN ? REASON_TCP_OPEN : REASON_TCP_PICKUP;
	o->state = CT_NEW;
	o->wants_entry = true;
}

/* A packet without a live flow: it may open one. */
static void track_new(struct engine *e, const struct decoded *d, struct outcome *o)
{
	o->dir = DIR_ORIG;
	init_fresh(d, &o->fresh);
	switch (d->pkt.kind) {
	case PKT_KIND_TCP:
		if (d->pkt.tcp.class_nr == SEG_SYN || d->pkt.tcp.class_nr == SEG_SYNACK) {
			open_tcp(d, o);
			return;
		}
		late_segment(e, d, o);
		if (o->reason == REASON_NONE) {
			open_tcp(d, o);
		}
		return;
	case PKT_KIND_UDP:
		udp_open(&o->fresh.conn.udp, d->cx->now);
		break;
	case PKT_KIND_ICMP_QUERY:
		if (d->side != SIDE_LO) {
			refuse(o, REASON_ICMP_NO_ENTRY);
			return;
		}
		break;
	default:
		break;
	}
	o->state = CT_NEW;
	o->reason = stateless_reason(&d->pkt, CT_NEW);
	o->fresh_ttl_ns = d->pkt.kind == PKT_KIND_UDP
	                          ? d->cx->policy->tun.udp_unreplied_ns
	                          : tunables_other_ttl_ns(&d->cx->policy->tun, d->pkt.l4_proto);
	o->wants_entry = true;
}

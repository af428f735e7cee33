/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Find and track: the flow of a packet, and the connection state that follows from it.
 *
 * What rules see is fixed by the direction and by whether an answer was seen before this packet;
 * the tracker of the protocol then accepts, ignores or refuses it. A flow that has run out of time
 * is none.
 */
#include "icmp_err.h"

#include "shard.h"
#include "tcp_track.h"
#include "udp_track.h"

static void track_new(struct engine *e, const struct job *j, struct track *t);

/* The live flow of the packet's key, or NULL; one whose time is over is put away first. */
static struct flow *find_live(const struct job *j)
{
	struct flow *f = flowtab_find_hint(&j->shard->flows, &j->key, j->hash, j->hint);

	if (f != NULL && mono_is_due(f->deadline, j->run->now) &&
	    !shard_expire(j->shard, j->run->w, f, j->hash, j->run->now)) {
		return NULL;
	}
	return f;
}

static void refuse(struct track *t, enum reason why)
{
	t->state = CT_INVALID;
	t->reason = why;
}

/* An ICMP error belongs to the flow it quotes, travels against the quoted packet, and changes
 * nothing. */
static void track_error(const struct job *j, struct track *t)
{
	struct flow *f = find_live(j);

	if (f == NULL) {
		refuse(t, REASON_ICMP_UNRELATED);
		return;
	}
	if (memcmp(&j->pkt.tuple.dst, &j->pkt.quoted.src, sizeof(union ip_addr)) != 0) {
		refuse(t, REASON_ICMP_MISMATCH);
		return;
	}
	t->dir = flowkey_is_mirror(&f->key) ? DIR_REPLY
	                                    : dir_other(flow_dir_of(f, (enum key_side)j->side));
	t->state = CT_RELATED;
	t->reason = REASON_ICMP_RELATED;
}

/* The reason of an accepted packet of a protocol without a state machine. */
static enum reason plain_reason(const struct pkt *p, enum ct_state state)
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
static enum track_verdict run_tracker(const struct job *j, struct flow *f, enum flow_dir dir,
                                      struct track_effect *fx)
{
	const struct tunables *tun = &j->run->policy->tun;

	switch (j->pkt.kind) {
	case PKT_KIND_TCP:
		return tcp_track(&f->conn.tcp, &j->pkt, dir, f->status,
		                 mono_diff(f->deadline, j->run->now), tun, fx);
	case PKT_KIND_UDP:
		udp_track(&f->conn.udp, j->run->now, f->status, tun, fx);
		return TRACK_ACCEPT;
	default:
		*fx = (struct track_effect){ .timeout_ns =
			                             tunables_other_ttl_ns(tun, j->pkt.l4_proto) };
		return TRACK_ACCEPT;
	}
}

/*
 * A sign of life while keepalives are out. Returns true while the other end still has to answer its
 * own: until then the time to live stays short. Closing segments end the probing.
 */
static bool probing_goes_on(const struct job *j, struct flow *f, enum flow_dir dir)
{
	f->probes &= (uint8_t) ~(1u << dir);
	if ((f->probes & FLOW_PROBE_WAITS) != 0 && j->pkt.tcp.class_nr == SEG_ACK) {
		return true;
	}
	f->probes = 0;
	return false;
}

/* What rare flows need besides. Returns true when their deadline is to stay. */
static bool is_busy(const struct job *j, struct flow *f, enum flow_dir dir)
{
	if (f->counted != 0) {
		shard_recount(j->shard, f);
	}
	return f->probes != 0 && probing_goes_on(j, f, dir);
}

/* What the tracker said becomes true of the entry. */
static void apply(const struct job *j, struct flow *f, enum flow_dir dir,
                  const struct track_effect *fx)
{
	if (fx->set_assured) {
		flowtab_assure(&j->shard->flows, f, j->hash);
	}
	if ((f->probes != 0 || f->counted != 0) && is_busy(j, f, dir)) {
		return;
	}
	if (fx->timeout_ns != 0) {
		flowtab_set_deadline(&j->shard->flows, f, mono_add(j->run->now, fx->timeout_ns));
	}
}

static void delete_closed(const struct job *j, struct flow *f)
{
	shard_delete(j->shard, f, j->hash);
	stat_add(&j->run->w->stats.event[EVENT_FLOW_CLOSED], 1);
}

/* A packet of a live flow. Returns false when the flow is over and the packet stands for itself. */
static bool track_live(const struct job *j, struct flow *f, struct track *t)
{
	enum flow_dir dir = flow_dir_of(f, (enum key_side)j->side);
	bool replied = dir == DIR_REPLY || (f->status & FLOW_SEEN_REPLY) != 0;
	struct track_effect fx;
	enum track_verdict v = run_tracker(j, f, dir, &fx);

	t->dir = dir;
	t->live = f;
	t->state = replied ? CT_ESTABLISHED : CT_NEW;
	t->reason = j->pkt.kind == PKT_KIND_TCP ? (enum reason)fx.reason
	                                        : plain_reason(&j->pkt, t->state);
	switch (v) {
	case TRACK_REPEAT:
		delete_closed(j, f);
		return false;
	case TRACK_INVALID:
		if (fx.timeout_ns != 0) {
			flowtab_set_deadline(&j->shard->flows, f,
			                     mono_add(j->run->now, fx.timeout_ns));
		}
		t->state = CT_INVALID;
		return true;
	case TRACK_IGNORE:
	case TRACK_ACCEPT:
		break;
	}
	if (t->reason == REASON_TCP_TRACKED && !replied) {
		t->reason = REASON_TCP_UNREPLIED;
	}
	if (fx.delete_it) {
		delete_closed(j, f);
		t->live = NULL;
		return true;
	}
	apply(j, f, dir, &fx);
	if (dir == DIR_REPLY) {
		f->status |= FLOW_SEEN_REPLY;
	}
	return true;
}

void job_track(struct engine *e, const struct job *j, struct track *t)
{
	struct flow *f;

	switch (j->pkt.kind) {
	case PKT_KIND_UNTRACKED:
		t->state = CT_UNTRACKED;
		t->reason = REASON_UNTRACKED;
		return;
	case PKT_KIND_ICMP_ERROR:
		track_error(j, t);
		return;
	default:
		break;
	}
	f = find_live(j);
	if (f == NULL) {
		track_new(e, j, t);
		return;
	}
	if (!track_live(j, f, t)) {
		t->live = NULL;
		track_new(e, j, t);
		if (t->reason == REASON_TCP_OPEN) {
			t->reason = REASON_TCP_REOPEN;
		}
	}
}

/* A flow on its way into the table, of which only the protocol's part is missing. */
static void init_fresh(const struct job *j, struct flow *f)
{
	const struct frame *frame = j->pkt.frame;

	memset(f, 0, sizeof(*f));
	f->key = j->key;
	/* What a flow to itself sends next counts as the answer, as in the kernel's tracker: its
	 * packets always come from the low side, so the high one is said to have opened it. */
	f->status = j->side == SIDE_HI || flowkey_is_mirror(&j->key) ? FLOW_ORIG_HI : 0;
	f->hook = frame->hook;
	f->ifindex = frame->hook == HOOK_OUTPUT ? frame->oif : frame->iif;
}

static void open_tcp(const struct job *j, struct track *t)
{
	const struct tunables *tun = &j->run->policy->tun;
	struct flow *f = &t->fresh;
	struct track_effect fx;
	enum reason why = tcp_open(&f->conn.tcp, &j->pkt, tun);

	if (why == REASON_NONE &&
	    tcp_track(&f->conn.tcp, &j->pkt, DIR_ORIG, 0, 0, tun, &fx) != TRACK_ACCEPT) {
		why = (enum reason)fx.reason;
	}
	if (why != REASON_NONE) {
		refuse(t, why);
		return;
	}
	t->fresh_ttl_ns = fx.timeout_ns;
	t->reason = j->pkt.tcp.class_nr == SEG_SYN ? REASON_TCP_OPEN : REASON_TCP_PICKUP;
	t->state = CT_NEW;
	t->wants_entry = true;
}

/* No live flow: what may open one, does. */
static void track_new(struct engine *e, const struct job *j, struct track *t)
{
	t->dir = DIR_ORIG;
	init_fresh(j, &t->fresh);
	switch (j->pkt.kind) {
	case PKT_KIND_TCP:
		if (j->pkt.tcp.class_nr == SEG_SYN || j->pkt.tcp.class_nr == SEG_SYNACK) {
			open_tcp(j, t);
			return;
		}
		job_track_late(e, j, t);
		if (t->reason == REASON_NONE) {
			open_tcp(j, t);
		}
		return;
	case PKT_KIND_UDP:
		udp_open(&t->fresh.conn.udp, j->run->now);
		break;
	case PKT_KIND_ICMP_QUERY:
		if (j->side != SIDE_LO) {
			refuse(t, REASON_ICMP_NO_ENTRY);
			return;
		}
		break;
	default:
		break;
	}
	t->state = CT_NEW;
	t->reason = plain_reason(&j->pkt, CT_NEW);
	t->fresh_ttl_ns = j->pkt.kind == PKT_KIND_UDP
	                          ? j->run->policy->tun.udp_unreplied_ns
	                          : tunables_other_ttl_ns(&j->run->policy->tun, j->pkt.l4_proto);
	t->wants_entry = true;
}

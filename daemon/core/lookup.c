/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flow of a packet and the connection state that follows from it.
 *
 * The state that rules match depends on the direction, and on whether a reply was seen before this
 * packet; the protocol's tracker then accepts, ignores or refuses the packet. A flow past its
 * deadline is expired first.
 */
#include "expire.h"
#include "one_way.h"
#include "slowpath.h"
#include "tcp_track.h"
#include "udp_track.h"
#include "verify.h"

static void track_new(struct engine *e, const struct decoded *d, struct outcome *o);
static void init_fresh(const struct decoded *d, struct flow *f);

/* The live flow of the packet's key, or NULL. An entry past its deadline is expired first. */
static struct flow *find_live(const struct decoded *d)
{
	struct flow *f = flowtab_find_hint(&d->shard->flows, &d->key, d->hash, d->hint);

	if (f != NULL) {
		shard_take_lease(d->shard, d->cx->worker, f, d->cx->now);
	}
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
	o->related = f;
	o->has_status = true;
	o->status = f->status;
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

const struct tunables *lookup_tunables(const struct policy *policy, uint32_t timeouts,
                                       struct tunables *own)
{
	*own = policy->tun;
	if (policy->rules != NULL) {
		(void)ruleset_set_timeouts(policy->rules, timeouts, own);
	}
	return own;
}

/* Runs the protocol's tracker on a flow. */
static enum track_verdict run_tracker(const struct decoded *d, struct flow *f, enum flow_dir dir,
                                      struct track_effect *fx)
{
	const struct tunables *tun = &d->cx->policy->tun;
	struct tunables own;

	if ((f->extras & FLOW_EXTRA_TIMEOUTS) != 0) {
		tun = lookup_tunables(d->cx->policy, shard_extra_of(d->shard, f).timeouts, &own);
	}
	if ((f->extras & FLOW_EXTRA_ONE_WAY) != 0) {
		return one_way_track(f, &d->pkt, dir, d->cx->now, tun, fx);
	}
	switch (d->pkt.kind) {
	case PKT_KIND_TCP:
		return tcp_track(&f->conn.tcp, &d->pkt, dir, f->status,
		                 mono_diff(f->deadline, d->cx->now), tun, fx);
	case PKT_KIND_UDP:
		udp_track(&f->conn.udp, d->cx->now, f->status, tun, fx);
		return TRACK_ACCEPT;
	default:
		*fx = (struct track_effect){
			.timeout_ns = tunables_other_ttl_ns(tun, d->pkt.l4_proto),
			/* as the kernel's tracker of GRE */
			.set_assured = d->pkt.l4_proto == IPPROTO_NR_GRE &&
			               (f->status & FLOW_SEEN_REPLY) != 0,
		};
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
	if ((f->extras & FLOW_EXTRA_COUNTED) != 0) {
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
		sources_note(d->shard->sources, &d->shard->graveyard.sip, f, d->cx->now);
	}
	if ((f->probes != 0 || f->extras != 0) && update_rare(d, f, dir)) {
		return;
	}
	if (fx->timeout_ns != 0) {
		flowtab_set_deadline(&d->shard->flows, f, mono_add(d->cx->now, fx->timeout_ns));
	}
}

static void delete_closed(const struct decoded *d, struct flow *f, enum flow_end end)
{
	shard_end(d->shard, d->cx->worker, f, d->hash, end, d->cx->now);
	stat_add(&d->cx->worker->stats.event[EVENT_FLOW_CLOSED], 1);
}

/* True when this packet is a RST that closes a flow, not KNOWN_EXACT, for certain. */
static bool proves_rst(const struct decoded *d, const struct flow *f, enum flow_dir dir)
{
	return (f->status & FLOW_KNOWN) != 0 && d->pkt.tcp.class_nr == SEG_RST &&
	       knowledge_proves_rst(f, shard_witness(d->shard, f), dir, d->pkt.tcp.seq);
}

/*
 * The other end has proved the flow: the tombstone beside it is of a connection that is over. The
 * kernel's tracker keeps the windows of a connection that was picked up, and so does ours: only
 * what is remembered of it follows the witness. All others get exact windows, unless a closer is
 * not proved yet.
 */
static void set_proved(struct flow *f, struct witness *w, enum proof by)
{
	enum knowledge known = status_knowledge(f->status);

	if (by == PROOF_SYNACK) {
		f->status = status_with_knowledge(f->status, KNOWN_EXACT);
		return;
	}
	if (known == KNOWN_LEARNT) {
		return;
	}
	knowledge_set_windows(&f->conn.tcp, w);
	f->status = status_with_knowledge(
		f->status, (w->flags & WITNESS_CLOSED) != 0 ? KNOWN_LEARNT : KNOWN_EXACT);
}

static void prove(struct flow *f, struct witness *w, enum proof by, struct outcome *o)
{
	if ((w->flags & WITNESS_BESIDE) == 0) {
		set_proved(f, w, by);
		return;
	}
	if (by == PROOF_AGREED && (f->status & FLOW_ASSURED) == 0) {
		/* It may still be evicted, and would not be remembered: at the next agreement. */
		return;
	}
	o->proof = by;
}

void lookup_end_older(const struct decoded *d, const struct outcome *o)
{
	struct graveyard *graveyard = &d->shard->graveyard;
	struct witness *w = shard_witness(d->shard, o->live);
	uint32_t tomb = graveyard_find(graveyard, &d->key, d->hash);

	if (tomb != UINT32_MAX) {
		graveyard_del(graveyard, tomb, d->hash);
		stat_add(&d->cx->worker->stats.event[EVENT_TOMB_REPLACED], 1);
	}
	w->flags &= (uint16_t)~WITNESS_BESIDE;
	set_proved(o->live, w, o->proof);
}

/* True for a flow, not picked up, of which a RST below the tracker's acknowledgement may be right.
 */
static bool has_unknown_windows(const struct flow *f)
{
	enum knowledge known = status_knowledge(f->status);

	return known == KNOWN_GAP || known == KNOWN_NOTHING;
}

/*
 * True for a SYN+ACK in direction dir that acknowledges the SYN, and from which the tracker has
 * that side's window. After a gap it accepts any, and keeps the window of an earlier one.
 */
static bool answers_syn(const struct tcp_conn *t, enum flow_dir dir, const struct pkt_tcp *tcp)
{
	const struct tcp_seen *opener = &t->seen[dir_other(dir)];

	return opener->maxwin_bytes != 0 && t->seen[dir].end == tcp->seq + 1 + tcp->payload_size &&
	       ((t->flags[dir] & TCP_SIDE_LIBERAL) == 0 || tcp->ack == opener->end);
}

/* A segment that the tracker accepted, of a flow that is not KNOWN_EXACT. from: the state before
 * it.
 */
static void learn(const struct decoded *d, struct flow *f, enum flow_dir dir, uint8_t from,
                  bool rst_is_proved, struct outcome *o)
{
	struct witness *w = shard_witness(d->shard, f);
	const struct pkt_tcp *tcp = &d->pkt.tcp;
	uint32_t end = tcp->seq + tcp->payload_size;
	uint8_t to = f->conn.tcp.state;

	switch ((enum tcp_class)tcp->class_nr) {
	case SEG_SYNACK:
		/* It answers a SYN: the tracker has both windows from here on. */
		if (to == TCP_SYN_RECV && answers_syn(&f->conn.tcp, dir, tcp)) {
			prove(f, w, PROOF_SYNACK, o);
		}
		return;
	case SEG_FIN:
		end++;
		witness_note_fin(w, dir, end);
		break;
	case SEG_ACK:
		break;
	case SEG_RST:
		if (to == TCP_CLOSE && rst_is_proved) {
			f->conn.tcp.flags[dir] |= TCP_SIDE_RESET;
			w->flags &= (uint16_t)~WITNESS_CLOSED;
		} else if (to == TCP_CLOSE && from != TCP_CLOSE) {
			w->flags |= WITNESS_RST;
		}
		return;
	default:
		return;
	}
	if (witness_hear(w, dir, tcp->seq, end, tcp->ack, tcp->win)) {
		prove(f, w, PROOF_AGREED, o);
	}
}

/* A segment that the live entry f refuses may be one of the older connection beside it. */
static void excuse(struct engine *e, const struct decoded *d, struct flow *f, struct outcome *o)
{
	init_fresh(d, &o->fresh);
	if (late_excuses(e, d, o) && o->wants_entry) {
		o->displaced = f;
		o->live = NULL;
	}
}

/* Notes what an accepted packet has changed; from, status, was_replicated: before it. Returns
 * whether it is the first reply. */
static __attribute__((noinline, cold)) bool note_update(const struct decoded *d,
                                                        const struct flow *f, uint8_t from,
                                                        uint8_t status, bool was_replicated)
{
	shard_note_update(d->shard, d->cx->worker, f, from, status,
	                  was_replicated ? FLOW_CHANGE_CLAIMED : 0, d->cx->now);
	return (f->status & (uint8_t)~status & FLOW_SEEN_REPLY) != 0;
}

/* A SYN that is sent again before it is answered: as in the kernel it neither prolongs the entry
 * nor counts. */
static bool is_repeated_syn(const struct decoded *d, uint8_t from, uint8_t status)
{
	return d->pkt.kind == PKT_KIND_TCP && d->pkt.tcp.class_nr == SEG_SYN &&
	       from == TCP_SYN_SENT && (status & FLOW_SEEN_REPLY) == 0;
}

/* A packet of a live flow. Returns false when the flow was over and is deleted: the packet has no
 * entry then. */
static bool track_live(struct engine *e, const struct decoded *d, struct flow *f, struct outcome *o)
{
	enum flow_dir dir = flow_dir_of(f, (enum key_side)d->side);
	bool replied = dir == DIR_REPLY || (f->status & FLOW_SEEN_REPLY) != 0;
	uint8_t from = f->conn.tcp.state;
	uint8_t status = f->status;
	bool rst_is_proved = proves_rst(d, f, dir);
	bool was_closed = flow_is_closed(f);
	bool was_replicated = (f->probes & FLOW_PROBE_REPLICATED) != 0;
	struct track_effect fx;
	enum track_verdict v = run_tracker(d, f, dir, &fx);

	if (d->pkt.kind == PKT_KIND_TCP && f->conn.tcp.state != from) {
		flowtab_count_state(&d->shard->flows, f, from);
	}
	o->dir = dir;
	o->live = f;
	replied |= (f->extras & FLOW_EXTRA_ONE_WAY) != 0 && one_way_is_open(f);
	o->state = replied ? CT_ESTABLISHED : CT_NEW;
	o->reason = d->pkt.kind == PKT_KIND_TCP ? (enum reason)fx.reason
	                                        : stateless_reason(&d->pkt, o->state);
	switch (v) {
	case TRACK_REPEAT:
		/* The SYN may be forged, and the connection may be open although the tracker's
		 * state is a closed one. */
		shard_remember(d->shard, d->cx->worker, f, d->hash, TOMB_IDLE, d->cx->now);
		delete_closed(d, f, FLOW_END_REOPENED);
		return false;
	case TRACK_INVALID:
		if (fx.timeout_ns != 0) {
			flowtab_set_deadline(&d->shard->flows, f,
			                     mono_add(d->cx->now, fx.timeout_ns));
		}
		if (replied && o->reason == REASON_TCP_RST_SEQ && has_unknown_windows(f)) {
			o->reason = REASON_TCP_IGNORED;
			return true;
		}
		o->state = CT_INVALID;
		if (shard_has_older(d->shard, f)) {
			excuse(e, d, f, o);
		}
		return true;
	case TRACK_IGNORE:
		o->is_ignored = true;
		break;
	case TRACK_ACCEPT:
		break;
	}
	o->is_ignored |= is_repeated_syn(d, from, status);
	if ((f->status & FLOW_KNOWN) != 0 && v == TRACK_ACCEPT) {
		learn(d, f, dir, from, rst_is_proved, o);
	}
	if (o->reason == REASON_TCP_TRACKED && !replied) {
		o->reason = REASON_TCP_UNREPLIED;
	}
	if (fx.delete_it) {
		o->has_status = true;
		o->status = f->status | (dir == DIR_REPLY ? FLOW_SEEN_REPLY : 0);
		o->gone = shard_extra_of(d->shard, f);
		o->gone_account = shard_account_of(d->shard, f);
		delete_closed(d, f, FLOW_END_CLOSED);
		o->live = NULL;
		return true;
	}
	apply(d, f, dir, &fx);
	if (flow_is_closed(f) != was_closed) {
		flowtab_revalue(&d->shard->flows, f, d->hash);
	}
	if (dir == DIR_REPLY) {
		f->status |= FLOW_SEEN_REPLY;
	}
	if (d->cx->worker->sink.flow != NULL) {
		o->is_opening = note_update(d, f, from, status, was_replicated);
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
	if (d->pkt.kind == PKT_KIND_TCP && verify_hear(d, o)) {
		return;
	}
	if (f == NULL) {
		track_new(e, d, o);
		return;
	}
	if (shard_has_older(d->shard, f)) {
		init_fresh(d, &o->fresh);
		if (late_reclaims(e, d, f, o)) {
			o->displaced = o->wants_entry ? f : NULL;
			return;
		}
	}
	if (!track_live(e, d, f, o)) {
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
	if (d->pkt.tcp.class_nr == SEG_ACK) {
		f->status = status_with_knowledge(f->status, KNOWN_LEARNT);
	}
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

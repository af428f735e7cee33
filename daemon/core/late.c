/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP segments that open nothing and have no live entry. The late chain decides about a FIN or RST;
 * both, and data too, are compared with the remembered connection. doc/late-close.md.
 */
#include "gcra.h"
#include "late_close.h"
#include "slowpath.h"
#include "verify.h"

/* Between two unproved segments of a side of a connection, with different numbers and the same. A
 * TCP retransmits after 200 ms or later. */
#define UNPROVED_INTERVAL_NS NSEC_PER_SEC
#define UNPROVED_REPEAT_NS   (100 * NSEC_PER_MSEC)

static void set_outcome(struct outcome *o, enum reason why)
{
	o->reason = why;
	o->state = reason_state(why);
}

/* Reads the tombstone of the packet's connection. Returns false when there is none; one that is too
 * old is deleted. */
static bool find_tomb(const struct decoded *d, struct tomb_info *tomb)
{
	uint32_t nr = graveyard_find(&d->shard->graveyard, &d->key, d->hash);

	if (nr == UINT32_MAX) {
		return false;
	}
	graveyard_read(&d->shard->graveyard, nr, d->cx->now, tomb);
	if (mono_diff(d->cx->now, tomb->ended) < d->cx->policy->tun.remember_ns) {
		return true;
	}
	graveyard_del(&d->shard->graveyard, nr, d->hash);
	stat_add(&d->cx->worker->stats.event[EVENT_TOMB_EXPIRED], 1);
	return false;
}

static enum flow_dir tomb_dir(const struct tomb_info *tomb, enum key_side side)
{
	return status_dir_of(tomb->status, side);
}

static enum reason revived_reason(const struct decoded *d)
{
	return d->pkt.tcp.class_nr == SEG_ACK ? REASON_LATE_RESURRECTED : REASON_LATE_REVIVED;
}

/* What a segment means for a remembered connection. */
struct judgement {
	enum reason why;
	/* if it revives */
	struct tcp_conn revived; /* the connection after it */
	struct track_effect fx;
	enum knowledge known; /* of the revived connection */
};

/*
 * Judges the segment against the remembered connection. out->why becomes REASON_LATE_REVIVED or
 * REASON_LATE_RESURRECTED; REASON_LATE_UNPROVED if it may belong to it, but nothing proves that; or
 * why it is refused.
 */
static void judge(const struct decoded *d, const struct tomb_info *tomb, struct judgement *out)
{
	const struct unproved_pair *first;
	const struct tunables *tun = &d->cx->policy->tun;
	enum flow_dir dir = tomb_dir(tomb, (enum key_side)d->side);

	out->known = status_knowledge(tomb->status);
	if (out->known == KNOWN_EXACT) {
		out->why = late_judge(&tomb->conn, &d->pkt, dir, tun, &out->revived, &out->fx);
		return;
	}
	first = shard_unproved(d->shard, d->hash);
	if (first->hash == d->hash && late_answers(&tomb->conn, &first->of[dir_other(dir)], &d->pkt,
	                                           dir, tun, &out->revived, &out->fx)) {
		out->known = KNOWN_EXACT;
		out->why = revived_reason(d);
		return;
	}
	if (out->known == KNOWN_GAP) {
		out->why = late_judge(&tomb->conn, &d->pkt, dir, tun, &out->revived, &out->fx);
		if (reason_state(out->why) != CT_INVALID ||
		    !late_may_have_moved(&tomb->conn, &d->pkt, dir)) {
			return;
		}
	}
	out->why = tun->unknown_windows == UNKNOWN_WINDOWS_REFUSE ? REASON_LATE_NOT_PROVED
	                                                          : REASON_LATE_UNPROVED;
}

/* The reason alone. */
static enum reason judged_reason(const struct decoded *d, const struct tomb_info *tomb)
{
	struct judgement j;

	judge(d, tomb, &j);
	return j.why;
}

/*
 * The answering end revives: the entry has the opener's hook and interface, which are those that
 * the opener's packets have on the same path.
 */
static void mirror_path(const struct decoded *d, struct flow *f)
{
	const struct frame *frame = d->pkt.frame;

	switch ((enum hook)frame->hook) {
	case HOOK_INPUT:
		f->hook = HOOK_OUTPUT;
		f->ifindex = frame->iif;
		break;
	case HOOK_OUTPUT:
		f->hook = HOOK_INPUT;
		f->ifindex = frame->oif;
		break;
	default:
		f->ifindex = frame->oif;
		break;
	}
}

/* Fills the new entry from the remembered connection, if the segment fits it. */
static void revive(const struct decoded *d, const struct tomb_info *tomb, const struct judgement *j,
                   struct outcome *o)
{
	set_outcome(o, j->why);
	if (o->reason != revived_reason(d)) {
		return;
	}
	o->dir = tomb_dir(tomb, (enum key_side)d->side);
	o->fresh.conn.tcp = j->revived;
	flow_set_extra_of_copy(&o->fresh, tomb->extra);
	o->fresh.status = status_with_knowledge(tomb->status, j->known) | FLOW_REVIVED;
	if (o->dir == DIR_REPLY) {
		mirror_path(d, &o->fresh);
	}
	o->fresh_ttl_ns = j->fx.timeout_ns;
	o->wants_entry = true;
}

/* Fills the new entry as the segment and the other end's answer describe it. tomb may be NULL. */
static void revive_proved(const struct decoded *d, const struct tomb_info *tomb,
                          const struct question *answer, struct outcome *o)
{
	const struct engine_sink *sink = &d->cx->worker->sink;
	struct track_effect fx;

	if (!late_prove(tomb != NULL ? &tomb->conn : NULL, &d->pkt, o->dir, answer->expects,
	                answer->next, answer->win, &d->cx->policy->tun, &o->fresh.conn.tcp, &fx)) {
		set_outcome(o, REASON_LATE_STATE);
		return;
	}
	if (tomb != NULL) {
		o->fresh.status = status_with_knowledge(tomb->status, KNOWN_EXACT) | FLOW_REVIVED;
		flow_set_extra_of_copy(&o->fresh, tomb->extra);
		if (o->dir == DIR_REPLY) {
			mirror_path(d, &o->fresh);
		}
	} else {
		o->fresh.status |= FLOW_SEEN_REPLY | FLOW_ASSURED;
		o->fresh.status = status_with_knowledge(o->fresh.status, KNOWN_LEARNT);
	}
	o->fresh_ttl_ns = fx.timeout_ns;
	o->wants_entry = true;
	/* What waits in the other direction has an entry now. */
	if (sink->release != NULL) {
		sink->release(sink->ctx, d->hash);
	}
}

/* Holds the segment until the other end has answered, or judges it by the answer. */
static enum reason verify(struct engine *e, const struct decoded *d, const struct tomb_info *tomb,
                          bool fits, struct outcome *o)
{
	struct question answer;
	enum reason why;

	o->dir = tomb != NULL ? tomb_dir(tomb, (enum key_side)d->side) : DIR_ORIG;
	why = verify_segment(e, d, o->dir, fits, &answer);
	if (why == REASON_NONE) {
		o->is_held = true;
		return why;
	}
	set_outcome(o, why);
	if (why == REASON_LATE_VERIFIED) {
		revive_proved(d, tomb, &answer, o);
	}
	return o->reason;
}

/*
 * True for a RST with the number that the other end has acknowledged in an unproved segment. It may
 * be the answer of an end without such a connection, which must arrive.
 */
static bool is_answered_rst(const struct unproved *other, const struct pkt_tcp *tcp)
{
	return other->when.ns != 0 && tcp->seq == other->ack;
}

/* True for a segment with the numbers of the one that has passed: a retransmission, or the next one
 * of the same sender. A forger learns nothing by repeating himself. */
static bool continues(const struct unproved *last, const struct pkt_tcp *tcp)
{
	return last->when.ns != 0 && tcp->ack == last->ack &&
	       (tcp->seq == last->seq || tcp->seq == last->end);
}

static bool is_recent(struct mono when, struct mono now, int64_t interval_ns)
{
	return when.ns != 0 && mono_diff(now, when) < interval_ns;
}

/*
 * A segment that may belong to the remembered connection passes, and changes nothing: of each side
 * one a second, RSTs counted apart, so that somebody who forges segments of one side, or RSTs, does
 * not use up what the other side, or a FIN, needs. It is noted: if the other end answers it
 * exactly, that is proof, and revives the connection. The answer to a forged segment is noted too;
 * it has the true numbers, and with them the true segment proves itself. Returns false when the
 * segment is one too many.
 */
static bool pass_unproved(const struct decoded *d, const struct tomb_info *tomb, struct outcome *o)
{
	const struct unproved_pair *place = shard_unproved(d->shard, d->hash);
	bool is_own = place->hash == d->hash && place->used.ns != 0;
	const struct pkt_tcp *tcp = &d->pkt.tcp;
	struct unproved_pair *next = &o->unproved;
	struct mono now = d->cx->now;
	struct unproved *last;

	o->dir = tomb_dir(tomb, (enum key_side)d->side);
	if (!is_own && is_recent(place->used, now, UNPROVED_INTERVAL_NS)) {
		return false;
	}
	*next = is_own ? *place : (struct unproved_pair){ .hash = d->hash };
	next->used = now;
	last = &next->of[o->dir];
	if (tcp->class_nr == SEG_RST) {
		if (is_answered_rst(&next->of[dir_other(o->dir)], tcp)) {
			return true;
		}
		if (is_recent(next->rst[o->dir], now, UNPROVED_INTERVAL_NS)) {
			return false;
		}
		next->rst[o->dir] = now;
		o->is_unproved = true;
		return true;
	}
	if (is_recent(last->when, now, UNPROVED_INTERVAL_NS)) {
		if (!continues(last, tcp) || is_recent(last->again, now, UNPROVED_REPEAT_NS)) {
			return false;
		}
	} else {
		last->when = now;
	}
	last->again = now;
	last->seq = tcp->seq;
	last->end = tcp->seq + tcp->payload_size + (tcp->class_nr == SEG_FIN);
	last->ack = tcp->ack;
	last->win = tcp->win;
	last->class_nr = tcp->class_nr;
	o->is_unproved = true;
	return true;
}

/*
 * Takes from the rate of the packet's source (IPv6: of its /64), and from that of its interface
 * unless it fits a remembered connection: forged sources can use up the rate of the interface that
 * they come from, but neither that of others nor what a true sender needs.
 */
static bool rate_allows(struct engine *e, const struct decoded *d, bool fits)
{
	const struct tunables *tun = &d->cx->policy->tun;
	uint64_t all_ns = (uint64_t)NSEC_PER_SEC / tun->late_rate;
	uint64_t each_ns = (uint64_t)NSEC_PER_SEC / tun->late_rate_source;
	uint64_t source = siphash13(&e->cfg.hash_key, d->pkt.tuple.src.half, 1);
	uint32_t iface = d->pkt.frame->iif % LATE_IFACES;

	/* The burst is one second's worth. */
	return gcra_take(&e->late_source[source % LATE_SOURCES], each_ns, NSEC_PER_SEC - each_ns,
	                 d->cx->now) &&
	       (fits ||
	        gcra_take(&e->late_iface[iface], all_ns, NSEC_PER_SEC - all_ns, d->cx->now));
}

static void pick_up(const struct decoded *d, struct outcome *o)
{
	tcp_pickup_close(&o->fresh.conn.tcp, &d->pkt);
	o->fresh_ttl_ns = d->cx->policy->tun.tcp_timeout_ns[o->fresh.conn.tcp.state];
	o->wants_entry = true;
}

static void send_raw(const struct decoded *d, const struct raw_request *req)
{
	const struct engine_sink *sink = &d->cx->worker->sink;

	if (sink->raw != NULL && d->cx->policy->tun.enforce != 0) {
		(void)sink->raw(sink->ctx, req);
	}
}

/*
 * Resets the sender of a FIN, with the sequence number that it acknowledged. The
 * other end is reset too, but only if the FIN fits the remembered connection: a forged one must not
 * reset a third party.
 */
static void reject(const struct decoded *d, const struct tomb_info *tomb, enum reason remembered)
{
	const struct frame *frame = d->pkt.frame;
	uint32_t ifindex = frame->hook == HOOK_OUTPUT ? frame->oif : frame->iif;
	struct raw_request to_sender = {
		.tuple = tuple_reversed(&d->pkt.tuple),
		.seq = d->pkt.tcp.ack,
		.kind = RAW_RESET,
	};

	to_sender.ifindex = late_link(&to_sender.tuple, ifindex);
	send_raw(d, &to_sender);
	if (remembered == REASON_LATE_REVIVED) {
		enum key_side opener = status_orig_side(tomb->status);
		struct raw_request to_other =
			late_request(&tomb->conn, &tomb->key, opener,
		                     tomb_dir(tomb, (enum key_side)d->side), RAW_RESET, ifindex);

		send_raw(d, &to_other);
	}
}

/* The reason that a policy gives the segment, without effects and without its rate limit.
 * remembered: that of the policy `remembered`. */
static enum reason policy_reason(const struct decoded *d, enum reason remembered,
                                 enum late_policy policy)
{
	switch (policy) {
	case LATE_REMEMBERED:
		return remembered;
	case LATE_PICKUP:
		return REASON_LATE_PICKUP;
	case LATE_LENIENT:
		return d->pkt.tcp.payload_size != 0 ? REASON_LATE_PAYLOAD : REASON_LATE_LENIENT;
	case LATE_REJECT:
		/* A RST is never answered with a RST (RFC 9293, 3.10.7.1). */
		return d->pkt.tcp.class_nr == SEG_RST ? REASON_LATE_STRICT : REASON_LATE_REJECTED;
	case LATE_VERIFY:
		return verify_known(d);
	default:
		return REASON_LATE_STRICT;
	}
}

/* A connection that was deleted for good: it is over, whatever the policy. */
static bool is_deleted(const struct tomb_info *tomb)
{
	return tomb != NULL && tomb->cause == TOMB_DELETED;
}

/* Fills the event but for reason and verdict. */
static void describe(const struct decoded *d, const struct tomb_info *tomb, enum late_policy policy,
                     struct outcome *o)
{
	struct late_event *ev = &o->late;

	o->has_late = true;
	*ev = (struct late_event){
		.tuple = d->pkt.tuple,
		.class_nr = d->pkt.tcp.class_nr,
		.policy = (uint8_t)policy,
	};
	if (tomb != NULL) {
		enum flow_dir dir = tomb_dir(tomb, (enum key_side)d->side);

		ev->has_tomb = 1;
		ev->cause = tomb->cause;
		ev->tcp_state = tomb->conn.state;
		ev->gone_ns = mono_diff(d->cx->now, tomb->ended);
		ev->seq_distance = (int32_t)(d->pkt.tcp.seq - tomb->conn.seen[dir].end);
	}
}

/* True when the other end is to be asked about a late close for which the policy has this reason.
 */
static bool wants_proof(const struct decoded *d, enum late_policy policy, enum reason why)
{
	switch (policy) {
	case LATE_VERIFY:
		return why != REASON_LATE_DELETED;
	case LATE_REMEMBERED:
		return d->cx->policy->tun.verify_unknown != VERIFY_UNKNOWN_OFF &&
		       (why == REASON_LATE_UNPROVED || why == REASON_LATE_NOT_PROVED);
	default:
		return false;
	}
}

/* Without a question the policy `remembered` judges as it does with `verify-unknown off`. */
static bool is_unprobed(enum late_policy policy, enum reason why)
{
	return policy == LATE_REMEMBERED &&
	       (why == REASON_LATE_NOT_PROBED || why == REASON_LATE_RATE);
}

static void track_close(struct engine *e, const struct decoded *d, const struct tomb_info *tomb,
                        struct outcome *o)
{
	struct rule_input in = { .pkt = &d->pkt, .state = CT_LATE, .dir = DIR_ORIG };
	struct judgement j = { .why = REASON_LATE_UNKNOWN };
	struct rule_result rules;
	enum late_policy policy;
	enum reason why;
	bool fits;

	if (d->pkt.frame->was_held != 0) {
		in.mode = EVAL_AGAIN; /* the chain has had its effects */
	}
	if (tomb != NULL) {
		judge(d, tomb, &j);
	}
	verdict_eval(d->cx, CHAIN_LATE, &in, &rules);
	policy = (enum late_policy)(rules.code - RULE_LATE_FIRST);
	describe(d, tomb, policy, o);
	o->late.rule_nr = rules.rule_nr;
	for (unsigned p = 0; p < LATE_POLICIES_LEN; p++) {
		o->late_would[p] = policy_reason(d, j.why, (enum late_policy)p);
		if (is_deleted(tomb) && o->late_would[p] != REASON_LATE_STRICT &&
		    o->late_would[p] != REASON_LATE_REJECTED) {
			o->late_would[p] = REASON_LATE_DELETED;
		}
	}
	set_outcome(o, o->late_would[policy]);
	o->must_drop = policy == LATE_REJECT;
	fits = o->late_would[LATE_REMEMBERED] == REASON_LATE_REVIVED;
	if (wants_proof(d, policy, o->reason)) {
		why = verify(e, d, tomb, fits, o);
		if (why == REASON_NONE) {
			o->has_late = false;
			return;
		}
		if (!is_unprobed(policy, why)) {
			o->late_would[LATE_VERIFY] = why;
			return;
		}
		set_outcome(o, o->late_would[policy]);
	}
	switch (o->reason) {
	case REASON_LATE_REVIVED:
		revive(d, tomb, &j, o);
		break;
	case REASON_LATE_UNPROVED:
		if (!pass_unproved(d, tomb, o)) {
			set_outcome(o, REASON_LATE_RATE);
		}
		break;
	case REASON_LATE_PICKUP:
		pick_up(d, o);
		break;
	case REASON_LATE_LENIENT:
		if (!rate_allows(e, d, fits)) {
			set_outcome(o, REASON_LATE_RATE);
		}
		break;
	case REASON_LATE_REJECTED:
		if (!rate_allows(e, d, fits)) {
			set_outcome(o, REASON_LATE_RATE);
			break;
		}
		reject(d, tomb, o->late_would[LATE_REMEMBERED]);
		break;
	default:
		break;
	}
}

/* Late data where the setting `resurrect` is `verify`. */
static void verify_data(struct engine *e, const struct decoded *d, const struct tomb_info *tomb,
                        struct outcome *o)
{
	bool fits = judged_reason(d, tomb) == REASON_LATE_RESURRECTED;

	switch (verify(e, d, tomb, fits, o)) {
	case REASON_NONE:
	case REASON_LATE_VERIFIED:
	case REASON_LATE_COPY:
		break;
	default:
		o->dir = DIR_ORIG;
		o->reason = REASON_NONE; /* as without a tombstone: `loose` decides */
		break;
	}
}

void late_segment(struct engine *e, const struct decoded *d, struct outcome *o)
{
	struct tomb_info tomb;
	struct judgement j;
	bool known = find_tomb(d, &tomb);

	if (d->pkt.tcp.class_nr != SEG_ACK) {
		track_close(e, d, known ? &tomb : NULL, o);
		return;
	}
	if (known && is_deleted(&tomb)) {
		set_outcome(o, REASON_LATE_DELETED);
		return;
	}
	o->reason = REASON_NONE;
	if (known && d->cx->policy->tun.resurrect == RESURRECT_VERIFY) {
		verify_data(e, d, &tomb, o);
		return;
	}
	if (known && d->cx->policy->tun.resurrect == RESURRECT_ON) {
		judge(d, &tomb, &j);
		revive(d, &tomb, &j, o);
		if (o->state == CT_INVALID ||
		    (o->reason == REASON_LATE_UNPROVED && !pass_unproved(d, &tomb, o))) {
			o->reason = REASON_NONE; /* as without a tombstone: `loose` decides */
		}
	}
}

/*
 * Beside a deleted connection: true for what belongs to the opening of a new one with the same
 * ports, of which live is the entry. That is the RST that answers the SYN, and the empty ACK with
 * which an end answers it that still has the deleted connection (RFC 5961, 4.2), to which the
 * opener replies with a RST before it repeats its SYN. Without these the ports could not be used
 * until that end has given up.
 */
static bool belongs_to_opening(const struct decoded *d, const struct flow *live)
{
	enum flow_dir dir = flow_dir_of(live, (enum key_side)d->side);
	const struct tcp_conn *t = &live->conn.tcp;
	const struct pkt_tcp *tcp = &d->pkt.tcp;

	if (t->state != TCP_SYN_SENT) {
		return false;
	}
	switch ((enum tcp_class)tcp->class_nr) {
	case SEG_ACK:
		return dir == DIR_REPLY && tcp->payload_size == 0;
	case SEG_RST:
		if (dir == DIR_REPLY) {
			return (tcp->flags & TCP_ACK) != 0 && tcp->ack == t->seen[DIR_ORIG].end;
		}
		return t->last_class == SEG_ACK && t->last_dir == DIR_REPLY &&
		       tcp->seq == t->last_ack;
	default:
		return false;
	}
}

bool late_reclaims(struct engine *e, const struct decoded *d, const struct flow *live,
                   struct outcome *o)
{
	enum tcp_class class_nr = (enum tcp_class)d->pkt.tcp.class_nr;
	struct tomb_info tomb;
	struct outcome late;

	if ((class_nr != SEG_ACK && class_nr != SEG_FIN && class_nr != SEG_RST) ||
	    !find_tomb(d, &tomb)) {
		return false;
	}
	if (is_deleted(&tomb)) {
		if (belongs_to_opening(d, live)) {
			return false;
		}
		/* Until its SYN is answered the entry is hidden from other segments. */
		set_outcome(o, REASON_LATE_DELETED);
		return true;
	}
	if (judged_reason(d, &tomb) != revived_reason(d)) {
		return false;
	}
	late = *o;
	late_segment(e, d, &late);
	if (!late.must_drop && !late.is_held &&
	    (!late.wants_entry || (late.fresh.status & FLOW_REVIVED) == 0)) {
		return false;
	}
	*o = late;
	return true;
}

bool late_excuses(struct engine *e, const struct decoded *d, struct outcome *o)
{
	enum tcp_class class_nr = (enum tcp_class)d->pkt.tcp.class_nr;
	struct tomb_info tomb;
	struct outcome late;

	/* Only then: a late policy may send a RST. */
	if ((class_nr != SEG_ACK && class_nr != SEG_FIN && class_nr != SEG_RST) ||
	    !find_tomb(d, &tomb) || is_deleted(&tomb) ||
	    judged_reason(d, &tomb) != REASON_LATE_UNPROVED) {
		return false;
	}
	late = *o;
	late_segment(e, d, &late);
	if (late.reason != REASON_LATE_UNPROVED && late.reason != REASON_LATE_VERIFIED &&
	    !late.must_drop && !late.is_held) {
		return false;
	}
	*o = late;
	return true;
}

/*
 * The chain of the packet's hook is evaluated again, without effects, for the states that a policy
 * can give.
 */
void late_report(const struct decoded *d, struct outcome *o, enum verdict judged)
{
	unsigned nr = (o->late.class_nr == SEG_RST ? LATE_RST_UNKNOWN : LATE_FIN_UNKNOWN) +
	              o->late.has_tomb;
	const struct engine_sink *sink = &d->cx->worker->sink;
	bool passes[CT_STATES_LEN] = { false };

	for (unsigned s = 0; s < CT_STATES_LEN; s++) {
		struct rule_input in = {
			.pkt = &d->pkt, .state = (enum ct_state)s, .dir = o->dir, .mode = EVAL_DRY
		};
		struct rule_result rules;

		if (s == CT_INVALID || s == CT_ESTABLISHED || s == CT_LATE) {
			verdict_eval(d->cx, (enum base_chain)d->pkt.frame->hook, &in, &rules);
			passes[s] = verdict_of(&rules) == VERDICT_ACCEPT;
		}
	}
	for (unsigned p = 0; p < LATE_POLICIES_LEN; p++) {
		bool pass = p != LATE_REJECT && passes[reason_state(o->late_would[p])];

		if (p == o->late.policy) {
			pass = judged == VERDICT_ACCEPT;
		}
		stat_add(&d->cx->worker->stats.late[p][nr][pass], 1);
	}
	o->late.reason = (uint8_t)o->reason;
	o->late.verdict = (uint8_t)judged;
	if (sink->late != NULL) {
		sink->late(sink->ctx, &o->late);
	}
}

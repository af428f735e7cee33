/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions about late segments: when one is asked, and what is held meanwhile. See verify.h.
 *
 * At most one probe is sent for an arriving segment, and it is no larger. None is sent where the
 * rules would not let the segment itself through, to or from an address that is not one host's,
 * above a rate, or while another question about the connection was asked a moment ago.
 */
#include "verify.h"

#include "gcra.h"

#include <finwall/bytes.h>

/* Between two probes of a direction while no answer arrives: a retransmission asks again. */
#define PROBE_REPEAT_NS (200 * NSEC_PER_MSEC)

/* After an answer that does not fit. Linux answers such probes twice a second at most
 * (net.ipv4.tcp_invalid_ratelimit). */
#define PROBE_ANEW_NS (500 * NSEC_PER_MSEC)

/* Segments that come again have one part in this of the rates, in addition. */
#define REPEATED_PART 4

/* A TCP retransmits after 200 ms or later, the second time after twice that, at most two minutes.
 */
#define REFUSED_REPEAT_MS 100u
#define REFUSED_KEEP_MS   130000u

/* Multicast, reserved and limited broadcast addresses. */
#define IP4_UNICAST_END 0xe0000000u

static bool is_one_host(uint8_t family, const union ip_addr *a)
{
	if (family == 4) {
		uint32_t ip = load_be32(a->bytes);

		return ip >> 24 != 0 && ip < IP4_UNICAST_END;
	}
	return a->bytes[0] != 0xff && (a->half[0] != 0 || a->half[1] != 0);
}

static bool is_link_local(const struct tuple *t)
{
	return t->family == 6 && t->dst.bytes[0] == 0xfe && (t->dst.bytes[1] & 0xc0) == 0x80;
}

/* True when the rules would accept the segment if it were proved. */
static bool rules_would_accept(const struct decoded *d, enum flow_dir dir)
{
	struct rule_input in = {
		.pkt = &d->pkt, .state = CT_ESTABLISHED, .dir = dir, .mode = EVAL_DRY
	};
	struct rule_result rules;

	verdict_eval(d->cx, (enum base_chain)d->pkt.frame->hook, &in, &rules);
	return verdict_of(&rules) == VERDICT_ACCEPT;
}

static bool may_probe(const struct decoded *d, enum flow_dir dir)
{
	const struct tuple *t = &d->pkt.tuple;

	return d->cx->worker->sink.hold != NULL && d->cx->policy->tun.enforce != 0 &&
	       is_one_host(t->family, &t->src) && is_one_host(t->family, &t->dst) &&
	       rules_would_accept(d, dir);
}

/* Nanoseconds between two tokens, at most a second. */
static uint64_t interval_ns(uint32_t rate, uint32_t part)
{
	return rate > part ? (uint64_t)NSEC_PER_SEC * part / rate : NSEC_PER_SEC;
}

/* Takes from the share of the source (IPv6: of its /64), and from that of all unless it fits. The
 * burst is one second's worth. */
static bool share_allows(struct engine *e, const struct decoded *d, enum verify_share_nr nr)
{
	const struct tunables *tun = &d->cx->policy->tun;
	uint32_t part = nr == VERIFY_REPEATED ? REPEATED_PART : 1;
	uint64_t all_ns = interval_ns(tun->verify_rate, part);
	uint64_t each_ns = interval_ns(tun->verify_rate_source, part);
	uint64_t source = siphash13(&e->cfg.hash_key, d->pkt.tuple.src.half, 1);
	struct verify_share *share = &e->verify[nr];

	return gcra_take(&share->source[source % LATE_SOURCES], each_ns, NSEC_PER_SEC - each_ns,
	                 d->cx->now) &&
	       (nr == VERIFY_FITTING ||
	        gcra_take(&share->all, all_ns, NSEC_PER_SEC - all_ns, d->cx->now));
}

/*
 * True for a segment that was above the rate a moment ago: a retransmission. Otherwise it is noted,
 * in place of another one. A word has half of a keyed hash, and the time in milliseconds. Threads
 * that overwrite each other's word do no harm.
 */
static bool was_refused(struct engine *e, const struct decoded *d)
{
	const struct pkt_tcp *tcp = &d->pkt.tcp;
	uint64_t key[2] = { d->hash,
		            (uint64_t)tcp->seq << 32 | (uint32_t)(d->side << 8) | tcp->class_nr };
	uint64_t hash = siphash13(&e->cfg.hash_key, key, 2);
	uint32_t now_ms = (uint32_t)(d->cx->now.ns / NSEC_PER_MSEC);
	_Atomic uint64_t *place = &e->verify_refused[hash % VERIFY_REFUSED_LEN];
	uint64_t word = atomic_load_explicit(place, memory_order_relaxed);

	if (word >> 32 == hash >> 32 && now_ms - (uint32_t)word <= REFUSED_KEEP_MS) {
		return now_ms - (uint32_t)word >= REFUSED_REPEAT_MS;
	}
	atomic_store_explicit(place, (hash & ~(uint64_t)UINT32_MAX) | now_ms, memory_order_relaxed);
	return false;
}

/*
 * Numbers that somebody guesses in the name of the sender do not use up what a segment needs that
 * fits, or that is retransmitted: a guess is not worth repeating.
 */
static bool rate_allows(struct engine *e, const struct decoded *d, bool fits)
{
	return share_allows(e, d, fits ? VERIFY_FITTING : VERIFY_FIRST) ||
	       (was_refused(e, d) && share_allows(e, d, VERIFY_REPEATED));
}

/* Copies the timestamps: an end that has agreed on them may ignore segments without (RFC 7323,
 * section 3.2). Linux and BSD put two fillers before them. */
static void copy_timestamps(const struct pkt_tcp *tcp, struct raw_request *req)
{
	if (tcp->opts_size >= 12 && load_be32(tcp->opts) == 0x0101080a) {
		req->has_ts = 1;
		req->ts[0] = load_be32(tcp->opts + 4);
		req->ts[1] = load_be32(tcp->opts + 8);
	}
}

/*
 * The probe: shaped like a keepalive of the segment's sender. Its receiver ignores the window,
 * unless a forged segment has a number within its window, by chance. Then the largest one does
 * least harm.
 */
static struct raw_request probe_for(const struct decoded *d)
{
	const struct pkt_tcp *tcp = &d->pkt.tcp;
	const struct frame *f = d->pkt.frame;
	struct raw_request req = {
		.tuple = d->pkt.tuple,
		.seq = tcp->seq - 1,
		.ack = (tcp->flags & TCP_ACK) != 0 ? tcp->ack : 0,
		.win = UINT16_MAX,
		.kind = RAW_KEEPALIVE,
	};

	if (is_link_local(&req.tuple)) {
		req.ifindex = f->hook == HOOK_INPUT ? f->iif : f->oif;
	}
	copy_timestamps(tcp, &req);
	return req;
}

/* The place of a held segment with these numbers, or NULL. */
static struct held_seg *find_held(struct question *q, const struct pkt_tcp *tcp)
{
	for (unsigned i = 0; i < q->held_len; i++) {
		struct held_seg *h = &q->held[i];

		if (h->seq == tcp->seq && h->ack == tcp->ack && h->class_nr == tcp->class_nr) {
			return h;
		}
	}
	return NULL;
}

/* q may be NULL. */
static void forget_held(struct question *q, const struct pkt_tcp *tcp)
{
	struct held_seg *h = q != NULL ? find_held(q, tcp) : NULL;

	if (h != NULL) {
		*h = q->held[--q->held_len];
	}
}

static void note_probe(const struct decoded *d, struct question *q, const struct raw_request *req)
{
	/* segments that are held a little later wait for this answer too */
	question_note_probe(&d->shard->questions, q, req->seq, req->ack,
	                    d->cx->policy->tun.verify_timeout_ns + PROBE_REPEAT_NS, d->cx->now);
	stat_add(&d->cx->worker->stats.event[EVENT_PROBED], 1);
}

/* A copy of a held segment: its sender has retransmitted it, so the question is repeated. */
static void probe_again(struct engine *e, const struct decoded *d, bool fits, struct question *q)
{
	const struct engine_sink *sink = &d->cx->worker->sink;
	struct raw_request req = probe_for(d);

	if (mono_diff(d->cx->now, q->probed) < PROBE_REPEAT_NS || sink->raw == NULL ||
	    !rate_allows(e, d, fits)) {
		return;
	}
	if (sink->raw(sink->ctx, &req) == RAW_SENT) {
		note_probe(d, q, &req);
	}
}

/* Holds the segment, and asks unless the question is new enough. */
static enum reason hold(const struct decoded *d, struct question *q)
{
	const struct engine_sink *sink = &d->cx->worker->sink;
	const struct pkt_tcp *tcp = &d->pkt.tcp;
	struct mono now = d->cx->now;
	struct mono deadline = mono_add(now, d->cx->policy->tun.verify_timeout_ns);
	bool probes = q->probed.ns == 0 || mono_diff(now, q->probed) >= PROBE_REPEAT_NS;
	struct raw_request req = probe_for(d);

	switch (sink->hold(sink->ctx, d->pkt.frame, d->hash, deadline, probes ? &req : NULL)) {
	case RAW_SENT:
		break;
	case RAW_BUSY:
		return REASON_LATE_RATE;
	default:
		return REASON_LATE_NOT_PROBED;
	}
	if (probes) {
		note_probe(d, q, &req);
	}
	q->iif = d->pkt.frame->iif;
	q->oif = d->pkt.frame->oif;
	q->hook = d->pkt.frame->hook;
	q->held[q->held_len++] = (struct held_seg){ tcp->seq, tcp->ack, tcp->class_nr };
	stat_add(&d->cx->worker->stats.event[EVENT_HELD], 1);
	return REASON_NONE;
}

static enum reason probe(struct engine *e, const struct decoded *d, bool fits, struct question *q)
{
	if (q != NULL && find_held(q, &d->pkt.tcp) != NULL) {
		probe_again(e, d, fits, q);
		return REASON_LATE_COPY;
	}
	if ((q != NULL && q->held_len == QUESTION_HELD_MAX) || !rate_allows(e, d, fits)) {
		return REASON_LATE_RATE;
	}
	if (q == NULL) {
		q = questions_add(&d->shard->questions, d->hash, (enum key_side)d->side,
		                  d->cx->now);
	}
	return q == NULL ? REASON_LATE_RATE : hold(d, q);
}

enum reason verify_segment(struct engine *e, const struct decoded *d, enum flow_dir dir, bool fits,
                           struct question *answer)
{
	struct question *q =
		questions_find(&d->shard->questions, d->hash, (enum key_side)d->side, d->cx->now);
	bool was_held = d->pkt.frame->was_held != 0;

	if (q != NULL && question_is_answered(q, d->cx->now)) {
		enum reason why = question_judge(q, &d->pkt.tcp);

		if (!was_held && !rate_allows(e, d, fits)) {
			return REASON_LATE_RATE; /* each segment is a guess */
		}
		if (why == REASON_LATE_VERIFIED) {
			*answer = *q;
		}
		if (why == REASON_LATE_VERIFIED || was_held ||
		    mono_diff(d->cx->now, q->probed) < PROBE_ANEW_NS) {
			return why;
		}
		q->answer = ANSWER_NONE; /* to be probed anew */
	}
	if (was_held) {
		forget_held(q, &d->pkt.tcp);
		return REASON_LATE_UNANSWERED;
	}
	return may_probe(d, dir) ? probe(e, d, fits, q) : REASON_LATE_NOT_PROBED;
}

enum reason verify_known(const struct decoded *d)
{
	const struct question *q =
		questions_find(&d->shard->questions, d->hash, (enum key_side)d->side, d->cx->now);

	return q != NULL && question_is_answered(q, d->cx->now) ? question_judge(q, &d->pkt.tcp)
	                                                        : REASON_LATE_NOT_PROBED;
}

bool verify_hear(const struct decoded *d, struct outcome *o)
{
	enum key_side other = d->side == SIDE_LO ? SIDE_HI : SIDE_LO;
	const struct engine_sink *sink = &d->cx->worker->sink;
	struct question *q;

	if (mono_is_due(d->shard->questions.until, d->cx->now)) {
		return false;
	}
	q = questions_find(&d->shard->questions, d->hash, other, d->cx->now);
	if (q == NULL || !question_hear(q, &d->pkt, d->cx->now)) {
		return false;
	}
	stat_add(&d->cx->worker->stats.event[EVENT_ANSWERED], 1);
	if (sink->release != NULL) {
		sink->release(sink->ctx, d->hash);
	}
	o->reason = REASON_LATE_ANSWER;
	o->state = CT_INVALID;
	o->must_drop = true;
	return true;
}

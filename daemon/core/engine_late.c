/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP segments that are no opening and have no live entry: the late chain is asked about a FIN or
 * RST, the memory of expired connections about all. doc/late-close.md.
 */
#include "gcra.h"
#include "late_close.h"

#include "shard.h"

static void outcome(struct track *t, enum reason why)
{
	t->reason = why;
	t->state = reason_state(why);
}

/* The tombstone of the packet's connection, unless it is too old. */
static bool recall(const struct job *j, struct tomb_info *tomb)
{
	uint32_t nr = graveyard_find(&j->shard->graves, &j->key, j->hash);

	if (nr == UINT32_MAX) {
		return false;
	}
	graveyard_read(&j->shard->graves, nr, j->run->now, tomb);
	if (mono_diff(j->run->now, tomb->died) < j->run->policy->tun.remember_ns) {
		return true;
	}
	graveyard_del(&j->shard->graves, nr, j->hash);
	stat_add(&j->run->w->stats.event[EVENT_TOMB_EXPIRED], 1);
	return false;
}

static enum flow_dir tomb_dir(const struct tomb_info *tomb, enum key_side side)
{
	return status_dir_of(tomb->status, side);
}

/* Makes the fresh entry the connection that is remembered, if the segment fits it. */
static void revive(const struct job *j, const struct tomb_info *tomb, struct track *t)
{
	enum flow_dir dir = tomb_dir(tomb, (enum key_side)j->side);
	struct track_effect fx;
	enum reason why = late_judge(&tomb->conn, &j->pkt, dir, &j->run->policy->tun,
	                             &t->fresh.conn.tcp, &fx);

	outcome(t, why);
	if (t->state == CT_INVALID) {
		return;
	}
	t->dir = dir;
	t->fresh.status = tomb->status | FLOW_REVIVED;
	t->fresh_ttl_ns = fx.timeout_ns;
	t->wants_entry = true;
}

/* Takes from the common rate and from that of the packet's source (IPv6: of its /64). */
static bool rate_allows(struct engine *e, const struct job *j)
{
	const struct tunables *tun = &j->run->policy->tun;
	uint64_t all_ns = (uint64_t)NSEC_PER_SEC / tun->late_rate;
	uint64_t each_ns = (uint64_t)NSEC_PER_SEC / tun->late_rate_source;
	uint64_t source = siphash13(&e->cfg.hash_key, j->pkt.tuple.src.half, 1);

	/* A second's worth may come at once. */
	return gcra_take(&e->late_source[source % LATE_SOURCES], each_ns, NSEC_PER_SEC - each_ns,
	                 j->run->now) &&
	       gcra_take(&e->late_bucket, all_ns, NSEC_PER_SEC - all_ns, j->run->now);
}

static void pick_up(const struct job *j, struct track *t)
{
	tcp_pickup_close(&t->fresh.conn.tcp, &j->pkt);
	t->fresh_ttl_ns = j->run->policy->tun.tcp_timeout_ns[t->fresh.conn.tcp.state];
	t->wants_entry = true;
}

static void send_raw(const struct job *j, const struct raw_request *req)
{
	if (j->run->w->sink.raw != NULL && j->run->policy->tun.enforce != 0) {
		j->run->w->sink.raw(j->run->w->sink.ctx, req);
	}
}

/*
 * Tells the sender of a FIN that its connection is gone, with the sequence number that it asks for
 * itself; and the other end too, but only if the FIN fits what is remembered: a forged one must not
 * reset anybody.
 */
static void reject(const struct job *j, const struct tomb_info *tomb, enum reason remembered)
{
	struct raw_request to_sender = {
		.tuple = j->pkt.tuple,
		.seq = j->pkt.tcp.ack,
		.kind = RAW_RESET,
	};

	to_sender.tuple.src = j->pkt.tuple.dst;
	to_sender.tuple.dst = j->pkt.tuple.src;
	to_sender.tuple.sport = j->pkt.tuple.dport;
	to_sender.tuple.dport = j->pkt.tuple.sport;
	send_raw(j, &to_sender);
	if (remembered == REASON_LATE_REVIVED) {
		enum key_side opener = status_orig_side(tomb->status);
		struct raw_request to_other =
			late_request(&tomb->conn, &tomb->key, opener,
		                     tomb_dir(tomb, (enum key_side)j->side), RAW_RESET);

		send_raw(j, &to_other);
	}
}

/* What a policy makes of the segment, without any effect and without its rate limit. */
static enum reason would(const struct job *j, const struct tomb_info *tomb, enum late_policy policy)
{
	struct track_effect fx;
	struct tcp_conn scratch;

	switch (policy) {
	case LATE_REMEMBERED:
		return tomb == NULL ? REASON_LATE_UNKNOWN
		                    : late_judge(&tomb->conn, &j->pkt,
		                                 tomb_dir(tomb, (enum key_side)j->side),
		                                 &j->run->policy->tun, &scratch, &fx);
	case LATE_PICKUP:
		return REASON_LATE_PICKUP;
	case LATE_LENIENT:
		return j->pkt.tcp.payload_size != 0 ? REASON_LATE_PAYLOAD : REASON_LATE_LENIENT;
	case LATE_REJECT:
		/* A RST is never answered with a RST (RFC 9293, 3.10.7.1). */
		return j->pkt.tcp.class_nr == SEG_RST ? REASON_LATE_STRICT : REASON_LATE_REJECTED;
	default:
		return REASON_LATE_STRICT;
	}
}

/* What the event says besides the outcome. */
static void describe(const struct job *j, const struct tomb_info *tomb, enum late_policy policy,
                     struct track *t)
{
	struct late_event *ev = &t->late;

	t->has_late = true;
	*ev = (struct late_event){
		.tuple = j->pkt.tuple,
		.class_nr = j->pkt.tcp.class_nr,
		.policy = (uint8_t)policy,
	};
	if (tomb != NULL) {
		enum flow_dir dir = tomb_dir(tomb, (enum key_side)j->side);

		ev->has_tomb = 1;
		ev->cause = tomb->cause;
		ev->tcp_state = tomb->conn.state;
		ev->gone_ns = mono_diff(j->run->now, tomb->died);
		ev->seq_distance = (int32_t)(j->pkt.tcp.seq - tomb->conn.seen[dir].end);
	}
}

static void track_close(struct engine *e, const struct job *j, const struct tomb_info *tomb,
                        struct track *t)
{
	struct rule_result rules;
	enum late_policy policy;

	job_rules(j, CHAIN_LATE, CT_LATE, DIR_ORIG, &rules);
	policy = (enum late_policy)(rules.code - RULE_LATE_FIRST);
	describe(j, tomb, policy, t);
	for (unsigned p = 0; p < LATE_POLICIES_LEN; p++) {
		t->late_would[p] = would(j, tomb, (enum late_policy)p);
	}
	outcome(t, t->late_would[policy]);
	t->must_drop = policy == LATE_REJECT;
	switch (t->reason) {
	case REASON_LATE_REVIVED:
		revive(j, tomb, t);
		break;
	case REASON_LATE_PICKUP:
		pick_up(j, t);
		break;
	case REASON_LATE_LENIENT:
		if (!rate_allows(e, j)) {
			outcome(t, REASON_LATE_RATE);
		}
		break;
	case REASON_LATE_REJECTED:
		if (!rate_allows(e, j)) {
			outcome(t, REASON_LATE_RATE);
			break;
		}
		reject(j, tomb, t->late_would[LATE_REMEMBERED]);
		break;
	default:
		break;
	}
}

void job_track_late(struct engine *e, const struct job *j, struct track *t)
{
	struct tomb_info tomb;
	bool known = recall(j, &tomb);

	if (j->pkt.tcp.class_nr != SEG_ACK) {
		track_close(e, j, known ? &tomb : NULL, t);
		return;
	}
	t->reason = REASON_NONE;
	if (known && j->run->policy->tun.resurrect != 0) {
		revive(j, &tomb, t);
		if (t->state == CT_INVALID) {
			t->reason = REASON_NONE; /* as if nothing were remembered: loose decides */
		}
	}
}

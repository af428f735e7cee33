/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP segments that are no opening and have no live entry: the late chain is asked about a FIN or
 * RST, the memory of expired connections about all. doc/late-close.md.
 */
#include <finwall/late_close.h>

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
	graveyard_read(&j->shard->graves, nr, j->now, tomb);
	if (mono_diff(j->now, tomb->died) < j->policy->tun.remember_ns) {
		return true;
	}
	graveyard_del(&j->shard->graves, nr, j->hash);
	stat_add(&j->w->stats.event[EVENT_TOMB_EXPIRED], 1);
	return false;
}

static enum flow_dir tomb_dir(const struct tomb_info *tomb, enum key_side side)
{
	return ((tomb->status & FLOW_ORIG_HI) != 0) == (side == SIDE_HI) ? DIR_ORIG : DIR_REPLY;
}

/* Makes the fresh entry the connection that is remembered, if the segment fits it. */
static void revive(const struct job *j, const struct tomb_info *tomb, struct track *t)
{
	enum flow_dir dir = tomb_dir(tomb, j->side);
	struct track_effect fx;
	enum reason why =
		late_judge(&tomb->conn, j->pkt, dir, &j->policy->tun, &t->fresh.conn.tcp, &fx);

	outcome(t, why);
	if (t->state == CT_INVALID) {
		return;
	}
	t->dir = dir;
	t->fresh.status = tomb->status | FLOW_REVIVED;
	t->fresh_ttl_ns = fx.timeout_ns;
	t->wants_entry = true;
}

/* Takes one from the common rate of lenient closes: the generic cell rate algorithm in one word. */
static bool rate_allows(struct engine *e, const struct job *j)
{
	uint32_t per_s = j->policy->tun.late_rate;
	int64_t gap_ns = per_s == 0 ? 0 : NSEC_PER_SEC / per_s;
	int64_t next = atomic_load_explicit(&e->late_next_ns, memory_order_relaxed);
	int64_t from;

	do {
		from = next > j->now.ns ? next : j->now.ns;
		/* A second's worth may come at once. */
		if (per_s == 0 || from - j->now.ns > NSEC_PER_SEC - gap_ns) {
			return false;
		}
	} while (!atomic_compare_exchange_weak_explicit(&e->late_next_ns, &next, from + gap_ns,
	                                                memory_order_relaxed,
	                                                memory_order_relaxed));
	return true;
}

static void pick_up(const struct job *j, struct track *t)
{
	const struct tunables *tun = &j->policy->tun;

	tcp_pickup_close(&t->fresh.conn.tcp, j->pkt);
	t->fresh_ttl_ns = tun->tcp_timeout_ns[t->fresh.conn.tcp.state];
	t->wants_entry = true;
	outcome(t, REASON_LATE_PICKUP);
}

static enum reason lenient(struct engine *e, const struct job *j)
{
	if (j->pkt->tcp.payload_size != 0) {
		return REASON_LATE_PAYLOAD;
	}
	return rate_allows(e, j) ? REASON_LATE_LENIENT : REASON_LATE_RATE;
}

/* What the event says besides the outcome. */
static void describe(const struct job *j, const struct tomb_info *tomb, enum late_policy policy,
                     struct track *t)
{
	struct late_event *ev = &t->late;

	t->has_late = true;
	*ev = (struct late_event){
		.tuple = j->pkt->tuple,
		.class_nr = j->pkt->tcp.class_nr,
		.policy = (uint8_t)policy,
	};
	if (tomb != NULL) {
		enum flow_dir dir = tomb_dir(tomb, j->side);

		ev->has_tomb = 1;
		ev->cause = tomb->cause;
		ev->tcp_state = tomb->conn.state;
		ev->gone_ns = mono_diff(j->now, tomb->died);
		ev->seq_distance = (int32_t)(j->pkt->tcp.seq - tomb->conn.seen[dir].end);
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
	switch (policy) {
	case LATE_REMEMBERED:
		if (tomb == NULL) {
			outcome(t, REASON_LATE_UNKNOWN);
			return;
		}
		revive(j, tomb, t);
		return;
	case LATE_PICKUP:
		pick_up(j, t);
		return;
	case LATE_LENIENT:
		outcome(t, lenient(e, j));
		return;
	default:
		outcome(t, REASON_LATE_STRICT);
		return;
	}
}

void job_track_late(struct engine *e, const struct job *j, struct track *t)
{
	struct tomb_info tomb;
	bool known = recall(j, &tomb);

	if (j->pkt->tcp.class_nr != SEG_ACK) {
		track_close(e, j, known ? &tomb : NULL, t);
		return;
	}
	t->reason = REASON_NONE;
	if (known && j->policy->tun.resurrect != 0) {
		revive(j, &tomb, t);
		if (t->state == CT_INVALID) {
			t->reason = REASON_NONE; /* as if nothing were remembered: loose decides */
		}
	}
}

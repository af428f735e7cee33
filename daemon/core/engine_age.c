/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of entries: by time, by command; and listing what there is. Work under a lock is done in
 * slices, so that no packet waits long.
 */
#include "shard.h"

/* Places looked at under one hold of a lock by lists and flushes, be there an entry or not. */
#define SLICE 64

/* Turns of waiting between two holds: a worker that waits sees the lock free, and takes it. */
#define STAND_BACK 32

/* Lets go, long enough for somebody who waits: nothing else makes a spinning lock fair. */
static void unlock_and_stand_back(struct shard *s)
{
	shard_unlock(s);
	for (unsigned i = 0; i < STAND_BACK; i++) {
		shard_relax();
	}
}

/* A TCP flow as the idle chain sees it: its opener's tuple and interface, and nothing else. */
static enum idle_policy idle_policy(struct engine_worker *w, const struct flow *f, struct mono now)
{
	struct frame frame = {
		.hook = f->hook,
		.iif = f->hook == HOOK_OUTPUT ? 0 : f->ifindex,
		.oif = f->hook == HOOK_OUTPUT ? f->ifindex : 0,
	};
	const struct run run = { .policy = w->policy, .w = w, .now = now };
	struct job j = {
		.run = &run,
		.pkt = {
			.frame = &frame,
			.depth = PKT_PORTS,
			.kind = PKT_KIND_TCP,
			.l4_proto = IPPROTO_NR_TCP,
		},
	};
	struct rule_result rules;

	flowkey_to_tuple(&f->key, flow_orig_side(f), &j.pkt.tuple);
	job_rules(&j, CHAIN_IDLE, CT_ESTABLISHED, DIR_ORIG, &rules);
	return (enum idle_policy)(rules.code - RULE_IDLE_FIRST);
}

void shard_bury(struct shard *s, struct engine_worker *w, const struct flow *f, uint64_t hash,
                enum tomb_cause cause, struct mono now)
{
	uint32_t older;

	if (s->graves.ring_len == 0 || !graveyard_wants(f)) {
		return;
	}
	older = graveyard_find(&s->graves, &f->key, hash);
	if (older != UINT32_MAX) {
		graveyard_del(&s->graves, older, hash);
		stat_add(&w->stats.event[EVENT_TOMB_REPLACED], 1);
	}
	if (graveyard_add(&s->graves, f, hash, cause, now)) {
		stat_add(&w->stats.event[EVENT_TOMB_EVICTED], 1);
	}
	stat_add(&w->stats.event[EVENT_TOMB_NEW], 1);
}

static void send_to(struct engine_worker *w, const struct flow *f, enum flow_dir dir,
                    enum raw_kind kind)
{
	struct raw_request req = late_request(&f->conn.tcp, &f->key, flow_orig_side(f), dir, kind);

	if (w->sink.raw != NULL && w->policy->tun.enforce != 0) {
		w->sink.raw(w->sink.ctx, &req);
	}
}

/*
 * The policy probe. A keepalive in direction d asks the receiver of d, whose answer travels the
 * other way: the bit of that direction is cleared when it comes (engine_find.c). Returns true when
 * the flow lives on: it was asked, or asked again.
 */
static bool probe(struct shard *s, struct engine_worker *w, struct flow *f, struct mono now)
{
	const struct tunables *tun = &w->policy->tun;
	unsigned sent = f->probes / FLOW_PROBE_SENT;
	unsigned waits = sent == 0 ? FLOW_PROBE_WAITS : f->probes & FLOW_PROBE_WAITS;

	for (unsigned dir = 0; dir < 2; dir++) {
		bool silent = (waits & (1u << dir)) != 0;

		if (sent < tun->probe_count && silent) {
			send_to(w, f, dir_other((enum flow_dir)dir), RAW_KEEPALIVE);
		}
		if (sent >= tun->probe_count && !silent) {
			send_to(w, f, dir_other((enum flow_dir)dir), RAW_RESET);
		}
	}
	if (sent >= tun->probe_count) {
		return false;
	}
	f->probes = (uint8_t)((sent + 1) * FLOW_PROBE_SENT | waits);
	flowtab_set_deadline(&s->flows, f, mono_add(now, tun->probe_interval_ns));
	return true;
}

bool shard_expire(struct shard *s, struct engine_worker *w, struct flow *f, uint64_t hash,
                  struct mono now)
{
	enum idle_policy policy = graveyard_wants(f) ? idle_policy(w, f, now) : IDLE_FORGET;

	switch (policy) {
	case IDLE_PROBE:
		if (probe(s, w, f, now)) {
			return true;
		}
		break;
	case IDLE_RESET:
		send_to(w, f, DIR_ORIG, RAW_RESET);
		send_to(w, f, DIR_REPLY, RAW_RESET);
		break;
	case IDLE_REMEMBER:
		shard_bury(s, w, f, hash, TOMB_IDLE, now);
		break;
	default:
		break;
	}
	stat_add(&w->stats.event[EVENT_FLOW_EXPIRED], 1);
	shard_delete(s, f, hash);
	return false;
}

void engine_tick(struct engine *e, struct engine_worker *w, struct mono now, unsigned budget)
{
	uint32_t tick = wheel_tick_floor(now);

	if (tick == w->tick_seen) {
		return;
	}
	for (uint32_t seen = 0; seen < e->cfg.shards_len && budget > 0; seen++) {
		struct shard *s = &e->shard[w->tick_shard & (e->cfg.shards_len - 1)];
		struct flow *f;

		shard_lock(e, s);
		while ((f = flowtab_pop_due(&s->flows, now, &budget)) != NULL) {
			shard_expire(s, w, f, flowkey_hash(&f->key, &e->cfg.hash_key), now);
		}
		if (budget > 0) {
			unsigned aged =
				graveyard_age(&s->graves, now, w->policy->tun.remember_ns, budget);

			stat_add(&w->stats.event[EVENT_TOMB_EXPIRED], aged);
			budget -= aged;
		}
		shard_unlock(s);
		/* With budget left this shard is done for the tick; otherwise it goes on here next
		 * time. */
		if (budget > 0) {
			w->tick_shard++;
		}
	}
	if (budget > 0) {
		w->tick_seen = tick;
	}
}

void engine_usage(struct engine *e, struct engine_usage *out)
{
	*out = (struct engine_usage){ .flows_max = e->cfg.flows_max,
		                      .tombs_max = e->cfg.tombs_max,
		                      .counters = conncount_used(&e->counts) };
	for (uint32_t i = 0; i < e->cfg.shards_len; i++) {
		struct shard *s = &e->shard[i];

		shard_lock(e, s);
		out->flows += s->flows.used;
		out->tombs += s->graves.alive;
		shard_unlock(s);
	}
}

size_t engine_list_flows(struct engine *e, struct engine_cursor *cur, struct mono now,
                         struct flow *out, size_t max)
{
	size_t len = 0;

	while (len < max && cur->shard < e->cfg.shards_len) {
		struct shard *s = &e->shard[cur->shard];
		unsigned budget = SLICE;
		struct flow *f = NULL;

		shard_lock(e, s);
		while (len < max && (f = flowtab_next(&s->flows, &cur->at, &budget)) != NULL) {
			if (!mono_is_due(f->deadline, now)) {
				out[len++] = *f;
			}
		}
		unlock_and_stand_back(s);
		if (f == NULL && budget > 0) {
			cur->shard++;
			cur->at = 0;
		}
	}
	return len;
}

size_t engine_list_tombs(struct engine *e, struct engine_cursor *cur, struct mono now,
                         struct tomb_info *out, size_t max)
{
	size_t len = 0;

	while (len < max && cur->shard < e->cfg.shards_len) {
		struct shard *s = &e->shard[cur->shard];
		unsigned budget = SLICE;
		uint32_t nr = UINT32_MAX;

		shard_lock(e, s);
		while (len < max &&
		       (nr = graveyard_next(&s->graves, &cur->at, &budget)) != UINT32_MAX) {
			graveyard_read(&s->graves, nr, now, &out[len++]);
		}
		unlock_and_stand_back(s);
		if (nr == UINT32_MAX && budget > 0) {
			cur->shard++;
			cur->at = 0;
		}
	}
	return len;
}

static void forget(struct shard *s, struct engine_worker *w, struct flow *f, uint64_t hash,
                   struct mono now, enum engine_forget how)
{
	if (how == FORGET_BURY) {
		shard_bury(s, w, f, hash, TOMB_FLUSHED, now);
	}
	shard_delete(s, f, hash);
	stat_add(&w->stats.event[EVENT_FLOW_FLUSHED], 1);
}

bool engine_find_flow(struct engine *e, const struct flowkey *key, struct mono now,
                      struct flow *out)
{
	uint64_t hash = flowkey_hash(key, &e->cfg.hash_key);
	struct shard *s = shard_of(e, hash);
	const struct flow *f;
	bool is_live;

	shard_lock(e, s);
	f = flowtab_find(&s->flows, key, hash);
	is_live = f != NULL && !mono_is_due(f->deadline, now);
	if (is_live) {
		*out = *f;
	}
	shard_unlock(s);
	return is_live;
}

bool engine_delete(struct engine *e, struct engine_worker *w, const struct flowkey *key,
                   struct mono now, enum engine_forget how)
{
	uint64_t hash = flowkey_hash(key, &e->cfg.hash_key);
	struct shard *s = shard_of(e, hash);
	struct flow *f;

	shard_lock(e, s);
	f = flowtab_find(&s->flows, key, hash);
	if (f != NULL) {
		forget(s, w, f, hash, now, how);
	}
	shard_unlock(s);
	return f != NULL;
}

uint64_t engine_flush(struct engine *e, struct engine_worker *w, struct mono now,
                      enum engine_forget how)
{
	uint64_t flushed = 0;

	for (uint32_t i = 0; i < e->cfg.shards_len; i++) {
		struct shard *s = &e->shard[i];
		uint32_t cursor = 0;
		unsigned budget;
		struct flow *f;

		do {
			budget = SLICE;
			shard_lock(e, s);
			while ((f = flowtab_next(&s->flows, &cursor, &budget)) != NULL) {
				forget(s, w, f, flowkey_hash(&f->key, &e->cfg.hash_key), now, how);
				flushed++;
			}
			unlock_and_stand_back(s);
		} while (budget == 0);
	}
	return flushed;
}

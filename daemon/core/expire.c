/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of flows by timeout or eviction: idle policy, probes, and the periodic call that finds
 * due flows and old tombstones.
 */
#include "expire.h"

#include "late_close.h"

/* f: what is remembered of a flow. */
static void send_raw(const struct context *cx, const struct flow *f, enum flow_dir dir,
                     enum raw_kind kind)
{
	struct raw_request req = late_request(&f->conn.tcp, &f->key, flow_orig_side(f), dir, kind);
	const struct engine_sink *sink = &cx->worker->sink;

	if (sink->raw != NULL && cx->policy->tun.enforce != 0) {
		sink->raw(sink->ctx, &req);
	}
}

static bool is_proved(const struct flow *memory)
{
	return status_knowledge(memory->status) == KNOWN_EXACT;
}

/*
 * The policy `probe`. A keepalive in direction d goes to the receiver of d, whose answer travels
 * the other way and clears the bit of that direction (lookup.c). Returns true when a keepalive was
 * sent and the flow stays.
 *
 * Where the windows are not proved the keepalives have any numbers: an end answers them all the
 * same, with its own numbers (RFC 9293, 3.10.7.4), and the two answers prove the windows. A RST
 * needs the right number, so none is sent then.
 */
static bool probe(const struct context *cx, struct shard *s, struct flow *f,
                  const struct flow *memory)
{
	const struct tunables *tun = &cx->policy->tun;
	unsigned sent = f->probes / FLOW_PROBE_SENT;
	unsigned waits = sent == 0 ? FLOW_PROBE_WAITS : f->probes & FLOW_PROBE_WAITS;

	for (unsigned dir = 0; dir < 2; dir++) {
		bool silent = (waits & (1u << dir)) != 0;

		if (sent < tun->probe_count && silent) {
			send_raw(cx, memory, dir_other((enum flow_dir)dir), RAW_KEEPALIVE);
		}
		if (sent >= tun->probe_count && !silent && is_proved(memory)) {
			send_raw(cx, memory, dir_other((enum flow_dir)dir), RAW_RESET);
		}
	}
	if (sent >= tun->probe_count) {
		return false;
	}
	f->probes = (uint8_t)((sent + 1) * FLOW_PROBE_SENT | waits);
	flowtab_set_deadline(&s->flows, f, mono_add(cx->now, tun->probe_interval_ns));
	return true;
}

/* True when both ends get a keepalive before the flow expires. */
static bool probes_first(const struct context *cx, enum idle_policy policy, const struct flow *memory)
{
	switch (policy) {
	case IDLE_PROBE:
		return true;
	case IDLE_RESET:
		return !is_proved(memory);
	case IDLE_REMEMBER:
		return !is_proved(memory) && cx->policy->tun.unknown_windows == UNKNOWN_WINDOWS_PROBE;
	default:
		return false;
	}
}

bool expire_flow(const struct context *cx, struct shard *s, struct flow *f, uint64_t hash)
{
	struct flow memory;
	enum idle_policy policy =
		shard_memory(s, f, &memory) ? verdict_eval_idle(cx, f) : IDLE_FORGET;

	if (probes_first(cx, policy, &memory) && probe(cx, s, f, &memory)) {
		return true;
	}
	if (policy != IDLE_FORGET && (policy == IDLE_REMEMBER || !is_proved(&memory))) {
		shard_bury(s, cx->worker, &memory, hash, TOMB_IDLE, cx->now);
	} else if (policy == IDLE_RESET) {
		send_raw(cx, &memory, DIR_ORIG, RAW_RESET);
		send_raw(cx, &memory, DIR_REPLY, RAW_RESET);
	}
	stat_add(&cx->worker->stats.event[EVENT_FLOW_EXPIRED], 1);
	shard_delete(s, f, hash);
	return false;
}

void expire_victim(const struct context *cx, struct shard *s, struct flow *victim)
{
	uint64_t hash = flowkey_hash(&victim->key, &s->graveyard.sip);

	if (mono_is_due(victim->deadline, cx->now) && !expire_flow(cx, s, victim, hash)) {
		return;
	}
	shard_remember(s, cx->worker, victim, hash, TOMB_EVICTED, cx->now);
	shard_delete(s, victim, hash);
	stat_add(&cx->worker->stats.event[EVENT_FLOW_EVICTED], 1);
}

/* Expires due flows, then deletes old tombstones; each takes one from *budget. */
static void expire_shard(const struct context *cx, const struct engine *e, struct shard *s,
                         unsigned *budget)
{
	struct flow *f;

	shard_lock(e, s);
	while ((f = flowtab_pop_due(&s->flows, cx->now, budget)) != NULL) {
		expire_flow(cx, s, f, flowkey_hash(&f->key, &e->cfg.hash_key));
	}
	if (*budget > 0) {
		unsigned aged =
			graveyard_age(&s->graveyard, cx->now, cx->policy->tun.remember_ns, *budget);

		stat_add(&cx->worker->stats.event[EVENT_TOMB_EXPIRED], aged);
		*budget -= aged;
	}
	shard_unlock(s);
}

void engine_tick(struct engine *e, struct engine_worker *w, struct mono now, unsigned budget)
{
	const struct context cx = {
		.policy = w->policy, .worker = w, .counts = &e->counts, .now = now
	};
	uint32_t tick = wheel_tick_floor(now);

	if (tick == w->tick_seen) {
		return;
	}
	for (uint32_t seen = 0; seen < e->cfg.shards_len && budget > 0; seen++) {
		expire_shard(&cx, e, &e->shard[w->tick_shard & (e->cfg.shards_len - 1)], &budget);
		/* Without budget left the next call goes on with the same shard. */
		if (budget > 0) {
			w->tick_shard++;
		}
	}
	if (budget > 0) {
		w->tick_seen = tick;
	}
}

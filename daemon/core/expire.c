/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of flows by timeout or eviction: idle policy, probes, and the periodic call that finds
 * due flows and old tombstones.
 */
#include "expire.h"

#include "late_close.h"
#include "lease_offer.h"

/* After a request that found the sender busy the worker waits: many entries may expire at once. */
#define RAW_PAUSE_NS (50 * NSEC_PER_MSEC)

/* An entry whose request waits for the sender is tried again after this time. */
#define RAW_RETRY_NS (100 * NSEC_PER_MSEC)

/* Leased flows that turn out not to be due, until a new flow finds the table full. */
#define VICTIM_TRIES 8

/* For so long after the end of a connection openings of others are evicted instead. */
#define JUST_CLOSED_NS sec_to_ns(3)

/* A sender that is busy for so long counts as gone. */
#define RAW_BUSY_MAX_NS (10 * NSEC_PER_SEC)

/* f: what is remembered of a flow. */
static enum raw_result send_raw(const struct context *cx, const struct flow *f, enum flow_dir dir,
                                enum raw_kind kind)
{
	/* Both ends of a link-local connection are on the opener's link. */
	struct raw_request req =
		late_request(&f->conn.tcp, &f->key, flow_orig_side(f), dir, kind, f->ifindex);
	struct engine_worker *w = cx->worker;
	enum raw_result result = RAW_BUSY;

	if (w->sink.raw == NULL || cx->policy->tun.enforce == 0) {
		return RAW_SENT;
	}
	if (mono_is_due(w->raw_next, cx->now)) {
		result = w->sink.raw(w->sink.ctx, &req);
	}
	if (result != RAW_BUSY) {
		w->raw_busy_since = (struct mono){ 0 };
		return result;
	}
	if (w->raw_busy_since.ns == 0) {
		w->raw_busy_since = cx->now;
	}
	if (mono_is_due(w->raw_next, cx->now)) {
		w->raw_next = mono_add(cx->now, RAW_PAUSE_NS);
	}
	return mono_diff(cx->now, w->raw_busy_since) < RAW_BUSY_MAX_NS ? RAW_BUSY : RAW_UNAVAILABLE;
}

/* Sends to each end that a bit of *pending names, in its peer's name, and clears the bits of those
 * that need no further try. */
static void send_to(const struct context *cx, const struct flow *f, enum raw_kind kind,
                    unsigned *pending)
{
	for (unsigned dir = 0; dir < 2; dir++) {
		if ((*pending & (1u << dir)) != 0 &&
		    send_raw(cx, f, dir_other((enum flow_dir)dir), kind) != RAW_BUSY) {
			*pending &= ~(1u << dir);
		}
	}
}

/* The flow stays; its next deadline is after this time. */
static void postpone(const struct context *cx, struct shard *s, struct flow *f, unsigned probes,
                     int64_t ns)
{
	f->probes = (uint8_t)probes;
	flowtab_set_deadline(&s->flows, f, mono_add(cx->now, ns));
}

static bool is_proved(const struct flow *memory)
{
	return status_knowledge(memory->status) == KNOWN_EXACT;
}

/*
 * The policy `probe`. A keepalive in direction d goes to the receiver of d, whose answer travels
 * the other way and clears the bit of that direction (lookup.c). Returns true when the flow stays:
 * a keepalive was sent, or waits for the sender.
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
	bool asks = sent < tun->probe_count;
	unsigned pending = asks ? waits : FLOW_PROBE_WAITS & ~waits;

	if (!asks && !is_proved(memory)) {
		return false;
	}
	send_to(cx, memory, asks ? RAW_KEEPALIVE : RAW_RESET, &pending);
	if (pending != 0) {
		postpone(cx, s, f, sent * FLOW_PROBE_SENT | waits, RAW_RETRY_NS);
		return true;
	}
	if (asks) {
		postpone(cx, s, f, (sent + 1) * FLOW_PROBE_SENT | waits, tun->probe_interval_ns);
	}
	return asks;
}

/*
 * The policy `reset`. Returns true when the flow stays, because a RST waits for the sender: its bit
 * is one of FLOW_PROBE_WAITS. *unsent: there is no sender, and the ends know nothing.
 */
static bool reset_ends(const struct context *cx, struct shard *s, struct flow *f,
                       const struct flow *memory, bool *unsent)
{
	unsigned pending = f->probes == 0 ? FLOW_PROBE_WAITS : f->probes & FLOW_PROBE_WAITS;

	*unsent = false;
	for (unsigned dir = 0; dir < 2; dir++) {
		if ((pending & (1u << dir)) == 0) {
			continue;
		}
		switch (send_raw(cx, memory, dir_other((enum flow_dir)dir), RAW_RESET)) {
		case RAW_UNAVAILABLE:
			*unsent = true;
			return false;
		case RAW_SENT:
			pending &= ~(1u << dir);
			break;
		default:
			break;
		}
	}
	if (pending != 0) {
		postpone(cx, s, f, FLOW_PROBE_SENT | pending, RAW_RETRY_NS);
	}
	return pending != 0;
}

/* True when both ends get a keepalive before the flow expires. */
static bool probes_first(const struct context *cx, enum idle_policy policy,
                         const struct flow *memory)
{
	switch (policy) {
	case IDLE_PROBE:
		return true;
	case IDLE_RESET:
		return !is_proved(memory);
	case IDLE_REMEMBER:
		return !is_proved(memory) &&
		       cx->policy->tun.unknown_windows == UNKNOWN_WINDOWS_PROBE;
	default:
		return false;
	}
}

static enum flow_end end_by(enum idle_policy policy)
{
	switch (policy) {
	case IDLE_RESET:
		return FLOW_END_RESET;
	case IDLE_PROBE:
		return FLOW_END_PROBED;
	default:
		return FLOW_END_TIMEOUT;
	}
}

bool expire_flow(const struct context *cx, struct shard *s, struct flow *f, uint64_t hash)
{
	struct flow memory;
	enum idle_policy policy =
		shard_memory(s, f, &memory) ? verdict_eval_idle(cx, f) : IDLE_FORGET;
	bool is_replicated = (f->probes & FLOW_PROBE_REPLICATED) != 0;
	bool remembers = policy == IDLE_REMEMBER || policy == IDLE_PROBE ||
	                 (policy == IDLE_RESET && (is_replicated || !is_proved(&memory)));

	/* What an entry of another node's ends are sent is for that node to decide. */
	if (!is_replicated && probes_first(cx, policy, &memory) && probe(cx, s, f, &memory)) {
		return true;
	}
	if (!is_replicated && policy == IDLE_RESET && is_proved(&memory) &&
	    reset_ends(cx, s, f, &memory, &remembers)) {
		return true;
	}
	/* An end that does not answer may come back, or it is the path that is interrupted. */
	if (remembers) {
		shard_bury(s, cx->worker, &memory, hash, TOMB_IDLE, cx->now);
	}
	stat_add(&cx->worker->stats.event[EVENT_FLOW_EXPIRED], 1);
	shard_end(s, cx->worker, f, hash, end_by(policy), cx->now);
	return false;
}

/* One that may be evicted although its deadline is ahead. */
static bool can_be_evicted(const struct flow *f)
{
	return (f->status & FLOW_ASSURED) == 0 || flow_is_closed(f) || flow_is_closing(f);
}

/* Its ends may still repeat their FINs. */
static bool has_just_closed(const struct context *cx, const struct flow *f)
{
	return flow_is_closed(f) &&
	       mono_diff(f->deadline, cx->now) >
	               cx->policy->tun.tcp_timeout_ns[f->conn.tcp.state] - JUST_CLOSED_NS;
}

static struct flow *find_victim(const struct context *cx, struct shard *s, uint64_t hash,
                                bool is_spared)
{
	struct flow *f = flowtab_victim(&s->flows, hash, is_spared, cx->now);
	struct flow *other;

	if (f == NULL || !has_just_closed(cx, f)) {
		return f;
	}
	other = flowtab_victim_unproved(&s->flows, hash);
	return other != NULL ? other : f;
}

struct flow *expire_find_victim(const struct context *cx, struct shard *s, uint64_t hash,
                                bool is_spared)
{
	for (unsigned tries = 0; tries < VICTIM_TRIES; tries++) {
		struct flow *f = find_victim(cx, s, hash, is_spared);

		/* A leased one was chosen because of the time of the next look at it. */
		if (f == NULL || !lease_is_held(f) ||
		    !shard_renew_lease(s, cx->worker, f, cx->now)) {
			return f;
		}
		/* Or because of what it was when it was read back last. */
		if (can_be_evicted(f)) {
			shard_take_lease(s, cx->worker, f, cx->now);
			if (can_be_evicted(f)) {
				return f;
			}
		}
	}
	return NULL;
}

void expire_victim(const struct context *cx, struct shard *s, struct flow *victim)
{
	uint64_t hash = flowkey_hash(&victim->key, &s->graveyard.sip);

	if (mono_is_due(victim->deadline, cx->now) && !expire_flow(cx, s, victim, hash)) {
		return;
	}
	shard_remember(s, cx->worker, victim, hash, TOMB_EVICTED, cx->now);
	shard_end(s, cx->worker, victim, hash, FLOW_END_EVICTED, cx->now);
	stat_add(&cx->worker->stats.event[EVENT_FLOW_EVICTED], 1);
}

/* Expires due flows, then deletes old tombstones; each takes one from *budget. */
static void expire_shard(const struct context *cx, const struct engine *e, struct shard *s,
                         unsigned *budget)
{
	struct flow *f;

	shard_lock(e, s);
	while ((f = flowtab_pop_due(&s->flows, cx->now, budget)) != NULL) {
		if (lease_is_held(f) && shard_renew_lease(s, cx->worker, f, cx->now)) {
			continue;
		}
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

/* Reads back what the kernel side has noted; each note takes one from *budget. */
static void read_notes(const struct context *cx, struct engine *e, unsigned *budget)
{
	struct leases *all = &e->leases;
	uint32_t nr;

	if (!leases_are_on(e)) {
		return;
	}
	while (*budget > 0 && lease_next_note(all, &nr)) {
		struct shard *s;
		struct flow *f;

		--*budget;
		if (nr / all->shard_len >= e->cfg.shards_len) {
			continue;
		}
		s = &e->shard[nr / all->shard_len];
		shard_lock(e, s);
		f = lease_noted(&s->leases, &s->flows, nr);
		if (f != NULL) {
			shard_read_lease_back(s, cx->worker, f, cx->now);
		}
		shard_unlock(s);
	}
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
	read_notes(&cx, e, &budget);
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a shard does besides its tables' own work: waiting for its lock, the counters of `ct count`,
 * and tombstones. The claim of a counted flow lies beside the table, by the flow's number, so that
 * a flow that no rule counts costs one byte.
 */
#include "shard.h"

/* Spins before a waiting worker yields its processor: the holder may have been descheduled. */
#define SPINS_BEFORE_YIELD 1000

void shard_lock_contended(const struct engine *e, struct shard *s)
{
	uint32_t seen = atomic_load_explicit(&s->lock, memory_order_relaxed) & ~1u;
	unsigned spins = 0;

	while (!atomic_compare_exchange_strong_explicit(
		&s->lock, &seen, seen + 1, memory_order_acquire, memory_order_relaxed)) {
		while ((seen = atomic_load_explicit(&s->lock, memory_order_relaxed)) % 2 != 0) {
			if (++spins % SPINS_BEFORE_YIELD == 0 && e->cfg.yield != NULL) {
				e->cfg.yield();
			}
			shard_relax();
		}
	}
}

__attribute__((noinline, cold)) void shard_note(const struct shard *s,
                                                const struct engine_worker *w, const struct flow *f,
                                                unsigned changes, enum flow_end end,
                                                struct mono now)
{
	struct flow copy = *f;
	struct flow_event ev = {
		.flow = &copy,
		.now = now,
		.generation = w->policy->generation,
		.changes = (uint8_t)changes,
		.end = (uint8_t)end,
		.hook = f->hook,
	};

	flow_set_extra_of_copy(&copy, shard_extra_of(s, f));
	if (s->accounts != NULL) {
		ev.account = s->accounts[f - s->flows.pool];
		shard_add_leased(s, (uint32_t)(f - s->flows.pool), f, &ev.account);
	}
	ev.has_rule = flow_origin_rule(*shard_origin(s, f), ev.generation, &ev.rule_nr);
	ev.is_remembered = (changes & FLOW_CHANGE_DESTROY) != 0 && f->key.proto == IPPROTO_NR_TCP &&
	                   s->graveyard.pool_len > 0 &&
	                   graveyard_find(&s->graveyard, &f->key,
	                                  flowkey_hash(&f->key, &s->graveyard.sip)) != UINT32_MAX;
	w->sink.flow(w->sink.ctx, &ev);
}

__attribute__((noinline, cold)) void
shard_note_update(const struct shard *s, const struct engine_worker *w, const struct flow *f,
                  uint8_t from, uint8_t status, unsigned changes, struct mono now)
{
	uint8_t gained = f->status & (uint8_t)~status;

	if ((gained & FLOW_ASSURED) != 0) {
		changes |= FLOW_CHANGE_UPDATE | FLOW_CHANGE_ASSURED;
	}
	if ((gained & FLOW_SEEN_REPLY) != 0 ||
	    (f->key.proto == IPPROTO_NR_TCP && f->conn.tcp.state != from)) {
		changes |= FLOW_CHANGE_UPDATE;
	}
	if (changes != 0) {
		shard_note(s, w, f, changes, FLOW_END_NONE, now);
	}
}

/* The kernel side may have seen the end of a handshake. */
static void note_source(struct shard *s, const struct flow *f, uint8_t status, struct mono now)
{
	if ((f->status & (uint8_t)~status & FLOW_ASSURED) != 0) {
		sources_note(s->sources, &s->graveyard.sip, f, now);
	}
}

void shard_take_held_lease(struct shard *s, const struct engine_worker *w, struct flow *f,
                           struct mono now)
{
	uint8_t from = f->conn.tcp.state;
	uint8_t status = f->status;

	lease_take(&s->leases, &s->flows, f);
	note_source(s, f, status, now);
	if (w != NULL && w->sink.flow != NULL) {
		shard_note_update(s, w, f, from, status, 0, now);
	}
}

bool shard_renew_lease(struct shard *s, const struct engine_worker *w, struct flow *f,
                       struct mono now)
{
	uint8_t from = f->conn.tcp.state;
	uint8_t status = f->status;
	bool stays = lease_renew(&s->leases, &s->flows, f, now);

	note_source(s, f, status, now);
	if (!lease_is_held(f) && w->sink.flow != NULL) {
		shard_note_update(s, w, f, from, status, 0, now);
	}
	return stays;
}

void shard_read_lease_back(struct shard *s, const struct engine_worker *w, struct flow *f,
                           struct mono now)
{
	uint8_t from = f->conn.tcp.state;
	uint8_t status = f->status;

	lease_read_back(&s->leases, &s->flows, f, now);
	note_source(s, f, status, now);
	if (w->sink.flow != NULL) {
		shard_note_update(s, w, f, from, status, 0, now);
	}
	if (!lease_is_held(f)) {
		/* It is closed: others may need the place. */
		shard_end_lease(s, f);
	}
}

const char *flow_end_name(enum flow_end e)
{
	static const char *const names[FLOW_ENDS_LEN] = {
		[FLOW_END_NONE] = "none",           [FLOW_END_TIMEOUT] = "timeout",
		[FLOW_END_RESET] = "idle-reset",    [FLOW_END_PROBED] = "probe-unanswered",
		[FLOW_END_CLOSED] = "closed",       [FLOW_END_REOPENED] = "reopened",
		[FLOW_END_DISPLACED] = "displaced", [FLOW_END_EVICTED] = "evicted",
		[FLOW_END_DELETED] = "deleted",
	};

	return names[e];
}

static struct conncount_claim *claim_of(const struct shard *s, const struct flow *f)
{
	return &s->claims[f - s->flows.pool];
}

void shard_count(struct shard *s, struct flow *f, const struct conncount_claim *claim)
{
	*claim_of(s, f) = *claim;
	f->extras |= FLOW_EXTRA_COUNTED;
	shard_recount(s, f);
}

void shard_recount(struct shard *s, struct flow *f)
{
	if (f->key.proto != IPPROTO_NR_TCP) {
		return;
	}
	switch ((enum tcp_state)f->conn.tcp.state) {
	case TCP_TIME_WAIT:
		shard_uncount(s, f);
		break;
	case TCP_CLOSE:
		/* A SYN and its SYN+ACK may open it again in place (doc/tcp-tracking.md, 6.2). */
		conncount_rest(s->counts, claim_of(s, f));
		break;
	default:
		conncount_wake(s->counts, claim_of(s, f));
		break;
	}
}

void shard_uncount(struct shard *s, struct flow *f)
{
	conncount_give_back(s->counts, claim_of(s, f));
	f->extras &= (uint8_t)~FLOW_EXTRA_COUNTED;
}

bool shard_memory(const struct shard *s, const struct flow *f, struct flow *out)
{
	knowledge_to_remember(f, (f->status & FLOW_KNOWN) != 0 ? shard_witness(s, f) : NULL, out);
	flow_set_extra_of_copy(out, shard_extra_of(s, f));
	return graveyard_wants(out);
}

/* True when the tombstone nr may give way to a memory of which this is known. */
static bool may_replace(const struct shard *s, uint32_t nr, enum knowledge known, struct mono now)
{
	struct tomb_info older;

	graveyard_read(&s->graveyard, nr, now, &older);
	if (older.cause == TOMB_DELETED) {
		/* A connection that its other end has proved has deleted this tombstone itself. */
		return false;
	}
	return known != KNOWN_NOTHING || status_knowledge(older.status) == KNOWN_NOTHING;
}

void shard_bury(struct shard *s, struct engine_worker *w, const struct flow *memory, uint64_t hash,
                enum tomb_cause cause, struct mono now)
{
	uint32_t older;

	if (s->graveyard.pool_len == 0) {
		return;
	}
	older = graveyard_find(&s->graveyard, &memory->key, hash);
	if (older != UINT32_MAX) {
		if (cause != TOMB_DELETED &&
		    !may_replace(s, older, status_knowledge(memory->status), now)) {
			return;
		}
		graveyard_del(&s->graveyard, older, hash);
		stat_add(&w->stats.event[EVENT_TOMB_REPLACED], 1);
	}
	if (graveyard_add(&s->graveyard, memory, hash, cause, now)) {
		stat_add(&w->stats.event[EVENT_TOMB_EVICTED], 1);
	}
	stat_add(&w->stats.event[EVENT_TOMB_NEW], 1);
}

void shard_remember(struct shard *s, struct engine_worker *w, const struct flow *f, uint64_t hash,
                    enum tomb_cause cause, struct mono now)
{
	struct flow memory;

	if (shard_memory(s, f, &memory) || (cause == TOMB_DELETED && graveyard_can_end(f))) {
		shard_bury(s, w, &memory, hash, cause, now);
	}
}

void shard_set_extra(const struct shard *s, struct flow *f, struct flow_extra extra)
{
	s->extras[f - s->flows.pool] = extra;
	f->extras |= FLOW_EXTRA_BESIDE;
	if (extra.timeouts != 0) {
		f->extras |= FLOW_EXTRA_TIMEOUTS;
	}
}

struct unproved_pair *shard_unproved(struct shard *s, uint64_t hash)
{
	struct unproved_pair *set = s->unproved[hash % UNPROVED_SETS];
	struct unproved_pair *oldest = &set[0];

	for (unsigned way = 0; way < UNPROVED_WAYS; way++) {
		if (set[way].hash == hash) {
			return &set[way];
		}
		if (set[way].used.ns < oldest->used.ns) {
			oldest = &set[way];
		}
	}
	return oldest;
}

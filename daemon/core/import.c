/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Import of saved connections. Keys are hashed again: each run has its own hash key, and possibly
 * another number of shards. */
#include "shard.h"

static bool is_deleted(const struct shard *s, uint32_t tomb, struct mono now)
{
	struct tomb_info info;

	graveyard_read(&s->graveyard, tomb, now, &info);
	return info.cause == TOMB_DELETED;
}

/*
 * With another hash key a shard may get more connections than it has places. An ASSURED one, and
 * the opening of a proved address, takes the place of a closed one, or of another's opening.
 */
static struct flow *insert(struct shard *s, struct engine_worker *w, struct flow *fresh,
                           uint64_t hash, struct mono now)
{
	const bool is_assured = (fresh->status & FLOW_ASSURED) != 0;
	const bool is_spared = !is_assured && flowtab_is_scarce(&s->flows) &&
	                       sources_know(s->sources, &s->graveyard.sip, fresh, now);
	struct flow *inserted;
	struct flow *victim;
	uint64_t victim_hash;

	fresh->extras |= is_spared ? FLOW_EXTRA_SPARED : 0;
	inserted = flowtab_insert(&s->flows, fresh, hash);
	if (inserted != NULL || flow_is_closed(fresh) || (!is_assured && !is_spared)) {
		return inserted;
	}
	victim = flowtab_victim(&s->flows, hash, is_spared, now);
	if (victim == NULL) {
		return NULL;
	}
	victim_hash = flowkey_hash(&victim->key, &s->graveyard.sip);
	shard_remember(s, w, victim, victim_hash, TOMB_EVICTED, now);
	shard_delete(s, victim, victim_hash);
	return flowtab_insert(&s->flows, fresh, hash);
}

/*
 * The kernel still has an entry of a connection that was deleted here: it is not imported. Any
 * other tombstone of the same key is kept beside an import that is not proved, and belongs to an
 * older connection otherwise.
 */
static bool import_under_lock(struct shard *s, struct engine_worker *w, const struct flow *f,
                              uint64_t hash, struct mono now)
{
	uint32_t tomb = f->key.proto == IPPROTO_NR_TCP
	                        ? graveyard_find(&s->graveyard, &f->key, hash)
	                        : UINT32_MAX;
	struct flow fresh = *f;
	struct flow *inserted;

	if (flowtab_find(&s->flows, &f->key, hash) != NULL ||
	    (tomb != UINT32_MAX && is_deleted(s, tomb, now))) {
		return false;
	}
	if (mono_is_due(f->deadline, now)) {
		bool wanted;

		knowledge_to_remember(f, NULL, &fresh);
		wanted = graveyard_wants(&fresh) &&
		         mono_diff(now, f->deadline) < w->policy->tun.remember_ns &&
		         tomb == UINT32_MAX;
		if (wanted) {
			shard_bury(s, w, &fresh, hash, TOMB_RESTART, f->deadline);
		}
		return wanted;
	}
	fresh.probes = 0;
	fresh.extras &= FLOW_EXTRA_ONE_WAY;
	fresh.status &= (uint8_t) ~(FLOW_LEASED | FLOW_HAD_LEASE);
	inserted = insert(s, w, &fresh, hash, now);
	if (inserted == NULL && tomb == UINT32_MAX) {
		struct flow memory;

		/* No place: its close passes. */
		knowledge_to_remember(f, NULL, &memory);
		if (graveyard_wants(&memory)) {
			shard_bury(s, w, &memory, hash, TOMB_RESTART, now);
		}
	}
	if (inserted != NULL) {
		*shard_origin(s, inserted) = 0;
		if ((f->timer[1] | f->timer[2]) != 0) {
			shard_set_extra(s, inserted, flow_extra_of_copy(f));
		}
	}
	if (inserted != NULL && (fresh.status & FLOW_ASSURED) != 0) {
		sources_note(s->sources, &s->graveyard.sip, inserted, now);
	}
	if (inserted != NULL && s->accounts != NULL) {
		s->accounts[inserted - s->flows.pool] = (struct flow_account){ 0 };
	}
	if (inserted != NULL && (fresh.status & FLOW_KNOWN) != 0) {
		*shard_witness(s, inserted) =
			(struct witness){ .flags = tomb != UINT32_MAX ? WITNESS_BESIDE : 0 };
	}
	return inserted != NULL;
}

/*
 * Returns whether a tombstone may be kept beside the live flow of its key, or there is none: the
 * flow must not be proved, or it would have replaced the tombstone (batch.c). A connection that was
 * deleted while it was saved is in the file as live, too: its entry is deleted.
 */
static bool fits_beside(struct shard *s, struct flow *f, uint64_t hash,
                        const struct tomb_info *tomb)
{
	bool is_assured = f != NULL && (f->status & FLOW_ASSURED) != 0;
	struct witness *w;

	if (f == NULL) {
		return true;
	}
	if (is_assured && tomb->cause == TOMB_DELETED) {
		shard_delete(s, f, hash);
		return true;
	}
	if (is_assured && (status_knowledge(tomb->status) == KNOWN_NOTHING ||
	                   status_knowledge(f->status) == KNOWN_EXACT ||
	                   status_knowledge(f->status) == KNOWN_GAP)) {
		return false;
	}
	w = shard_witness(s, f);
	if ((f->status & FLOW_KNOWN) == 0) {
		f->status = status_with_knowledge(f->status, KNOWN_LEARNT);
		*w = (struct witness){ .flags = 0 };
	}
	w->flags |= WITNESS_BESIDE;
	return true;
}

bool engine_import_flow(struct engine *e, struct engine_worker *w, const struct flow *f,
                        struct mono now)
{
	uint64_t hash = flowkey_hash(&f->key, &e->cfg.hash_key);
	struct shard *s = shard_of(e, hash);
	bool taken;

	shard_lock(e, s);
	taken = import_under_lock(s, w, f, hash, now);
	shard_unlock(s);
	return taken;
}

bool engine_import_tomb(struct engine *e, struct engine_worker *w, const struct tomb_info *tomb,
                        struct mono now)
{
	uint64_t hash = flowkey_hash(&tomb->key, &e->cfg.hash_key);
	struct shard *s = shard_of(e, hash);
	struct flow f = { .key = tomb->key, .status = tomb->status };
	bool wanted;

	f.conn.tcp = tomb->conn;
	flow_set_extra_of_copy(&f, tomb->extra);
	if (mono_diff(now, tomb->ended) >= w->policy->tun.remember_ns ||
	    !(tomb->cause == TOMB_DELETED ? graveyard_can_end(&f) : graveyard_wants(&f))) {
		return false;
	}
	shard_lock(e, s);
	wanted = s->graveyard.pool_len > 0 &&
	         graveyard_find(&s->graveyard, &f.key, hash) == UINT32_MAX &&
	         fits_beside(s, flowtab_find(&s->flows, &f.key, hash), hash, tomb);
	if (wanted) {
		shard_bury(s, w, &f, hash, (enum tomb_cause)tomb->cause, tomb->ended);
	}
	shard_unlock(s);
	return wanted;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Import of saved connections. Keys are hashed again: each run has its own hash key, and possibly
 * another number of shards. */
#include "shard.h"

static bool import_under_lock(struct shard *s, struct engine_worker *w, const struct flow *f,
                              uint64_t hash, struct mono now)
{
	struct flow fresh = *f;

	if (flowtab_find(&s->flows, &f->key, hash) != NULL) {
		return false;
	}
	if (mono_is_due(f->deadline, now)) {
		bool wanted = graveyard_wants(f) &&
		              mono_diff(now, f->deadline) < w->policy->tun.remember_ns &&
		              graveyard_find(&s->graveyard, &f->key, hash) == UINT32_MAX;

		if (wanted) {
			shard_remember(s, w, f, hash, TOMB_RESTART, f->deadline);
		}
		return wanted;
	}
	fresh.probes = 0;
	fresh.counted = 0;
	return flowtab_insert(&s->flows, &fresh, hash) != NULL;
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
	if (mono_diff(now, tomb->ended) >= w->policy->tun.remember_ns ||
	    !(tomb->cause == TOMB_DELETED ? graveyard_can_end(&f) : graveyard_wants(&f))) {
		return false;
	}
	shard_lock(e, s);
	wanted = s->graveyard.pool_len > 0 && flowtab_find(&s->flows, &f.key, hash) == NULL &&
	         graveyard_find(&s->graveyard, &f.key, hash) == UINT32_MAX;
	if (wanted) {
		shard_remember(s, w, &f, hash, (enum tomb_cause)tomb->cause, tomb->ended);
	}
	shard_unlock(s);
	return wanted;
}

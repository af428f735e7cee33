/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands on the connection table: find, delete, flush. A flush holds a lock for slices only, so
 * that no packet waits long.
 */
#include "shard.h"

/* Places of the table that a flush reads under one hold of the lock, used or not. */
#define SLICE 32

/*
 * A flush that is descheduled while it holds a lock keeps packets waiting for as long. So it yields
 * by itself, without a lock, after so many slices.
 */
#define SLICES_BEFORE_YIELD 32

/* Pauses between two holds, long enough for a waiting worker to see the lock free and take it. */
#define PAUSES_BETWEEN_HOLDS 32

/* A spinning lock is not fair by itself. */
static void unlock_and_pause(const struct engine *e, struct shard *s, unsigned slice)
{
	shard_unlock(s);
	for (unsigned i = 0; i < PAUSES_BETWEEN_HOLDS; i++) {
		shard_relax();
	}
	if (slice % SLICES_BEFORE_YIELD == 0 && e->cfg.yield != NULL) {
		e->cfg.yield();
	}
}

static void delete_flow(struct shard *s, struct engine_worker *w, struct flow *f, uint64_t hash,
                        struct mono now, enum engine_delete_mode mode)
{
	shard_take_lease(s, w, f, now);
	if (mode != DELETE_FORGET) {
		shard_remember(s, w, f, hash, mode == DELETE_END ? TOMB_DELETED : TOMB_FLUSHED,
		               now);
	}
	shard_end(s, w, f, hash, FLOW_END_DELETED, now);
	stat_add(&w->stats.event[EVENT_FLOW_FLUSHED], 1);
}

/* What a deletion does to a tombstone. Returns false when it stays as it is. */
static bool delete_tomb(struct graveyard *g, uint32_t nr, uint64_t hash, struct mono now,
                        enum engine_delete_mode mode)
{
	struct tomb_info tomb;

	switch (mode) {
	case DELETE_END:
		graveyard_read(g, nr, now, &tomb);
		if (tomb.cause == TOMB_DELETED) {
			return false;
		}
		graveyard_end(g, nr, now);
		return true;
	case DELETE_FORGET:
		graveyard_del(g, nr, hash);
		return true;
	default:
		return false;
	}
}

bool engine_find_flow(struct engine *e, const struct flowkey *key, struct mono now,
                      struct flow *out)
{
	struct flow_account account;

	return engine_find_account(e, key, now, out, &account);
}

bool engine_find_account(struct engine *e, const struct flowkey *key, struct mono now,
                         struct flow *out, struct flow_account *account)
{
	uint64_t hash = flowkey_hash(key, &e->cfg.hash_key);
	struct shard *s = shard_of(e, hash);
	const struct flow *f;
	bool is_live;

	shard_lock(e, s);
	f = flowtab_find(&s->flows, key, hash);
	if (f != NULL) {
		*out = *f;
		flow_set_extra_of_copy(out, shard_extra_of(s, f));
		out->timer[0] = *shard_origin(s, f);
		*account = s->accounts != NULL ? s->accounts[f - s->flows.pool]
		                               : (struct flow_account){ 0 };
		shard_add_leased(s, (uint32_t)(f - s->flows.pool), f, account);
		if (lease_is_held(f)) {
			lease_peek(&s->leases, (uint32_t)(f - s->flows.pool), out);
		}
	}
	is_live = f != NULL && !mono_is_due(out->deadline, now);
	shard_unlock(s);
	return is_live;
}

struct raw_request engine_reset_of(const struct flow *f, enum flow_dir dir)
{
	return late_request(&f->conn.tcp, &f->key, flow_orig_side(f), dir, RAW_RESET, f->ifindex);
}

bool engine_delete(struct engine *e, struct engine_worker *w, const struct flowkey *key,
                   struct mono now, enum engine_delete_mode mode)
{
	uint64_t hash = flowkey_hash(key, &e->cfg.hash_key);
	struct shard *s = shard_of(e, hash);
	struct flow *f;
	uint32_t tomb;
	bool found;

	shard_lock(e, s);
	f = flowtab_find(&s->flows, key, hash);
	tomb = graveyard_find(&s->graveyard, key, hash);
	found = tomb != UINT32_MAX && delete_tomb(&s->graveyard, tomb, hash, now, mode);
	if (f != NULL) {
		delete_flow(s, w, f, hash, now, mode);
	}
	shard_unlock(s);
	return f != NULL || found;
}

/* Ends the tombstones of a shard. */
static void flush_tombs(const struct engine *e, struct shard *s, struct mono now, unsigned *slices)
{
	uint32_t cursor = 0;
	unsigned budget;

	do {
		uint32_t nr;

		budget = SLICE;
		shard_lock(e, s);
		while ((nr = graveyard_next(&s->graveyard, &cursor, &budget)) != UINT32_MAX) {
			graveyard_end(&s->graveyard, nr, now);
		}
		unlock_and_pause(e, s, ++*slices);
	} while (budget == 0);
}

uint64_t engine_flush(struct engine *e, struct engine_worker *w, struct mono now,
                      enum engine_delete_mode mode)
{
	uint64_t flushed = 0;
	unsigned slices = 0;

	for (uint32_t i = 0; i < e->cfg.shards_len; i++) {
		struct shard *s = &e->shard[i];
		uint32_t cursor = 0;
		unsigned budget;
		struct flow *f;

		if (mode == DELETE_END) {
			flush_tombs(e, s, now, &slices);
		}
		do {
			budget = SLICE;
			shard_lock(e, s);
			while ((f = flowtab_next(&s->flows, &cursor, &budget)) != NULL) {
				uint64_t hash = flowkey_hash(&f->key, &e->cfg.hash_key);

				delete_flow(s, w, f, hash, now, mode);
				flushed++;
			}
			unlock_and_pause(e, s, ++slices);
		} while (budget == 0);
	}
	return flushed;
}

/* What the witness has heard is out of date too; that a side closed is not. */
static void note_gap(struct shard *s, struct flow *f)
{
	struct witness *w = shard_witness(s, f);

	if ((f->status & FLOW_KNOWN) != 0) {
		w->flags &= WITNESS_BESIDE | WITNESS_CLOSED;
	} else {
		*w = (struct witness){ .flags = 0 };
	}
	tcp_note_gap(&f->conn.tcp, &f->status);
}

void engine_note_gap(struct engine *e)
{
	unsigned slices = 0;

	for (uint32_t i = 0; i < e->cfg.shards_len; i++) {
		struct shard *s = &e->shard[i];
		uint32_t cursor = 0;
		unsigned budget;
		struct flow *f;

		do {
			budget = SLICE;
			shard_lock(e, s);
			while ((f = flowtab_next(&s->flows, &cursor, &budget)) != NULL) {
				if (f->key.proto == IPPROTO_NR_TCP) {
					shard_take_lease(s, NULL, f, (struct mono){ 0 });
					note_gap(s, f);
				}
			}
			unlock_and_pause(e, s, ++slices);
		} while (budget == 0);
	}
}

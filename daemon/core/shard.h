/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A shard of the engine and its lock; inserting, deleting, counting and remembering flows in it.
 * The lowest file of the engine: it knows tables, and neither packets nor rules.
 *
 * The engine's files, each of which calls only those behind it:
 *
 *   batch.c      a batch in passes, and one packet: verdict, table, decision, counters
 *   fastpath.c   the segments that need nothing but the window check
 *   lookup.c     the flow of a packet, and its connection state
 *   late.c       TCP segments without a live entry
 *   verify.c     questions to the other end of such a segment
 *   expire.c     flows that end by timeout or by eviction
 *   verdict.c    evaluation of a chain
 *   shard.c      this header
 *   questions.c  questions to other ends, and their answers
 *   lease.c      what is shared with the kernel fast path
 *   knowledge.c  what is known of windows that were not seen from the start
 *
 * trace.c, called by batch.c, only reads. Beside them, explain.c on top of trace.c, and on top of
 * expire.c or shard.c: list.c, control.c (find, delete, flush), import.c and
 * memory.c (size and layout), and peer.c (what other nodes report).
 */
#ifndef FINWALL_CORE_SHARD_H
#define FINWALL_CORE_SHARD_H

#include "conncount.h"
#include "flowtab.h"
#include "graveyard.h"
#include "knowledge.h"
#include "late_close.h"
#include "lease.h"
#include "questions.h"
#include "shard_relax.h"
#include "sources.h"

#include <finwall/engine.h>
#include <finwall/peer.h>

#include <stdatomic.h>

/* Token buckets of late closes. Sources share one by their keyed hash, so that a flood of addresses
 * uses up no memory. */
#define LATE_SOURCES 4096

/* The same for interfaces, by their index. */
#define LATE_IFACES 64

/* Segments without an entry that passed unproved and wait for the other end's answer: sets of
 * places, by the keyed hash of their connection. */
#define UNPROVED_SETS 128
#define UNPROVED_WAYS 4

/* Shares of the questions: each has rates of its own, so that none starves another. */
enum verify_share_nr {
	VERIFY_FIRST,    /* segments of which nothing is known */
	VERIFY_REPEATED, /* those that were above the rate, and come again */
	VERIFY_FITTING,  /* those that fit a remembered connection */
	VERIFY_SHARES_LEN,
};

struct verify_share {
	_Atomic uint64_t all;
	_Atomic uint64_t source[LATE_SOURCES];
};

/* Segments that were above a rate and are recognised when they come again; a power of two. */
#define VERIFY_REFUSED_LEN 65536

struct shard {
	_Atomic uint32_t lock; /* even = free; incremented by each lock and unlock */
	struct flowtab flows;
	struct graveyard graveyard;
	struct conncount *counts;       /* the engine's */
	struct sources *sources;        /* likewise */
	struct conncount_claim *claims; /* of counted flows, by their number in the table */
	uint32_t *origins;              /* of all flows, likewise; flow.h */
	struct flow_extra *extras;      /* of flows with FLOW_EXTRA_BESIDE, likewise */
	struct flow_account *accounts;  /* of flows, likewise; NULL = not counted */
	struct peer_mark *marks;        /* of flows, likewise; NULL = there are no other nodes */
	struct witness *witnesses;      /* of flows that are not KNOWN_EXACT, likewise */
	struct lease_share leases;
	struct unproved_pair unproved[UNPROVED_SETS][UNPROVED_WAYS];
	struct questions questions; /* about late segments, to their other ends */
} __attribute__((aligned(64)));

struct engine {
	struct engine_config cfg;
	bool fastpath_is_off; /* set by tests, which compare both paths */
	/* Rate limits of lenient and reject: per incoming interface, and per group of source
	 * addresses. */
	_Atomic uint64_t late_iface[LATE_IFACES];
	_Atomic uint64_t late_source[LATE_SOURCES];
	/* The same of questions. */
	struct verify_share verify[VERIFY_SHARES_LEN];
	_Atomic uint64_t verify_refused[VERIFY_REFUSED_LEN]; /* verify.c's */
	struct conncount counts;
	struct sources sources;
	struct leases leases;
	struct shard shard[];
};

static inline struct shard *shard_of(struct engine *e, uint64_t hash)
{
	return &e->shard[(hash >> 48) & (e->cfg.shards_len - 1)];
}

/* Waits until the lock is free and takes it; yields the processor from time to time. */
void shard_lock_contended(const struct engine *e, struct shard *s);

/*
 * Everything that changes a shard holds its lock. Readers may skip it (sequence lock): read
 * shard_seen(), copy, and discard the copy unless shard_unchanged(); see list.c.
 */
static inline void shard_lock(const struct engine *e, struct shard *s)
{
	uint32_t seen = atomic_load_explicit(&s->lock, memory_order_relaxed) & ~1u;

	if (!atomic_compare_exchange_strong_explicit(&s->lock, &seen, seen + 1,
	                                             memory_order_acquire, memory_order_relaxed)) {
		shard_lock_contended(e, s);
	}
	/* A reader that sees a change sees the lock taken. */
	atomic_thread_fence(memory_order_release);
}

static inline void shard_unlock(struct shard *s)
{
	uint32_t taken = atomic_load_explicit(&s->lock, memory_order_relaxed);

	atomic_store_explicit(&s->lock, taken + 1, memory_order_release);
}

/* The count that shard_unchanged() compares; odd while the lock is taken. */
static inline uint32_t shard_seen(const struct shard *s)
{
	return atomic_load_explicit(&s->lock, memory_order_acquire);
}

/* True when the lock was not taken since seen, which was even. */
static inline bool shard_unchanged(const struct shard *s, uint32_t seen)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&s->lock, memory_order_relaxed) == seen;
}

/* Below: the caller holds the lock. hash is that of the flow's key. */

/* Sets what a flow in the table has beside it. */
void shard_set_extra(const struct shard *s, struct flow *f, struct flow_extra extra);

/* What a flow in the table has beside it. */
static inline struct flow_extra shard_extra_of(const struct shard *s, const struct flow *f)
{
	return (f->extras & FLOW_EXTRA_BESIDE) != 0 ? s->extras[f - s->flows.pool]
	                                            : (struct flow_extra){ 0, 0 };
}

/* Inserts a copy of *f, which must not be in the table. Returns it, or NULL when the table is full.
 */
static inline struct flow *shard_insert(struct shard *s, struct engine_worker *w,
                                        const struct flow *f, uint64_t hash)
{
	struct flow *inserted = flowtab_insert(&s->flows, f, hash);

	if (inserted != NULL) {
		if (s->accounts != NULL) {
			s->accounts[inserted - s->flows.pool] = (struct flow_account){ 0 };
		}
		if ((f->timer[1] | f->timer[2]) != 0) {
			shard_set_extra(s, inserted, flow_extra_of_copy(f));
		}
		stat_add(&w->stats.event[EVENT_FLOW_NEW], 1);
	}
	return inserted;
}

/* Stores the counters that a new flow's claim names, until the flow closes or is deleted. */
void shard_count(struct shard *s, struct flow *f, const struct conncount_claim *claim);

/* A packet changed a counted flow: one that has closed is counted no longer. */
void shard_recount(struct shard *s, struct flow *f);

/* Decrements the counters of a flow. */
void shard_uncount(struct shard *s, struct flow *f);

/* Passes a change of a flow to the sink, which must be there. Rare: out of the way of packets. */
void shard_note(const struct shard *s, const struct engine_worker *w, const struct flow *f,
                unsigned changes, enum flow_end end, struct mono now);

/* The origin of a flow in the table. */
static inline uint32_t *shard_origin(const struct shard *s, const struct flow *f)
{
	return &s->origins[f - s->flows.pool];
}

/* Counts a packet of a flow, if packets are counted. bytes: from the IP header on. */
static inline void shard_account(struct shard *s, const struct flow *f, enum flow_dir dir,
                                 uint32_t bytes, struct mono now)
{
	struct flow_account *a;

	if (s->accounts == NULL) {
		return;
	}
	a = &s->accounts[f - s->flows.pool];
	a->packets[dir]++;
	a->bytes[dir] += bytes;
	a->last = now;
	if (a->start.ns == 0) {
		a->start = now;
	}
}

/* Adds what the kernel side has accepted of flow nr to a copy of its account. f: the flow, or a
 * copy of it. */
static inline void shard_add_leased(const struct shard *s, uint32_t nr, const struct flow *f,
                                    struct flow_account *a)
{
	struct lease_counts c;

	if (s->accounts == NULL || (f->status & FLOW_HAD_LEASE) == 0) {
		return;
	}
	lease_counts(&s->leases, nr, &c);
	for (unsigned dir = 0; dir < 2; dir++) {
		a->packets[dir] += c.packets[dir];
		a->bytes[dir] += c.bytes[dir];
	}
}

/* What a flow in the table has carried; zeroes where packets are not counted. */
static inline struct flow_account shard_account_of(const struct shard *s, const struct flow *f)
{
	struct flow_account a = { .packets = { 0 } };

	if (s->accounts != NULL) {
		a = s->accounts[f - s->flows.pool];
		shard_add_leased(s, (uint32_t)(f - s->flows.pool), f, &a);
	}
	return a;
}

/* Sends the event of what has changed of a flow; from: its TCP state before, status: FLOW_* before,
 * changes: FLOW_CHANGE_* besides. */
void shard_note_update(const struct shard *s, const struct engine_worker *w, const struct flow *f,
                       uint8_t from, uint8_t status, unsigned changes, struct mono now);

/* Takes back a lease. w: for the event of what the kernel side has changed; NULL = none. */
void shard_take_held_lease(struct shard *s, const struct engine_worker *w, struct flow *f,
                           struct mono now);

/* Takes back the lease of a flow, if it has one: its state, its windows and its deadline are up to
 * date. */
static inline void shard_take_lease(struct shard *s, const struct engine_worker *w, struct flow *f,
                                    struct mono now)
{
	if (lease_is_held(f)) {
		shard_take_held_lease(s, w, f, now);
	}
}

/* As lease_renew() and lease_read_back(), and sends the event of what the kernel side has changed.
 */
bool shard_renew_lease(struct shard *s, const struct engine_worker *w, struct flow *f,
                       struct mono now);
void shard_read_lease_back(struct shard *s, const struct engine_worker *w, struct flow *f,
                           struct mono now);

/* A flow with FLOW_LEASED or FLOW_HAD_LEASE needs no lease any more: its account keeps what the
 * kernel side has accepted. */
static inline void shard_end_lease(struct shard *s, struct flow *f)
{
	if (lease_is_held(f)) {
		lease_take(&s->leases, &s->flows, f);
	}
	if (s->accounts != NULL) {
		uint32_t nr = (uint32_t)(f - s->flows.pool);

		shard_add_leased(s, nr, f, &s->accounts[nr]);
	}
	lease_end(&s->leases, &s->flows, f);
}

/* Deletes a flow from the table and from the counters. */
static inline void shard_delete(struct shard *s, struct flow *f, uint64_t hash)
{
	if ((f->extras & FLOW_EXTRA_COUNTED) != 0) {
		shard_uncount(s, f);
	}
	if ((f->status & (FLOW_LEASED | FLOW_HAD_LEASE)) != 0) {
		shard_end_lease(s, f);
	}
	flowtab_delete(&s->flows, f, hash);
}

/* As shard_delete(), and sends an event. */
static inline void shard_end(struct shard *s, const struct engine_worker *w, struct flow *f,
                             uint64_t hash, enum flow_end end, struct mono now)
{
	if (w->sink.flow != NULL) {
		shard_note(s, w, f, FLOW_CHANGE_DESTROY, end, now);
	}
	shard_delete(s, f, hash);
}

/* The witness of a flow that is not KNOWN_EXACT. */
static inline struct witness *shard_witness(const struct shard *s, const struct flow *f)
{
	return &s->witnesses[f - s->flows.pool];
}

/* True for a flow beside which the tombstone of an older connection is kept. */
static inline bool shard_has_older(const struct shard *s, const struct flow *f)
{
	return (f->status & FLOW_KNOWN) != 0 && (shard_witness(s, f)->flags & WITNESS_BESIDE) != 0;
}

/* Sets *out to what is to be remembered of a flow in the table. Returns whether it is worth a
 * tombstone. */
bool shard_memory(const struct shard *s, const struct flow *f, struct flow *out);

/* The place of a connection's unproved segments; if it has none, the oldest of its set. */
struct unproved_pair *shard_unproved(struct shard *s, uint64_t hash);

/* Adds the tombstone of a memory, in place of an older one, unless that one is proved and this one
 * is not, or its connection was deleted. TOMB_DELETED replaces any. */
void shard_bury(struct shard *s, struct engine_worker *w, const struct flow *memory, uint64_t hash,
                enum tomb_cause cause, struct mono now);

/* Adds a tombstone of a flow in the table that is about to be deleted, if it is worth it; with
 * TOMB_DELETED if graveyard_can_end() it. */
void shard_remember(struct shard *s, struct engine_worker *w, const struct flow *f, uint64_t hash,
                    enum tomb_cause cause, struct mono now);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the engine: a shard, the engine, and what the steps of a packet tell each other.
 *
 * engine.c      batches, locks, the order of the steps
 * express.c     the short way of the packets that need nothing but the window check
 * engine_find.c find and track: which flow, which state
 * engine_late.c TCP segments without a live entry
 * engine_age.c  expiry, deletion
 * engine_list.c lists
 * engine_count.c  the numbers of connections that rules compare with
 */
#ifndef FINWALL_CORE_SHARD_H
#define FINWALL_CORE_SHARD_H

#include "conncount.h"
#include "flowtab.h"
#include "graveyard.h"
#include "late_close.h"

#include <finwall/engine.h>

#include <stdatomic.h>

/* Sources share a bucket by their keyed hash, so that no flood of addresses can use up memory. */
#define LATE_SOURCES 4096

struct shard {
	_Atomic uint32_t lock; /* even = free; one more whenever it is taken or let go */
	struct flowtab flows;
	struct graveyard graves;
	struct conncount *counts;       /* the engine's */
	struct conncount_claim *claims; /* by the place of a flow that is counted */
} __attribute__((aligned(64)));

struct engine {
	struct engine_config cfg;
	bool express_is_off; /* for tests, which compare both ways */
	/* Rate limits of lenient and reject: one for all, and one per group of source addresses. */
	_Atomic uint64_t late_bucket;
	_Atomic uint64_t late_source[LATE_SOURCES];
	struct conncount counts;
	struct shard shard[];
};

/* What all packets of a batch share. */
struct run {
	const struct policy *policy;
	struct engine_worker *w;
	struct mono now;
	const struct rule_asking *asking;
};

/* A packet on its way through the steps. */
struct job {
	const struct run *run;
	struct shard *shard;
	uint64_t hash;
	uint32_t hint;  /* the flow that it probably belongs to, see flowtab_find() */
	uint8_t side;   /* enum key_side */
	uint8_t broken; /* enum reason, REASON_NONE when it could be decoded */
	struct flowkey key;
	struct pkt pkt;
};

/* What find and track make of it. */
struct track {
	enum ct_state state;
	enum reason reason;
	enum flow_dir dir;
	struct flow *live;            /* the entry it belongs to, NULL for none (yet) */
	bool wants_entry;             /* insert fresh if the rules accept the packet */
	struct flow fresh;            /* complete but for the deadline */
	struct conncount_claim claim; /* what its rules counted it by */
	int64_t fresh_ttl_ns;         /* its time to live */
	bool must_drop;               /* whatever the rules say (policy reject) */
	bool has_late;                /* what follows describes a late close */
	struct late_event late;
	enum reason late_would[LATE_POLICIES_LEN]; /* what each policy makes of it */
};

static inline struct shard *shard_of(struct engine *e, uint64_t hash)
{
	return &e->shard[(hash >> 48) & (e->cfg.shards_len - 1)];
}

/* One turn of waiting. */
static inline void shard_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Keeps what a new flow was counted by until it ends. */
void shard_count(struct shard *s, struct flow *f, const struct conncount_claim *claim);

/* A packet moved a flow that is counted: one that has closed counts no more. */
void shard_recount(struct shard *s, struct flow *f);

/* The connection is counted no more. */
void shard_uncount(struct shard *s, struct flow *f);

/* Takes a flow out of table and counts. */
static inline void shard_delete(struct shard *s, struct flow *f, uint64_t hash)
{
	if (f->counted != 0) {
		shard_uncount(s, f);
	}
	flowtab_delete(&s->flows, f, hash);
}

/*
 * Taking the lock is what changes a shard. Who only looks may do without: read shard_seen(), copy
 * what is wanted, and throw it away unless shard_unchanged() (engine_list.c).
 */
void shard_lock(const struct engine *e, struct shard *s);
void shard_unlock(struct shard *s);

/* What shard_unchanged() wants to know; odd while somebody holds the lock. */
static inline uint32_t shard_seen(const struct shard *s)
{
	return atomic_load_explicit(&s->lock, memory_order_acquire);
}

/* True when nobody has had the lock since seen, which was even. */
static inline bool shard_unchanged(const struct shard *s, uint32_t seen)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&s->lock, memory_order_relaxed) == seen;
}

/* Runs a chain for this packet as it stands. */
void job_rules(const struct job *j, enum base_chain chain, enum ct_state state, enum flow_dir dir,
               struct rule_result *out);

static inline enum verdict verdict_of(const struct rule_result *r)
{
	switch (r->code) {
	case RULE_ACCEPT:
		return VERDICT_ACCEPT;
	case RULE_REJECT:
		return VERDICT_REJECT;
	default:
		return VERDICT_DROP;
	}
}

/* Finds and tracks a decoded packet. Entries that exist are updated. Caller holds the lock. */
void job_track(struct engine *e, const struct job *j, struct track *t);

/* A FIN, RST or ACK without a live entry. */
void job_track_late(struct engine *e, const struct job *j, struct track *t);

/*
 * A flow's time has run out: ends it as the idle policy says, or gives it more time to answer a
 * probe. Returns false when it was ended. Caller holds the lock.
 */
bool shard_expire(struct shard *s, struct engine_worker *w, struct flow *f, uint64_t hash,
                  struct mono now);

/* Remembers a flow that is about to be deleted, if it is worth it. */
void shard_bury(struct shard *s, struct engine_worker *w, const struct flow *f, uint64_t hash,
                enum tomb_cause cause, struct mono now);

#endif

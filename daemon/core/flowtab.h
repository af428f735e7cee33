/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flow table of one shard: a pool of flows, a hash index and a timer wheel over it.
 *
 * Memory is fixed at the start and touched only as the table fills, so that a large limit costs
 * nothing until it is used. No lock: the caller holds the shard's. hash is always that of the key.
 */
#ifndef FINWALL_CORE_FLOWTAB_H
#define FINWALL_CORE_FLOWTAB_H

#include "hindex.h"
#include "wheel.h"

#include <finwall/flow.h>

#include <stddef.h>
#include <stdint.h>

_Static_assert(sizeof(((struct flow *)0)->timer) == sizeof(struct wheel_link),
               "the links fit in the flow");

/* The flow's links in the wheel; armed at or before its deadline. */
static inline struct wheel_link *flow_timer(const struct flow *f)
{
	return (struct wheel_link *)(uintptr_t)f->timer;
}

struct flowtab {
	struct flow *pool;
	uint32_t pool_len;
	uint32_t fresh;     /* pool[fresh..] was never used */
	uint32_t free_list; /* through the timer's next */
	uint32_t used;
	uint32_t used_by[FLOW_PROTOS_LEN]; /* of them, by enum flow_proto */
	struct hindex index;
	struct wheel wheel;
	uint32_t spared;                      /* flows with FLOW_EXTRA_SPARED */
	uint32_t used_by_tcp[TCP_STATES_LEN]; /* TCP flows, by enum tcp_state */
};

/* Bytes of memory that flowtab_init() needs; a multiple of 64. */
size_t flowtab_size(uint32_t flows_max);

/* mem: zeroed, 64-byte aligned, stays the caller's. flows_max > 0. */
void flowtab_init(struct flowtab *t, void *mem, uint32_t flows_max, struct mono now);

/*
 * Prefetch for a batch: the bucket first, then the flow that it names. The second returns a hint
 * for flowtab_find_hint(). No lock is needed: a wrong hint costs time only.
 */
void flowtab_prefetch_bucket(const struct flowtab *t, uint64_t hash);
uint32_t flowtab_prefetch_flow(const struct flowtab *t, uint64_t hash);

/* Starts loading the place of the next flow that is inserted. No lock is needed. */
void flowtab_prefetch_place(const struct flowtab *t);

/* The flow of the key, or NULL. Its deadline may have passed. Valid until it is deleted. */
struct flow *flowtab_find(const struct flowtab *t, const struct flowkey *key, uint64_t hash);

/* The same; tries the hint first. */
static inline struct flow *flowtab_find_hint(const struct flowtab *t, const struct flowkey *key,
                                             uint64_t hash, uint32_t hint)
{
	/* A free place has family 0, as no packet does. */
	if (hint < t->pool_len && flowkey_equal(&t->pool[hint].key, key)) {
		return &t->pool[hint];
	}
	return flowtab_find(t, key, hash);
}

/*
 * Inserts a copy of *f, whose key is not in the table and whose deadline is set, and arms its
 * timer. Returns the flow in the table, or NULL when the pool is full.
 */
struct flow *flowtab_insert(struct flowtab *t, const struct flow *f, uint64_t hash);

/* Makes a flow ASSURED, in the index too. flowtab_insert() does so itself. */
void flowtab_assure(struct flowtab *t, struct flow *f, uint64_t hash);

/* Removes a flow and frees its place. */
void flowtab_delete(struct flowtab *t, struct flow *f, uint64_t hash);

/* Arms the timer for the flow's deadline, armed or not. */
void flowtab_rearm(struct flowtab *t, struct flow *f);

/*
 * Sets the deadline. An armed timer is moved only to an earlier tick; a later deadline is found
 * when the timer pops (lazy re-arming). A flow from flowtab_pop_due() is armed again.
 */
static inline void flowtab_set_deadline(struct flowtab *t, struct flow *f, struct mono deadline)
{
	f->deadline = deadline;
	if (!wheel_is_armed(flow_timer(f)) || wheel_tick(deadline) < flow_timer(f)->tick) {
		flowtab_rearm(t, f);
	}
}

/*
 * The next flow past its deadline, disarmed but still in the table: the caller deletes it or sets a
 * new deadline. NULL when there is none or *budget is 0.
 */
struct flow *flowtab_pop_due(struct flowtab *t, struct mono now, unsigned *budget);

/* To be called when the state of a TCP flow in the table has changed. */
static inline void flowtab_count_state(struct flowtab *t, const struct flow *f, unsigned from)
{
	t->used_by_tcp[from]--;
	t->used_by_tcp[f->conn.tcp.state]++;
}

/* To be called when flow_is_closed() has changed: the index notes it. */
void flowtab_revalue(struct flowtab *t, struct flow *f, uint64_t hash);

/*
 * True if so much of the table is used that new flows have to be distinguished: those with
 * FLOW_EXTRA_SPARED are evicted after the others, up to a quarter of the table.
 */
static inline bool flowtab_is_scarce(const struct flowtab *t)
{
	return t->used > t->pool_len - t->pool_len / 8;
}

/*
 * A flow to evict for a new one with this hash, or NULL: one past its deadline, if there is any;
 * else near the hash in the index, so that a remote host cannot choose it, one that is closed, or
 * the oldest that is not ASSURED, or one of which a side is closed. Never an open ASSURED one.
 * is_spared: the new one is. Beyond their share spared ones evict each other.
 */
struct flow *flowtab_victim(struct flowtab *t, uint64_t hash, bool is_spared, struct mono now);

/* The same, but only one that is neither closed nor ASSURED nor spared. */
struct flow *flowtab_victim_unproved(const struct flowtab *t, uint64_t hash);

/*
 * Iteration: the next flow at or after place *cursor, which starts at 0. Advances *cursor and takes
 * the places read, used or not, from *budget. NULL at the end, if *budget is left, or to be
 * continued.
 */
struct flow *flowtab_next(const struct flowtab *t, uint32_t *cursor, unsigned *budget);

#endif

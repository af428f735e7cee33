/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flow table of one shard: a pool of flows, a hash index over it, a timer wheel through it.
 *
 * Knows nothing of TCP. Memory is fixed at start and touched only as flows come, so that a large
 * limit costs nothing until it is used. No lock: the shard's owner serialises.
 */
#ifndef FINWALL_CORE_FLOWTAB_H
#define FINWALL_CORE_FLOWTAB_H

#include "hindex.h"
#include "wheel.h"

#include <finwall/flow.h>

#include <stddef.h>
#include <stdint.h>

_Static_assert(sizeof(((struct flow *)0)->timer) == sizeof(struct wheel_link), "kept in it");

/* The flow's place in the wheel; armed at or before its deadline. */
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
	struct hindex index;
	struct wheel wheel;
};

/* Bytes of memory that flowtab_init() needs; a multiple of 64. */
size_t flowtab_size(uint32_t flows_max);

/* mem: zeroed, 64-byte aligned, stays the caller's. flows_max > 0. */
void flowtab_init(struct flowtab *t, void *mem, uint32_t flows_max, struct mono now);

/*
 * Two steps of cache warming for a batch: the bucket first, then the flow that it names. The second
 * returns a hint for flowtab_find_hint(). Both may be called without the lock: a wrong hint costs
 * time, nothing else.
 */
void flowtab_prefetch_bucket(const struct flowtab *t, uint64_t hash);
uint32_t flowtab_prefetch_flow(const struct flowtab *t, uint64_t hash);

/* The flow of the key, dead or alive (see its deadline), or NULL. Good until it is deleted. */
struct flow *flowtab_find(const struct flowtab *t, const struct flowkey *key, uint64_t hash);

/* The same, looking first where the hint points. */
static inline struct flow *flowtab_find_hint(const struct flowtab *t, const struct flowkey *key,
                                             uint64_t hash, uint32_t hint)
{
	/* A free place has a key that no packet has. */
	if (hint < t->pool_len && flowkey_equal(&t->pool[hint].key, key)) {
		return &t->pool[hint];
	}
	return flowtab_find(t, key, hash);
}

/*
 * Puts a copy of *f in, whose key is not in the table and whose deadline is set, and arms its
 * timer. Returns the flow in the table, or NULL when the pool is used up.
 */
struct flow *flowtab_insert(struct flowtab *t, const struct flow *f, uint64_t hash);

/* Makes a flow ASSURED. (One that is so when it comes is put in as such.) */
void flowtab_assure(struct flowtab *t, struct flow *f, uint64_t hash);

/* Takes a flow out and frees it. */
void flowtab_delete(struct flowtab *t, struct flow *f, uint64_t hash);

/* Arms the timer for the flow's deadline, wherever it was. */
void flowtab_rearm(struct flowtab *t, struct flow *f);

/*
 * Moves the deadline. An armed timer is moved only when the deadline comes nearer; later is seen to
 * when it pops. A flow from flowtab_pop_due() is armed again.
 */
static inline void flowtab_set_deadline(struct flowtab *t, struct flow *f, struct mono deadline)
{
	f->deadline = deadline;
	if (!wheel_is_armed(flow_timer(f)) || wheel_tick(deadline) < flow_timer(f)->tick) {
		flowtab_rearm(t, f);
	}
}

/*
 * The next flow that is due, still in the table, disarmed: the caller deletes it or gives it a new
 * deadline. NULL when there is none or the budget ran out.
 */
struct flow *flowtab_pop_due(struct flowtab *t, struct mono now, unsigned *budget);

/*
 * A flow worth giving up for a newcomer with this hash: not ASSURED, or else dead, and near it in
 * the index, so that nobody can choose its victim. NULL when there is none.
 */
struct flow *flowtab_victim(const struct flowtab *t, uint64_t hash, struct mono now);

/*
 * For lists: the flow at or after *cursor (start with 0) that is in the table. Advances *cursor,
 * and counts *budget down by the places looked at, empty ones too. NULL: with budget left there is
 * none any more, without it there may be.
 */
struct flow *flowtab_next(const struct flowtab *t, uint32_t *cursor, unsigned *budget);

#endif

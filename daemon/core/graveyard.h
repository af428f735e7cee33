/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The graveyard: tombstones of TCP connections whose entry ended before the connection did.
 *
 * A pool of 64-byte tombstones, a hash index over it, and queues in the order in which entries
 * ended: per group of sources, closing connections apart. A deleted tombstone's place is used
 * again. A new one takes the place of the oldest if all are in use, so memory is fixed; but closing
 * connections beyond their share, and a source beyond its share, give up their own oldest, so that
 * nobody can replace the tombstones of others. Sequence and acknowledgement numbers are exact; the
 * two sizes of a window are rounded up to a 15-bit float (at most 0.1 % wider), so that an IPv6
 * connection fits. No lock: the caller holds the shard's. hash is always that of the key.
 */
#ifndef FINWALL_CORE_GRAVEYARD_H
#define FINWALL_CORE_GRAVEYARD_H

#include "hindex.h"

#include <finwall/flow.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tomb; /* 64 bytes; opaque */

/* Groups of sources: IPv4 addresses or IPv6 /64 of openers, by their keyed hash. */
#define TOMB_SOURCES 32

/* Open connections, then closing ones, which may be at most this part of all when all places are
 * used. */
#define TOMB_QUEUES        (2 * TOMB_SOURCES)
#define TOMB_CLOSING_SHARE 4

/* A source may have at most this part of its kind when all places are used, but this many at least.
 */
#define TOMB_SOURCE_SHARE 4
#define TOMB_SOURCE_MIN   16

/* Places in the order in which entries ended; across queues, to the second. */
struct tomb_queue {
	uint32_t first;
	uint32_t last;
	uint32_t len;
	uint32_t ended_s; /* of the first */
};

struct tomb_link; /* 12 bytes; opaque */

struct graveyard {
	struct tomb *pool;
	struct tomb_link *link;   /* of each place */
	struct flow_extra *extra; /* of those that have any */
	uint32_t pool_len;
	uint32_t fresh;     /* pool[fresh..] was never used */
	uint32_t free_list; /* through next */
	uint32_t alive;
	uint32_t closing; /* of these, in a closing state */
	uint32_t taken;   /* by graveyard_del() since the start; wraps */
	struct sipkey sip;
	struct hindex index;
	struct tomb_queue queue[TOMB_QUEUES];
};

/* Bytes of memory that graveyard_init() needs for this many; a multiple of 64. */
size_t graveyard_size(uint32_t tombs_max);

/*
 * sip: the key of all hashes. mem: zeroed, 64-byte aligned, the caller's. tombs_max may be 0.
 */
void graveyard_init(struct graveyard *g, void *mem, uint32_t tombs_max, const struct sipkey *sip);

/* mem: tombs_max of them, zeroed, the caller's. Without it nothing is kept beside a tombstone. */
void graveyard_set_extras(struct graveyard *g, struct flow_extra *mem);

/*
 * True for a flow that is worth remembering: TCP, ASSURED, not closed by both ends, and with less
 * than 16 MiB unacknowledged. The tracker's state does not decide: like the kernel's it is
 * TIME_WAIT after a repeated FIN of one side, and CLOSE after any RST that follows a FIN.
 */
bool graveyard_wants(const struct flow *f);

/* True for a TCP flow that would go on if it were deleted: its next segment is picked up. */
bool graveyard_can_end(const struct flow *f);

/*
 * Adds a tombstone of a flow that graveyard_wants(), or with TOMB_DELETED graveyard_can_end(); its
 * key must not be in the graveyard. Returns true when it overwrote an older tombstone.
 */
bool graveyard_add(struct graveyard *g, const struct flow *f, uint64_t hash, enum tomb_cause cause,
                   struct mono now);

/*
 * Prefetch before a look-up: the bucket of the index, then the tombstone that it names. No lock is
 * needed. The second returns the tombstone's number, or UINT32_MAX; the third loads its neighbours
 * in its queue, which graveyard_del() changes.
 */
void graveyard_prefetch_bucket(const struct graveyard *g, uint64_t hash);
uint32_t graveyard_prefetch_tomb(const struct graveyard *g, uint64_t hash);
void graveyard_prefetch_links(const struct graveyard *g, uint32_t nr);

/* The number of the key's tombstone, or UINT32_MAX. Valid until the next add, del or age. */
uint32_t graveyard_find(const struct graveyard *g, const struct flowkey *key, uint64_t hash);

/* Reads a tombstone. */
void graveyard_read(const struct graveyard *g, uint32_t nr, struct mono now, struct tomb_info *out);

/* Makes it one of a connection that was deleted (TOMB_DELETED), from now on. */
void graveyard_end(struct graveyard *g, uint32_t nr, struct mono now);

/*
 * Iteration: the next tombstone at or after place *cursor, which starts at 0. Advances *cursor and
 * takes the places read, used or not, from *budget. UINT32_MAX at the end, if *budget is left, or
 * to be continued.
 */
uint32_t graveyard_next(const struct graveyard *g, uint32_t *cursor, unsigned *budget);

/* Deletes a tombstone. */
void graveyard_del(struct graveyard *g, uint32_t nr, uint64_t hash);

/* Deletes the tombstones of entries that ended remember_ns ago or earlier, at most budget. Returns
 * how many were deleted. */
unsigned graveyard_age(struct graveyard *g, struct mono now, int64_t remember_ns, unsigned budget);

/*
 * For sequence-lock reads (list.c): places 0 to fresh - 1, used or not. A tombstone keeps its place
 * until it is deleted. The contents of a place, and when its entry ended.
 */
struct tomb_copy {
	uint64_t word[8];
	uint64_t ended_s;
	struct flow_extra extra; /* if it has any */
};
const void *graveyard_tomb_at(const struct graveyard *g, uint32_t nr);
const struct flow_extra *graveyard_extra_at(const struct graveyard *g, uint32_t nr);
const uint32_t *graveyard_ended_at(const struct graveyard *g, uint32_t nr);

/* Reads a copied place. Returns false when it holds no tombstone. */
bool graveyard_read_copy(const struct tomb_copy *copy, struct mono now, struct tomb_info *out);

#endif

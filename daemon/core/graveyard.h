/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The graveyard: tombstones of TCP connections whose entry ended before the connection did.
 *
 * A ring of 64-byte tombstones in the order in which entries ended, and a hash index over it. A new
 * one overwrites the oldest, so memory is fixed. Sequence and acknowledgement numbers are exact;
 * the two sizes of a window are rounded up to a 15-bit float (at most 0.1 % wider), so that an IPv6
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

struct graveyard {
	struct tomb *ring;
	uint32_t ring_len;
	uint32_t head;  /* the next place to write */
	uint32_t used;  /* places behind head that graveyard_age() has not passed */
	uint32_t alive; /* of these, not deleted */
	struct sipkey sip;
	struct hindex index;
};

/* Bytes of memory that graveyard_init() needs for this many; a multiple of 64. */
size_t graveyard_size(uint32_t tombs_max);

/*
 * sip: the key of all hashes. mem: zeroed, 64-byte aligned, the caller's. tombs_max may be 0.
 */
void graveyard_init(struct graveyard *g, void *mem, uint32_t tombs_max, const struct sipkey *sip);

/*
 * True for a flow that is worth remembering: TCP, ASSURED, in ESTABLISHED or half closed (FIN_WAIT,
 * CLOSE_WAIT, LAST_ACK), and with less than 16 MiB unacknowledged.
 */
bool graveyard_wants(const struct flow *f);

/*
 * Adds a tombstone of a flow that graveyard_wants(); its key must not be in the graveyard. Returns
 * true when it overwrote an older tombstone.
 */
bool graveyard_add(struct graveyard *g, const struct flow *f, uint64_t hash, enum tomb_cause cause,
                   struct mono now);

/*
 * Prefetch before a look-up: the bucket of the index, then the tombstone that it names. No lock is
 * needed.
 */
void graveyard_prefetch_bucket(const struct graveyard *g, uint64_t hash);
void graveyard_prefetch_tomb(const struct graveyard *g, uint64_t hash);

/* The number of the key's tombstone, or UINT32_MAX. Valid until the next add, del or age. */
uint32_t graveyard_find(const struct graveyard *g, const struct flowkey *key, uint64_t hash);

/* Reads a tombstone. */
void graveyard_read(const struct graveyard *g, uint32_t nr, struct mono now, struct tomb_info *out);

/* Deletes a tombstone. */
void graveyard_del(struct graveyard *g, uint32_t nr, uint64_t hash);

/* Deletes the tombstones of entries that ended remember_ns ago or earlier, oldest first, and passes
 * at most budget places. Returns how many were deleted. */
unsigned graveyard_age(struct graveyard *g, struct mono now, int64_t remember_ns, unsigned budget);

/*
 * For sequence-lock reads (list.c): sets *first to the next places, oldest first, and returns how
 * many may be copied, deleted ones included, at most max; 0 at the end. head and used: those of g,
 * read once. cursor: places copied so far. Never leads outside the ring.
 */
struct tomb_copy {
	uint64_t word[8];
};
uint32_t graveyard_places(const struct graveyard *g, uint32_t head, uint32_t used, uint32_t cursor,
                          uint32_t max, const struct tomb_copy **first);

/* Reads a copied place. Returns false when it holds no tombstone. */
bool graveyard_read_copy(const struct tomb_copy *copy, struct mono now, struct tomb_info *out);

#endif

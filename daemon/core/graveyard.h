/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The graveyard: what is remembered of TCP connections whose entry ended before they did.
 *
 * A ring of 64-byte tombstones in order of death with a hash index over it. A new one overwrites
 * the oldest, so memory is fixed and the oldest go first, exactly. Sequence numbers and
 * acknowledgements are kept exactly; the two sizes of a window are rounded up to a 15-bit float (at
 * most 0.1 % wider), which is what makes an IPv6 connection fit. No lock: the shard's owner
 * serialises.
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
	uint32_t head;  /* where the next one goes */
	uint32_t used;  /* places behind the head that age has not yet passed */
	uint32_t alive; /* tombstones in them; the others were deleted */
	struct sipkey sip;
	struct hindex index;
};

/* Bytes of memory that graveyard_init() needs for this many; a multiple of 64. */
size_t graveyard_size(uint32_t tombs_max);

/*
 * sip is the key of every hash that is passed in later. mem: zeroed, 64-byte aligned, stays the
 * caller's. tombs_max may be 0: nothing is remembered.
 */
void graveyard_init(struct graveyard *g, void *mem, uint32_t tombs_max, const struct sipkey *sip);

/*
 * True for a flow that is worth remembering: TCP, ASSURED, in ESTABLISHED or half closed (FIN_WAIT,
 * CLOSE_WAIT, LAST_ACK), and with less than 16 MiB unacknowledged.
 */
bool graveyard_wants(const struct flow *f);

/*
 * Remembers a flow that ends now and that graveyard_wants(); its key must not be in the graveyard.
 * hash is the full one of its key. Returns true when an older tombstone had to make room.
 */
bool graveyard_add(struct graveyard *g, const struct flow *f, uint64_t hash, enum tomb_cause cause,
                   struct mono now);

/*
 * Two steps of cache warming before a look-up: the bucket of the index, then the tombstone that it
 * names. May be called without the lock, like those of flowtab.h.
 */
void graveyard_prefetch_bucket(const struct graveyard *g, uint64_t hash);
void graveyard_prefetch_tomb(const struct graveyard *g, uint64_t hash);

/* Finds by key; UINT32_MAX when there is none. The number is good until the next add or del. */
uint32_t graveyard_find(const struct graveyard *g, const struct flowkey *key, uint64_t hash);

/* Reads one back. */
void graveyard_read(const struct graveyard *g, uint32_t nr, struct mono now, struct tomb_info *out);

/* Forgets one. hash is that of its key. */
void graveyard_del(struct graveyard *g, uint32_t nr, uint64_t hash);

/* Forgets, oldest first, those that died remember_ns ago or earlier. Looks at budget. Returns how
 * many. */
unsigned graveyard_age(struct graveyard *g, struct mono now, int64_t remember_ns, unsigned budget);

/*
 * For lists, which copy tombstones while others may change them: where the next ones lie, oldest
 * first. head and used: those of g, read once. cursor: how many places were seen so far. Returns
 * how many places from *first on, empty ones too, max at most; 0 at the end. Never leads outside
 * the ring.
 */
struct tomb_copy {
	uint64_t word[8];
};
uint32_t graveyard_places(const struct graveyard *g, uint32_t head, uint32_t used, uint32_t cursor,
                          uint32_t max, const struct tomb_copy **first);

/* Reads a copied place. Returns false when no tombstone is there. */
bool graveyard_read_copy(const struct tomb_copy *copy, struct mono now, struct tomb_info *out);

#endif

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
#ifndef FINWALL_GRAVEYARD_H
#define FINWALL_GRAVEYARD_H

#include <finwall/flow.h>
#include <finwall/hindex.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why an entry ended. */
enum tomb_cause {
	TOMB_IDLE,    /* its timeout ran out */
	TOMB_EVICTED, /* room was needed */
	TOMB_FLUSHED, /* by command, or by a reload that was asked to */
	TOMB_RESTART, /* found in the saved state, but older than its timeout */
	TOMB_CAUSES_LEN,
};

const char *tomb_cause_name(enum tomb_cause c);

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

/* What a tombstone says when read back. */
struct tomb_info {
	struct flowkey key;
	struct tcp_conn conn; /* last_* are zero, last_class is SEG_NONE */
	uint8_t status;       /* FLOW_ORIG_HI, SEEN_REPLY, ASSURED */
	uint8_t cause;        /* enum tomb_cause */
	struct mono died;     /* to the second */
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

/* For lists, oldest first: the next one, or UINT32_MAX. *cursor starts at 0 and is advanced,
 * *budget is counted down, as with flowtab_next(). */
uint32_t graveyard_next(const struct graveyard *g, uint32_t *cursor, unsigned *budget);

#endif

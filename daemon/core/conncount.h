/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of live connections per rule, or per rule and key (`ct count`).
 *
 * A counter is identified by what it counts, so that it survives a reload. It exists while it is
 * above 0. A packet that opens a connection increments the counters that its rules evaluate; the
 * claim that lists them is kept with the connection and decrements them when it ends. So numbers
 * are exact, and no table is searched. Memory is fixed at the start. One lock, taken only for
 * packets that open or end a connection that a rule counts.
 */
#ifndef FINWALL_CORE_CONNCOUNT_H
#define FINWALL_CORE_CONNCOUNT_H

#include "hindex.h"

#include <finwall/siphash.h>

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Counters that one connection may have. */
#define CONNCOUNT_CLAIMS_MAX 4

struct conncount_key {
	uint64_t counter; /* even */
	uint64_t hi;      /* the key in the set; 0 without a set */
	uint64_t lo;
};

/* The counters of one connection. Zeroed at first. */
struct conncount_claim {
	uint32_t len; /* and a bit while the claim rests */
	uint32_t slot[CONNCOUNT_CLAIMS_MAX];
};

struct conncount_slot;

struct conncount {
	_Atomic uint32_t lock; /* 0 = free */
	uint32_t slots_len;
	uint32_t fresh;     /* slot[fresh..] was never used */
	uint32_t free_list; /* linked by their set */
	uint32_t used;
	struct conncount_slot *slot;
	struct hindex index;
	struct sipkey hash_key;
	void (*yield)(void); /* yields the processor in a long wait for the lock; may be NULL */
};

/* Bytes of memory for counters of so many keys at once; a multiple of 64. */
size_t conncount_size(uint32_t slots_len);

/* mem: zeroed, 64-byte aligned, conncount_size() bytes; stays the caller's. */
void conncount_init(struct conncount *t, void *mem, uint32_t slots_len,
                    const struct sipkey *hash_key, void (*yield)(void));

/*
 * Increments the counter of a key, unless the claim already has it. keys_max: keys that the
 * counter's set may have, 0 = no set. Returns the number of connections, this one included; 0 when
 * set, memory or claim is full, and then nothing is counted.
 */
uint32_t conncount_take(struct conncount *t, const struct conncount_key *key, uint32_t keys_max,
                        struct conncount_claim *claim);

/* The number of connections of a key. */
uint32_t conncount_get(struct conncount *t, const struct conncount_key *key);

/* The number of counters: keys, and sets with keys. */
uint32_t conncount_used(struct conncount *t);

/*
 * Decrements all counters of a claim whose connection has closed and may be opened again in place,
 * and keeps them; conncount_wake() increments them again, whatever their limit. Both may be
 * repeated, and ignore an empty claim.
 */
void conncount_rest(struct conncount *t, struct conncount_claim *claim);
void conncount_wake(struct conncount *t, struct conncount_claim *claim);

/* Decrements all counters of the claim, unless it rests, and empties it. */
void conncount_give_back(struct conncount *t, struct conncount_claim *claim);

#endif

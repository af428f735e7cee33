/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many live connections there are of a rule, or of a rule and a key (`ct count`).
 *
 * A counter is found by what it counts, not by the rule that asks, so that it outlives a reload. It
 * exists while something is counted by it. Who opens a connection takes from all counters that its
 * rules ask, keeps the claim with the connection, and gives it back when that ends: a number is
 * exact, and no connection is ever looked for. Memory is fixed at the start. One lock for all: it
 * is only taken where a rule counts, for packets that open a connection or end one.
 */
#ifndef FINWALL_CORE_CONNCOUNT_H
#define FINWALL_CORE_CONNCOUNT_H

#include "hindex.h"

#include <finwall/siphash.h>

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* One connection is counted by at most so many. */
#define CONNCOUNT_CLAIMS_MAX 4

struct conncount_key {
	uint64_t counter; /* even */
	uint64_t hi;      /* the key in a set; 0 without */
	uint64_t lo;
};

/* What a connection is counted by. Starts zeroed. */
struct conncount_claim {
	uint32_t len;
	uint32_t slot[CONNCOUNT_CLAIMS_MAX];
};

struct conncount_slot;

struct conncount {
	_Atomic uint32_t lock; /* 0 = free */
	uint32_t slots_len;
	uint32_t fresh;     /* slot[fresh..] was never used */
	uint32_t free_list; /* through their set */
	uint32_t used;
	struct conncount_slot *slot;
	struct hindex index;
	struct sipkey hash_key;
	void (*yield)(void); /* called while waiting long for the lock; may be NULL */
};

/* Bytes of memory for counters of so many keys at once; a multiple of 64. */
size_t conncount_size(uint32_t slots_len);

/* mem: zeroed, 64-byte aligned, conncount_size() bytes; stays the caller's. */
void conncount_init(struct conncount *t, void *mem, uint32_t slots_len,
                    const struct sipkey *hash_key, void (*yield)(void));

/*
 * Counts one more connection, unless the claim has the key already. keys_max: of the counter, 0 =
 * any number. Returns how many connections there are, this one included; 0 and nothing is counted
 * when there is no room for the key or in the claim.
 */
uint32_t conncount_take(struct conncount *t, const struct conncount_key *key, uint32_t keys_max,
                        struct conncount_claim *claim);

/* How many connections are counted now. */
uint32_t conncount_get(struct conncount *t, const struct conncount_key *key);

/* How many counters there are: keys, and sets that have any. */
uint32_t conncount_used(struct conncount *t);

/* Gives everything in the claim back and empties it. */
void conncount_give_back(struct conncount *t, struct conncount_claim *claim);

#endif

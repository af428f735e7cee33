/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash index: from a 64-bit hash to the few slot numbers that may hold its key.
 *
 * A bucket is one cache line: 12 one-byte tags, a count of overflowed entries, 12 slot numbers. A
 * look-up compares all tags at once and reads elements only where a tag is equal, so that a miss
 * costs one cache line. An entry whose bucket is full goes to the next one and is counted in those
 * it passed, so that look-ups know how far to walk (after F14: N. Bronson, X. Shi, "Open-sourcing
 * F14", 2019). The caller stores and compares the keys.
 *
 * Memory is the caller's and starts zeroed. No allocation, no lock.
 */
#ifndef FINWALL_CORE_HINDEX_H
#define FINWALL_CORE_HINDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HINDEX_WAYS 12
#define HINDEX_NIL  UINT32_MAX

/* In a slot of the bucket: the entry is spent, or spared. Slot numbers are below. */
#define HINDEX_SPENT  0x80000000u
#define HINDEX_SPARED 0x40000000u

struct hindex_bucket {
	uint8_t tag[HINDEX_WAYS];   /* 0 = free */
	uint16_t passed;            /* entries that passed this bucket because it was full */
	uint16_t marked;            /* one bit per way; above them the hand */
	uint32_t slot[HINDEX_WAYS]; /* and HINDEX_SPENT or HINDEX_SPARED */
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct hindex_bucket) == 64, "a bucket is one cache line");

struct hindex {
	struct hindex_bucket *bucket;
	uint32_t buckets_len;
};

/* The position of a look-up; see hindex_first(). */
struct hindex_iter {
	uint32_t bucket;
	uint32_t mask; /* ways not returned yet */
	uint32_t walked;
	uint8_t tag;
	uint8_t way; /* of the entry that was returned last */
};

/* Buckets for so many entries at a load of four fifths. */
uint32_t hindex_buckets_for(uint32_t entries_max);

/* bucket[0..buckets_len) is zeroed, cache-line aligned and stays the caller's. */
void hindex_init(struct hindex *x, struct hindex_bucket *bucket, uint32_t buckets_len);

/* Starts loading the bucket of hash into the cache. */
void hindex_prefetch(const struct hindex *x, uint64_t hash);

/* The first candidate for hash, or HINDEX_NIL, or for a spent or spared entry a number that no slot
 * has;
 * faster than hindex_first(). */
uint32_t hindex_guess(const struct hindex *x, uint64_t hash);

/* The candidates for hash, one by one; HINDEX_NIL after the last. The caller compares keys. */
uint32_t hindex_first(const struct hindex *x, uint64_t hash, struct hindex_iter *it);
uint32_t hindex_next(const struct hindex *x, struct hindex_iter *it);

/*
 * The entry in the nr-th way from the home bucket of hash on, whatever its own hash, or HINDEX_NIL.
 * nr < HINDEX_WAYS * buckets_len.
 */
uint32_t hindex_near(const struct hindex *x, uint64_t hash, unsigned nr);

/* How much an entry is worth when another needs its place. */
enum hindex_worth {
	HINDEX_WORTH_LITTLE, /* a new entry */
	HINDEX_WORTH_SOME,   /* a new entry that is spared */
	HINDEX_WORTH_NOTHING,
	HINDEX_WORTH_KEEPING, /* never a victim */
};

/* Sets the worth of an entry. Ignores one that is not there. */
void hindex_set_worth(struct hindex *x, uint64_t hash, uint32_t slot, enum hindex_worth worth);

/*
 * An entry to give up, whatever its own hash, or HINDEX_NIL: one that is worth nothing from the
 * home bucket of hash or the next one, or else one of the kind of new entries, or else of the other
 * kind, in each bucket the oldest first. Reads the home bucket only if it has several of these, and
 * at most HINDEX_VICTIM_BUCKETS if the first two have none.
 */
#define HINDEX_VICTIM_BUCKETS 8
uint32_t hindex_victim(const struct hindex *x, uint64_t hash, enum hindex_worth kind);

/* The same, but of that kind only. */
uint32_t hindex_victim_of(const struct hindex *x, uint64_t hash, enum hindex_worth kind);

/* Adds an entry. Returns false when all buckets are full. Does not search for a duplicate. */
bool hindex_add(struct hindex *x, uint64_t hash, uint32_t slot);

/* Removes the entry; returns false when it is not there. */
bool hindex_del(struct hindex *x, uint64_t hash, uint32_t slot);

#endif

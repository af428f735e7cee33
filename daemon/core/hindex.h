/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash index: from a 64-bit hash to the few slot numbers that may hold its key.
 *
 * Buckets are one cache line: 12 one-byte tags, a count of entries that had to live further on,
 * 12 slot numbers. A look-up compares all tags at once and touches the elements only where a tag
 * agrees, so that a miss costs one cache line. Entries that find their bucket full go to the next
 * one and leave a count behind, which tells look-ups how far to walk (the idea is F14's: N.
 * Bronson, X. Shi, "Open-sourcing F14", 2019). It neither stores nor compares keys: the caller
 * does.
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

struct hindex_bucket {
	uint8_t tag[HINDEX_WAYS]; /* 0 = free */
	uint16_t passed;          /* entries that belong here or before and live further on */
	uint16_t marked;          /* a bit per way, for the caller */
	uint32_t slot[HINDEX_WAYS];
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct hindex_bucket) == 64, "a bucket is one cache line");

struct hindex {
	struct hindex_bucket *bucket;
	uint32_t buckets_len;
};

/* A look-up under way; see hindex_first(). */
struct hindex_iter {
	uint32_t bucket;
	uint32_t mask; /* ways still to be looked at */
	uint32_t walked;
	uint8_t tag;
};

/* Buckets for this many entries at four fifths full. */
uint32_t hindex_buckets_for(uint32_t entries_max);

/* bucket[0..buckets_len) is zeroed, cache-line aligned and stays the caller's. */
void hindex_init(struct hindex *x, struct hindex_bucket *bucket, uint32_t buckets_len);

/* Starts loading the bucket of hash into the cache. */
void hindex_prefetch(const struct hindex *x, uint64_t hash);

/* The first candidate for hash, or HINDEX_NIL: quicker than hindex_first() where one will do. */
uint32_t hindex_guess(const struct hindex *x, uint64_t hash);

/* The candidates for hash, one by one; HINDEX_NIL after the last. The caller compares keys. */
uint32_t hindex_first(const struct hindex *x, uint64_t hash, struct hindex_iter *it);
uint32_t hindex_next(const struct hindex *x, struct hindex_iter *it);

/*
 * The entry in the nr-th way counted from the home bucket of hash on, whatever its hash, or
 * HINDEX_NIL: who lives near it. nr < HINDEX_WAYS * buckets_len.
 */
uint32_t hindex_near(const struct hindex *x, uint64_t hash, unsigned nr);

/* Marks the entry, which must be there. The mark goes with it. */
void hindex_mark(struct hindex *x, uint64_t hash, uint32_t slot);

/*
 * The first entry without a mark in the home bucket of hash and the one behind it, whatever its
 * hash, or HINDEX_NIL. Looks at no more than these two cache lines.
 */
uint32_t hindex_near_unmarked(const struct hindex *x, uint64_t hash);

/* Adds an entry. Returns false when every bucket is full. Does not look for a duplicate. */
bool hindex_add(struct hindex *x, uint64_t hash, uint32_t slot);

/* Removes the entry; returns false when it is not there. */
bool hindex_del(struct hindex *x, uint64_t hash, uint32_t slot);

#endif

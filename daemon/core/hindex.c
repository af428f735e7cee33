/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hash index. The bucket comes from the hash's low half by multiplication (any number of
 * buckets), the tag from its top byte, so that the two are independent.
 *
 * Must not know what it indexes.
 */
#include "hindex.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif

#define WAYS_MASK  ((1u << HINDEX_WAYS) - 1)
#define HAND_SHIFT HINDEX_WAYS

/* With so many entries of little worth the home bucket suffices: its oldest is old enough. */
#define VICTIM_WAYS_MIN 4

static inline uint32_t slot_of(const struct hindex_bucket *b, unsigned way)
{
	return b->slot[way] & ~(HINDEX_SPENT | HINDEX_SPARED);
}

static inline uint32_t home_of(const struct hindex *x, uint64_t hash)
{
	return (uint32_t)(((hash & UINT32_MAX) * x->buckets_len) >> 32);
}

static inline uint8_t tag_of(uint64_t hash)
{
	uint8_t tag = (uint8_t)(hash >> 56);

	return tag == 0 ? 1 : tag;
}

static inline uint32_t next_bucket(const struct hindex *x, uint32_t b)
{
	return b + 1 == x->buckets_len ? 0 : b + 1;
}

/* One bit per way whose tag is this one. Reads the bucket's first 16 bytes at once. */
static inline uint32_t ways_with(const struct hindex_bucket *b, uint8_t tag)
{
#if defined(__SSE2__)
	__m128i tags = _mm_load_si128((const __m128i *)(const void *)b);

	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8((char)tag))) &
	       WAYS_MASK;
#elif defined(__ARM_NEON) && defined(__aarch64__)
	static const uint8_t bit[16] = { 1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 0, 0, 0, 0 };
	uint8x16_t hit = vandq_u8(vceqq_u8(vld1q_u8(b->tag), vdupq_n_u8(tag)), vld1q_u8(bit));

	return (uint32_t)vaddv_u8(vget_low_u8(hit)) | (uint32_t)vaddv_u8(vget_high_u8(hit)) << 8;
#else
	uint32_t mask = 0;

	for (unsigned way = 0; way < HINDEX_WAYS; way++) {
		mask |= (uint32_t)(b->tag[way] == tag) << way;
	}
	return mask;
#endif
}

/*
 * The first of these ways from the bucket's hand on, as of a clock. The hand is behind the way that
 * was filled last: the next entry takes the first free way from there, so that the first used one
 * has the oldest.
 */
static inline unsigned from_hand(const struct hindex_bucket *b, uint32_t ways)
{
	uint32_t ahead = ways & (~0u << (b->marked >> HAND_SHIFT));

	return (unsigned)__builtin_ctz(ahead != 0 ? ahead : ways);
}

static inline void set_hand(struct hindex_bucket *b, unsigned way)
{
	unsigned hand = way + 1 == HINDEX_WAYS ? 0 : way + 1;

	b->marked = (uint16_t)((b->marked & WAYS_MASK) | hand << HAND_SHIFT);
}

uint32_t hindex_buckets_for(uint32_t entries_max)
{
	uint64_t ways = (uint64_t)entries_max + entries_max / 4;
	uint64_t buckets = (ways + HINDEX_WAYS - 1) / HINDEX_WAYS;

	return buckets < 1 ? 1 : (uint32_t)buckets;
}

void hindex_init(struct hindex *x, struct hindex_bucket *bucket, uint32_t buckets_len)
{
	x->bucket = bucket;
	x->buckets_len = buckets_len;
}

void hindex_prefetch(const struct hindex *x, uint64_t hash)
{
	__builtin_prefetch(&x->bucket[home_of(x, hash)]);
}

uint32_t hindex_guess(const struct hindex *x, uint64_t hash)
{
	const struct hindex_bucket *b = &x->bucket[home_of(x, hash)];
	uint32_t ways = ways_with(b, tag_of(hash));
	struct hindex_iter it;

	return ways != 0 ? b->slot[__builtin_ctz(ways)] : hindex_first(x, hash, &it);
}

uint32_t hindex_first(const struct hindex *x, uint64_t hash, struct hindex_iter *it)
{
	it->bucket = home_of(x, hash);
	it->tag = tag_of(hash);
	it->walked = 0;
	it->mask = ways_with(&x->bucket[it->bucket], it->tag);
	return hindex_next(x, it);
}

uint32_t hindex_next(const struct hindex *x, struct hindex_iter *it)
{
	while (it->mask == 0) {
		if (x->bucket[it->bucket].passed == 0 || ++it->walked == x->buckets_len) {
			return HINDEX_NIL;
		}
		it->bucket = next_bucket(x, it->bucket);
		it->mask = ways_with(&x->bucket[it->bucket], it->tag);
	}
	unsigned way = (unsigned)__builtin_ctz(it->mask);

	it->way = (uint8_t)way;
	it->mask &= it->mask - 1;
	return slot_of(&x->bucket[it->bucket], way);
}

uint32_t hindex_near(const struct hindex *x, uint64_t hash, unsigned nr)
{
	uint32_t at = (home_of(x, hash) + nr / HINDEX_WAYS) % x->buckets_len;
	const struct hindex_bucket *b = &x->bucket[at];

	return b->tag[nr % HINDEX_WAYS] == 0 ? HINDEX_NIL : slot_of(b, nr % HINDEX_WAYS);
}

bool hindex_add(struct hindex *x, uint64_t hash, uint32_t slot)
{
	uint32_t home = home_of(x, hash);
	uint32_t b = home;
	uint32_t free_ways;

	for (uint32_t walked = 0; (free_ways = ways_with(&x->bucket[b], 0)) == 0;) {
		b = next_bucket(x, b);
		if (++walked == x->buckets_len) {
			return false;
		}
	}
	for (uint32_t at = home; at != b; at = next_bucket(x, at)) {
		/* A saturated count makes look-ups walk further, nothing else. */
		if (x->bucket[at].passed != UINT16_MAX) {
			x->bucket[at].passed++;
		}
	}
	unsigned way = from_hand(&x->bucket[b], free_ways);

	set_hand(&x->bucket[b], way);
	x->bucket[b].tag[way] = tag_of(hash);
	x->bucket[b].slot[way] = slot;
	return true;
}

/* The bucket of an entry, or NULL; sets *way to its way in it. */
static struct hindex_bucket *bucket_of(struct hindex *x, uint64_t hash, uint32_t slot,
                                       unsigned *way)
{
	struct hindex_iter it;
	uint32_t found = hindex_first(x, hash, &it);

	while (found != slot) {
		if (found == HINDEX_NIL) {
			return NULL;
		}
		found = hindex_next(x, &it);
	}
	*way = it.way;
	return &x->bucket[it.bucket];
}

void hindex_set_worth(struct hindex *x, uint64_t hash, uint32_t slot, enum hindex_worth worth)
{
	unsigned way;
	struct hindex_bucket *b = bucket_of(x, hash, slot, &way);

	if (b == NULL) {
		return;
	}
	b->marked &= (uint16_t) ~(1u << way);
	b->slot[way] = slot;
	switch (worth) {
	case HINDEX_WORTH_KEEPING:
		b->marked |= (uint16_t)(1u << way);
		break;
	case HINDEX_WORTH_NOTHING:
		b->slot[way] |= HINDEX_SPENT;
		break;
	case HINDEX_WORTH_SOME:
		b->slot[way] |= HINDEX_SPARED;
		break;
	default:
		break;
	}
}

/* The ways of a bucket whose entries may be given up. */
static uint32_t victim_ways(const struct hindex_bucket *b)
{
	return WAYS_MASK & ~ways_with(b, 0) & ~(uint32_t)b->marked;
}

/* Those of the ways whose slots have the highest bit but skipped. */
static inline uint32_t flagged_ways(const struct hindex_bucket *b, uint32_t ways, int skipped)
{
	uint32_t flagged = 0;

#if defined(__SSE2__)
	for (unsigned way = 0; way < HINDEX_WAYS; way += 4) {
		__m128i four = _mm_load_si128((const __m128i *)(const void *)&b->slot[way]);

		four = _mm_slli_epi32(four, skipped);
		flagged |= (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(four)) << way;
	}
#else
	for (unsigned way = 0; way < HINDEX_WAYS; way++) {
		flagged |= ((b->slot[way] << skipped) >> 31) << way;
	}
#endif
	return flagged & ways;
}

/* The number of ways, of at most 16; without a call where the CPU has no instruction for it. */
static unsigned count_ways(uint32_t ways)
{
	ways = (ways & 0x5555) + (ways >> 1 & 0x5555);
	ways = (ways & 0x3333) + (ways >> 2 & 0x3333);
	ways = (ways & 0x0f0f) + (ways >> 4 & 0x0f0f);
	return (ways & 0x1f) + (ways >> 8);
}

static inline uint32_t find_victim(const struct hindex *x, uint64_t hash, enum hindex_worth kind,
                                   bool takes_others)
{
	const struct hindex_bucket *best = NULL;
	const struct hindex_bucket *other = NULL; /* of the other kind only */
	uint32_t best_ways = 0;
	uint32_t other_ways = 0;
	uint32_t at = home_of(x, hash);

	for (unsigned i = 0; i < HINDEX_VICTIM_BUCKETS && i < x->buckets_len; i++) {
		const struct hindex_bucket *b = &x->bucket[at];
		uint32_t ways = victim_ways(b);
		uint32_t spent = flagged_ways(b, ways, 0);
		uint32_t spared;

		if (spent != 0 && takes_others) {
			return slot_of(b, from_hand(b, spent));
		}
		ways &= ~spent;
		spared = flagged_ways(b, ways, 1);
		if (kind == HINDEX_WORTH_SOME) {
			spared ^= ways;
		}
		ways &= ~spared;
		if (other == NULL && spared != 0) {
			other = b;
			other_ways = spared;
		}
		/* Of the one with more, so that the oldest is old in a bucket with few as well. */
		if (count_ways(ways) > count_ways(best_ways)) {
			best = b;
			best_ways = ways;
		}
		if (best != NULL && (i > 0 || count_ways(ways) >= VICTIM_WAYS_MIN)) {
			break;
		}
		at = next_bucket(x, at);
	}
	if (best == NULL && takes_others) {
		best = other;
		best_ways = other_ways;
	}
	return best != NULL ? slot_of(best, from_hand(best, best_ways)) : HINDEX_NIL;
}

uint32_t hindex_victim(const struct hindex *x, uint64_t hash, enum hindex_worth kind)
{
	return find_victim(x, hash, kind, true);
}

uint32_t hindex_victim_of(const struct hindex *x, uint64_t hash, enum hindex_worth kind)
{
	return find_victim(x, hash, kind, false);
}

bool hindex_del(struct hindex *x, uint64_t hash, uint32_t slot)
{
	unsigned way;
	struct hindex_bucket *b = bucket_of(x, hash, slot, &way);

	if (b == NULL) {
		return false;
	}
	b->tag[way] = 0;
	b->marked &= (uint16_t) ~(1u << way);
	for (uint32_t at = home_of(x, hash); &x->bucket[at] != b; at = next_bucket(x, at)) {
		if (x->bucket[at].passed != UINT16_MAX) {
			x->bucket[at].passed--;
		}
	}
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of live connections: a pool of slots and an index over them. A set has a slot of its
 * own, whose key has an odd counter and whose number is that of the set's keys. Must not know
 * connections, rules or packets.
 */
#include "conncount.h"

#include <string.h>

/* In a claim's len: it rests. */
#define CLAIM_RESTS 0x80000000u

#define NO_SLOT            UINT32_MAX
#define SPINS_BEFORE_YIELD 1000

struct conncount_slot {
	struct conncount_key key;
	uint32_t live; /* connections, or keys of a set */
	uint32_t rest; /* connections whose claim rests; both 0 = free */
	uint32_t set; /* the slot of the key's set, or NO_SLOT; of a free slot: the next free one */
};

static size_t pool_size(uint32_t slots_len)
{
	return ((size_t)slots_len * sizeof(struct conncount_slot) + 63) & ~(size_t)63;
}

size_t conncount_size(uint32_t slots_len)
{
	return pool_size(slots_len) +
	       (size_t)hindex_buckets_for(slots_len) * sizeof(struct hindex_bucket);
}

void conncount_init(struct conncount *t, void *mem, uint32_t slots_len,
                    const struct sipkey *hash_key, void (*yield)(void))
{
	t->slots_len = slots_len;
	t->fresh = 0;
	t->free_list = NO_SLOT;
	t->used = 0;
	t->slot = mem;
	t->hash_key = *hash_key;
	t->yield = yield;
	hindex_init(&t->index,
	            (struct hindex_bucket *)(void *)((unsigned char *)mem + pool_size(slots_len)),
	            hindex_buckets_for(slots_len));
}

static void lock(struct conncount *t)
{
	unsigned spins = 0;

	while (atomic_exchange_explicit(&t->lock, 1, memory_order_acquire) != 0) {
		while (atomic_load_explicit(&t->lock, memory_order_relaxed) != 0) {
			if (++spins % SPINS_BEFORE_YIELD == 0 && t->yield != NULL) {
				t->yield();
			}
		}
	}
}

static void unlock(struct conncount *t)
{
	atomic_store_explicit(&t->lock, 0, memory_order_release);
}

static bool keys_are_equal(const struct conncount_key *a, const struct conncount_key *b)
{
	return a->counter == b->counter && a->hi == b->hi && a->lo == b->lo;
}

static uint64_t hash_of(const struct conncount *t, const struct conncount_key *key)
{
	const uint64_t words[3] = { key->counter, key->hi, key->lo };

	return siphash13(&t->hash_key, words, 3);
}

static uint32_t find(const struct conncount *t, const struct conncount_key *key)
{
	struct hindex_iter it;
	uint32_t nr = hindex_first(&t->index, hash_of(t, key), &it);

	while (nr != HINDEX_NIL && !keys_are_equal(&t->slot[nr].key, key)) {
		nr = hindex_next(&t->index, &it);
	}
	return nr != HINDEX_NIL ? nr : NO_SLOT;
}

/* A new slot for the key, with number 0; NO_SLOT when all are used. */
static uint32_t make(struct conncount *t, const struct conncount_key *key)
{
	uint32_t nr = t->free_list;

	if (nr == NO_SLOT && t->fresh == t->slots_len) {
		return NO_SLOT;
	}
	if (!hindex_add(&t->index, hash_of(t, key), nr != NO_SLOT ? nr : t->fresh)) {
		return NO_SLOT;
	}
	if (nr != NO_SLOT) {
		t->free_list = t->slot[nr].set;
	} else {
		nr = t->fresh++;
	}
	t->slot[nr] = (struct conncount_slot){ .key = *key, .set = NO_SLOT };
	t->used++;
	return nr;
}

static void drop(struct conncount *t, uint32_t nr)
{
	hindex_del(&t->index, hash_of(t, &t->slot[nr].key), nr);
	t->slot[nr].set = t->free_list;
	t->free_list = nr;
	t->used--;
}

/* Frees a slot that nothing refers to any more, and what its set has of it. */
static void settle(struct conncount *t, uint32_t nr)
{
	uint32_t set = t->slot[nr].set;

	if (t->slot[nr].live + t->slot[nr].rest != 0) {
		return;
	}
	drop(t, nr);
	if (set != NO_SLOT) {
		t->slot[set].live--;
		settle(t, set);
	}
}

/* A new slot for a key of a set, which counts the key. */
static uint32_t make_in_set(struct conncount *t, const struct conncount_key *key, uint32_t keys_max)
{
	const struct conncount_key set_key = { .counter = key->counter | 1 };
	uint32_t set = find(t, &set_key);
	uint32_t nr;

	if (set == NO_SLOT) {
		set = make(t, &set_key);
	}
	if (set == NO_SLOT || t->slot[set].live >= keys_max) {
		return NO_SLOT;
	}
	nr = make(t, key);
	t->slot[set].live++;
	if (nr == NO_SLOT) {
		t->slot[set].live--;
		settle(t, set);
		return NO_SLOT;
	}
	t->slot[nr].set = set;
	return nr;
}

static bool has_claim(const struct conncount_claim *claim, uint32_t nr)
{
	for (uint32_t i = 0; i < claim->len; i++) {
		if (claim->slot[i] == nr) {
			return true;
		}
	}
	return false;
}

static uint32_t take_locked(struct conncount *t, const struct conncount_key *key, uint32_t keys_max,
                            struct conncount_claim *claim)
{
	uint32_t nr = find(t, key);

	if (nr != NO_SLOT && has_claim(claim, nr)) {
		return t->slot[nr].live;
	}
	if (claim->len == CONNCOUNT_CLAIMS_MAX) {
		return 0;
	}
	if (nr == NO_SLOT) {
		nr = keys_max != 0 ? make_in_set(t, key, keys_max) : make(t, key);
	}
	if (nr == NO_SLOT) {
		return 0;
	}
	claim->slot[claim->len++] = nr;
	return ++t->slot[nr].live;
}

uint32_t conncount_take(struct conncount *t, const struct conncount_key *key, uint32_t keys_max,
                        struct conncount_claim *claim)
{
	uint32_t live;

	lock(t);
	live = take_locked(t, key, keys_max, claim);
	unlock(t);
	return live;
}

uint32_t conncount_get(struct conncount *t, const struct conncount_key *key)
{
	uint32_t nr;
	uint32_t live;

	lock(t);
	nr = find(t, key);
	live = nr != NO_SLOT ? t->slot[nr].live : 0;
	unlock(t);
	return live;
}

uint32_t conncount_used(struct conncount *t)
{
	uint32_t used;

	lock(t);
	used = t->used;
	unlock(t);
	return used;
}

void conncount_rest(struct conncount *t, struct conncount_claim *claim)
{
	if (claim->len == 0 || (claim->len & CLAIM_RESTS) != 0) {
		return;
	}
	lock(t);
	for (uint32_t i = 0; i < claim->len; i++) {
		t->slot[claim->slot[i]].live--;
		t->slot[claim->slot[i]].rest++;
	}
	unlock(t);
	claim->len |= CLAIM_RESTS;
}

void conncount_wake(struct conncount *t, struct conncount_claim *claim)
{
	if ((claim->len & CLAIM_RESTS) == 0) {
		return;
	}
	claim->len &= ~CLAIM_RESTS;
	lock(t);
	for (uint32_t i = 0; i < claim->len; i++) {
		t->slot[claim->slot[i]].live++;
		t->slot[claim->slot[i]].rest--;
	}
	unlock(t);
}

void conncount_give_back(struct conncount *t, struct conncount_claim *claim)
{
	bool rests = (claim->len & CLAIM_RESTS) != 0;

	claim->len &= ~CLAIM_RESTS;
	lock(t);
	for (uint32_t i = 0; i < claim->len; i++) {
		struct conncount_slot *slot = &t->slot[claim->slot[i]];

		if (rests) {
			slot->rest--;
		} else {
			slot->live--;
		}
		settle(t, claim->slot[i]);
	}
	unlock(t);
	claim->len = 0;
}

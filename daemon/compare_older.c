/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections older than the comparison. See compare_older.h. */
#include "compare_older.h"

#include "io/mem.h"

#include <stdatomic.h>
#include <string.h>

#define PLACES_MIN 65536u
#define PLACES_MAX (UINT64_C(1) << 21)

/* Places that are searched for one connection. */
#define PROBES 32

/* A place is 0 when free, otherwise a hash whose lowest bit is replaced. */
#define SETTLED UINT64_C(1)

#define KEY_WORDS (sizeof(struct flowkey) / sizeof(uint64_t))

struct older {
	struct sipkey key;
	uint64_t mask;
	size_t size;          /* of the mapping */
	_Atomic int64_t open; /* not settled */
	_Atomic uint64_t at[];
};

struct older *older_new(uint64_t len, const struct sipkey *key)
{
	uint64_t places = PLACES_MIN;
	struct older *o;
	size_t size;

	while (places < len * 2 && places < PLACES_MAX) {
		places *= 2;
	}
	size = sizeof(*o) + places * sizeof(o->at[0]);
	o = mem_map(size);
	if (o != NULL) {
		o->key = *key;
		o->mask = places - 1;
		o->size = size;
	}
	return o;
}

void older_free(struct older *o)
{
	if (o != NULL) {
		mem_unmap(o, o->size);
	}
}

static uint64_t hash_of(const struct older *o, const struct flowkey *key)
{
	uint64_t words[KEY_WORDS];
	uint64_t hash;

	memcpy(words, key, sizeof(words));
	hash = siphash13(&o->key, words, KEY_WORDS) & ~SETTLED;
	return hash != 0 ? hash : 2;
}

/* The i-th place of a hash. */
static uint64_t place_of(const struct older *o, uint64_t hash, unsigned i)
{
	return ((hash >> 1) + i) & o->mask;
}

/* Changes a place between open and settled. */
static void change(struct older *o, _Atomic uint64_t *place, uint64_t from, uint64_t to)
{
	if (atomic_compare_exchange_strong_explicit(place, &from, to, memory_order_relaxed,
	                                            memory_order_relaxed)) {
		atomic_fetch_add_explicit(&o->open, (to & SETTLED) != 0 ? -1 : 1,
		                          memory_order_relaxed);
	}
}

void older_add(struct older *o, const struct flowkey *key)
{
	const uint64_t hash = hash_of(o, key);

	for (unsigned i = 0; i < PROBES; i++) {
		_Atomic uint64_t *place = &o->at[place_of(o, hash, i)];
		uint64_t seen = 0;

		if (atomic_compare_exchange_strong_explicit(
			    place, &seen, hash, memory_order_relaxed, memory_order_relaxed)) {
			atomic_fetch_add_explicit(&o->open, 1, memory_order_relaxed);
			return;
		}
		if (seen == hash) {
			return;
		}
		if (seen == (hash | SETTLED)) {
			change(o, place, seen, hash);
			return;
		}
	}
}

void older_add_all(struct older *o, struct engine *e, struct mono now)
{
	struct engine_cursor cursor = { 0 };
	struct flow flows[64];

	while (!engine_list_is_over(e, &cursor)) {
		size_t len =
			engine_list_flows(e, &cursor, now, flows, sizeof(flows) / sizeof(flows[0]));

		for (size_t i = 0; i < len; i++) {
			older_add(o, &flows[i].key);
		}
	}
}

void older_settle(struct older *o, const struct flowkey *key)
{
	const uint64_t hash = hash_of(o, key);

	for (unsigned i = 0; i < PROBES; i++) {
		_Atomic uint64_t *place = &o->at[place_of(o, hash, i)];
		uint64_t seen = atomic_load_explicit(place, memory_order_relaxed);

		if (seen == 0 || seen == (hash | SETTLED)) {
			return;
		}
		if (seen == hash) {
			change(o, place, hash, hash | SETTLED);
			return;
		}
	}
}

bool older_has(const struct older *o, const struct flowkey *key)
{
	const uint64_t hash = hash_of(o, key);

	for (unsigned i = 0; i < PROBES; i++) {
		uint64_t seen =
			atomic_load_explicit(&o->at[place_of(o, hash, i)], memory_order_relaxed);

		if (seen == hash) {
			return true;
		}
		if (seen == 0) {
			return false;
		}
	}
	return false;
}

bool older_any(const struct older *o)
{
	return atomic_load_explicit(&o->open, memory_order_relaxed) > 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flow table of one shard. A free place has family 0 in its key and is linked through its
 * timer's next. pool[fresh..] has never been touched, so the system need not provide its memory.
 *
 * Must not know the tracker, rules or locks.
 */
#include "flowtab.h"

#include <string.h>

/* Neighbours in the index that are searched for an ending flow: two cache lines. */
#define VICTIM_WAYS (2 * HINDEX_WAYS)

/* Elements of the wheel that one eviction may move to find a flow that is due. */
#define VICTIM_DUE_BUDGET 2

/* Spared flows have this part of the table. */
#define SPARED_PART 4

static size_t pool_size(uint32_t flows_max)
{
	return (size_t)flows_max * sizeof(struct flow);
}

size_t flowtab_size(uint32_t flows_max)
{
	return pool_size(flows_max) +
	       (size_t)hindex_buckets_for(flows_max) * sizeof(struct hindex_bucket);
}

void flowtab_init(struct flowtab *t, void *mem, uint32_t flows_max, struct mono now)
{
	t->pool = mem;
	t->pool_len = flows_max;
	t->fresh = 0;
	t->free_list = WHEEL_NIL;
	t->used = 0;
	memset(t->used_by, 0, sizeof(t->used_by));
	memset(t->used_by_tcp, 0, sizeof(t->used_by_tcp));
	hindex_init(&t->index,
	            (struct hindex_bucket *)(void *)((unsigned char *)mem + pool_size(flows_max)),
	            hindex_buckets_for(flows_max));
	wheel_init(&t->wheel, t->pool[0].timer, sizeof(struct flow), now);
}

static inline uint32_t nr_of(const struct flowtab *t, const struct flow *f)
{
	return (uint32_t)(f - t->pool);
}

void flowtab_prefetch_bucket(const struct flowtab *t, uint64_t hash)
{
	hindex_prefetch(&t->index, hash);
}

/* The place of the next flow that is inserted; pool_len if there is none. */
static inline uint32_t next_place(const struct flowtab *t)
{
	return t->free_list != WHEEL_NIL ? t->free_list : t->fresh;
}

#ifndef __SANITIZE_THREAD__
static inline void prefetch_place(const struct flowtab *t, uint32_t nr)
{
	__builtin_prefetch(&t->pool[nr], 1);
	__builtin_prefetch((const unsigned char *)&t->pool[nr] + 64, 1);
}
#endif

uint32_t flowtab_prefetch_flow(const struct flowtab *t, uint64_t hash)
{
	/* Reads unlocked; hidden from the thread sanitizer. */
#ifndef __SANITIZE_THREAD__
	uint32_t nr = hindex_guess(&t->index, hash);

	if (nr < t->pool_len) {
		prefetch_place(t, nr);
		return nr;
	}
#else
	(void)t;
	(void)hash;
#endif
	return HINDEX_NIL;
}

void flowtab_prefetch_place(const struct flowtab *t)
{
	/* Reads unlocked; hidden from the thread sanitizer. */
#ifndef __SANITIZE_THREAD__
	uint32_t nr = next_place(t);

	if (nr < t->pool_len) {
		prefetch_place(t, nr);
	}
#else
	(void)t;
#endif
}

struct flow *flowtab_find(const struct flowtab *t, const struct flowkey *key, uint64_t hash)
{
	struct hindex_iter it;

	for (uint32_t nr = hindex_first(&t->index, hash, &it); nr != HINDEX_NIL;
	     nr = hindex_next(&t->index, &it)) {
		if (flowkey_equal(&t->pool[nr].key, key)) {
			return &t->pool[nr];
		}
	}
	return NULL;
}

/* Takes a place in the pool, or WHEEL_NIL. */
static uint32_t take_place(struct flowtab *t)
{
	uint32_t nr = next_place(t);

	if (nr == t->free_list) {
		t->free_list = flow_timer(&t->pool[nr])->next;
		return nr;
	}
	return nr < t->pool_len ? t->fresh++ : WHEEL_NIL;
}

static void give_place_back(struct flowtab *t, uint32_t nr)
{
	t->pool[nr].key.family = 0;
	flow_timer(&t->pool[nr])->next = t->free_list;
	t->free_list = nr;
}

struct flow *flowtab_insert(struct flowtab *t, const struct flow *f, uint64_t hash)
{
	uint32_t nr = take_place(t);

	if (nr == WHEEL_NIL) {
		return NULL;
	}
	/* Cannot fail: the index has a quarter more places than the pool. */
	if (!hindex_add(&t->index, hash, nr)) {
		give_place_back(t, nr);
		return NULL;
	}
	t->pool[nr] = *f;
	t->pool[nr].hash_lo = (uint32_t)hash;
	wheel_insert(&t->wheel, nr, wheel_tick(f->deadline));
	t->used++;
	t->used_by[flow_proto_of(f->key.proto)]++;
	if (f->key.proto == IPPROTO_NR_TCP) {
		t->used_by_tcp[f->conn.tcp.state]++;
	}
	t->spared += (f->extras & FLOW_EXTRA_SPARED) != 0;
	if ((f->status & FLOW_ASSURED) != 0 || (f->extras & FLOW_EXTRA_SPARED) != 0 ||
	    flow_is_closed(f)) {
		flowtab_revalue(t, &t->pool[nr], hash);
	}
	return &t->pool[nr];
}

void flowtab_assure(struct flowtab *t, struct flow *f, uint64_t hash)
{
	f->status |= FLOW_ASSURED;
	flowtab_revalue(t, f, hash);
}

static void unspare(struct flowtab *t, struct flow *f)
{
	t->spared -= (f->extras & FLOW_EXTRA_SPARED) != 0;
	f->extras &= (uint8_t)~FLOW_EXTRA_SPARED;
}

void flowtab_revalue(struct flowtab *t, struct flow *f, uint64_t hash)
{
	enum hindex_worth worth =
		(f->extras & FLOW_EXTRA_SPARED) != 0 ? HINDEX_WORTH_SOME : HINDEX_WORTH_LITTLE;

	if (flow_is_closed(f)) {
		unspare(t, f);
		worth = HINDEX_WORTH_NOTHING;
	} else if ((f->status & FLOW_ASSURED) != 0) {
		unspare(t, f);
		worth = HINDEX_WORTH_KEEPING;
	}
	hindex_set_worth(&t->index, hash, nr_of(t, f), worth);
}

void flowtab_delete(struct flowtab *t, struct flow *f, uint64_t hash)
{
	uint32_t nr = nr_of(t, f);

	if (wheel_is_armed(flow_timer(f))) {
		wheel_remove(&t->wheel, nr);
	}
	unspare(t, f);
	hindex_del(&t->index, hash, nr);
	give_place_back(t, nr);
	t->used--;
	t->used_by[flow_proto_of(f->key.proto)]--;
	if (f->key.proto == IPPROTO_NR_TCP) {
		t->used_by_tcp[f->conn.tcp.state]--;
	}
}

void flowtab_rearm(struct flowtab *t, struct flow *f)
{
	if (wheel_is_armed(flow_timer(f))) {
		wheel_remove(&t->wheel, nr_of(t, f));
	}
	wheel_insert(&t->wheel, nr_of(t, f), wheel_tick(f->deadline));
}

struct flow *flowtab_pop_due(struct flowtab *t, struct mono now, unsigned *budget)
{
	uint32_t nr;

	while ((nr = wheel_pop(&t->wheel, wheel_tick_floor(now), budget)) != WHEEL_NIL) {
		struct flow *f = &t->pool[nr];

		if (mono_is_due(f->deadline, now)) {
			return f;
		}
		wheel_insert(&t->wheel, nr, wheel_tick(f->deadline));
	}
	return NULL;
}

/* True for a flow that may be given up although it is ASSURED. */
static bool is_ending(const struct flow *f, struct mono now)
{
	return mono_is_due(f->deadline, now) || flow_is_closing(f);
}

struct flow *flowtab_victim(struct flowtab *t, uint64_t hash, bool is_spared, struct mono now)
{
	const bool has_share = t->spared > t->pool_len / SPARED_PART;
	unsigned budget = VICTIM_DUE_BUDGET;
	struct flow *due = flowtab_pop_due(t, now, &budget);
	uint32_t near[VICTIM_WAYS];
	uint32_t victim;
	unsigned len = 0;

	if (due != NULL) {
		return due;
	}
	/* In a flood this suffices: no flow has to be read. */
	victim = hindex_victim(&t->index, hash,
	                       is_spared && has_share ? HINDEX_WORTH_SOME : HINDEX_WORTH_LITTLE);
	if (victim != HINDEX_NIL) {
		return &t->pool[victim];
	}
	for (unsigned way = 0; way < VICTIM_WAYS; way++) {
		uint32_t nr = hindex_near(&t->index, hash, way);

		if (nr != HINDEX_NIL) {
			__builtin_prefetch(&t->pool[nr].deadline);
			near[len++] = nr;
		}
	}
	for (unsigned i = 0; i < len; i++) {
		if (is_ending(&t->pool[near[i]], now)) {
			return &t->pool[near[i]];
		}
	}
	return NULL;
}

struct flow *flowtab_victim_unproved(const struct flowtab *t, uint64_t hash)
{
	uint32_t victim = hindex_victim_of(&t->index, hash, HINDEX_WORTH_LITTLE);

	return victim != HINDEX_NIL ? &t->pool[victim] : NULL;
}

struct flow *flowtab_next(const struct flowtab *t, uint32_t *cursor, unsigned *budget)
{
	while (*budget > 0 && *cursor < t->fresh) {
		struct flow *f = &t->pool[(*cursor)++];

		--*budget;
		if (f->key.family != 0) {
			return f;
		}
	}
	return NULL;
}

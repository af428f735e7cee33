/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Held packets: slots, a hash table by token, and a binary heap by deadline. A slot is in both, or
 * in the list of released ones, or free. See held.h.
 */
#include "held.h"

#include "io/mem.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define NIL         UINT32_MAX
#define SPINS_MAX   100
#define BUCKETS_MIN 16

struct slot {
	struct held_packet packet;
	uint32_t next; /* in its bucket, or in the list of free or of released ones */
	uint32_t heap; /* index in the heap */
	uint8_t data[HELD_COPY_MAX];
};

struct list {
	uint32_t first;
	uint32_t last;
};

struct held {
	atomic_flag lock;
	_Atomic uint32_t len;
	/* set once */
	uint32_t max;
	uint32_t buckets_len; /* a power of two */
	size_t mem_size;
	struct slot *slot;
	uint32_t *heap;
	uint32_t *bucket; /* number + 1 of the first slot; 0: empty */
	/* under the lock */
	uint32_t used; /* slot[used..] was never used */
	uint32_t free_list;
	uint32_t heap_len;
	struct list released;
};

static void lock(struct held *h)
{
	unsigned spins = 0;

	while (atomic_flag_test_and_set_explicit(&h->lock, memory_order_acquire)) {
		if (++spins == SPINS_MAX) {
			spins = 0;
			(void)sched_yield();
		}
	}
}

static void unlock(struct held *h)
{
	atomic_flag_clear_explicit(&h->lock, memory_order_release);
}

struct held *held_new(uint32_t max)
{
	struct held *h = calloc(1, sizeof(*h));
	uint32_t buckets_len = BUCKETS_MIN;
	size_t slots_size = max * sizeof(struct slot);

	if (h == NULL) {
		return NULL;
	}
	while (buckets_len < max) {
		buckets_len *= 2;
	}
	h->mem_size = slots_size + (max + buckets_len) * sizeof(uint32_t);
	h->slot = mem_map(h->mem_size);
	if (h->slot == NULL) {
		free(h);
		return NULL;
	}
	h->heap = (void *)((uint8_t *)h->slot + slots_size);
	h->bucket = h->heap + max;
	h->buckets_len = buckets_len;
	h->max = max;
	h->free_list = NIL;
	h->released = (struct list){ NIL, NIL };
	return h;
}

void held_free(struct held *h)
{
	if (h != NULL) {
		mem_unmap(h->slot, h->mem_size);
		free(h);
	}
}

static uint32_t *bucket_of(struct held *h, uint64_t token)
{
	/* Tokens are keyed hashes, or numbers. */
	return &h->bucket[(token ^ token >> 32) & (h->buckets_len - 1)];
}

static void unchain(struct held *h, uint32_t nr)
{
	uint32_t *at = bucket_of(h, h->slot[nr].packet.token);

	while (*at != nr + 1) {
		at = &h->slot[*at - 1].next;
	}
	*at = h->slot[nr].next;
}

/* --- the heap */

static int64_t deadline_ns(const struct held *h, uint32_t at)
{
	return h->slot[h->heap[at]].packet.deadline.ns;
}

static void put(struct held *h, uint32_t at, uint32_t nr)
{
	h->heap[at] = nr;
	h->slot[nr].heap = at;
}

static void sift_up(struct held *h, uint32_t at)
{
	uint32_t nr = h->heap[at];
	int64_t own_ns = deadline_ns(h, at);

	while (at > 0 && deadline_ns(h, (at - 1) / 2) > own_ns) {
		put(h, at, h->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	put(h, at, nr);
}

static void sift_down(struct held *h, uint32_t at)
{
	uint32_t nr = h->heap[at];
	int64_t own_ns = deadline_ns(h, at);

	for (uint32_t child = 2 * at + 1; child < h->heap_len; child = 2 * at + 1) {
		if (child + 1 < h->heap_len && deadline_ns(h, child + 1) < deadline_ns(h, child)) {
			child++;
		}
		if (deadline_ns(h, child) >= own_ns) {
			break;
		}
		put(h, at, h->heap[child]);
		at = child;
	}
	put(h, at, nr);
}

static void remove_from_heap(struct held *h, uint32_t nr)
{
	uint32_t at = h->slot[nr].heap;
	uint32_t moved = h->heap[--h->heap_len];

	if (at == h->heap_len) {
		return;
	}
	put(h, at, moved);
	sift_up(h, at);
	sift_down(h, h->slot[moved].heap);
}

/* --- slots */

static uint32_t take_free(struct held *h)
{
	uint32_t nr = h->free_list;

	if (nr != NIL) {
		h->free_list = h->slot[nr].next;
		return nr;
	}
	return h->used < h->max ? h->used++ : NIL;
}

static void give_back(struct held *h, uint32_t nr)
{
	h->slot[nr].next = h->free_list;
	h->free_list = nr;
}

static void set_len(struct held *h, int by)
{
	uint32_t len = atomic_load_explicit(&h->len, memory_order_relaxed);

	atomic_store_explicit(&h->len, (uint32_t)((int)len + by), memory_order_relaxed);
}

bool held_add(struct held *h, const struct held_packet *p)
{
	uint32_t *first;
	struct slot *s;
	uint32_t nr;

	lock(h);
	nr = take_free(h);
	if (nr == NIL) {
		unlock(h);
		return false;
	}
	s = &h->slot[nr];
	s->packet = *p;
	if (s->packet.frame.cap_size > HELD_COPY_MAX) {
		s->packet.frame.cap_size = HELD_COPY_MAX;
	}
	memcpy(s->data, p->frame.data, s->packet.frame.cap_size);
	s->packet.frame.data = s->data;
	s->packet.frame.ct_size = 0;
	first = bucket_of(h, p->token);
	s->next = *first;
	*first = nr + 1;
	put(h, h->heap_len++, nr);
	sift_up(h, h->heap_len - 1);
	set_len(h, 1);
	unlock(h);
	return true;
}

static void append_released(struct held *h, uint32_t nr)
{
	h->slot[nr].next = NIL;
	if (h->released.last != NIL) {
		h->slot[h->released.last].next = nr;
	} else {
		h->released.first = nr;
	}
	h->released.last = nr;
}

unsigned held_release(struct held *h, uint64_t token)
{
	uint32_t found = NIL;
	unsigned len = 0;
	uint32_t *at;

	if (held_len(h) == 0) {
		return 0;
	}
	lock(h);
	at = bucket_of(h, token);
	while (*at != 0) {
		uint32_t nr = *at - 1;
		struct slot *s = &h->slot[nr];

		if (s->packet.token != token) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		remove_from_heap(h, nr);
		/* The chain has the latest one first, found the earliest. */
		s->next = found;
		found = nr;
		len++;
	}
	while (found != NIL) {
		uint32_t next = h->slot[found].next;

		append_released(h, found);
		found = next;
	}
	unlock(h);
	return len;
}

/* The packet with the first deadline leaves heap and hash table. */
static uint32_t pop(struct held *h)
{
	uint32_t nr = h->heap[0];

	remove_from_heap(h, nr);
	unchain(h, nr);
	return nr;
}

void held_release_all(struct held *h)
{
	lock(h);
	while (h->heap_len > 0) {
		append_released(h, pop(h));
	}
	unlock(h);
}

const struct held_packet *held_next(struct held *h, struct mono now)
{
	uint32_t nr = NIL;

	if (held_len(h) == 0) {
		return NULL;
	}
	lock(h);
	if (h->released.first != NIL) {
		nr = h->released.first;
		h->released.first = h->slot[nr].next;
		if (h->released.first == NIL) {
			h->released.last = NIL;
		}
	} else if (h->heap_len > 0 && mono_is_due(h->slot[h->heap[0]].packet.deadline, now)) {
		nr = pop(h);
	}
	if (nr != NIL) {
		set_len(h, -1);
	}
	unlock(h);
	return nr != NIL ? &h->slot[nr].packet : NULL;
}

void held_done(struct held *h, const struct held_packet *p)
{
	uint32_t nr = (uint32_t)((const struct slot *)(const void *)p - h->slot);

	lock(h);
	give_back(h, nr);
	unlock(h);
}

uint32_t held_len(const struct held *h)
{
	return atomic_load_explicit(&h->len, memory_order_relaxed);
}

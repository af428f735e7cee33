/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ring of bytes with one writer and one reader. A record does not cross the end of the ring: one
 * that would begins at the front, behind a record that covers the rest.
 */
#include "watch_ring.h"

#define MASK (WATCH_RING_SIZE - 1)

_Static_assert((WATCH_RING_SIZE & MASK) == 0, "offsets wrap by mask");
_Static_assert(sizeof(struct watch_record) <= WATCH_RING_ALIGN, "the head fits");

static uint32_t whole_size(uint32_t size)
{
	return WATCH_RING_ALIGN + ((size + WATCH_RING_ALIGN - 1) & ~(WATCH_RING_ALIGN - 1u));
}

static struct watch_record *at(struct watch_ring *r, uint32_t offset)
{
	return (struct watch_record *)(void *)&r->bytes[offset & MASK];
}

void *watch_ring_reserve(struct watch_ring *r, uint32_t kind, uint32_t readers, uint32_t size)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
	uint32_t need = whole_size(size);
	uint32_t to_end = WATCH_RING_SIZE - (head & MASK);
	uint32_t skip = need > to_end ? to_end : 0;

	if (need + skip > WATCH_RING_SIZE - (head - tail)) {
		return NULL;
	}
	if (skip != 0) {
		*at(r, head) = (struct watch_record){ .size = skip - WATCH_RING_ALIGN,
			                              .kind = WATCH_RECORD_SKIP };
		head += skip;
		atomic_store_explicit(&r->head, head, memory_order_release);
	}
	*at(r, head) = (struct watch_record){ .size = size, .kind = kind, .readers = readers };
	return &r->bytes[(head & MASK) + WATCH_RING_ALIGN];
}

void watch_ring_publish(struct watch_ring *r)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	atomic_store_explicit(&r->head, head + whole_size(at(r, head)->size), memory_order_release);
}

const struct watch_record *watch_ring_peek(struct watch_ring *r, const void **contents)
{
	for (;;) {
		uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
		uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);
		const struct watch_record *record = at(r, tail);

		if (head == tail) {
			return NULL;
		}
		if (record->kind != WATCH_RECORD_SKIP) {
			*contents = &r->bytes[(tail & MASK) + WATCH_RING_ALIGN];
			return record;
		}
		watch_ring_pop(r);
	}
}

void watch_ring_pop(struct watch_ring *r)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	atomic_store_explicit(&r->tail, tail + whole_size(at(r, tail)->size), memory_order_release);
}

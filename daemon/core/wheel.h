/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hierarchical timer wheel over elements that live in somebody's array.
 *
 * G. Varghese, T. Lauck, "Hashed and hierarchical timing wheels" (1987): four levels of 256 slots,
 * so that every 32-bit tick has a slot. Elements are named by their array index and carry a struct
 * wheel_link; the wheel knows nothing else of them. It is meant to be re-armed lazily: the owner
 * moves a deadline to later without telling the wheel, and re-inserts the element when it is popped
 * too early.
 *
 * Work is bounded: wheel_pop() hands out one element or cascades at most *budget of them, and what
 * is left over waits for the next call. No lock of its own: the caller serialises.
 */
#ifndef FINWALL_CORE_WHEEL_H
#define FINWALL_CORE_WHEEL_H

#include <finwall/mono.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WHEEL_NIL    UINT32_MAX
#define WHEEL_LEVELS 4
#define WHEEL_SLOTS  256

/* 2^26 ns = 67 ms: only clean-up is that coarse, deadlines are compared exactly by their owner. */
#define WHEEL_TICK_SHIFT 26

struct wheel_link {
	uint32_t next;
	uint32_t prev; /* previous element, or the slot it heads; WHEEL_NIL = not armed */
	uint32_t tick; /* when it will be popped */
};

struct wheel {
	/* where the links are; set once */
	unsigned char *links;
	size_t stride_size;
	/* state */
	uint32_t tick;  /* everything before this tick has been handed out */
	uint32_t armed; /* elements in the wheel */
	uint64_t full[WHEEL_LEVELS][WHEEL_SLOTS / 64]; /* one bit per slot that has elements */
	uint32_t slot[WHEEL_LEVELS][WHEEL_SLOTS];
};

/* The tick in which an instant falls, rounded up, so that what is popped is due. */
static inline uint32_t wheel_tick(struct mono t)
{
	return (uint32_t)(((uint64_t)t.ns + ((UINT64_C(1) << WHEEL_TICK_SHIFT) - 1)) >>
	                  WHEEL_TICK_SHIFT);
}

/* The last tick that has wholly come by now. */
static inline uint32_t wheel_tick_floor(struct mono now)
{
	return (uint32_t)((uint64_t)now.ns >> WHEEL_TICK_SHIFT);
}

static inline bool wheel_is_armed(const struct wheel_link *l)
{
	return l->prev != WHEEL_NIL;
}

/* Element i's link is at links + i * stride_size. Starts at the tick of now. */
void wheel_init(struct wheel *w, void *links, size_t stride_size, struct mono now);

/* Arms element i, which must not be armed, for tick, or for the wheel's own if that is later. O(1).
 */
void wheel_insert(struct wheel *w, uint32_t i, uint32_t tick);

/* Disarms element i, which must be armed. O(1). */
void wheel_remove(struct wheel *w, uint32_t i);

/*
 * Takes one element out whose tick is at or before now_tick, in no order within a tick, and returns
 * it, disarmed; WHEEL_NIL when there is none or *budget ran out. Each element handed out or
 * cascaded costs one of *budget.
 */
uint32_t wheel_pop(struct wheel *w, uint32_t now_tick, unsigned *budget);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hierarchical timer wheel over the elements of an array.
 *
 * G. Varghese, T. Lauck, "Hashed and hierarchical timing wheels" (1987): four levels of 256 slots,
 * so that every 32-bit tick has a slot. An element is named by its array index and contains a
 * struct wheel_link; the wheel reads nothing else of it. Re-arming can be lazy: the owner moves a
 * deadline to later without a call, and inserts the element again when it is popped too early.
 *
 * Work is bounded: wheel_pop() returns one element or cascades at most *budget of them. No lock:
 * the caller serialises calls.
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

/* 2^26 ns = 67 ms. Clean-up is that coarse; the owner compares deadlines exactly. */
#define WHEEL_TICK_SHIFT 26

struct wheel_link {
	uint32_t next;
	uint32_t prev; /* previous element, or the slot it heads; WHEEL_NIL = not armed */
	uint32_t tick; /* when it will be popped */
};

struct wheel {
	/* set once: where the links are */
	unsigned char *links;
	size_t stride_size;
	/* state */
	uint32_t tick;  /* all elements of earlier ticks have been popped */
	uint32_t armed; /* elements in the wheel */
	uint64_t full[WHEEL_LEVELS][WHEEL_SLOTS / 64]; /* one bit per slot that has elements */
	uint32_t slot[WHEEL_LEVELS][WHEEL_SLOTS];
};

/* The tick of an instant, rounded up, so that a popped element is due. */
static inline uint32_t wheel_tick(struct mono t)
{
	return (uint32_t)(((uint64_t)t.ns + ((UINT64_C(1) << WHEEL_TICK_SHIFT) - 1)) >>
	                  WHEEL_TICK_SHIFT);
}

/* The tick of now, rounded down. */
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
 * Removes and returns one element whose tick is at or before now_tick, in no order within a tick;
 * WHEEL_NIL when there is none or *budget is used up. Each element popped or cascaded takes one
 * from *budget.
 */
uint32_t wheel_pop(struct wheel *w, uint32_t now_tick, unsigned *budget);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The timer wheel. A tick is four bytes; an element sits on the level of the highest byte in which
 * its tick differs from the wheel's, in the slot of that byte. When the wheel reaches the start of
 * a slot of an upper level, its elements cascade one level or more down, one by one and against the
 * budget, so that a million timers of one instant do not stall the caller.
 *
 * Must not know what the elements are.
 */
#include "wheel.h"

#include <string.h>

/* prev of an element that heads a slot: this bit and the slot's number. */
#define HEAD_BIT 0x80000000u

static inline struct wheel_link *link_of(const struct wheel *w, uint32_t i)
{
	return (struct wheel_link *)(void *)(w->links + (size_t)i * w->stride_size);
}

static inline unsigned slot_on_level(uint32_t tick, unsigned level)
{
	return (tick >> (8 * level)) & (WHEEL_SLOTS - 1);
}

/* The level of the highest byte in which two ticks differ; 0 when they are the same. */
static inline unsigned level_between(uint32_t a, uint32_t b)
{
	return a == b ? 0 : (31u - (unsigned)__builtin_clz(a ^ b)) / 8;
}

void wheel_init(struct wheel *w, void *links, size_t stride_size, struct mono now)
{
	memset(w, 0, sizeof(*w));
	memset(w->slot, 0xff, sizeof(w->slot));
	w->links = links;
	w->stride_size = stride_size;
	w->tick = wheel_tick_floor(now);
}

void wheel_insert(struct wheel *w, uint32_t i, uint32_t tick)
{
	struct wheel_link *l = link_of(w, i);
	unsigned level;
	unsigned nr;

	if (tick < w->tick) {
		tick = w->tick;
	}
	level = level_between(tick, w->tick);
	nr = slot_on_level(tick, level);
	l->tick = tick;
	l->next = w->slot[level][nr];
	l->prev = HEAD_BIT | (level * WHEEL_SLOTS + nr);
	if (l->next != WHEEL_NIL) {
		link_of(w, l->next)->prev = i;
	}
	w->slot[level][nr] = i;
	w->full[level][nr / 64] |= UINT64_C(1) << (nr % 64);
	w->armed++;
}

void wheel_remove(struct wheel *w, uint32_t i)
{
	struct wheel_link *l = link_of(w, i);

	if (l->next != WHEEL_NIL) {
		link_of(w, l->next)->prev = l->prev;
	}
	if ((l->prev & HEAD_BIT) != 0) {
		uint32_t at = l->prev & ~HEAD_BIT;
		unsigned level = at / WHEEL_SLOTS;
		unsigned nr = at % WHEEL_SLOTS;

		w->slot[level][nr] = l->next;
		if (l->next == WHEEL_NIL) {
			w->full[level][nr / 64] &= ~(UINT64_C(1) << (nr % 64));
		}
	} else {
		link_of(w, l->prev)->next = l->next;
	}
	l->prev = WHEEL_NIL;
	w->armed--;
}

/* The first slot at or after from that has elements, or WHEEL_SLOTS. */
static unsigned next_full(const uint64_t *full, unsigned from)
{
	for (unsigned word = from / 64; word < WHEEL_SLOTS / 64; word++) {
		uint64_t bits = full[word];

		if (word == from / 64) {
			bits &= ~UINT64_C(0) << (from % 64);
		}
		if (bits != 0) {
			return word * 64 + (unsigned)__builtin_ctzll(bits);
		}
	}
	return WHEEL_SLOTS;
}

/*
 * Cascades the elements that the upper levels hold for the wheel's tick, highest level first.
 * Returns false when the budget was used up before the end.
 */
static bool cascade(struct wheel *w, unsigned *budget)
{
	for (unsigned level = WHEEL_LEVELS - 1; level > 0; level--) {
		uint32_t below = (UINT32_C(1) << (8 * level)) - 1;
		unsigned nr = slot_on_level(w->tick, level);
		uint32_t i;

		if ((w->tick & below) != 0) {
			continue;
		}
		while ((i = w->slot[level][nr]) != WHEEL_NIL) {
			uint32_t tick = link_of(w, i)->tick;

			if (*budget == 0) {
				return false;
			}
			(*budget)--;
			wheel_remove(w, i);
			wheel_insert(w, i, tick);
		}
	}
	return true;
}

/*
 * Moves the wheel to the next tick with elements, at most to now_tick + 1: that of the first used
 * slot ahead on the lowest level that has one. So idle time costs nothing. A slot of an upper level
 * that contains the wheel's tick is empty: it was cascaded when the wheel reached its start.
 */
static void step(struct wheel *w, uint32_t now_tick)
{
	uint64_t to = UINT64_MAX;

	for (unsigned level = 0; level < WHEEL_LEVELS && to == UINT64_MAX; level++) {
		uint64_t slot_ticks = UINT64_C(1) << (8 * level);
		unsigned inside = (w->tick & (slot_ticks - 1)) != 0;
		unsigned nr = next_full(w->full[level], slot_on_level(w->tick, level) + inside);

		if (nr < WHEEL_SLOTS) {
			to = (w->tick & ~(slot_ticks * WHEEL_SLOTS - 1)) | nr * slot_ticks;
		}
	}
	w->tick = to > now_tick ? now_tick + 1 : (uint32_t)to;
}

uint32_t wheel_pop(struct wheel *w, uint32_t now_tick, unsigned *budget)
{
	if (w->armed == 0 && w->tick <= now_tick) {
		w->tick = now_tick + 1;
	}
	while (w->tick <= now_tick && cascade(w, budget)) {
		uint32_t i = w->slot[0][slot_on_level(w->tick, 0)];

		if (i == WHEEL_NIL) {
			w->tick++;
			step(w, now_tick);
			continue;
		}
		if (*budget == 0) {
			break;
		}
		(*budget)--;
		wheel_remove(w, i);
		return i;
	}
	return WHEEL_NIL;
}

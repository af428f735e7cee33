/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The elements that commands have added to a set: what a restart has to restore. A box has
 * fields_len intervals. When memory runs out, an element is not noted. One thread.
 */
#ifndef FINWALL_SETS_NOTES_H
#define FINWALL_SETS_NOTES_H

#include <finwall/u128.h>

#include <stddef.h>
#include <stdint.h>

/* All zero is empty. */
struct notes {
	struct interval *at;
	size_t len; /* boxes */
	size_t cap;
	/* A hash table, at most half full: the number of a box + 1, or 0. */
	uint32_t *place;
	size_t places_len; /* a power of 2, or 0 */
};

/* Once each. */
void notes_add(struct notes *n, const struct interval *box, uint32_t fields_len);

/* The box that is equal; nothing when there is none. */
void notes_remove(struct notes *n, const struct interval *box, uint32_t fields_len);

/* Takes the values of the interval out of all boxes, which have one field. */
void notes_cut(struct notes *n, const struct interval *gone);

/* All of them, and the memory. */
void notes_clear(struct notes *n);

#endif

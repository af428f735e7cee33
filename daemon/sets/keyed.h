/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sets and maps of finwall/ruleset_elem.h: listed and changed. Heap memory; one thread,
 * while others evaluate rules. Knows nothing of text.
 */
#ifndef FINWALL_SETS_KEYED_H
#define FINWALL_SETS_KEYED_H

#include "keyed_build.h"
#include "notes.h"

/* Shared by the configuration and compiled rules. One thread counts references. */
struct live_keyed {
	struct rs_keyed_set set; /* first: compiled rules point to it */
	struct keyed_shape shape;
	struct notes notes; /* added by command */
	unsigned refs;
};

/* Has one reference. NULL, with the reason in *problem, when it cannot be made. */
struct live_keyed *live_keyed_new(const struct keyed_shape *shape, const struct keyed_list *l,
                                  enum keyed_problem *problem);
/* Likewise, with the same elements, whose times go on. */
struct live_keyed *live_keyed_copy(struct live_keyed *s, struct mono now);
struct live_keyed *live_keyed_get(struct live_keyed *s);
void live_keyed_put(struct live_keyed *s); /* NULL is fine */

/* Times begin now, unless they have begun. */
void live_keyed_start(struct live_keyed *s, struct mono now);

/*
 * The element of a map's list that nft refuses: its lowest or highest corner is in an element
 * before it, of another number if both are equal. l->len when there is none. The map was made of
 * the list.
 */
size_t keyed_find_overlap(struct live_keyed *s, const struct keyed_list *l);

/*
 * An element of the table that has a value of the box. Returns false when there is none, and
 * otherwise its box and what is with it.
 */
bool keyed_crosses(struct live_keyed *s, const struct interval *box, struct mono now,
                   struct interval *other, struct rs_item *item);

/*
 * Adds elements; one that is there stays as it is. KEYED_OK: *added is how many are new, and *old
 * memory to free with keyed_free() when no evaluation uses it any more. Otherwise nothing is added.
 */
enum keyed_problem keyed_add(struct live_keyed *s, const struct keyed_list *l, struct mono now,
                             uint64_t *added, struct rs_keyed **old);

/* Adds one element to the table as it is. Returns false when it does not go in. */
bool keyed_put(struct live_keyed *s, const struct interval *box, const struct rs_item *item,
               struct mono now);
bool keyed_has(struct live_keyed *s, const struct interval *box, struct mono now);
enum keyed_problem keyed_delete(struct live_keyed *s, const struct interval *box, struct mono now);

/* Reads an element. Returns false when there is none that is equal. */
bool keyed_read_box(struct live_keyed *s, const struct interval *box, struct mono now,
                    struct rs_item *item);

/* Deletes all. Returns how many. */
uint64_t keyed_flush(struct live_keyed *s, struct mono now);

/* Reads the next element from *slot on, and sets *slot behind it. Returns false at the end. */
bool keyed_next(struct live_keyed *s, uint32_t *slot, struct mono now, struct interval *box,
                struct rs_item *item);

#endif

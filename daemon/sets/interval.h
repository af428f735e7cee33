/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many intervals: a list that grows while text is read, sorting, joining.
 */
#ifndef FINWALL_SETS_INTERVAL_H
#define FINWALL_SETS_INTERVAL_H

#include "text/arena.h"

#include <finwall/u128.h>

#define INTERVAL_BLOCK_LEN 1024
#define SET_LEN_MAX        (1u << 24) /* elements of one set */

struct interval_block {
	struct interval_block *next;
	struct interval at[INTERVAL_BLOCK_LEN];
};

/* A growing list in an arena; its elements do not move. All zero is the empty list. */
struct interval_list {
	struct interval_block *first;
	struct interval_block *last;
	uint32_t len;
};

/* The caller ensures that there are at most SET_LEN_MAX. */
void interval_list_add(struct arena *a, struct interval_list *l, const struct interval *i);

/* The list in another arena. */
struct interval_list interval_list_clone(struct arena *a, const struct interval_list *l);

/* Takes one out that is equal. Returns false when there is none. */
bool interval_list_remove(struct interval_list *l, const struct interval *i);

/*
 * Takes the values of i, which the first interval that has them all loses. Returns false when none
 * has them.
 */
bool interval_list_cut(struct arena *a, struct interval_list *l, const struct interval *i);

/* Copies l->len intervals to out. */
void interval_list_copy(const struct interval_list *l, struct interval *out);

/* Sorts by lower end. scratch: memory for as many. */
void intervals_sort(struct interval *i, size_t len, struct interval *scratch);

/* Which intervals become one. */
enum join {
	JOIN_OVERLAPPING,
	JOIN_ADJACENT, /* overlapping ones too */
};

/* Joins sorted intervals in place. Returns how many are left. */
size_t intervals_join(struct interval *i, size_t len, enum join what);

#endif

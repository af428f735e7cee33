/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The elements of a set in memory, shared by the configuration and the compiled rules. All holders
 * of a reference see changes. One thread counts references.
 */
#ifndef FINWALL_SETS_LIVE_SET_H
#define FINWALL_SETS_LIVE_SET_H

#include "interval.h"
#include "notes.h"
#include "tree.h"

struct live_set {
	struct rs_set set; /* first: compiled rules point to it */
	unsigned refs;
	uint64_t added; /* elements, since the configuration was loaded */
	uint64_t deleted;
	struct notes notes; /* added by command */
};

/* Has one reference. Intervals sorted and disjoint. Returns NULL when memory runs out. */
struct live_set *live_set_new(bool is_wide, const struct interval *sorted, uint64_t len);

/* Likewise of all intervals of two lists, in any order, joined. */
struct live_set *live_set_make(bool is_wide, const struct interval_list *a,
                               const struct interval_list *b, enum join what);

/* Takes one more reference; returns s. */
struct live_set *live_set_get(struct live_set *s);

/* Gives a reference back and frees the set with the last one; NULL is fine. */
void live_set_put(struct live_set *s);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set's elements as configuration and compiled rules share them. Whoever has a reference sees the
 * same elements, changed ones too. References are counted by one thread.
 */
#ifndef FINWALL_POLICY_LIVE_SET_H
#define FINWALL_POLICY_LIVE_SET_H

#include "set_tree.h"

struct live_set {
	struct rs_set set; /* first: rules know the whole by this */
	unsigned refs;
	uint64_t added; /* since it was loaded */
	uint64_t deleted;
};

/* With one reference. Intervals sorted and disjoint. Returns NULL when memory runs out. */
struct live_set *live_set_new(bool is_wide, const struct interval *sorted, uint64_t len);

struct live_set *live_set_get(struct live_set *s);
void live_set_put(struct live_set *s); /* NULL is fine */

#endif

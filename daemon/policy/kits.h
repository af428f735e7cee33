/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The statements of elements, struct rs_kit: made of the text, gathered by set.
 */
#ifndef FINWALL_POLICY_KITS_H
#define FINWALL_POLICY_KITS_H

#include "tree.h"

#include <finwall/ruleset_elem.h>

/* limit: NULL = none. */
struct rs_kit kit_of(bool has_counter, const struct limit *limit);

/* The number of an equal kit of the set, which is added if there is none. Number 0 has nothing. */
uint32_t kits_find(struct arena *a, struct vec *kits, const struct rs_kit *kit);
/* Whether two sets have the same kits by the same numbers. */
bool kits_are_same(const struct vec *a, const struct vec *b);
const struct rs_kit *kits_get(const struct vec *kits, uint32_t nr);

#endif

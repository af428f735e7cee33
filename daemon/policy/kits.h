/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The statements of elements, struct rs_kit: made of the text, gathered by set, printed.
 */
#ifndef FINWALL_POLICY_KITS_H
#define FINWALL_POLICY_KITS_H

#include "tree.h"

#include <finwall/ruleset_elem.h>

/* limit: NULL = none. */
struct rs_kit kit_of(bool has_counter, const struct limit *limit);

/* The number of an equal kit of the set, which is added if there is none. Number 0 has nothing. */
uint32_t kits_find(struct arena *a, struct vec *kits, const struct rs_kit *kit);
const struct rs_kit *kits_get(const struct vec *kits, uint32_t nr);

/* " limit rate 3/minute burst 5 packets counter packets 1 bytes 2". */
void kit_print(struct text *t, const struct rs_kit *kit, uint64_t packets, uint64_t bytes);

/* "minute". */
const char *kit_unit(const struct rs_kit *kit);

/* " 1h30m". */
void duration_print(struct text *t, uint64_t ms);

#endif

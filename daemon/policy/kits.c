/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statements of elements: see kits.h.
 */
#include "kits.h"

#include <finwall/mono.h>

/* By rs_kit.unit. */
static const uint64_t unit_sec[] = { 1, 60, 3600, 86400, 604800 };

struct rs_kit kit_of(bool has_counter, const struct limit *limit)
{
	struct rs_kit kit = { .has_counter = has_counter };

	/* a rate of 0 was reported */
	if (limit == NULL || limit->rate == 0) {
		return kit;
	}
	kit.has_limit = 1;
	kit.is_over = limit->is_over;
	kit.rate = (uint32_t)limit->rate;
	kit.burst = (uint32_t)limit->burst;
	while (unit_sec[kit.unit] != limit->period_sec) {
		kit.unit++;
	}
	kit.interval_ns = limit->period_sec * (uint64_t)NSEC_PER_SEC / limit->rate;
	kit.slack_ns = limit->burst - 1 > (uint64_t)INT64_MAX / 2 / kit.interval_ns
	                       ? (uint64_t)INT64_MAX / 2
	                       : (limit->burst - 1) * kit.interval_ns;
	return kit;
}

static bool kits_are_equal(const struct rs_kit *a, const struct rs_kit *b)
{
	return a->has_counter == b->has_counter && a->has_limit == b->has_limit &&
	       a->is_over == b->is_over && a->rate == b->rate && a->burst == b->burst &&
	       a->unit == b->unit;
}

const struct rs_kit *kits_get(const struct vec *kits, uint32_t nr)
{
	static const struct rs_kit nothing;

	return nr < kits->len ? (const struct rs_kit *)kits->items + nr : &nothing;
}

uint32_t kits_find(struct arena *a, struct vec *kits, const struct rs_kit *kit)
{
	uint32_t nr = 0;

	if (kits->len == 0) {
		vec_add(a, kits, sizeof(*kit));
	}
	while (nr < kits->len && !kits_are_equal(kits_get(kits, nr), kit)) {
		nr++;
	}
	if (nr == kits->len) {
		*(struct rs_kit *)vec_add(a, kits, sizeof(*kit)) = *kit;
	}
	return nr;
}

bool kits_are_same(const struct vec *a, const struct vec *b)
{
	size_t nr = 0;

	while (nr < a->len && nr < b->len &&
	       kits_are_equal(kits_get(a, (uint32_t)nr), kits_get(b, (uint32_t)nr))) {
		nr++;
	}
	return a->len == b->len && nr == a->len;
}

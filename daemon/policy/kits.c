/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statements of elements: see kits.h.
 */
#include "kits.h"

#include <finwall/mono.h>

#include <inttypes.h>
#include <string.h>

/* By rs_kit.unit. */
static const struct {
	const char *word;
	uint64_t sec;
} units[] = {
	{ "second", 1 }, { "minute", 60 }, { "hour", 3600 }, { "day", 86400 }, { "week", 604800 },
};

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
	while (units[kit.unit].sec != limit->period_sec) {
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

void kit_print(struct text *t, const struct rs_kit *kit, uint64_t packets, uint64_t bytes)
{
	if (kit->has_limit) {
		text_add(t, " limit rate %s%" PRIu32 "/%s burst %" PRIu32 " packets",
		         kit->is_over ? "over " : "", kit->rate, units[kit->unit].word, kit->burst);
	}
	if (kit->has_counter) {
		text_add(t, " counter packets %" PRIu64 " bytes %" PRIu64, packets, bytes);
	}
}

const char *kit_unit(const struct rs_kit *kit)
{
	return units[kit->unit].word;
}

void duration_print(struct text *t, uint64_t ms)
{
	static const struct {
		uint64_t ms;
		const char *unit;
	} parts[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "m" }, { 1000, "s" }, { 1, "ms" } };
	const uint64_t all = ms;

	text_add(t, " ");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (ms >= parts[i].ms) {
			text_add(t, "%" PRIu64 "%s", ms / parts[i].ms, parts[i].unit);
			ms %= parts[i].ms;
		}
	}
	if (all == 0) {
		text_add(t, "0s");
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of rules and what quotas have used, read and reset beside evaluation. See
 * finwall/ruleset.h.
 */
#include <finwall/ruleset.h>

#include "ruleset_code.h"

#include <finwall/stats.h>

#include <stdatomic.h>

size_t ruleset_counters_size(const struct ruleset *rs)
{
	return sizeof(struct ruleset_counters) + rs->rules_len * sizeof(struct rs_count);
}

struct ruleset_counters *ruleset_counters_init(const struct ruleset *rs, void *mem)
{
	struct ruleset_counters *ctr = mem;

	ctr->rules_len = rs->rules_len;
	return ctr;
}

void ruleset_counter_add(const struct ruleset_counters *ctr, uint32_t rule_nr, uint64_t *packets,
                         uint64_t *bytes)
{
	if (rule_nr >= ctr->rules_len) {
		return;
	}
	*packets += stat_get(&ctr->rule[rule_nr].packets);
	*bytes += stat_get(&ctr->rule[rule_nr].bytes);
}

void ruleset_counter_negate(struct ruleset_counters *out, const struct ruleset_counters *const *ctr,
                            size_t ctr_len, uint32_t rule_nr)
{
	uint64_t packets = 0;
	uint64_t bytes = 0;

	for (size_t i = 0; i < ctr_len; i++) {
		ruleset_counter_add(ctr[i], rule_nr, &packets, &bytes);
	}
	atomic_store_explicit(&out->rule[rule_nr].packets, -packets, memory_order_relaxed);
	atomic_store_explicit(&out->rule[rule_nr].bytes, -bytes, memory_order_relaxed);
}

void ruleset_counters_negate(struct ruleset_counters *out,
                             const struct ruleset_counters *const *ctr, size_t ctr_len)
{
	for (uint32_t r = 0; r < out->rules_len; r++) {
		ruleset_counter_negate(out, ctr, ctr_len, r);
	}
}

static struct rs_quota *find_quota(const struct ruleset *rs, uint32_t quota_nr)
{
	for (uint32_t i = 0; i < rs->quotas_len; i++) {
		if (rs->quota[i].object == quota_nr + 1) {
			return &rs->quota[i];
		}
	}
	return NULL;
}

bool ruleset_quota_used(const struct ruleset *rs, uint32_t quota_nr, uint64_t *used)
{
	const struct rs_quota *q = find_quota(rs, quota_nr);

	if (q != NULL) {
		*used = atomic_load_explicit(&q->used, memory_order_relaxed);
	}
	return q != NULL;
}

void ruleset_quota_reset(const struct ruleset *rs, uint32_t quota_nr)
{
	struct rs_quota *q = find_quota(rs, quota_nr);

	if (q != NULL) {
		atomic_store_explicit(&q->used, 0, memory_order_relaxed);
	}
}

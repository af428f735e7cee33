/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An engine with rules and memory of its own, set up as the daemon does it.
 */
#ifndef FINWALL_BENCH_FIXTURE_H
#define FINWALL_BENCH_FIXTURE_H

#include <finwall/engine.h>

#include <stdbool.h>

struct fixture_config {
	uint32_t flows_max;
	uint32_t tombs_max;
	uint32_t shards_len;
	bool prefault;     /* all its pages are resident from the start */
	const char *rules; /* a whole configuration; NULL = the three rules of rules.h */
};

struct fixture {
	struct engine *engine;
	size_t size;
	struct policy policy;
};

/* The key of their hash: fixed, so that all runs use the same buckets. */
extern const struct sipkey fixture_hash_key;

/* The setting connections accounting of all fixtures. */
extern bool fixture_accounts;

/* Returns NULL after an error message when memory runs out. fixture_free(NULL) is allowed. */
struct fixture *fixture_new(const struct fixture_config *cfg);
void fixture_free(struct fixture *x);

#endif

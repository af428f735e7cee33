/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory, rules and hash key of a fixture.
 */
#include "fixture.h"

#include "rules.h"

#include "io/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

const struct sipkey fixture_hash_key = { UINT64_C(0x0706050403020100),
	                                 UINT64_C(0x0f0e0d0c0b0a0908) };

bool fixture_accounts;

struct fixture *fixture_new(const struct fixture_config *cfg)
{
	struct engine_config ec = {
		.flows_max = cfg->flows_max,
		.tombs_max = cfg->tombs_max,
		.shards_len = cfg->shards_len,
		.hash_key = fixture_hash_key,
		.accounts = fixture_accounts,
	};
	struct fixture *x = calloc(1, sizeof(*x));
	void *mem = NULL;

	if (x == NULL) {
		goto fail;
	}
	tunables_init(&x->policy.tun);
	x->policy.rules = rules_new(cfg->rules != NULL ? cfg->rules : rules_of_engine);
	x->size = engine_size(&ec);
	mem = mem_map(x->size);
	if (x->policy.rules == NULL || mem == NULL) {
		goto fail;
	}
	if (cfg->prefault) {
		(void)madvise(mem, x->size, MADV_POPULATE_WRITE);
	}
	x->engine = engine_init(mem, &ec);
	return x;
fail:
	fprintf(stderr, "finwall-bench: no memory for %u connections\n", cfg->flows_max);
	fixture_free(x);
	return NULL;
}

void fixture_free(struct fixture *x)
{
	if (x == NULL) {
		return;
	}
	if (x->engine != NULL) {
		mem_unmap(x->engine, x->size);
	}
	ruleset_free(x->policy.rules);
	free(x);
}

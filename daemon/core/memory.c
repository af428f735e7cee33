/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine in its memory: head and shards, then each shard's flows and tombstones, then what only
 * rules that count connections touch (claims and counters), then what only connections touch whose
 * windows were not seen from the start (witnesses) or that were leased (slots), then the origins of
 * all, then marks and timeouts of those that have any, then what only late segments touch whose
 * other end is asked (questions), then what flows have carried, if it is counted, and which node
 * entries are of, if there are others.
 */
#include "shard.h"

/* Counters beyond one per connection: for openings whose verdict is pending. */
#define COUNTS_SPARE 1024

#define ALIGNMENT ((size_t)64)

static size_t aligned(size_t size)
{
	return (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

static uint32_t counts_max(const struct engine_config *cfg)
{
	return cfg->flows_max + COUNTS_SPARE;
}

static size_t claims_size(uint32_t flows_len)
{
	return aligned(flows_len * sizeof(struct conncount_claim));
}

static size_t witnesses_size(uint32_t flows_len)
{
	return aligned(flows_len * sizeof(struct witness));
}

static size_t slots_size(uint32_t flows_len)
{
	return aligned(flows_len * sizeof(uint32_t));
}

static size_t accounts_size(const struct engine_config *cfg, uint32_t flows_len)
{
	return cfg->accounts ? flows_len * sizeof(struct flow_account) : 0;
}

static size_t marks_size(const struct engine_config *cfg, uint32_t flows_len)
{
	return cfg->peers ? aligned(flows_len * sizeof(struct peer_mark)) : 0;
}

static uint32_t questions_here(const struct engine_config *cfg)
{
	return questions_len(cfg->flows_max / cfg->shards_len);
}

static size_t origins_size(uint32_t flows_len)
{
	return aligned(flows_len * sizeof(uint32_t));
}

static size_t extras_size(uint32_t flows_len)
{
	return aligned(flows_len * sizeof(struct flow_extra));
}

static size_t head_size(const struct engine_config *cfg)
{
	return aligned(sizeof(struct engine) + cfg->shards_len * sizeof(struct shard));
}

static size_t shard_size(const struct engine_config *cfg)
{
	uint32_t flows_len = cfg->flows_max / cfg->shards_len + 1;

	return flowtab_size(flows_len) +
	       graveyard_size(cfg->tombs_max / cfg->shards_len + (cfg->tombs_max > 0));
}

size_t engine_table_size(const struct engine_config *cfg)
{
	return head_size(cfg) + cfg->shards_len * shard_size(cfg);
}

size_t engine_size(const struct engine_config *cfg)
{
	uint32_t flows_len = cfg->flows_max / cfg->shards_len + 1;
	uint32_t tombs_len = cfg->tombs_max / cfg->shards_len + 1;

	return engine_table_size(cfg) +
	       cfg->shards_len *
	               (claims_size(flows_len) + witnesses_size(flows_len) + slots_size(flows_len) +
	                origins_size(flows_len) + extras_size(flows_len) + extras_size(tombs_len) +
	                aligned(questions_size(questions_here(cfg))) +
	                accounts_size(cfg, flows_len) + marks_size(cfg, flows_len)) +
	       conncount_size(counts_max(cfg));
}

struct engine *engine_init(void *mem, const struct engine_config *cfg)
{
	struct engine *e = mem;
	unsigned char *at = (unsigned char *)mem + head_size(cfg);
	unsigned char *counts_at = (unsigned char *)mem + engine_table_size(cfg);
	uint32_t flows = cfg->flows_max / cfg->shards_len;
	uint32_t tombs = cfg->tombs_max / cfg->shards_len;

	e->cfg = *cfg;
	for (uint32_t i = 0; i < cfg->shards_len; i++) {
		struct shard *s = &e->shard[i];
		/* The first shards take the remainder, so that the sum is exact. */
		uint32_t flows_here =
			flows == 0 ? 1 : flows + (i < cfg->flows_max % cfg->shards_len);
		uint32_t tombs_here = tombs + (i < cfg->tombs_max % cfg->shards_len);

		flowtab_init(&s->flows, at, flows_here, cfg->start);
		at += flowtab_size(flows_here);
		graveyard_init(&s->graveyard, at, tombs_here, &cfg->hash_key);
		at += graveyard_size(tombs_here);
		s->claims = (struct conncount_claim *)(void *)counts_at;
		counts_at += claims_size(flows_here);
		s->counts = &e->counts;
		s->sources = &e->sources;
	}
	for (uint32_t i = 0; i < cfg->shards_len; i++) {
		struct shard *s = &e->shard[i];

		s->witnesses = (struct witness *)(void *)counts_at;
		counts_at += witnesses_size(s->flows.pool_len);
		s->origins = (uint32_t *)(void *)counts_at;
		counts_at += origins_size(s->flows.pool_len);
		s->extras = (struct flow_extra *)(void *)counts_at;
		counts_at += extras_size(s->flows.pool_len);
		graveyard_set_extras(&s->graveyard, (struct flow_extra *)(void *)counts_at);
		counts_at += extras_size(s->graveyard.pool_len);
		s->leases.slot = (uint32_t *)(void *)counts_at;
		counts_at += slots_size(s->flows.pool_len);
		questions_init(&s->questions, counts_at, questions_here(cfg));
		counts_at += aligned(questions_size(questions_here(cfg)));
		if (cfg->accounts) {
			s->accounts = (struct flow_account *)(void *)counts_at;
			counts_at += accounts_size(cfg, s->flows.pool_len);
		}
		if (cfg->peers) {
			s->marks = (struct peer_mark *)(void *)counts_at;
			counts_at += marks_size(cfg, s->flows.pool_len);
		}
	}
	conncount_init(&e->counts, counts_at, counts_max(cfg), &cfg->hash_key, cfg->yield);
	return e;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which connections are counted by which rules. What a flow was counted by lies beside the table,
 * at the flow's place, so that flows that no rule counts cost nothing but a byte.
 */
#include "shard.h"

static struct conncount_claim *claim_of(const struct shard *s, const struct flow *f)
{
	return &s->claims[f - s->flows.pool];
}

void shard_count(struct shard *s, struct flow *f, const struct conncount_claim *claim)
{
	*claim_of(s, f) = *claim;
	f->counted = 1;
	shard_recount(s, f);
}

void shard_recount(struct shard *s, struct flow *f)
{
	if (f->key.proto != IPPROTO_NR_TCP) {
		return;
	}
	switch ((enum tcp_state)f->conn.tcp.state) {
	case TCP_TIME_WAIT:
	case TCP_CLOSE:
		shard_uncount(s, f);
		break;
	default:
		break;
	}
}

void shard_uncount(struct shard *s, struct flow *f)
{
	conncount_give_back(s->counts, claim_of(s, f));
	f->counted = 0;
}

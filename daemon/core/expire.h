/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows that end by timeout or by eviction. The caller holds the shard's lock. */
#ifndef FINWALL_CORE_EXPIRE_H
#define FINWALL_CORE_EXPIRE_H

#include "shard.h"
#include "verdict.h"

/*
 * Applies the idle policy to a flow whose deadline has passed. Returns true when the flow stays,
 * because the policy `probe` waits for an answer; false when it was deleted. hash is that of its
 * key.
 */
bool expire_flow(const struct context *cx, struct shard *s, struct flow *f, uint64_t hash);

/* A flow to evict for a new one with this hash, which may be spared, or NULL; see flowtab_victim().
 */
struct flow *expire_find_victim(const struct context *cx, struct shard *s, uint64_t hash,
                                bool is_spared);

/* Deletes a flow in favour of another: expires it if its deadline has passed, evicts it otherwise.
 */
void expire_victim(const struct context *cx, struct shard *s, struct flow *victim);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A test engine: memory, a clock that only the test moves, settings, and rules that match only the
 * connection state.
 */
#ifndef FINWALL_TESTS_WORLD_H
#define FINWALL_TESTS_WORLD_H

#include <finwall/engine.h>

#include "build.h"

#include <stdbool.h>

#define ACCEPT_STATE(s) (1u << (s))
#define ACCEPT_ALL      ((1u << CT_STATES_LEN) - 1)

struct world {
	struct engine *engine;
	void *mem;
	struct engine_worker *worker;
	struct policy policy;
	struct mono now;
	unsigned late_events;
	struct late_event last_late;
};

/* Starts with the settings of tunables_init() and accepts everything. Exits if memory runs out. */
void world_init(struct world *w, uint32_t flows_max, uint32_t tombs_max, uint32_t shards_len);

/* The same for an engine that gets entries of other nodes. */
void world_init_node(struct world *w, uint32_t flows_max, uint32_t tombs_max, uint32_t shards_len);

/* The same with these settings of the engine; hash key and start are the world's. */
void world_init_config(struct world *w, struct engine_config cfg);
void world_fini(struct world *w);

/* Accepts packets of these states in all hooks and drops the others, from the next packet on. */
void world_accept(struct world *w, unsigned states);

/* Moves the clock only. */
void world_pass(struct world *w, int64_t ns);

/* Runs engine_tick(): entries that are due expire. */
void world_tick(struct world *w);

/* Decides one packet of this hook. */
struct decision world_send(struct world *w, const struct build *b, enum hook hook);

/* The live entry, or the tombstone, of a packet's flow; direction does not matter. */
bool world_flow(struct world *w, const struct build *b, struct flow *out);
bool world_tomb(struct world *w, const struct build *b, struct tomb_info *out);

uint64_t world_reason(const struct world *w, enum reason r);
uint64_t world_event(const struct world *w, enum stat_event e);

/* The sums over all reasons and over all verdicts; each must equal the number of packets. */
uint64_t world_reasons(const struct world *w);
uint64_t world_verdicts(const struct world *w);

#endif

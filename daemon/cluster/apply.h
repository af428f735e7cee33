/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of other nodes into the engine: which are new, which are repeated, and what a record
 * does. Knows nothing of how messages travel. Main thread only.
 */
#ifndef FINWALL_CLUSTER_APPLY_H
#define FINWALL_CLUSTER_APPLY_H

#include "wire/cluster_msg.h"

#include <finwall/engine.h>
#include <finwall/peer.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct log;
struct set_changes;
struct workers;

struct apply_env {
	struct engine *engine;
	struct engine_worker *worker; /* without a sink: nothing is passed on */
	struct workers *workers;
	struct set_changes *set_changes;
	struct config *config; /* in force */
	struct log *log;       /* may be NULL */
	bool takes_sets;
};

struct apply_counts {
	uint64_t messages;
	uint64_t refused; /* messages: not of finwall, or of a version that is too far */
	uint64_t gaps;    /* places where messages are missing */
	uint64_t records;
	uint64_t outcome[PEER_OUTCOMES_LEN];
	uint64_t commands; /* deletions, flushes, changes of sets */
	uint64_t unknown;  /* records of a newer version */
	uint64_t invalid;  /* records with values that no entry can have, or cut off */
	uint64_t sets_refused;
};

/* One node's stream. Zeroed at first but for the number. */
struct apply_stream {
	uint32_t node;   /* its number here; PEER_SELF: this node before its restart */
	uint64_t run;    /* of the latest message */
	uint64_t newest; /* the highest number of a message of that run */
	uint16_t version;
	uint32_t mark_base; /* its marks go on where those of the run before ended */
	struct apply_counts counts;
};

/*
 * Applies a message. age_ms: since it was written. A repeated message does no harm; commands of
 * one, and those older than a few seconds, are left out, because what they were about may have been
 * opened again. Returns the header's result.
 */
enum cluster_result apply_message(const struct apply_env *env, struct apply_stream *s,
                                  const void *bytes, size_t size, int64_t age_ms, struct mono now);

/* The node has restarted, if run is not that of its latest message. */
void apply_note_run(struct apply_stream *s, uint64_t run);

/* Reads only the header: of a chunk that is checked before it is applied. */
enum cluster_result apply_peek(const void *bytes, size_t size, struct cluster_header *out);

#endif

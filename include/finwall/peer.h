/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections of other nodes, which forward for the same networks: what they report is taken into
 * the table, so that this node can go on with them.
 *
 * An entry that another node reported is replicated (FLOW_PROBE_REPLICATED) until a packet of it
 * passes here; then it is this node's. Its windows are those before a gap, as of saved state: they
 * are not enforced until both ends have agreed again. A report never replaces what this node knows
 * of its own entry. It only moves it on, to a later state of the same connection, and its windows
 * are those before a gap then, because packets have passed elsewhere.
 *
 * All functions need engine_config.peers, and take the lock of the entry's shard. No report evicts
 * an entry, and none is passed on: w should have no sink.
 */
#ifndef FINWALL_PEER_H
#define FINWALL_PEER_H

#include <finwall/engine.h>

/* This node before its restart. Its replicated entries are saved and listed as this node's. */
#define PEER_SELF 0

/* The latest report of a replicated entry. */
struct peer_mark {
	uint32_t node; /* a number of the caller's, or PEER_SELF */
	uint32_t seq;  /* of the report, by that node; wraps */
};

enum peer_outcome {
	PEER_TAKEN,  /* a replicated entry, or its tombstone, is as reported */
	PEER_MERGED, /* an entry of this node has moved on */
	PEER_ENDED,  /* a replicated entry is deleted */
	PEER_OLDER,  /* nothing changed: this node knows better, or the same */
	PEER_FULL,   /* nothing changed: there is no space for another entry */
	PEER_OUTCOMES_LEN,
};

/* A live entry as another node has it. Past its deadline it is taken as engine_peer_expired(). */
enum peer_outcome engine_peer_flow(struct engine *e, struct engine_worker *w, const struct flow *f,
                                   const struct peer_mark *mark, struct mono now);

/* An entry that has ended there, as it was then. remembers: it is remembered there. */
enum peer_outcome engine_peer_ended(struct engine *e, struct engine_worker *w, const struct flow *f,
                                    bool remembers, struct mono ended, struct mono now);

/* A connection that is remembered there, at the time of mark. */
enum peer_outcome engine_peer_tomb(struct engine *e, struct engine_worker *w,
                                   const struct tomb_info *tomb, const struct peer_mark *mark,
                                   struct mono now);

/*
 * Deletes the replicated entries of mark->node that were reported before mark->seq: after a
 * complete list of that node's connections. Reads the places of one call's budget and moves the
 * cursor, which is zeroed at first, on. Returns how many it has deleted.
 */
size_t engine_peer_sweep(struct engine *e, struct engine_cursor *cur, const struct peer_mark *mark);

#endif

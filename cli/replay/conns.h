/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TCP connections of a capture, and how each ended under each policy.
 *
 * This account is independent of the engine, because what is counted must not depend on the policy
 * under test. A connection is a tuple on which both ends have sent an ACK. A SYN that opens the
 * tuple again starts a new connection.
 */
#ifndef FINWALL_CLI_REPLAY_CONNS_H
#define FINWALL_CLI_REPLAY_CONNS_H

#include <finwall/flowkey.h>
#include <finwall/pkt.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Policies in one replay. */
#define REPLAY_POLICIES_MAX 8

/* What one policy did with a segment. */
struct conn_outcome {
	bool is_late; /* a FIN or RST without a live entry */
	bool passed;
	bool is_open; /* there is an entry, of an open connection */
};

/* How connections ended under one policy. late = saved + recovered + hung. */
struct conn_totals {
	uint64_t late;      /* a FIN or RST came after the entry had expired */
	uint64_t saved;     /* no late close was dropped */
	uint64_t recovered; /* a late close was dropped, a later one of the same end passed */
	uint64_t hung;      /* a late close was dropped, and no later one passed */
	/* late closes of connections that were never open under this policy: scans, refused
	 * connections, connections that began before the capture */
	uint64_t strays_passed;
	uint64_t strays_dropped;
};

struct conns {
	struct conn *slots;
	size_t slots_len; /* a power of two */
	size_t used;
	struct sipkey sip;
	size_t policies_len;
	uint64_t seen;   /* connections */
	uint64_t closed; /* connections with a captured FIN or RST */
	struct conn_totals totals[REPLAY_POLICIES_MAX];
};

/* Returns 0/-errno; conns_fini() is allowed after either. */
int conns_init(struct conns *t, size_t policies_len);
void conns_fini(struct conns *t);

/* The connection of a segment. */
struct conn_ref {
	struct flowkey key;
	enum key_side side;
	uint64_t hash;
};

/* Computes it for a decoded TCP segment, and prefetches the connection. */
void conns_find(const struct conns *t, const struct pkt *p, struct conn_ref *ref);

/*
 * Adds the segment that conns_find() was called for. opens: it opens a connection.
 * outcome[0..policies_len). Returns 0 or -ENOMEM.
 */
int conns_add(struct conns *t, const struct pkt *p, const struct conn_ref *ref, bool opens,
              const struct conn_outcome *outcome);

/* Adds all remaining connections to the totals. No segment may be added after this. */
void conns_finish(struct conns *t);

#endif

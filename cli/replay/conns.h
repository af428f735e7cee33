/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TCP connections of a capture as they really were, and what became of their ends in each lane.
 *
 * Kept apart from the engine on purpose: what is counted here must not depend on the policy that is
 * being judged. A connection is a tuple on which both ends have spoken; a SYN that opens one anew
 * ends the account of the one before.
 */
#ifndef FINWALL_CLI_REPLAY_CONNS_H
#define FINWALL_CLI_REPLAY_CONNS_H

#include <finwall/flowkey.h>
#include <finwall/pkt.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As many policies can be compared at once. */
#define REPLAY_LANES_MAX 8

/* What one lane did with a segment. */
struct conn_fate {
	bool is_late; /* a FIN or RST for which the lane had no live entry */
	bool passed;
	bool is_open; /* the lane has an entry for it, of an open connection */
};

/* How the connections of a capture ended in one lane. late = saved + recovered + hung. */
struct conn_totals {
	uint64_t late;      /* an end closed when the entry was gone */
	uint64_t saved;     /* and nothing of that was dropped */
	uint64_t recovered; /* a close was dropped, but a later one of the same end passed */
	uint64_t hung;      /* a close was dropped, and the other end was never told */
	/* late segments of what the lane never held open: scans, connections that its rules
	 * refused, or whose start the capture does not have */
	uint64_t strays_passed;
	uint64_t strays_dropped;
};

struct conns {
	struct conn *slots;
	size_t slots_len; /* a power of two */
	size_t used;
	struct sipkey sip;
	size_t lanes_len;
	uint64_t seen;   /* connections */
	uint64_t closed; /* of which a FIN or RST was captured */
	struct conn_totals lane[REPLAY_LANES_MAX];
};

/* Returns 0/-errno. conns_fini() is fine after either. */
int conns_init(struct conns *t, size_t lanes_len);
void conns_fini(struct conns *t);

/* Which connection a segment belongs to. */
struct conn_ref {
	struct flowkey key;
	enum key_side side;
	uint64_t hash;
};

/* Finds that out for a TCP segment that could be decoded, and starts loading the connection. */
void conns_refer(const struct conns *t, const struct pkt *p, struct conn_ref *ref);

/*
 * Takes note of the segment that was referred to. opens: it begins a connection.
 * fate[0..lanes_len). Returns 0, or -ENOMEM.
 */
int conns_see(struct conns *t, const struct pkt *p, const struct conn_ref *ref, bool opens,
              const struct conn_fate *fate);

/* Closes the account of all that is still open. Nothing may be seen after this. */
void conns_finish(struct conns *t);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TCP tracker: the state array and the window check. Uses no table and no clock.
 *
 * It behaves like the Linux kernel's tracker. doc/tcp-tracking.md, whose section numbers the code
 * quotes, has the algorithm and its sources (G. van Rooij, "Real stateful TCP packet filtering in
 * IP Filter", 2001; RFC 9293, 7323, 2018, 5961).
 */
#ifndef FINWALL_CORE_TCP_TRACK_H
#define FINWALL_CORE_TCP_TRACK_H

#include <finwall/flow.h>
#include <finwall/pkt.h>
#include <finwall/reason.h>
#include <finwall/tunables.h>

/* The result of a tracker. */
enum track_verdict {
	TRACK_ACCEPT,  /* valid; the entry was updated */
	TRACK_IGNORE,  /* accepted without effect on state and windows */
	TRACK_INVALID, /* not a packet of this connection */
	TRACK_REPEAT,  /* the connection is closed: delete the entry and look the packet up again */
};

/* What the caller must do with the entry. */
struct track_effect {
	int64_t timeout_ns;  /* new time to live from now; 0 = keep the deadline */
	uint8_t reason;      /* enum reason */
	uint8_t set_assured; /* make the flow ASSURED */
	uint8_t delete_it;   /* delete the entry without a tombstone; the packet is valid */
};

/* A cell of the state array, for tests: a state, TCP_TO_INVALID or TCP_TO_IGNORE. */
#define TCP_TO_INVALID TCP_STATES_LEN
#define TCP_TO_IGNORE  (TCP_STATES_LEN + 1)
unsigned tcp_table(enum flow_dir dir, enum tcp_class class_nr, enum tcp_state from);

/*
 * Initialises *t from the first segment of a connection and returns REASON_NONE, or the reason for
 * which the segment cannot open one. The caller must pass the same segment to tcp_track() next.
 */
enum reason tcp_open(struct tcp_conn *t, const struct pkt *p, const struct tunables *tun);

/*
 * Initialises *t from a FIN or RST of an unknown connection (late policy pickup). Overrides column
 * NONE of the state array; both sides are liberal.
 */
void tcp_pickup_close(struct tcp_conn *t, const struct pkt *p);

/*
 * Judges one segment and updates *t. status: FLOW_* before this packet. remaining_ns: the entry's
 * time to live. Sets *fx to the rest of the effect.
 */
enum track_verdict tcp_track(struct tcp_conn *t, const struct pkt *p, enum flow_dir dir,
                             unsigned status, int64_t remaining_ns, const struct tunables *tun,
                             struct track_effect *fx);

#endif

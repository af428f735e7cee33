/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TCP tracker: the state array and the window check, nothing else. No table, no clock.
 *
 * The twin of the Linux kernel's tracker; the algorithm with its sources (G. van Rooij, "Real
 * stateful TCP packet filtering in IP Filter", 2001; RFC 9293, 7323, 2018, 5961) is told in
 * doc/tcp-tracking.md, whose section numbers the code quotes.
 */
#ifndef FINWALL_CORE_TCP_TRACK_H
#define FINWALL_CORE_TCP_TRACK_H

#include <finwall/flow.h>
#include <finwall/pkt.h>
#include <finwall/reason.h>
#include <finwall/tunables.h>

/* What a tracker made of a packet. */
enum track_verdict {
	TRACK_ACCEPT,  /* belongs, and moved the entry */
	TRACK_IGNORE,  /* passes, and moved nothing that matters */
	TRACK_INVALID, /* does not belong */
	TRACK_REPEAT,  /* the entry is over: delete it and look the packet up again */
};

/* What else is to be done with the entry. */
struct track_effect {
	int64_t timeout_ns;  /* new time to live from now; 0 = leave the deadline alone */
	uint8_t reason;      /* enum reason; for ACCEPT of an unreplied flow the caller says NEW */
	uint8_t set_assured; /* the connection proved itself */
	uint8_t delete_it;   /* accept the packet, then forget the entry */
};

/* The bare table (for tests and documentation): TCP_STATES_LEN + 0 = invalid, + 1 = ignore. */
#define TCP_TO_INVALID TCP_STATES_LEN
#define TCP_TO_IGNORE  (TCP_STATES_LEN + 1)
unsigned tcp_table(enum flow_dir dir, enum tcp_class class_nr, enum tcp_state from);

/*
 * The first segment of an unknown connection: fills *t and returns REASON_NONE; or the reason for
 * which it cannot open one. tcp_track() must see the same segment next.
 */
enum reason tcp_open(struct tcp_conn *t, const struct pkt *p, const struct tunables *tun);

/*
 * A FIN or RST of a connection never seen, taken up all the same (policy pickup): the table's
 * column NONE is overridden, both sides are liberal. Fills *t.
 */
void tcp_pickup_close(struct tcp_conn *t, const struct pkt *p);

/*
 * Judges one segment and moves *t. status: FLOW_*, as it was before this packet. remaining_ns: the
 * entry's time to live left. Everything else that must happen is in *fx.
 */
enum track_verdict tcp_track(struct tcp_conn *t, const struct pkt *p, enum flow_dir dir,
                             unsigned status, int64_t remaining_ns, const struct tunables *tun,
                             struct track_effect *fx);

#endif

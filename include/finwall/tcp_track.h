/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TCP tracker: the state array and the window check, nothing else. No table, no clock.
 *
 * The twin of the Linux kernel's tracker; the algorithm with its sources (G. van Rooij, "Real
 * stateful TCP packet filtering in IP Filter", 2001; RFC 9293, 7323, 2018, 5961) is told in
 * doc/tcp-tracking.md, whose section numbers the code quotes.
 */
#ifndef FINWALL_TCP_TRACK_H
#define FINWALL_TCP_TRACK_H

#include <finwall/flowkey.h>
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

#define FLOW_SEEN_REPLY 0x01u /* the other side has answered */
#define FLOW_ASSURED    0x02u /* never evicted before its time; remembered when it expires */
#define FLOW_ORIG_HI    0x04u /* the opener is the key's high side */
#define FLOW_REVIVED    0x08u /* came back from the memory of expired connections */

/* Per-direction flags. The values are those that ctnetlink shows. */
#define TCP_SIDE_WSCALE     0x01u
#define TCP_SIDE_SACK       0x02u
#define TCP_SIDE_CLOSE_INIT 0x04u /* sent the first FIN */
#define TCP_SIDE_LIBERAL    0x08u
#define TCP_SIDE_UNACKED    0x10u /* has data under way */
#define TCP_SIDE_MAXACK     0x20u /* maxack means something */
#define TCP_LAST_CHALLENGE  0x40u /* of last_flags: a challenge ACK is expected */
#define TCP_LAST_SIMOPEN    0x80u /* of last_flags: both sides sent a SYN */

/* What one side has sent and may send. Sequence numbers; maxwin_bytes is scaled. */
struct tcp_seen {
	uint32_t end;          /* highest sequence number sent, plus one */
	uint32_t maxend;       /* highest that the other side's window allows */
	uint32_t maxwin_bytes; /* largest window offered */
	uint32_t maxack;       /* highest acknowledgement sent */
};

struct tcp_conn {
	struct tcp_seen seen[2]; /* by enum flow_dir */
	uint32_t last_seq;
	uint32_t last_ack;
	uint32_t last_end;
	uint16_t last_win; /* raw */
	uint8_t scale[2];
	uint8_t flags[2]; /* TCP_SIDE_* */
	uint8_t state;    /* enum tcp_state */
	uint8_t last_dir;
	uint8_t last_class; /* enum tcp_class */
	uint8_t last_scale;
	uint8_t last_flags;
	uint8_t retrans; /* wraps */
};

_Static_assert(sizeof(struct tcp_conn) == 56, "a flow is two cache lines");

/* "ESTABLISHED" ...: the kernel's words. */
const char *tcp_state_name(enum tcp_state s);

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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comparison of a late segment with a remembered connection, and the segments that finwall sends
 * itself. doc/late-close.md. Must not know graveyard or rules.
 */
#ifndef FINWALL_CORE_LATE_CLOSE_H
#define FINWALL_CORE_LATE_CLOSE_H

#include "tcp_track.h"

#include <finwall/engine.h>
#include <finwall/mono.h>
#include <finwall/pkt.h>
#include <finwall/tunables.h>

/* A late segment, not a RST, that passed although nothing proved it. */
struct unproved {
	struct mono when;  /* 0: none */
	struct mono again; /* when the same numbers passed last */
	uint32_t seq;
	uint32_t end; /* seq plus payload and FIN */
	uint32_t ack;
	uint16_t win; /* raw */
	uint8_t class_nr;
};

/* The latest ones of a connection. */
struct unproved_pair {
	uint64_t hash;         /* of its key */
	struct mono used;      /* when one passed last; 0: the place is free */
	struct mono rst[2];    /* by enum flow_dir: when a RST passed */
	struct unproved of[2]; /* by enum flow_dir */
};

/*
 * Judges a FIN, RST or ACK segment in direction dir against *remembered, with the tracker's window
 * check and without exceptions: a connection that was picked up in the middle (liberal) must fit
 * its windows too, and a RST must have exactly the sequence number that its receiver expects (RFC
 * 5961, section 3.2). Returns REASON_LATE_REVIVED or REASON_LATE_RESURRECTED with the connection
 * after the segment in *revived and its effect in *fx, or the reason for which it does not fit;
 * *revived and *fx are undefined then.
 */
enum reason late_judge(const struct tcp_conn *remembered, const struct pkt *p, enum flow_dir dir,
                       const struct tunables *tun, struct tcp_conn *revived,
                       struct track_effect *fx);

/*
 * Judges the same against windows before a gap, in which both sides may have moved on: true when
 * the segment lies not before what its receiver had acknowledged, acknowledges not less than its
 * sender had, and the two are together at most LATE_MOVED_MAX bytes further.
 */
#define LATE_MOVED_MAX (UINT32_C(1) << 30)
bool late_may_have_moved(const struct tcp_conn *remembered, const struct pkt *p, enum flow_dir dir);

/*
 * Judges the same as the answer to an unproved segment of the other side, which passed before: it
 * answers if its numbers are exactly those that the two ends of one connection would use. Then sets
 * *revived to the connection after both segments and *fx to the effect, and returns true.
 */
bool late_answers(const struct tcp_conn *remembered, const struct unproved *first,
                  const struct pkt *p, enum flow_dir dir, const struct tunables *tun,
                  struct tcp_conn *revived, struct track_effect *fx);

/*
 * Judges the same as proved by the other end, which expects the sequence number `expects` next, has
 * sent everything before `next`, and offers the window win (raw). remembered may be NULL. Sets
 * *revived and *fx as late_judge() does. Returns false when no connection can have the segment in
 * this state.
 */
bool late_prove(const struct tcp_conn *remembered, const struct pkt *p, enum flow_dir dir,
                uint32_t expects, uint32_t next, uint16_t win, const struct tunables *tun,
                struct tcp_conn *revived, struct track_effect *fx);

/*
 * The sequence number that the receiver of direction dir expects next: the highest that it has
 * acknowledged, or, if it never acknowledged any, the end of what was sent to it.
 */
uint32_t late_expected_seq(const struct tcp_conn *t, enum flow_dir dir);

/* A segment for finwall to send in direction dir, with the numbers that the receiver expects.
 * ifindex: the link of a link-local receiver, 0 if unknown. */
struct raw_request late_request(const struct tcp_conn *t, const struct flowkey *key,
                                enum key_side orig_side, enum flow_dir dir, enum raw_kind kind,
                                uint32_t ifindex);

/* The link that a request to this receiver needs: ifindex, or 0 if any will do. */
uint32_t late_link(const struct tuple *to, uint32_t ifindex);

#endif

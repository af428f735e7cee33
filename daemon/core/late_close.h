/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comparison of a late segment with a remembered connection, and the segments that finwall sends
 * itself. doc/late-close.md. Must not know graveyard or rules.
 */
#ifndef FINWALL_CORE_LATE_CLOSE_H
#define FINWALL_CORE_LATE_CLOSE_H

#include "tcp_track.h"

#include <finwall/engine.h>
#include <finwall/pkt.h>
#include <finwall/tunables.h>

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
 * The sequence number that the receiver of direction dir expects next: the highest that it has
 * acknowledged, or, if it never acknowledged any, the end of what was sent to it.
 */
uint32_t late_expected_seq(const struct tcp_conn *t, enum flow_dir dir);

/* A segment for finwall to send in direction dir, with the numbers that the receiver expects. */
struct raw_request late_request(const struct tcp_conn *t, const struct flowkey *key,
                                enum key_side orig_side, enum flow_dir dir, enum raw_kind kind);

#endif

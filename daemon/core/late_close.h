/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Late close: does this segment fit the connection that is remembered? doc/late-close.md.
 *
 * Pure: a remembered connection and a segment in, a revived connection or a reason out. Knows
 * neither the graveyard nor the rules.
 */
#ifndef FINWALL_CORE_LATE_CLOSE_H
#define FINWALL_CORE_LATE_CLOSE_H

#include "tcp_track.h"

#include <finwall/engine.h>
#include <finwall/pkt.h>
#include <finwall/tunables.h>

/*
 * Judges a FIN, RST or ACK segment that travels in direction dir against *remembered. The test is
 * the tracker's own on the remembered windows, made without any leniency: a connection that was
 * picked up in the middle (liberal) is held to its windows too, and a RST must carry exactly the
 * sequence number that its receiver expects (RFC 5961, section 3.2). Returns REASON_LATE_REVIVED or
 * REASON_LATE_RESURRECTED, with the connection after the segment in *revived and what else to do in
 * *fx; or the reason for which it does not fit, and then *revived and *fx mean nothing.
 */
enum reason late_judge(const struct tcp_conn *remembered, const struct pkt *p, enum flow_dir dir,
                       const struct tunables *tun, struct tcp_conn *revived,
                       struct track_effect *fx);

/*
 * The sequence number that the receiver of direction dir expects next: the highest it has
 * acknowledged, or, where it never did, what was sent to it.
 */
uint32_t late_expected_seq(const struct tcp_conn *t, enum flow_dir dir);

/* A segment that finwall sends in direction dir of the connection, exact by what the tracker knows
 * of it. */
struct raw_request late_request(const struct tcp_conn *t, const struct flowkey *key,
                                enum key_side orig_side, enum flow_dir dir, enum raw_kind kind);

#endif

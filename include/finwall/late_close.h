/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Late close: does this segment fit the connection that is remembered? doc/late-close.md.
 *
 * Pure: a remembered connection and a segment in, a revived connection or a reason out. Knows
 * neither the graveyard nor the rules.
 */
#ifndef FINWALL_LATE_CLOSE_H
#define FINWALL_LATE_CLOSE_H

#include <finwall/pkt.h>
#include <finwall/tcp_track.h>
#include <finwall/tunables.h>

/* "strict" ...: the words of the rule language. */
const char *late_policy_name(enum late_policy p);
const char *idle_policy_name(enum idle_policy p);

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

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The UDP tracker: a flow is unreplied, replied, or a stream if it is active for two seconds, as in
 * the kernel's tracker.
 */
#ifndef FINWALL_CORE_UDP_TRACK_H
#define FINWALL_CORE_UDP_TRACK_H

#include "tcp_track.h"

/* Sets *fx for a datagram; none is invalid. status: FLOW_* before this packet. */
void udp_track(const struct udp_conn *u, struct mono now, unsigned status,
               const struct tunables *tun, struct track_effect *fx);

#endif

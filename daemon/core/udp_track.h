/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UDP: replied or not, and a stream once it has talked for two seconds. As the kernel's tracker
 * does.
 */
#ifndef FINWALL_CORE_UDP_TRACK_H
#define FINWALL_CORE_UDP_TRACK_H

#include "tcp_track.h"

/* Never refuses. status: FLOW_* before this packet. */
void udp_track(const struct udp_conn *u, struct mono now, unsigned status,
               const struct tunables *tun, struct track_effect *fx);

#endif

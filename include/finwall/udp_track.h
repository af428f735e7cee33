/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UDP: replied or not, and a stream once it has talked for two seconds. As the kernel's tracker
 * does.
 */
#ifndef FINWALL_UDP_TRACK_H
#define FINWALL_UDP_TRACK_H

#include <finwall/mono.h>
#include <finwall/tcp_track.h>
#include <finwall/tunables.h>

struct udp_conn {
	struct mono stream_from; /* a flow that is still talking then is a stream */
};

void udp_open(struct udp_conn *u, struct mono now);

/* Never refuses. status: FLOW_* before this packet. */
void udp_track(const struct udp_conn *u, struct mono now, unsigned status,
               const struct tunables *tun, struct track_effect *fx);

#endif

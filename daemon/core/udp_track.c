/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The UDP tracker; doc/tcp-tracking.md, "UDP". Reads no byte of the datagram. */
#include "udp_track.h"

#define STREAM_AFTER_NS (2 * NSEC_PER_SEC)

void udp_open(struct udp_conn *u, struct mono now)
{
	u->stream_from = mono_add(now, STREAM_AFTER_NS);
}

void udp_track(const struct udp_conn *u, struct mono now, unsigned status,
               const struct tunables *tun, struct track_effect *fx)
{
	*fx = (struct track_effect){
		.timeout_ns = tun->udp_unreplied_ns,
		.reason = REASON_UDP_TRACKED,
	};
	if ((status & FLOW_SEEN_REPLY) != 0 && mono_diff(now, u->stream_from) > 0) {
		fx->timeout_ns = tun->udp_replied_ns;
		fx->set_assured = 1;
	}
}

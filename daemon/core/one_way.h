/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections of which packets of one direction pass here (`ct tracking set one-way`): the other
 * end answers by another way, as with direct server return and anycast. The opener's segments alone
 * show when the connection opens and closes; there is no window to check them against, so none is
 * INVALID. Segments of the other direction are taken if there are any. Not ASSURED, so that such
 * entries are evicted first.
 */
#ifndef FINWALL_CORE_ONE_WAY_H
#define FINWALL_CORE_ONE_WAY_H

#include "tcp_track.h"

/* Judges a packet of such a flow and updates it. Returns TRACK_ACCEPT, TRACK_IGNORE for a RST that
 * is not in sequence, or TRACK_REPEAT for the SYN of a new connection. */
enum track_verdict one_way_track(struct flow *f, const struct pkt *p, enum flow_dir dir,
                                 struct mono now, const struct tunables *tun,
                                 struct track_effect *fx);

/* True when packets of the flow are ESTABLISHED: after the first packet that the opener sends only
 * to an end that has answered, of TCP; after the first one, of other protocols. */
bool one_way_is_open(const struct flow *f);

#endif

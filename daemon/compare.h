/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker in the shadow of the kernel's tracker (hook compare-kernel): takes the kernel's word on
 * a packet out of its message, and compares once the engine has decided.
 */
#ifndef FINWALL_DAEMON_COMPARE_H
#define FINWALL_DAEMON_COMPARE_H

#include "events.h"

#include <finwall/compare.h>
#include <finwall/nfq_msg.h>

#include <stdbool.h>
#include <stdint.h>

/* One worker's comparing. */
struct comparer {
	struct compare_stats stats; /* anyone reads */
	/* set once, before the worker runs */
	bool is_on;
	struct mono start;
	/* the worker's own */
	bool ctinfo_was_seen; /* so a message without it says that there is no entry */
};

/*
 * What the kernel made of the packet: its own word where the message has it, else the hook rules'
 * mark, which is taken out of the frame's mark. Sets *mark_is_ours when there was one: a verdict
 * that accepts the packet is then to set its mark to the frame's.
 */
enum kernel_state comparer_take(struct comparer *c, struct nfq_pkt *pkt, bool *mark_is_ours);

/*
 * Counts one comparison, and tells a difference that nothing explains: returns false when that was
 * lost for want of room.
 */
bool comparer_note(struct comparer *c, struct event_ring *events, const struct tunables *tun,
                   struct mono now, const struct frame *frame, const struct decision *d,
                   enum kernel_state kernels);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comparison with the kernel's tracker (setting `hook compare-kernel`), on the worker's side: reads
 * the kernel's state of a packet from its message, and compares after the engine's decision.
 */
#ifndef FINWALL_DAEMON_COMPARER_H
#define FINWALL_DAEMON_COMPARER_H

#include "compare_older.h"
#include "event_ring.h"

#include <finwall/compare.h>
#include <finwall/nfq_msg.h>

#include <stdbool.h>
#include <stdint.h>

/* One worker's comparison. */
struct comparer {
	struct compare_stats stats; /* read by any thread */
	/* set once, before the worker runs */
	bool is_on;
	struct mono start;   /* of the daemon */
	struct older *older; /* of all workers; NULL: no connection is older */
	/* worker only */
	bool ctinfo_was_seen; /* this kernel sends it: a message without it means no entry */
};

/*
 * Returns the kernel's state of the packet: from the message if it carries one, otherwise from the
 * mark of the hook rules, whose bits are cleared in the frame's mark. Sets *mark_is_ours when there
 * was such a mark: an accept verdict must then set the packet's mark to the frame's.
 */
enum kernel_state comparer_take(struct comparer *c, struct nfq_pkt *pkt, bool *mark_is_ours);

/*
 * Counts one comparison, and puts an unexplained difference into the ring. Returns false when the
 * ring was full.
 */
bool comparer_note(struct comparer *c, struct event_ring *events, const struct tunables *tun,
                   struct mono now, const struct frame *frame, const struct decision *d,
                   enum kernel_state kernel_state);

#endif

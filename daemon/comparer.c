/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comparison with the kernel's tracker. See comparer.h.
 *
 * The mark has a value for each of the five states. A message carries no state when the packet has
 * no entry or the kernel was built without it. So a missing state means "no entry" only after
 * another message carried one, and only without a mark.
 */
#include "comparer.h"

#include "wire/hookmark.h"

enum kernel_state comparer_take(struct comparer *c, struct nfq_pkt *pkt, bool *mark_is_ours)
{
	enum kernel_state sent = KERNEL_UNTOLD;
	enum kernel_state marked = hookmark_kernel_state(pkt->frame.mark);

	*mark_is_ours = marked != KERNEL_UNTOLD;
	if (*mark_is_ours) {
		pkt->frame.mark &= ~HOOKMARK_KERNEL_MASK;
	}
	if (pkt->ctinfo_is_known != 0) {
		c->ctinfo_was_seen = true;
		sent = kernel_state_of_ctinfo(pkt->ctinfo);
	}
	if (sent != KERNEL_UNTOLD) {
		return sent;
	}
	return marked == KERNEL_UNTOLD && c->ctinfo_was_seen ? KERNEL_NO_ENTRY : marked;
}

bool comparer_note(struct comparer *c, struct event_ring *events, const struct tunables *tun,
                   struct mono now, const struct frame *frame, const struct decision *d,
                   enum kernel_state kernel_state)
{
	enum compare result;
	struct pkt pkt;

	stat_add(&c->stats.matrix[d->state][kernel_state], 1);
	if (compare_is_same((enum ct_state)d->state, kernel_state)) {
		stat_add(&c->stats.result[COMPARE_SAME], 1);
		return true;
	}
	/* Rare: decoding the packet a second time is acceptable. */
	(void)pkt_decode(frame, &pkt);
	result = compare_explain(&pkt, d, kernel_state, tun, mono_diff(now, c->start));
	stat_add(&c->stats.result[result], 1);
	return result != COMPARE_DIFFERENT || event_ring_put_compare(events, &pkt, d, kernel_state);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker's side of comparing with the kernel's tracker. See compare.h.
 *
 * The mark says all five states; the kernel's own word is missing in a message for want of an
 * entry, or because the kernel was built without it. So the mark is asked first, and a missing word
 * says something only where others came.
 */
#include "compare.h"

#include "wire/hookmark.h"

enum kernel_state comparer_take(struct comparer *c, struct nfq_pkt *pkt, bool *mark_is_ours)
{
	enum kernel_state told = KERNEL_UNTOLD;
	enum kernel_state marked = hookmark_kernel_state(pkt->frame.mark);

	*mark_is_ours = marked != KERNEL_UNTOLD;
	if (*mark_is_ours) {
		pkt->frame.mark &= ~HOOKMARK_KERNEL_MASK;
	}
	if (pkt->ctinfo_is_known != 0) {
		c->ctinfo_was_seen = true;
		told = kernel_state_of_ctinfo(pkt->ctinfo);
	}
	if (told != KERNEL_UNTOLD) {
		return told;
	}
	return marked == KERNEL_UNTOLD && c->ctinfo_was_seen ? KERNEL_NO_ENTRY : marked;
}

bool comparer_note(struct comparer *c, struct event_ring *events, const struct tunables *tun,
                   struct mono now, const struct frame *frame, const struct decision *d,
                   enum kernel_state kernels)
{
	enum compare result;
	struct pkt pkt;

	stat_add(&c->stats.matrix[d->state][kernels], 1);
	if (compare_is_same((enum ct_state)d->state, kernels)) {
		stat_add(&c->stats.result[COMPARE_SAME], 1);
		return true;
	}
	/* Rare, so that it may be decoded a second time. */
	(void)pkt_decode(frame, &pkt);
	result = compare_explain(&pkt, d, kernels, tun, mono_diff(now, c->start));
	stat_add(&c->stats.result[result], 1);
	return result != COMPARE_DIFFERENT || event_put_compare(events, &pkt, d, kernels);
}

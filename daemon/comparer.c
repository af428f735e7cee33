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

/* Whether the comparison has seen the start of the connection. Updates the older ones. */
static enum compare_start start_of(struct comparer *c, const struct pkt *pkt,
                                   const struct decision *d, enum kernel_state kernel_state)
{
	const bool is_error = pkt->kind == PKT_KIND_ICMP_ERROR;
	struct flowkey key;
	enum key_side side;

	if (pkt->depth < PKT_PORTS ||
	    !flowkey_from_tuple(is_error ? &pkt->quoted : &pkt->tuple, &key, &side)) {
		return START_COMPARED;
	}
	if (!is_error && kernel_state == KERNEL_UNTOLD) {
		if (d->state == CT_NEW || d->state == CT_ESTABLISHED) {
			older_add(c->older, &key);
		}
		return START_OLDER;
	}
	if (!is_error && (d->state == CT_NEW ||
	                  (d->state == CT_ESTABLISHED && kernel_state == KERNEL_ESTABLISHED))) {
		older_settle(c->older, &key);
	}
	return older_has(c->older, &key) ? START_OLDER : START_COMPARED;
}

bool comparer_note(struct comparer *c, struct event_ring *events, const struct tunables *tun,
                   struct mono now, const struct frame *frame, const struct decision *d,
                   enum kernel_state kernel_state)
{
	const bool is_same = compare_is_same((enum ct_state)d->state, kernel_state);
	const bool has_older =
		c->older != NULL && (kernel_state == KERNEL_UNTOLD || older_any(c->older));
	enum compare_start start = START_COMPARED;
	enum compare result;
	struct pkt pkt;

	stat_add(&c->stats.matrix[d->state][kernel_state], 1);
	if (is_same) {
		stat_add(&c->stats.result[COMPARE_SAME], 1);
		if (!has_older || d->state == CT_INVALID) {
			return true;
		}
	}
	/* Rare, or while older connections exist: decoding the packet again is acceptable. */
	(void)pkt_decode(frame, &pkt);
	if (has_older) {
		start = start_of(c, &pkt, d, kernel_state);
	}
	if (is_same) {
		return true;
	}
	result = compare_explain(&pkt, d, kernel_state, start, tun, mono_diff(now, c->start));
	stat_add(&c->stats.result[result], 1);
	return result != COMPARE_DIFFERENT || event_ring_put_compare(events, &pkt, d, kernel_state);
}

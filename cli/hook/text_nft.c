/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hook rules as text for nft(8). See text.h.
 */
#include "hook/parts.h"
#include "hook/text.h"

#include <stdlib.h>
#include <string.h>

#define NFT_REJECT "rejected"
#define NFT_DEFRAG "defragment"

static void nft_no_reject_chain(FILE *to);
static void nft_defrag_chain(FILE *to, bool enabled);
static void nft_chain(FILE *to, const struct hook_plan *plan, enum hook h, enum hook_spread spread);
static void nft_kernel_states(FILE *to, const char *head, enum hook h);
static void nft_admin(FILE *to, const char *head, const struct hook_plan *plan, enum hook h,
                      enum hook_spread spread);
static void nft_queue(FILE *to, const struct hook_plan *plan, enum fail_mode on_absent,
                      enum hook_spread spread);

/*
 * Chains are flushed and filled, never deleted and created: when a hook is unregistered, the kernel
 * drops all queued packets. A hook that is not queued has an empty chain.
 */
char *hook_text_nft_up(const struct hook_plan *plan, enum hook_spread spread)
{
	struct hook_text t;

	if (!hook_text_begin(&t)) {
		return NULL;
	}
	fprintf(t.to, "add table inet " HOOK_NFT_TABLE "\n");
	nft_defrag_chain(t.to, plan->defragments);
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		const char *name = hook_names[h].nft;

		fprintf(t.to,
		        "add chain inet " HOOK_NFT_TABLE
		        " %s { type filter hook %s priority filter; policy accept; }\n",
		        name, name);
		fprintf(t.to, "flush chain inet " HOOK_NFT_TABLE " %s\n", name);
		if (plan->hooked[h]) {
			nft_chain(t.to, plan, h, spread);
		}
	}
	nft_no_reject_chain(t.to);
	return hook_text_end(&t);
}

/* "add" first: deleting a table that does not exist would fail. */
char *hook_text_nft_down(void)
{
	return strdup("add table inet " HOOK_NFT_TABLE "\n"
	              "delete table inet " HOOK_NFT_TABLE "\n");
}

char *hook_text_nft_defrag(void)
{
	struct hook_text t;

	if (!hook_text_begin(&t)) {
		return NULL;
	}
	fprintf(t.to, "add table inet " HOOK_NFT_TABLE "\n");
	nft_defrag_chain(t.to, true);
	return hook_text_end(&t);
}

/* The chain of earlier versions, for which the kernel sent the answers to rejected packets. */
static void nft_no_reject_chain(FILE *to)
{
	fprintf(to, "add chain inet " HOOK_NFT_TABLE " " NFT_REJECT "\n");
	fprintf(to, "flush chain inet " HOOK_NFT_TABLE " " NFT_REJECT "\n");
	fprintf(to, "delete chain inet " HOOK_NFT_TABLE " " NFT_REJECT "\n");
}

/* No packet enters this chain; without defragment it is empty. */
static void nft_defrag_chain(FILE *to, bool enabled)
{
	fprintf(to, "add chain inet " HOOK_NFT_TABLE " " NFT_DEFRAG "\n");
	fprintf(to, "flush chain inet " HOOK_NFT_TABLE " " NFT_DEFRAG "\n");
	if (enabled) {
		fprintf(to, "add rule inet " HOOK_NFT_TABLE " " NFT_DEFRAG
		            " meta l4proto udp tproxy to :1\n");
	}
}

static void nft_chain(FILE *to, const struct hook_plan *plan, enum hook h, enum hook_spread spread)
{
	char head[64];

	snprintf(head, sizeof(head), "add rule inet " HOOK_NFT_TABLE " %s", hook_names[h].nft);
	if (h == HOOK_OUTPUT || (h == HOOK_INPUT && plan->loopback_is_queued)) {
		fprintf(to, "%s %smeta mark & 0x%08x == 0x%08x accept\n", head,
		        h == HOOK_INPUT ? "iifname \"lo\" " : "", plan->own_mask, plan->own_mark);
	}
	if (!plan->loopback_is_queued) {
		if (h != HOOK_OUTPUT) {
			fprintf(to, "%s iifname \"lo\" accept\n", head);
		}
		if (h != HOOK_INPUT) {
			fprintf(to, "%s oifname \"lo\" accept\n", head);
		}
	}
	if (plan->compares_kernel) {
		nft_kernel_states(to, head, h);
	}
	if (hook_plan_keeps_admin(plan)) {
		nft_admin(to, head, plan, h, spread);
	}
	fprintf(to, "%s ", head);
	nft_queue(to, plan, plan->on_absent, spread);
}

/*
 * The answer of a kernel REJECT rule refers to the rejected packet's entry, which is never
 * confirmed. A queue drops packets with an unconfirmed entry of another packet, so the answer is
 * accepted.
 */
static void nft_kernel_states(FILE *to, const char *head, enum hook h)
{
	if (h == HOOK_OUTPUT) {
		fprintf(to,
		        "%s tcp flags & rst == rst ct state related"
		        " ct status & confirmed != confirmed accept\n",
		        head);
		fprintf(to,
		        "%s meta l4proto { icmp, ipv6-icmp } ct state related"
		        " ct status & confirmed != confirmed accept\n",
		        head);
	}
	for (size_t i = 0; i < HOOK_KERNEL_STATES_LEN; i++) {
		fprintf(to, "%s ct state %s meta mark set meta mark & 0x%08x | 0x%08x\n", head,
		        hook_kernel_states[i].nft, ~HOOKMARK_KERNEL_MASK,
		        hookmark_kernel(hook_kernel_states[i].state));
	}
}

static void nft_admin_end(FILE *to, const struct hook_plan *plan, enum hook_spread spread)
{
	if (plan->is_stalled) {
		fprintf(to, "accept\n");
		return;
	}
	nft_queue(to, plan, FAIL_ACCEPT, spread);
}

/*
 * Queued with bypass, which accepts while no daemon reads the queue: connections to the port, both
 * directions, and the neighbour discovery that IPv6 needs to reach the peer. Accepted while a
 * daemon has the queue and gives no verdicts.
 */
static void nft_admin(FILE *to, const char *head, const struct hook_plan *plan, enum hook h,
                      enum hook_spread spread)
{
	if (h == HOOK_FORWARD) {
		return;
	}
	fprintf(to, "%s tcp %s %u ", head, h == HOOK_INPUT ? "dport" : "sport", plan->admin_port);
	nft_admin_end(to, plan, spread);
	fprintf(to,
	        "%s icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, "
	        "nd-neighbor-advert } ",
	        head);
	nft_admin_end(to, plan, spread);
}

static void nft_queue(FILE *to, const struct hook_plan *plan, enum fail_mode on_absent,
                      enum hook_spread spread)
{
	fprintf(to, "queue %sto ", on_absent == FAIL_ACCEPT ? "flags bypass " : "");
	if (plan->queue_count == 1) {
		fprintf(to, "%u\n", plan->queue_num);
		return;
	}
	if (spread == SPREAD_ADDRESSES) {
		fprintf(to, "%u-%u\n", plan->queue_num, plan->queue_num + plan->queue_count - 1);
		return;
	}
	fprintf(to, "symhash mod %u offset %u\n", plan->queue_count, plan->queue_num);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hook rules as text for iptables-restore(8). See text.h.
 */
#include "hook/parts.h"
#include "hook/spread.h"
#include "hook/text.h"
#include "wire/lease_names.h"

#include <stdlib.h>
#include <string.h>

/* Rules that choose the queue, for each chain. */
#define SPREAD_RULES_MAX 16u

/* ICMPv6 types of router and neighbour discovery, RFC 4861: 133 to 136. */
#define ND_TYPE_FIRST 133u
#define ND_TYPE_LAST  136u

static void iptables_chain(FILE *to, const struct hook_plan *plan, enum hook_spread spread,
                           enum hook_family family, enum hook h);
static void iptables_queue(FILE *to, const struct hook_plan *plan, enum fail_mode on_absent,
                           enum hook_spread spread, enum hook_family family, const char *head);
static void iptables_kernel_states(FILE *to, enum hook_family family, enum hook h);
static void iptables_admin(FILE *to, const struct hook_plan *plan, enum hook_family family,
                           enum hook h);
static void iptables_jump(FILE *to, enum hook h, const struct hook_found *found, bool enabled);

/* A chain that another rule jumps to is only emptied: packets return from it. */
static void iptables_remove(FILE *to, const char *chain, bool is_referenced)
{
	fprintf(to, "-F %s\n", chain);
	if (!is_referenced) {
		fprintf(to, "-X %s\n", chain);
	}
}

/* With --noflush, naming a chain of our own flushes only this chain. */
char *hook_text_iptables_up(const struct hook_plan *plan, enum hook_spread spread,
                            enum hook_family family, const struct hook_found *found)
{
	struct hook_text t;

	if (!hook_text_begin(&t)) {
		return NULL;
	}
	fprintf(t.to, "%s\n", hook_table_lines[found->table]);
	if (plan->defragments || found->defrag_chain) {
		fprintf(t.to, ":" HOOK_IPTABLES_DEFRAG " - [0:0]\n");
	}
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if (plan->hooked[h] || found->chain[h]) {
			fprintf(t.to, ":%s - [0:0]\n", hook_names[h].chain);
		}
	}
	if (plan->defragments) {
		fprintf(t.to, "-A " HOOK_IPTABLES_DEFRAG " -m socket\n");
	}
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if (plan->hooked[h]) {
			iptables_chain(t.to, plan, spread, family, h);
		}
		iptables_jump(t.to, h, found, plan->hooked[h]);
	}
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if (!plan->hooked[h] && found->chain[h] && !found->is_referenced[h]) {
			fprintf(t.to, "-X %s\n", hook_names[h].chain);
		}
	}
	if (!plan->defragments && found->defrag_chain && !found->is_referenced[HOOK_CHAIN_DEFRAG]) {
		fprintf(t.to, "-X " HOOK_IPTABLES_DEFRAG "\n");
	}
	/* last: the other chains may have referred to it */
	if (found->reject_chain) {
		iptables_remove(t.to, HOOK_IPTABLES_REJECT,
		                found->is_referenced[HOOK_CHAIN_REJECT]);
	}
	fprintf(t.to, "COMMIT\n");
	return hook_text_end(&t);
}

char *hook_text_iptables_down(const struct hook_found *found)
{
	struct hook_text t;

	if (!hook_text_begin(&t)) {
		return NULL;
	}
	fprintf(t.to, "%s\n", hook_table_lines[found->table]);
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		iptables_jump(t.to, h, found, false);
	}
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if (found->chain[h]) {
			iptables_remove(t.to, hook_names[h].chain, found->is_referenced[h]);
		}
	}
	if (found->defrag_chain) {
		iptables_remove(t.to, HOOK_IPTABLES_DEFRAG,
		                found->is_referenced[HOOK_CHAIN_DEFRAG]);
	}
	/* last: the other chains refer to it */
	if (found->reject_chain) {
		iptables_remove(t.to, HOOK_IPTABLES_REJECT,
		                found->is_referenced[HOOK_CHAIN_REJECT]);
	}
	fprintf(t.to, "COMMIT\n");
	return hook_text_end(&t);
}

char *hook_text_iptables_flush(const struct hook_found *found)
{
	struct hook_text t;

	if (!hook_text_begin(&t)) {
		return NULL;
	}
	fprintf(t.to, "%s\n", hook_table_lines[found->table]);
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if (found->chain[h]) {
			fprintf(t.to, "-F %s\n", hook_names[h].chain);
		}
	}
	fprintf(t.to, "COMMIT\n");
	return hook_text_end(&t);
}

/* See nft_kernel_states(). */
static void iptables_kernel_states(FILE *to, enum hook_family family, enum hook h)
{
	static const char *const icmp[FAMILIES_LEN] = { "icmp", "ipv6-icmp" };
	const char *chain = hook_names[h].chain;

	if (h == HOOK_OUTPUT) {
		fprintf(to,
		        "-A %s -p tcp --tcp-flags RST RST -m conntrack --ctstate RELATED"
		        " ! --ctstatus CONFIRMED -j ACCEPT\n",
		        chain);
		fprintf(to,
		        "-A %s -p %s -m conntrack --ctstate RELATED ! --ctstatus CONFIRMED"
		        " -j ACCEPT\n",
		        chain, icmp[family]);
	}
	for (size_t i = 0; i < HOOK_KERNEL_STATES_LEN; i++) {
		fprintf(to, "-A %s -m conntrack --ctstate %s -j MARK --set-xmark 0x%08x/0x%08x\n",
		        chain, hook_kernel_states[i].iptables,
		        hookmark_kernel(hook_kernel_states[i].state), HOOKMARK_KERNEL_MASK);
	}
}

static void iptables_chain(FILE *to, const struct hook_plan *plan, enum hook_spread spread,
                           enum hook_family family, enum hook h)
{
	const char *chain = hook_names[h].chain;
	char head[32];

	if (h == HOOK_OUTPUT || (h == HOOK_INPUT && plan->loopback_is_queued)) {
		fprintf(to, "-A %s %s-m mark --mark 0x%08x/0x%08x -j ACCEPT\n", chain,
		        h == HOOK_INPUT ? "-i lo " : "", plan->own_mark, plan->own_mask);
	}
	if (!plan->loopback_is_queued) {
		if (h != HOOK_OUTPUT) {
			fprintf(to, "-A %s -i lo -j RETURN\n", chain);
		}
		if (h != HOOK_INPUT) {
			fprintf(to, "-A %s -o lo -j RETURN\n", chain);
		}
	}
	if (plan->fast_path != NULL) {
		fprintf(to, "-A %s -m bpf --object-pinned %s/%s -j ACCEPT\n", chain,
		        plan->fast_path, lease_program_names[h]);
	}
	if (plan->compares_kernel) {
		iptables_kernel_states(to, family, h);
	}
	if (hook_plan_keeps_admin(plan)) {
		iptables_admin(to, plan, family, h);
	}
	snprintf(head, sizeof(head), "-A %s", chain);
	iptables_queue(to, plan, plan->on_absent, spread, family, head);
}

/* Few packets: spread by addresses, in one rule. */
static void iptables_admin_rule(FILE *to, const struct hook_plan *plan, enum hook_family family,
                                const char *head)
{
	if (plan->is_stalled) {
		fprintf(to, "%s -j ACCEPT\n", head);
		return;
	}
	iptables_queue(to, plan, FAIL_ACCEPT, SPREAD_ADDRESSES, family, head);
}

/* See nft_admin(). */
static void iptables_admin(FILE *to, const struct hook_plan *plan, enum hook_family family,
                           enum hook h)
{
	const char *chain = hook_names[h].chain;
	char head[96];

	if (h == HOOK_FORWARD) {
		return;
	}
	snprintf(head, sizeof(head), "-A %s -p tcp --%s %u", chain,
	         h == HOOK_INPUT ? "dport" : "sport", plan->admin_port);
	iptables_admin_rule(to, plan, family, head);
	for (unsigned type = ND_TYPE_FIRST; family == FAMILY_IPV6 && type <= ND_TYPE_LAST; type++) {
		snprintf(head, sizeof(head), "-A %s -p ipv6-icmp --icmpv6-type %u", chain, type);
		iptables_admin_rule(to, plan, family, head);
	}
}

/*
 * Each rule with a bpf match takes the packets whose queue is below a limit; the last rule takes
 * the others. A packet may pass all rules, so there are at most 16: with more queues each rule has
 * several, chosen by addresses.
 */
static void iptables_queue(FILE *to, const struct hook_plan *plan, enum fail_mode on_absent,
                           enum hook_spread spread, enum hook_family family, const char *head)
{
	uint32_t rules = spread == SPREAD_ADDRESSES ? 1 : plan->queue_count;
	uint32_t first = 0;

	rules = rules < SPREAD_RULES_MAX ? rules : SPREAD_RULES_MAX;
	for (uint32_t nr = 1; nr <= rules; nr++) {
		uint32_t end = plan->queue_count * nr / rules;

		fprintf(to, "%s ", head);
		if (nr < rules) {
			fprintf(to, "-m bpf --bytecode \"");
			hook_spread_bytecode(to, family, plan->queue_count, end);
			fprintf(to, "\" ");
		}
		fprintf(to, "-j NFQUEUE ");
		if (end - first == 1) {
			fprintf(to, "--queue-num %u", plan->queue_num + first);
		} else {
			fprintf(to, "--queue-balance %u:%u", plan->queue_num + first,
			        plan->queue_num + end - 1);
		}
		fprintf(to, "%s\n", on_absent == FAIL_ACCEPT ? " --queue-bypass" : "");
		first = end;
	}
}

/* Leaves exactly one jump, as the first rule, or none. Changes nothing if that is so already. */
static void iptables_jump(FILE *to, enum hook h, const struct hook_found *found, bool enabled)
{
	const char *builtin = hook_names[h].builtin;
	const char *chain = hook_names[h].chain;

	if (enabled && found->jumps[h] == 1 && found->jump_is_first[h]) {
		return;
	}
	for (unsigned i = 0; i < found->jumps[h]; i++) {
		fprintf(to, "-D %s -j %s\n", builtin, chain);
	}
	if (enabled) {
		fprintf(to, "-I %s 1 -j %s\n", builtin, chain);
	}
}

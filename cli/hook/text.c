/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules that queue packets to the daemon, as text. See hook_text.h.
 *
 * Each chain has the same shape: packets that the daemon sent back to be rejected, those it made
 * itself, the loopback device, the kernel's state as a mark where that is wanted, an
 * administrator's way in where the queue may be empty, the queue. The mark is tested before
 * anything else, and the chain it leads to ends with a drop, because a packet that is repeated must
 * never reach the queue again: it would go round for ever.
 */
#include "hook/text.h"

#include "hook/spread.h"

#include "wire/hookmark.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The words of the tools for one way to reject. TCP resets stand alone: they need a TCP packet. */
struct reject_words {
	enum reject_with with;
	const char *icmpx;
	const char *iptables[FAMILIES_LEN];
};

static const struct reject_words rejects[] = {
	{ REJECT_PORT_UNREACHABLE,
	  "port-unreachable",
	  { "icmp-port-unreachable", "icmp6-port-unreachable" } },
	{ REJECT_HOST_UNREACHABLE,
	  "host-unreachable",
	  { "icmp-host-unreachable", "icmp6-addr-unreachable" } },
	{ REJECT_NET_UNREACHABLE, "no-route", { "icmp-net-unreachable", "icmp6-no-route" } },
	{ REJECT_ADMIN_PROHIBITED,
	  "admin-prohibited",
	  { "icmp-admin-prohibited", "icmp6-adm-prohibited" } },
};

/* Rules that spread packets over queues. */
#define SPREAD_RULES_MAX 16u

#define IPTABLES_REJECT "FINWALL_REJECT"
#define NFT_REJECT      "rejected"
#define IPTABLES_DEFRAG "FINWALL_DEFRAG"
#define NFT_DEFRAG      "defragment"

static const char *const tables[HOOK_TABLES_LEN] = {
	[HOOK_TABLE_FILTER] = "*filter",
	[HOOK_TABLE_MANGLE] = "*mangle",
};

#define REJECT_WORDS_LEN (sizeof(rejects) / sizeof(rejects[0]))

/* The states of the kernel's tracker that a packet can be marked with. */
static const struct {
	enum kernel_state state;
	const char *nft;
	const char *iptables;
} kernel_states[] = {
	{ KERNEL_NEW, "new", "NEW" },
	{ KERNEL_ESTABLISHED, "established", "ESTABLISHED" },
	{ KERNEL_RELATED, "related", "RELATED" },
	{ KERNEL_INVALID, "invalid", "INVALID" },
	{ KERNEL_UNTRACKED, "untracked", "UNTRACKED" },
};

#define KERNEL_STATES_MARKED (sizeof(kernel_states) / sizeof(kernel_states[0]))

struct hook_words {
	const char *nft;
	const char *builtin;
	const char *chain;
};

static const struct hook_words hooks[HOOKS_LEN] = {
	[HOOK_INPUT] = { "input", "INPUT", "FINWALL_INPUT" },
	[HOOK_FORWARD] = { "forward", "FORWARD", "FINWALL_FORWARD" },
	[HOOK_OUTPUT] = { "output", "OUTPUT", "FINWALL_OUTPUT" },
};

/* Text under construction; a failure on the way shows when it is finished. */
struct text {
	FILE *to;
	char *buf;
	size_t buf_size;
};

static void found_line(const char *line, size_t size, enum hook h, struct hook_found *out,
                       bool *rule_seen);
static bool starts_with(const char *line, const char *word);
static bool text_begin(struct text *t);
static char *text_end(struct text *t);
static void nft_reject_chain(FILE *to);
static void nft_defrag_chain(FILE *to, bool wanted);
static void nft_chain(FILE *to, const struct hook_plan *plan, enum hook h, enum hook_spread spread);
static void nft_kernel_states(FILE *to, const char *head, enum hook h);
static void nft_admin(FILE *to, const char *head, const struct hook_plan *plan, enum hook h,
                      enum hook_spread spread);
static void nft_queue(FILE *to, const struct hook_plan *plan, enum fail_mode on_absent,
                      enum hook_spread spread);
static void iptables_reject_chain(FILE *to, enum hook_table table, enum hook_family family);
static void iptables_chain(FILE *to, const struct hook_plan *plan, enum hook_spread spread,
                           enum hook_family family, enum hook h);
static void iptables_queue(FILE *to, const struct hook_plan *plan, enum fail_mode on_absent,
                           enum hook_spread spread, enum hook_family family, const char *head);
static void iptables_kernel_states(FILE *to, enum hook_family family, enum hook h);
static void iptables_admin(FILE *to, const struct hook_plan *plan, enum hook_family family,
                           enum hook h);
static void iptables_jump(FILE *to, enum hook h, const struct hook_found *found, bool wanted);

/*
 * The chains are flushed and filled, never deleted and made anew: unregistering a hook makes the
 * kernel drop every packet that waits in a queue. A hook that is not wanted is a chain left empty.
 */
char *hook_text_nft_up(const struct hook_plan *plan, enum hook_spread spread)
{
	struct text t;

	if (!text_begin(&t)) {
		return NULL;
	}
	fprintf(t.to, "add table inet " HOOK_NFT_TABLE "\n");
	nft_reject_chain(t.to);
	nft_defrag_chain(t.to, plan->defragments);
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		const char *name = hooks[h].nft;

		fprintf(t.to,
		        "add chain inet " HOOK_NFT_TABLE
		        " %s { type filter hook %s priority filter; policy accept; }\n",
		        name, name);
		fprintf(t.to, "flush chain inet " HOOK_NFT_TABLE " %s\n", name);
		if (plan->hooked[h]) {
			nft_chain(t.to, plan, h, spread);
		}
	}
	return text_end(&t);
}

/* Adding the table first makes deleting it succeed where there is none. */
char *hook_text_nft_down(void)
{
	return strdup("add table inet " HOOK_NFT_TABLE "\n"
	              "delete table inet " HOOK_NFT_TABLE "\n");
}

char *hook_text_nft_defrag(void)
{
	struct text t;

	if (!text_begin(&t)) {
		return NULL;
	}
	fprintf(t.to, "add table inet " HOOK_NFT_TABLE "\n");
	nft_defrag_chain(t.to, true);
	return text_end(&t);
}

/* Naming a chain flushes it, because the text is loaded with --noflush and the chain is ours. */
char *hook_text_iptables_up(const struct hook_plan *plan, enum hook_spread spread,
                            enum hook_family family, const struct hook_found *found)
{
	struct text t;

	if (!text_begin(&t)) {
		return NULL;
	}
	fprintf(t.to, "%s\n:" IPTABLES_REJECT " - [0:0]\n", tables[found->table]);
	if (plan->defragments || found->defrag_chain) {
		fprintf(t.to, ":" IPTABLES_DEFRAG " - [0:0]\n");
	}
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if (plan->hooked[h] || found->chain[h]) {
			fprintf(t.to, ":%s - [0:0]\n", hooks[h].chain);
		}
	}
	iptables_reject_chain(t.to, found->table, family);
	if (plan->defragments) {
		fprintf(t.to, "-A " IPTABLES_DEFRAG " -m socket\n");
	}
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if (plan->hooked[h]) {
			iptables_chain(t.to, plan, spread, family, h);
		}
		iptables_jump(t.to, h, found, plan->hooked[h]);
	}
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if (!plan->hooked[h] && found->chain[h]) {
			fprintf(t.to, "-X %s\n", hooks[h].chain);
		}
	}
	if (!plan->defragments && found->defrag_chain) {
		fprintf(t.to, "-X " IPTABLES_DEFRAG "\n");
	}
	fprintf(t.to, "COMMIT\n");
	return text_end(&t);
}

char *hook_text_iptables_down(const struct hook_found *found)
{
	struct text t;

	if (!text_begin(&t)) {
		return NULL;
	}
	fprintf(t.to, "%s\n", tables[found->table]);
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		iptables_jump(t.to, h, found, false);
	}
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if (found->chain[h]) {
			fprintf(t.to, "-F %s\n-X %s\n", hooks[h].chain, hooks[h].chain);
		}
	}
	if (found->defrag_chain) {
		fprintf(t.to, "-F " IPTABLES_DEFRAG "\n-X " IPTABLES_DEFRAG "\n");
	}
	/* last: the others lead to it */
	if (found->reject_chain) {
		fprintf(t.to, "-F " IPTABLES_REJECT "\n-X " IPTABLES_REJECT "\n");
	}
	fprintf(t.to, "COMMIT\n");
	return text_end(&t);
}

/* Lines in the section of the table matter; all others are not asked for. */
void hook_found_parse(const char *save_text, enum hook_table table, struct hook_found *out)
{
	const char *head = tables[table];
	bool rule_seen[HOOKS_LEN] = { false };
	bool in_table = false;

	memset(out, 0, sizeof(*out));
	out->table = table;
	for (const char *line = save_text; *line != '\0';) {
		size_t size = strcspn(line, "\n");

		if (line[0] == '*') {
			in_table = size == strlen(head) && starts_with(line, head);
		}
		out->reject_chain |= in_table && starts_with(line, ":" IPTABLES_REJECT " ");
		out->defrag_chain |= in_table && starts_with(line, ":" IPTABLES_DEFRAG " ");
		for (unsigned h = 0; in_table && h < HOOKS_LEN; h++) {
			found_line(line, size, h, out, &rule_seen[h]);
		}
		line += size;
		line += *line == '\n';
	}
}

bool hook_found_any(const struct hook_found *found)
{
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if (found->chain[h] || found->jumps[h] > 0) {
			return true;
		}
	}
	return found->reject_chain || found->defrag_chain;
}

/* The two kinds of line that matter: ":CHAIN policy [n:n]" and "-A CHAIN rule". */
static void found_line(const char *line, size_t size, enum hook h, struct hook_found *out,
                       bool *rule_seen)
{
	char word[64];

	snprintf(word, sizeof(word), ":%s ", hooks[h].chain);
	if (starts_with(line, word)) {
		out->chain[h] = true;
	}
	snprintf(word, sizeof(word), "-A %s ", hooks[h].builtin);
	if (!starts_with(line, word)) {
		return;
	}
	snprintf(word, sizeof(word), "-A %s -j %s", hooks[h].builtin, hooks[h].chain);
	if (size == strlen(word) && starts_with(line, word)) {
		out->jumps[h]++;
		out->jump_is_first[h] |= !*rule_seen;
	}
	*rule_seen = true;
}

static bool starts_with(const char *line, const char *word)
{
	return strncmp(line, word, strlen(word)) == 0;
}

static bool text_begin(struct text *t)
{
	t->buf = NULL;
	t->to = open_memstream(&t->buf, &t->buf_size);
	return t->to != NULL;
}

static char *text_end(struct text *t)
{
	bool failed = ferror(t->to) != 0;

	if (fclose(t->to) != 0 || failed) {
		free(t->buf);
		return NULL;
	}
	return t->buf;
}

static void nft_reject_chain(FILE *to)
{
	const char *head = "rule inet " HOOK_NFT_TABLE " " NFT_REJECT;

	fprintf(to, "add chain inet " HOOK_NFT_TABLE " " NFT_REJECT "\n");
	fprintf(to, "flush chain inet " HOOK_NFT_TABLE " " NFT_REJECT "\n");
	fprintf(to, "add %s meta mark 0x%08x meta l4proto tcp reject with tcp reset\n", head,
	        hookmark_reject(REJECT_TCP_RESET));
	for (size_t i = 0; i < REJECT_WORDS_LEN; i++) {
		fprintf(to, "add %s meta mark 0x%08x reject with icmpx type %s\n", head,
		        hookmark_reject(rejects[i].with), rejects[i].icmpx);
	}
	fprintf(to, "add %s drop\n", head);
}

/* No packet enters it; a chain that is not wanted is left empty. */
static void nft_defrag_chain(FILE *to, bool wanted)
{
	fprintf(to, "add chain inet " HOOK_NFT_TABLE " " NFT_DEFRAG "\n");
	fprintf(to, "flush chain inet " HOOK_NFT_TABLE " " NFT_DEFRAG "\n");
	if (wanted) {
		fprintf(to, "add rule inet " HOOK_NFT_TABLE " " NFT_DEFRAG
		            " meta l4proto udp tproxy to :1\n");
	}
}

static void nft_chain(FILE *to, const struct hook_plan *plan, enum hook h, enum hook_spread spread)
{
	char head[64];

	snprintf(head, sizeof(head), "add rule inet " HOOK_NFT_TABLE " %s", hooks[h].nft);
	fprintf(to, "%s meta mark & 0x%08x == 0x%08x goto " NFT_REJECT "\n", head,
	        HOOKMARK_REJECT_MASK, HOOKMARK_REJECT);
	fprintf(to, "%s meta mark 0x%08x accept\n", head, HOOKMARK_OWN);
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
 * What the kernel answers to a rejected packet belongs to that packet's entry. As long as that is
 * not in the kernel's table, which it never will be, a queue drops the answer: so it goes past.
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
	for (size_t i = 0; i < KERNEL_STATES_MARKED; i++) {
		fprintf(to, "%s ct state %s meta mark set meta mark & 0x%08x | 0x%08x\n", head,
		        kernel_states[i].nft, ~HOOKMARK_KERNEL_MASK,
		        hookmark_kernel(kernel_states[i].state));
	}
}

/*
 * Queued like all else, but past an empty queue: connections to the port, in both directions, and
 * what IPv6 needs to find the way to the other end.
 */
static void nft_admin(FILE *to, const char *head, const struct hook_plan *plan, enum hook h,
                      enum hook_spread spread)
{
	if (h == HOOK_FORWARD) {
		return;
	}
	fprintf(to, "%s tcp %s %u ", head, h == HOOK_INPUT ? "dport" : "sport", plan->admin_port);
	nft_queue(to, plan, FAIL_ACCEPT, spread);
	fprintf(to,
	        "%s icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, "
	        "nd-neighbor-advert } ",
	        head);
	nft_queue(to, plan, FAIL_ACCEPT, spread);
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

/* REJECT is there in table filter only; who only watches does not reject. */
static void iptables_reject_chain(FILE *to, enum hook_table table, enum hook_family family)
{
	const char *head = "-A " IPTABLES_REJECT;

	if (table == HOOK_TABLE_FILTER) {
		fprintf(to, "%s -p tcp -m mark --mark 0x%08x -j REJECT --reject-with tcp-reset\n",
		        head, hookmark_reject(REJECT_TCP_RESET));
		for (size_t i = 0; i < REJECT_WORDS_LEN; i++) {
			fprintf(to, "%s -m mark --mark 0x%08x -j REJECT --reject-with %s\n", head,
			        hookmark_reject(rejects[i].with), rejects[i].iptables[family]);
		}
	}
	fprintf(to, "%s -j DROP\n", head);
}

/* As with nft. */
static void iptables_kernel_states(FILE *to, enum hook_family family, enum hook h)
{
	static const char *const icmp[FAMILIES_LEN] = { "icmp", "ipv6-icmp" };
	const char *chain = hooks[h].chain;

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
	for (size_t i = 0; i < KERNEL_STATES_MARKED; i++) {
		fprintf(to, "-A %s -m conntrack --ctstate %s -j MARK --set-xmark 0x%08x/0x%08x\n",
		        chain, kernel_states[i].iptables, hookmark_kernel(kernel_states[i].state),
		        HOOKMARK_KERNEL_MASK);
	}
}

static void iptables_chain(FILE *to, const struct hook_plan *plan, enum hook_spread spread,
                           enum hook_family family, enum hook h)
{
	const char *chain = hooks[h].chain;
	char head[32];

	fprintf(to, "-A %s -m mark --mark 0x%08x/0x%08x -g " IPTABLES_REJECT "\n", chain,
	        HOOKMARK_REJECT, HOOKMARK_REJECT_MASK);
	fprintf(to, "-A %s -m mark --mark 0x%08x -j ACCEPT\n", chain, HOOKMARK_OWN);
	if (!plan->loopback_is_queued) {
		if (h != HOOK_OUTPUT) {
			fprintf(to, "-A %s -i lo -j RETURN\n", chain);
		}
		if (h != HOOK_INPUT) {
			fprintf(to, "-A %s -o lo -j RETURN\n", chain);
		}
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

/* As with nft; few packets, so these are spread in one rule. */
static void iptables_admin(FILE *to, const struct hook_plan *plan, enum hook_family family,
                           enum hook h)
{
	const char *chain = hooks[h].chain;
	char head[96];

	if (h == HOOK_FORWARD) {
		return;
	}
	snprintf(head, sizeof(head), "-A %s -p tcp --%s %u", chain,
	         h == HOOK_INPUT ? "dport" : "sport", plan->admin_port);
	iptables_queue(to, plan, FAIL_ACCEPT, SPREAD_ADDRESSES, family, head);
	/* 133 to 136: solicitations and advertisements of routers and neighbours */
	for (unsigned type = 133; family == FAMILY_IPV6 && type <= 136; type++) {
		snprintf(head, sizeof(head), "-A %s -p ipv6-icmp --icmpv6-type %u", chain, type);
		iptables_queue(to, plan, FAIL_ACCEPT, SPREAD_ADDRESSES, family, head);
	}
}

/*
 * With the bpf match a rule takes the packets below a limit, and the last rule all others. A packet
 * may meet all rules, so they are few: where there are more queues, each rule has several, which
 * are told apart by addresses.
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

/* Ends with exactly one jump, the first rule, or with none; touches nothing where it is so already.
 */
static void iptables_jump(FILE *to, enum hook h, const struct hook_found *found, bool wanted)
{
	const char *builtin = hooks[h].builtin;
	const char *chain = hooks[h].chain;

	if (wanted && found->jumps[h] == 1 && found->jump_is_first[h]) {
		return;
	}
	for (unsigned i = 0; i < found->jumps[h]; i++) {
		fprintf(to, "-D %s -j %s\n", builtin, chain);
	}
	if (wanted) {
		fprintf(to, "-I %s 1 -j %s\n", builtin, chain);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules that queue packets to the daemon, as text for nft(8) and iptables-restore(8).
 *
 * Text in, text out: nothing here runs a program or asks the system. Everything is our own: one
 * table for nft; for iptables five chains, and one jump to each of three. What others put into the
 * kernel is left alone, going up and coming down.
 *
 * Fragments are put together by the kernel's connection tracker, or without it by those expressions
 * that look for a packet's socket: having such a rule is enough, in a chain that no packet ever
 * enters. It works for both directions of the whole namespace, until the rule is deleted.
 */
#ifndef FINWALL_CLI_HOOK_TEXT_H
#define FINWALL_CLI_HOOK_TEXT_H

#include <finwall/config.h>
#include <finwall/frame.h>

#include <stdbool.h>
#include <stdint.h>

#define HOOK_NFT_TABLE "finwall_hook"

enum hook_family {
	FAMILY_IPV4,
	FAMILY_IPV6,
	FAMILIES_LEN,
};

/*
 * The tables of iptables that our chains can be in. A packet that is accepted in filter does not
 * come to the rules of others behind ours; in mangle it does, so that who only watches opens
 * nothing.
 */
enum hook_table {
	HOOK_TABLE_FILTER,
	HOOK_TABLE_MANGLE,
	HOOK_TABLES_LEN,
};

/* How packets are spread over several queues: both directions of a connection go to one of them. */
enum hook_spread {
	SPREAD_PORTS,     /* by addresses and ports: symhash of nft, the bpf match of iptables */
	SPREAD_ADDRESSES, /* what queueing itself can: by addresses only */
};

struct hook_plan {
	uint32_t queue_num;
	uint32_t queue_count; /* at least 1 */
	enum fail_mode on_absent;
	uint32_t admin_port;    /* of this machine, passes while no daemon answers; 0 = none */
	bool hooked[HOOKS_LEN]; /* which hooks are queued at all */
	bool loopback_is_queued;
	bool defragments;     /* fragments are put together first */
	bool only_watches;    /* enforce off */
	bool compares_kernel; /* packets are marked with the kernel tracker's state */
};

/* What of ours is in one of the kernel's tables, as read from iptables-save. */
struct hook_found {
	enum hook_table table;
	bool reject_chain;             /* the one for packets sent back to be rejected is there */
	bool defrag_chain;             /* the one that puts fragments together is there */
	bool chain[HOOKS_LEN];         /* our chain is there */
	unsigned jumps[HOOKS_LEN];     /* how often the built-in chain jumps to it */
	bool jump_is_first[HOOKS_LEN]; /* and whether its first rule does */
};

/* True when the rules have to let an administrator in where no daemon answers. */
static inline bool hook_plan_keeps_admin(const struct hook_plan *plan)
{
	return plan->on_absent == FAIL_DROP && plan->admin_port != 0;
}

/*
 * All return malloc'd text, or NULL when memory runs out. Loading the text twice is loading it
 * once; each loads as one transaction.
 */
char *hook_text_nft_up(const struct hook_plan *plan, enum hook_spread spread);
char *hook_text_nft_down(void);

/* Of the rules above, those that put fragments together: not every kernel has what they need. */
char *hook_text_nft_defrag(void);

char *hook_text_iptables_up(const struct hook_plan *plan, enum hook_spread spread,
                            enum hook_family family, const struct hook_found *found);
char *hook_text_iptables_down(const struct hook_found *found);

/* Where the rules of a plan go. */
static inline enum hook_table hook_plan_table(const struct hook_plan *plan)
{
	return plan->only_watches ? HOOK_TABLE_MANGLE : HOOK_TABLE_FILTER;
}

/* Reads what iptables-save or ip6tables-save printed, as far as it is of one table. */
void hook_found_parse(const char *save_text, enum hook_table table, struct hook_found *out);

/* True when anything of ours was found. */
bool hook_found_any(const struct hook_found *found);

#endif

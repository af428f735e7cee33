/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules that queue packets to the daemon, as text for nft(8) and iptables-restore(8).
 *
 * Text in, text out: runs no program, reads nothing from the system. The rules are in a table of
 * our own for nft; for iptables in four chains of our own and one jump to each of three. Other
 * rules are never changed.
 *
 * Each chain has the same rules in the same order: the daemon's own packets (output, and input from
 * the loopback device), the loopback device, the kernel fast path, the kernel's state as a mark
 * (compare-kernel), the administrator's port (on-absent drop), the queue.
 *
 * The kernel reassembles fragments if its connection tracker is loaded, or if a rule with a socket
 * lookup exists in the network namespace, even in a chain that no packet enters.
 */
#ifndef FINWALL_CLI_HOOK_TEXT_H
#define FINWALL_CLI_HOOK_TEXT_H

#include "hook/found.h"
#include "wire/hook_names.h"

#include <finwall/config.h>
#include <finwall/frame.h>

#include <stdbool.h>
#include <stdint.h>

/* How the queue of a packet is chosen. Both directions of a connection have the same queue. */
enum hook_spread {
	SPREAD_PORTS,     /* by addresses and ports: nft symhash, iptables bpf match */
	SPREAD_ADDRESSES, /* by addresses only: the kernel's queue balancing */
};

struct hook_plan {
	uint32_t queue_num;
	uint32_t queue_count; /* at least 1 */
	enum fail_mode on_absent;
	uint32_t admin_port;    /* passes while there is no daemon; 0 = none */
	bool hooked[HOOKS_LEN]; /* which hooks are queued */
	bool loopback_is_queued;
	bool defragments;     /* reassemble fragments first */
	bool is_shadow;       /* enforce off */
	bool is_stalled;      /* the daemon gives no verdicts: the port is accepted, not queued */
	bool compares_kernel; /* mark packets with the state of the kernel's tracker */
	const char
		*fast_path; /* the pins of the kernel fast path; NULL = none. Borrowed. iptables */
	uint32_t own_mark;  /* of packets that finwall sends, ... */
	uint32_t own_mask;  /* ... and the bits of it to test */
};

/* True if the rules must pass the administrator's port while there is no daemon. */
static inline bool hook_plan_keeps_admin(const struct hook_plan *plan)
{
	return plan->on_absent == FAIL_DROP && plan->admin_port != 0;
}

/*
 * All return malloc'd text, or NULL if memory runs out. Each text loads as one transaction; loading
 * it again changes nothing.
 */
char *hook_text_nft_up(const struct hook_plan *plan, enum hook_spread spread);
char *hook_text_nft_down(void);

/* Only the rules that reassemble fragments, which not every kernel supports. */
char *hook_text_nft_defrag(void);

char *hook_text_iptables_up(const struct hook_plan *plan, enum hook_spread spread,
                            enum hook_family family, const struct hook_found *found);
char *hook_text_iptables_down(const struct hook_found *found);

/* Empties our chains and deletes nothing: loads as long as the chains exist. */
char *hook_text_iptables_flush(const struct hook_found *found);

/* The iptables table for the rules of a plan. */
static inline enum hook_table hook_plan_table(const struct hook_plan *plan)
{
	return plan->is_shadow ? HOOK_TABLE_MANGLE : HOOK_TABLE_FILTER;
}

#endif

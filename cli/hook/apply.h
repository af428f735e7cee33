/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the tools that bring hook rules into the kernel: nft(8), or the iptables family.
 */
#ifndef FINWALL_CLI_HOOK_APPLY_H
#define FINWALL_CLI_HOOK_APPLY_H

#include "hook/text.h"

/* What the rules are loaded with, and why. */
struct hook_choice {
	enum hook_backend backend; /* not BACKEND_AUTO */
	enum hook_spread spread;
	char why[256]; /* for people; "" when nothing had to be chosen */
};

/*
 * Settles the backend and the spread by trying what the plan needs; changes nothing in the kernel.
 * Takes plan->defragments back where nft cannot do that. Returns -EOPNOTSUPP, with choice->why
 * saying what is missing, when nft was wanted and cannot do it.
 */
int hook_choose(struct hook_plan *plan, enum hook_backend wanted, struct hook_choice *choice);

/* "nft queue statement" or "iptables NFQUEUE". */
const char *hook_choice_name(const struct hook_choice *choice);

/* How packets are spread over several queues, and why not better. */
const char *hook_spread_name(const struct hook_choice *choice);

/*
 * Put the rules in, or take out whatever of them is there, with either tool. Return 0, or -errno
 * with *error set to malloc'd text that says what is missing (NULL when memory ran out). Going up
 * takes plan->defragments and choice->spread back where iptables cannot do that in both families.
 */
int hook_apply_up(struct hook_plan *plan, struct hook_choice *choice, char **error);
int hook_apply_down(bool *was_up, char **error);

/* What hook_apply_up() would do to a system where nothing of ours is, as a shell script. malloc'd,
 * or NULL. */
char *hook_script(const struct hook_plan *plan, const struct hook_choice *choice);

#endif

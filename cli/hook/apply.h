/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Installs and removes the hook rules with nft(8) or iptables-restore(8).
 */
#ifndef FINWALL_CLI_HOOK_APPLY_H
#define FINWALL_CLI_HOOK_APPLY_H

#include "hook/text.h"

/* How the rules are installed, and why. */
struct hook_choice {
	enum hook_backend backend; /* not BACKEND_AUTO */
	enum hook_spread spread;
	char why[256]; /* why not nft; "" if nft was not refused */
};

/*
 * Chooses the backend and the spread by test loads; changes nothing in the kernel. Clears
 * plan->defragments if nft does not support it. Returns 0, or -EOPNOTSUPP with the reason in
 * choice->why if backend is BACKEND_NFT and the kernel or nft does not support the rules.
 */
int hook_choose(struct hook_plan *plan, enum hook_backend backend, struct hook_choice *choice);

/* "nft queue statement" or "iptables NFQUEUE". */
const char *hook_choice_name(const struct hook_choice *choice);

/* How the queue is chosen, and why not by ports. */
const char *hook_spread_name(const struct hook_choice *choice);

/* What hook_apply_down() found. */
struct hook_removal {
	bool was_up;
	/* A rule of others jumps to one of our chains, which is empty but stays; "" = none. */
	char reference[HOOK_REFERENCE_SIZE];
};

/*
 * Install the rules; remove the rules of both backends. Return 0, or -errno with *error set to
 * a malloc'd message (NULL if memory ran out). hook_apply_up() clears plan->defragments
 * and plan->fast_path and lowers choice->spread if iptables does not support them.
 */
int hook_apply_up(struct hook_plan *plan, struct hook_choice *choice, char **error);
int hook_apply_down(struct hook_removal *removal, char **error);

/*
 * Installs what hook_apply_up() has installed before, after others removed or changed it. As fast
 * as possible, since packets pass meanwhile: the other backend and table, where nothing of ours is
 * left since then, are not searched. Returns 0, or -errno with *error as above.
 */
int hook_apply_again(const struct hook_plan *plan, const struct hook_choice *choice, char **error);

/* What hook_apply_up() does on a system without hook rules, as a malloc'd shell script; NULL if
 * memory runs out. */
char *hook_script(const struct hook_plan *plan, const struct hook_choice *choice);

#endif

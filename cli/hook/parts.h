/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that the hook rules of both backends share.
 */
#ifndef FINWALL_CLI_HOOK_PARTS_H
#define FINWALL_CLI_HOOK_PARTS_H

#include "hook/text.h"
#include "wire/hook_names.h"
#include "wire/hookmark.h"

#include <stdio.h>

/* Names of a hook: nft's chain, the built-in chain of iptables, our chain in iptables. */
struct hook_names {
	const char *nft;
	const char *builtin;
	const char *chain;
};
extern const struct hook_names hook_names[HOOKS_LEN];

/* "*filter", as iptables-save prints it. */
extern const char *const hook_table_lines[HOOK_TABLES_LEN];

/* A state of the kernel's tracker that a packet can be marked with. */
struct hook_kernel_state {
	enum kernel_state state;
	const char *nft;
	const char *iptables;
};
#define HOOK_KERNEL_STATES_LEN 5
extern const struct hook_kernel_state hook_kernel_states[HOOK_KERNEL_STATES_LEN];

/* A text being written; hook_text_end() returns NULL if any write failed. */
struct hook_text {
	FILE *to;
	char *buf;
	size_t buf_size;
};
bool hook_text_begin(struct hook_text *t);
char *hook_text_end(struct hook_text *t);

#endif

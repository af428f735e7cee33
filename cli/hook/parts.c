/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that the hook rules of both backends share. See parts.h.
 */
#include "hook/parts.h"

#include <stdlib.h>

const struct hook_names hook_names[HOOKS_LEN] = {
	[HOOK_INPUT] = { "input", "INPUT", HOOK_IPTABLES_INPUT },
	[HOOK_FORWARD] = { "forward", "FORWARD", HOOK_IPTABLES_FORWARD },
	[HOOK_OUTPUT] = { "output", "OUTPUT", HOOK_IPTABLES_OUTPUT },
};

const char *const hook_table_lines[HOOK_TABLES_LEN] = {
	[HOOK_TABLE_FILTER] = "*filter",
	[HOOK_TABLE_MANGLE] = "*mangle",
};

const struct hook_kernel_state hook_kernel_states[HOOK_KERNEL_STATES_LEN] = {
	{ KERNEL_NEW, "new", "NEW" },
	{ KERNEL_ESTABLISHED, "established", "ESTABLISHED" },
	{ KERNEL_RELATED, "related", "RELATED" },
	{ KERNEL_INVALID, "invalid", "INVALID" },
	{ KERNEL_UNTRACKED, "untracked", "UNTRACKED" },
};

bool hook_text_begin(struct hook_text *t)
{
	t->buf = NULL;
	t->to = open_memstream(&t->buf, &t->buf_size);
	return t->to != NULL;
}

char *hook_text_end(struct hook_text *t)
{
	bool failed = ferror(t->to) != 0;

	if (fclose(t->to) != 0 || failed) {
		free(t->buf);
		return NULL;
	}
	return t->buf;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Begin and end of a conversion. See convert.h.
 */
#include "iptables/convert.h"

#include "iptables/command.h"
#include "iptables/ipset.h"
#include "iptables/sets.h"

#include <stdlib.h>

static const char *const base_names[HOOKS_LEN] = {
	[HOOK_INPUT] = "INPUT",
	[HOOK_FORWARD] = "FORWARD",
	[HOOK_OUTPUT] = "OUTPUT",
};

void convert_init(struct convert *cv, FILE *messages)
{
	*cv = (struct convert){ .messages = messages };
	for (size_t family = 0; family < CONVERT_FAMILIES_LEN; family++) {
		for (int hook = 0; hook < HOOKS_LEN; hook++) {
			struct convert_chain *c =
				convert_chain_add(&cv->table[family], base_names[hook]);

			if (c == NULL) {
				cv->no_memory = true;
				return;
			}
			c->hook = hook;
		}
	}
}

void convert_fini(struct convert *cv)
{
	for (size_t family = 0; family < CONVERT_FAMILIES_LEN; family++) {
		struct convert_table *t = &cv->table[family];

		for (size_t i = 0; i < t->chains_len; i++) {
			convert_chain_flush(&t->chains[i]);
			free(t->chains[i].rules);
			free(t->chains[i].name);
			free(t->chains[i].new_name);
		}
		free(t->chains);
		free(t->index);
		convert_sets_fini(t);
	}
	convert_raw_fini(cv);
	convert_ipsets_fini(cv);
	free(cv->origins);
}

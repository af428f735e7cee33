/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks that need all chains: targets exist, and negated interfaces match. See whole.h.
 */
#include "iptables/whole.h"

#include <stdlib.h>

/* Replaces a rule by a comment and reports why. */
static void refuse(struct convert *cv, struct convert_rule *rule, const char *why, const char *arg)
{
	struct convert_rule refused = { .file = rule->file, .line = rule->line };

	convert_problem(cv, rule->file, rule->line, "%s%s", why, arg);
	refused.refused = convert_text("%s%s%s%s%s", rule->source != NULL ? rule->source : "",
	                               rule->source != NULL ? " " : "", rule->matches,
	                               rule->matches[0] != '\0' ? " " : "", rule->action);
	cv->no_memory |= refused.refused == NULL;
	convert_rule_fini(rule);
	*rule = refused;
}

/* The hooks from which each chain can be reached, as bits. */
static void find_reach(struct convert_table *t, unsigned *reach)
{
	bool has_changed = true;

	for (size_t i = 0; i < t->chains_len; i++) {
		reach[i] = t->chains[i].hook >= 0 ? 1u << t->chains[i].hook : 0;
	}
	while (has_changed) {
		has_changed = false;
		for (size_t i = 0; i < t->chains_len; i++) {
			const struct convert_chain *c = &t->chains[i];

			for (size_t k = 0; k < c->rules_len; k++) {
				struct convert_chain *to =
					c->rules[k].target != NULL
						? convert_chain_find(t, c->rules[k].target)
						: NULL;
				unsigned *r = to != NULL ? &reach[to - t->chains] : NULL;

				if (r != NULL && (*r | reach[i]) != *r) {
					*r |= reach[i];
					has_changed = true;
				}
			}
		}
	}
}

static void check_rule(struct convert *cv, struct convert_table *t, struct convert_rule *rule,
                       unsigned reach)
{
	const struct convert_chain *to;

	if (rule->target != NULL) {
		to = convert_chain_find(t, rule->target);
		if (to == NULL || to->hook >= 0) {
			refuse(cv, rule, "no chain or target for ", rule->action);
			return;
		}
	}
	/* without an interface a negated match is true in iptables, false in finwall */
	if ((rule->needs & NEED_IIF) != 0 && (reach & 1u << HOOK_OUTPUT) != 0) {
		refuse(cv, rule, "\"! -i\" in a chain for packets without an incoming interface",
		       "");
	} else if ((rule->needs & NEED_OIF) != 0 && (reach & 1u << HOOK_INPUT) != 0) {
		refuse(cv, rule, "\"! -o\" in a chain for packets without an outgoing interface",
		       "");
	}
}

void convert_check(struct convert *cv, struct convert_table *t)
{
	unsigned *reach = calloc(t->chains_len + 1, sizeof(*reach));

	if (reach == NULL) {
		cv->no_memory = true;
		return;
	}
	find_reach(t, reach);
	for (size_t i = 0; i < t->chains_len; i++) {
		for (size_t k = 0; k < t->chains[i].rules_len; k++) {
			check_rule(cv, t, &t->chains[i].rules[k], reach[i]);
		}
	}
	free(reach);
}

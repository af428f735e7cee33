/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks that need all chains: targets exist, and negated interfaces match. See whole.h.
 */
#include "iptables/whole.h"

#include <stdlib.h>
#include <string.h>

static bool drops(const struct convert_rule *rule)
{
	return rule->action != NULL &&
	       (strstr(rule->action, "drop") != NULL || strstr(rule->action, "reject") != NULL);
}

/* Replaces a rule by a comment and reports why. */
static void refuse(struct convert *cv, struct convert_rule *rule, const char *why, const char *arg)
{
	struct convert_rule refused = { .file = rule->file, .line = rule->line };

	refused.effect = rule->target != NULL || !drops(rule) ? EFFECT_PASSES : EFFECT_DROPS;
	convert_left_out(cv, rule->file, rule->line, "%s%s", why, arg);
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

/* True if some rule or policy of the table drops packets. */
static bool can_drop(const struct convert_table *t)
{
	for (size_t i = 0; i < t->chains_len; i++) {
		if (t->chains[i].hook >= 0 && t->chains[i].policy_is_drop) {
			return true;
		}
		for (size_t k = 0; k < t->chains[i].rules_len; k++) {
			if (drops(&t->chains[i].rules[k])) {
				return true;
			}
		}
	}
	return false;
}

/* True if some rule of the table matches marks. */
static bool matches_marks(const struct convert_table *t)
{
	for (size_t i = 0; i < t->chains_len; i++) {
		for (size_t k = 0; k < t->chains[i].rules_len; k++) {
			const char *matches = t->chains[i].rules[k].matches;

			if (matches != NULL && strstr(matches, "mark") != NULL) {
				return true;
			}
		}
	}
	return false;
}

/*
 * Finds the rules that cannot be left out: those that drop, those that keep packets from rules that
 * do, and those that set marks for other rules. Without them, other rules judge packets that they
 * never saw.
 */
static void find_unsafe(struct convert *cv, struct convert_table *t)
{
	static const char *const why[] = {
		[EFFECT_NONE] = "",
		[EFFECT_MARKS] = "without this rule, rules that match marks see another mark",
		[EFFECT_PASSES] = "without this rule, packets that it accepts or returns can be "
				  "dropped by later rules",
		[EFFECT_DROPS] = "without this rule, packets that it drops can pass",
	};
	const bool matters[] = {
		[EFFECT_NONE] = false,
		[EFFECT_MARKS] = matches_marks(t),
		[EFFECT_PASSES] = can_drop(t),
		[EFFECT_DROPS] = true,
	};

	for (size_t i = 0; i < t->chains_len; i++) {
		for (size_t k = 0; k < t->chains[i].rules_len; k++) {
			struct convert_rule *r = &t->chains[i].rules[k];

			r->is_unsafe = r->refused != NULL && matters[r->effect];
			cv->unsafe += r->is_unsafe ? 1 : 0;
			if (r->is_unsafe && cv->is_partial) {
				convert_note(cv, r->file, r->line, "%s", why[r->effect]);
			}
		}
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
	find_unsafe(cv, t);
	free(reach);
}

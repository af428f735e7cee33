/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks that need all chains: targets exist, lists of recent are filled. See whole.h.
 */
#include "iptables/recent.h"
#include "iptables/whole.h"

#include "policy/suggest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reports a target that is neither a chain nor a target that is known. */
static void refuse_target(struct convert *cv, const struct convert_table *t,
                          struct convert_rule *rule)
{
	static const char *const targets[] = { "ACCEPT", "DROP",  "REJECT", "RETURN",
		                               "LOG",    "NFLOG", "MARK" };
	struct suggest s = { .text = rule->target };
	const char *meant;

	for (size_t i = 0; i < t->chains_len; i++) {
		suggest_consider(&s, t->chains[i].name);
	}
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		suggest_consider(&s, targets[i]);
	}
	meant = suggest_meant(&s);
	convert_rule_refuse(cv, rule,
	                    "no chain \"%.40s\" in table filter, nor a target of this name%s%s%s",
	                    rule->target, meant != NULL ? "; did you mean " : "",
	                    meant != NULL ? meant : "", meant != NULL ? "?" : "");
}

static void check_rule(struct convert *cv, const struct convert_table *t, struct convert_rule *rule)
{
	const struct convert_chain *to;

	if (rule->target == NULL) {
		return;
	}
	to = convert_chain_find(t, rule->target);
	if (to == NULL) {
		refuse_target(cv, t, rule);
	} else if (to->hook >= 0) {
		convert_rule_refuse(cv, rule, "a rule cannot jump to the built-in chain %.40s",
		                    rule->target);
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
			if (convert_rule_drops(&t->chains[i].rules[k])) {
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
	for (size_t i = 0; i < t->chains_len; i++) {
		for (size_t k = 0; k < t->chains[i].rules_len; k++) {
			check_rule(cv, t, &t->chains[i].rules[k]);
		}
		convert_recent_resolve(cv, &t->chains[i]);
	}
	find_unsafe(cv, t);
}

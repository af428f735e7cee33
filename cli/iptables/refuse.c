/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Refuses a rule that was converted, for a reason that only shows when all rules are known.
 */
#include "iptables/convert.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool convert_rule_drops(const struct convert_rule *rule)
{
	return rule->action != NULL &&
	       (strstr(rule->action, "drop") != NULL || strstr(rule->action, "reject") != NULL);
}

void convert_rule_refuse(struct convert *cv, struct convert_rule *rule, const char *fmt, ...)
{
	struct convert_rule refused = { .file = rule->file, .line = rule->line };
	va_list args;
	char *why = NULL;

	va_start(args, fmt);
	if (vasprintf(&why, fmt, args) < 0) {
		why = NULL;
	}
	va_end(args);
	refused.effect =
		rule->target != NULL || !convert_rule_drops(rule) ? EFFECT_PASSES : EFFECT_DROPS;
	convert_left_out(cv, rule->file, rule->line, "%s", why != NULL ? why : "out of memory");
	refused.refused = convert_text("%s%s%s%s%s", rule->source != NULL ? rule->source : "",
	                               rule->source != NULL ? " " : "", rule->matches,
	                               rule->matches[0] != '\0' ? " " : "", rule->action);
	cv->no_memory |= refused.refused == NULL || why == NULL;
	free(why);
	convert_rule_fini(rule);
	*rule = refused;
}

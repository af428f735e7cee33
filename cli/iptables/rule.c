/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Converts one rule: reads its options, then writes it. See rule.h.
 */
#include "iptables/rule.h"

#include <stdlib.h>
#include <string.h>

static void take_option(struct rule_parser *p);

size_t convert_rule_make(struct rule_parser *p, struct convert_rule out[CONVERT_RULES_MAX])
{
	char *matches = NULL;
	size_t size;
	size_t made = 0;

	p->matches = open_memstream(&matches, &size);
	if (p->matches == NULL) {
		return 0;
	}
	while (p->at < p->len && p->why[0] == '\0') {
		take_option(p);
	}
	if (p->why[0] == '\0' && p->is_negated) {
		convert_refuse(p, "nothing follows \"!\"");
	}
	if (fclose(p->matches) == 0 && p->why[0] == '\0') {
		size_t len = p->either_ports != NULL ? 2 : 1;

		while (made < len && convert_rule_text(p, matches, (unsigned)made, &out[made])) {
			made++;
		}
		if (made < len) {
			while (made > 0) {
				convert_rule_fini(&out[--made]);
			}
		}
	}
	free(matches);
	free(p->source);
	free(p->destination);
	free(p->either_ports);
	free(p->comment);
	free(p->target);
	free(p->action.log_prefix);
	return made;
}

/* Accepts "! -s x", and "-s ! x" of old versions. */
static void take_option(struct rule_parser *p)
{
	const char *option = p->word[p->at];

	if (strcmp(option, "!") == 0) {
		if (p->is_negated) {
			convert_refuse(p, "\"!\" twice");
		}
		p->is_negated = true;
		p->at++;
		return;
	}
	if (p->at + 1 < p->len && strcmp(p->word[p->at + 1], "!") == 0 && p->at + 2 < p->len &&
	    p->word[p->at + 2][0] != '-') {
		p->is_negated = true;
		p->word++;
		p->len--;
		/* option was read before: it is not the "!" */
	}
	if (!convert_common_option(p, option) && !convert_match_option(p, option) &&
	    !convert_conn_option(p, option) && !convert_target_option(p, option)) {
		convert_refuse(p, "finwall has no equivalent for option \"%.60s\"", option);
	}
	p->is_negated = false;
	p->at++;
}

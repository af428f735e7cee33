/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Converts one rule: reads its options, then writes it. See rule.h.
 */
#include "iptables/rule.h"

#include <stdlib.h>
#include <string.h>

static void take_option(struct rule_parser *p);
static void refuse_option(struct rule_parser *p, const char *option);

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
		size_t len = p->either_len > 0 ? p->either_len : 1;

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
	for (size_t i = 0; i < p->either_len; i++) {
		free(p->either[i]);
	}
	for (size_t i = 0; i < p->meters_len; i++) {
		free(p->meter[i].name);
	}
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
	if (!convert_common_option(p, option) && !convert_target_option(p, option) &&
	    !convert_recent_option(p, option) && !convert_port_option(p, option) &&
	    !convert_match_option(p, option) && !convert_conn_option(p, option) &&
	    !convert_meter_option(p, option) && !convert_time_option(p, option) &&
	    !convert_connbytes_option(p, option) && !convert_host_option(p, option)) {
		refuse_option(p, option);
	}
	p->is_negated = false;
	p->at++;
}

/* A dash that a word processor made, or an option that is not known. */
static void refuse_option(struct rule_parser *p, const char *option)
{
	if (strncmp(option, "\xe2\x80\x93", 3) == 0 || strncmp(option, "\xe2\x80\x94", 3) == 0 ||
	    strncmp(option, "\xe2\x88\x92", 3) == 0) {
		convert_refuse(p, "\"%.60s\" begins with a typographic dash: write \"-\" or \"--\"",
		               option);
	} else if (option[0] != '-') {
		convert_refuse(p, "unexpected \"%.60s\", expected an option such as -s or -j",
		               option);
	} else {
		convert_refuse(
			p,
			"option \"%.60s\" is unknown or has no equivalent; " CONVERT_WAY_OUT_MARK,
			option);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of a rule, and the refusal of one. See rule.h.
 */
#include "iptables/rule.h"

#include "text/num.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void convert_refuse(struct rule_parser *p, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(p->why, sizeof(p->why), fmt, args);
	va_end(args);
}

bool convert_number(const char *text, uint32_t max, uint32_t *out)
{
	uint64_t n;

	if (!text_number_c(text, 0, max, &n)) {
		return false;
	}
	*out = (uint32_t)n;
	return true;
}

bool convert_number_n(const char *text, size_t size, uint32_t max, uint32_t *out)
{
	char copy[32];

	if (size >= sizeof(copy)) {
		return false;
	}
	memcpy(copy, text, size);
	copy[size] = '\0';
	return convert_number(copy, max, out);
}

bool convert_mark(const char *text, uint32_t *value, uint32_t *mask)
{
	const size_t size = strcspn(text, "/");

	*mask = UINT32_MAX;
	return convert_number_n(text, size, UINT32_MAX, value) &&
	       (text[size] == '\0' || convert_number(text + size + 1, UINT32_MAX, mask));
}

const char *convert_argument(struct rule_parser *p)
{
	const char *option = p->word[p->at];

	if (p->at + 1 >= p->len) {
		convert_refuse(p, "\"%.40s\" needs an argument", option);
		p->at = p->len;
		return NULL;
	}
	p->at++;
	return p->word[p->at];
}

const char *convert_not(const struct rule_parser *p)
{
	return p->is_negated ? "!= " : "";
}

bool convert_run_option(struct rule_parser *p, const char *option,
                        const struct convert_option *options, size_t len)
{
	size_t i = 0;

	while (i < len && strcmp(options[i].name, option) != 0) {
		i++;
	}
	if (i == len) {
		return false;
	}
	if (p->is_negated && !options[i].can_be_negated) {
		convert_refuse(p, "finwall has no equivalent for \"! %s\"", option);
		p->at = p->len;
		return true;
	}
	options[i].take(p);
	return true;
}

void convert_either(struct rule_parser *p, char *text)
{
	if (text == NULL || p->either_len == CONVERT_RULES_MAX ||
	    (p->either_len > 0 && p->either_at != ftell(p->matches))) {
		convert_refuse(p,
		               "two matches of this rule have alternatives: write it as two rules");
		free(text);
		return;
	}
	p->either_at = ftell(p->matches);
	p->either[p->either_len++] = text;
}

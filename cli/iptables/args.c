/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of a rule, and the refusal of one. See rule.h.
 */
#include "iptables/rule.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

void convert_refuse(struct rule_parser *p, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(p->why, sizeof(p->why), fmt, args);
	va_end(args);
}

bool convert_number(const char *text, uint32_t max, uint32_t *out)
{
	unsigned long long v;
	char *end;

	if (text[0] < '0' || text[0] > '9') {
		return false;
	}
	errno = 0;
	v = strtoull(text, &end, 0);
	if (errno != 0 || *end != '\0' || v > max) {
		return false;
	}
	*out = (uint32_t)v;
	return true;
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

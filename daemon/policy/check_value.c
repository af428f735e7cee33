/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of values against the data type of what they are compared with.
 */
#include "check.h"
#include "names.h"

#include <finwall/ruleset_layout.h>

#include <string.h>

static void add_pattern(struct config *c, const struct value *v)
{
	if (pattern_nr(c, v->text) < c->patterns.len) {
		return;
	}
	if (c->patterns.len == RS_PATTERNS_MAX) {
		config_error(c, v->loc,
		             "too many interface names, expected at most %d different "
		             "ones in all rules: write one for many, like \"veth*\", or iifgroup",
		             RS_PATTERNS_MAX);
		return;
	}
	*(const char **)vec_add(&c->arena, &c->patterns, sizeof(char *)) = v->text;
}

/* An element of a concatenation. */
static bool check_tuple(const struct probe *p, const struct value *v)
{
	const struct dtype *type = p->type;
	const struct value *part = v->kind == VALUE_TUPLE ? v->list.first : NULL;
	unsigned i = 0;

	for (; part != NULL && i < type->parts_len; part = part->next, i++) {
		struct probe one = { p->c, type->parts[i], NULL };

		if (part->kind == VALUE_SET || part->kind == VALUE_COMMAS) {
			config_error(
				p->c, part->loc,
				"a list inside an element, expected one element for each value");
		} else if (type->parts[i] == &dtype_ifname && part->text != NULL &&
		           (part->kind == VALUE_WORD || part->kind == VALUE_STRING) &&
		           strchr(part->text, '*') != NULL) {
			config_error(p->c, part->loc,
			             "an interface name in a concatenation cannot end with \"*\", "
			             "expected a whole name");
		} else {
			check_element(&one, part);
		}
	}
	if (part != NULL || i < type->parts_len) {
		config_error(p->c, v->loc,
		             "an element of %s has %u parts, expected so many joined by \" . \"",
		             type->name, type->parts_len);
	}
	return p->c->errors_len <= ERRORS_MAX;
}

bool check_element(void *ctx, const struct value *v)
{
	const struct probe *p = ctx;
	struct interval i;
	char buf[512];
	const char *problem;

	if (p->type->parts_len != 0) {
		return check_tuple(p, v);
	}
	if (p->type == &dtype_ifname) {
		problem = value_ifname(v, buf, sizeof(buf));
		if (problem == NULL) {
			add_pattern(p->c, v);
		}
	} else {
		problem = value_interval(p->type, v, &i, buf, sizeof(buf));
	}
	if (problem != NULL) {
		config_error(p->c, v->loc, "%s", problem);
	} else if (p->into != NULL) {
		interval_list_add(&p->c->reading, p->into, &i);
	}
	return p->c->errors_len <= ERRORS_MAX;
}

void check_mask(struct config *c, const struct dtype *type, const struct value *mask)
{
	struct probe p = { c, type, NULL };

	if (mask == NULL) {
		return;
	}
	if (mask->kind == VALUE_RANGE) {
		config_error(c, mask->loc, "a range cannot be a mask, expected one value");
	} else {
		check_element(&p, mask);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of values against the data type of what they are compared with.
 */
#include "check.h"
#include "names.h"

#include <finwall/ruleset_layout.h>

static void add_pattern(struct config *c, const struct value *v)
{
	if (pattern_nr(c, v->text) < c->patterns.len) {
		return;
	}
	if (c->patterns.len == RS_PATTERNS_MAX) {
		config_error(c, v->loc,
		             "too many interface names, expected at most %d different "
		             "ones in all rules",
		             RS_PATTERNS_MAX);
		return;
	}
	*(const char **)vec_add(&c->arena, &c->patterns, sizeof(char *)) = v->text;
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grammar actions for values: ranges, lists, variables.
 */
#include "build.h"
#include "suggest.h"
#include "value.h"

#include <string.h>

struct value *build_range(struct parser *p, struct loc loc, const struct value *lo,
                          const struct value *hi)
{
	struct value *v = value_new(p->config, loc, VALUE_RANGE);

	v->range.lo = lo;
	v->range.hi = hi;
	if (value_is_list(lo) || value_is_list(hi) || lo->kind == VALUE_RANGE ||
	    hi->kind == VALUE_RANGE) {
		config_error(p->config, loc, "a range of lists, expected two single values");
		v->range.lo = v->range.hi = value_new(p->config, loc, VALUE_NUMBER);
	}
	return v;
}

void build_append(struct parser *p, struct values *list, struct value *v)
{
	uint32_t len = value_is_list(v) ? v->list.len : 1;

	if (list->last != NULL) {
		list->last->next = v;
	} else {
		list->first = v;
	}
	list->last = v;
	if (len > VALUE_LEN_MAX - list->len || v->depth >= VALUE_DEPTH_MAX) {
		config_error(p->config, v->loc,
		             "the list is too long or too deep, expected at most "
		             "%u elements in %u levels of variables",
		             VALUE_LEN_MAX, VALUE_DEPTH_MAX);
		list->first = list->last = value_new(p->config, v->loc, VALUE_NUMBER);
		return;
	}
	list->len += len;
	if (v->depth > list->depth) {
		list->depth = v->depth;
	}
}

struct value *build_list(struct parser *p, struct loc loc, enum value_kind kind,
                         const struct values *list)
{
	struct value *v = value_new(p->config, loc, kind);

	v->list.first = list->first;
	v->list.len = list->len;
	v->depth = (uint8_t)(list->depth + 1);
	return v;
}

static const struct define *find_define(const struct parser *p, const char *name)
{
	const struct define *d = p->defines;

	while (d != NULL && strcmp(d->name, name) != 0) {
		d = d->next;
	}
	return d;
}

struct value *build_variable(struct parser *p, struct loc loc, const char *name)
{
	const struct define *d = find_define(p, name);
	struct value *v = value_new(p->config, loc, VALUE_NUMBER);

	if (d == NULL) {
		struct suggest similar = { .text = name };

		for (d = p->defines; d != NULL; d = d->next) {
			suggest_consider(&similar, d->name);
		}
		config_error(p->config, loc,
		             "unknown variable $%.64s, expected one that is defined above%s", name,
		             suggest_question(&similar, &p->config->arena));
		return v;
	}
	*v = *d->value;
	v->next = NULL;
	v->loc = loc;
	return v;
}

void build_define(struct parser *p, struct loc loc, const char *name, const struct value *v)
{
	const struct define *old = find_define(p, name);
	struct define *d = arena_alloc(&p->config->arena, sizeof(*d));

	if (old != NULL) {
		config_error(p->config, loc,
		             "variable %.64s is already defined at %s, expected "
		             "another name",
		             name, config_where(p->config, old->loc));
		return;
	}
	*d = (struct define){ p->defines, name, loc, v };
	p->defines = d;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named sets of a configuration in force, read and changed by command: finwall/named_set.h. The
 * functions that search a configuration for a set are in daemon/policy/config.c.
 */
#include "set.h"

#include "element.h"
#include "interval.h"

#include "sets/named_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct named_set_garbage {
	struct tree_garbage parts;
	struct rs_tree *whole; /* of a flush */
};

/* struct named_set is struct set: set.h. */
static const struct set *inside(const struct named_set *s)
{
	return (const struct set *)s;
}

/* Why a set cannot be changed by command; NULL when it can. */
static const char *why_fixed(const struct set *s)
{
	if (s->is_dynamic) {
		return "is dynamic: rules fill it";
	}
	if (s->is_constant) {
		return "is constant: it changes with the configuration only";
	}
	return s->live == NULL ? "holds interface names: it changes with the configuration only"
	                       : NULL;
}

void named_set_info(const struct named_set *named, struct named_set_info *out)
{
	const struct set *s = inside(named);

	*out = (struct named_set_info){
		.family = s->family,
		.table = s->table_name,
		.name = s->name,
		.type = s->type->name,
		.can_change = why_fixed(s) == NULL,
	};
	if (s->live != NULL) {
		out->len = rs_set_tree(&s->live->set)->len;
		out->added = s->live->added;
		out->deleted = s->live->deleted;
	} else {
		out->len = s->names.len;
	}
}

bool named_set_walk(const struct named_set *named, struct named_set_cursor *at,
                    void (*fn)(void *ctx, const char *element), void *ctx)
{
	const struct set *s = inside(named);
	struct tree_cursor cursor = { { at->next_hi, at->next_lo }, at->is_over };
	struct interval *part;
	uint32_t len;

	if (s->live == NULL) {
		for (size_t i = 0; i < s->names.len && !at->is_over; i++) {
			fn(ctx, ((const char *const *)s->names.items)[i]);
		}
		at->is_over = true;
		return false;
	}
	part = calloc(TREE_WALK_LEN, sizeof(*part));
	if (part == NULL) {
		return false;
	}
	len = tree_walk(rs_set_tree(&s->live->set), &cursor, part);
	for (uint32_t i = 0; i < len; i++) {
		char text[ELEMENT_TEXT_SIZE];

		element_text(s->type, &part[i], text);
		fn(ctx, text);
	}
	free(part);
	*at = (struct named_set_cursor){ cursor.next.hi, cursor.next.lo, cursor.is_over };
	return len > 0;
}

enum named_set_ends named_set_ends(const struct named_set *named)
{
	const struct dtype *type = inside(named)->type;

	return type == &dtype_ip4    ? SET_ENDS_IP4
	       : type == &dtype_ip6  ? SET_ENDS_IP6
	       : type == &dtype_port ? SET_ENDS_PORT
	                             : SET_ENDS_NONE;
}

bool named_set_read(const struct named_set *named, const char *element, struct interval *out)
{
	char problem[NAMED_SET_PROBLEM_SIZE];

	return element_read(inside(named)->type, element, strlen(element), out, problem,
	                    sizeof(problem)) == NULL;
}

static int compare_lower(const void *a, const void *b)
{
	return u128_cmp(((const struct interval *)a)->lo, ((const struct interval *)b)->lo);
}

void named_set_join(struct interval *i, size_t *len)
{
	qsort(i, *len, sizeof(*i), compare_lower);
	*len = intervals_join(i, *len, JOIN_OVERLAPPING);
}

/* Writes why an element could not be added or deleted. */
static void explain(const struct set *s, const char *element, enum tree_outcome outcome,
                    const struct interval *other, char problem[NAMED_SET_PROBLEM_SIZE])
{
	char text[ELEMENT_TEXT_SIZE];

	element_text(s->type, other, text);
	if (outcome == TREE_OVERLAPS) {
		snprintf(problem, NAMED_SET_PROBLEM_SIZE, "%.90s overlaps with %s of set %.64s",
		         element, text, s->name);
	} else {
		snprintf(problem, NAMED_SET_PROBLEM_SIZE, "%.90s is not in set %.64s", element,
		         s->name);
	}
}

/* One element of a change. Returns 0/-errno. */
static int change_one(const struct set *s, struct tree_edit *e, enum named_set_op op,
                      const char *element, uint64_t *changed, char problem[NAMED_SET_PROBLEM_SIZE])
{
	struct interval i;
	struct interval other = { { 0, 0 }, { 0, 0 } };
	enum tree_outcome outcome;

	if (element_read(s->type, element, strlen(element), &i, problem, NAMED_SET_PROBLEM_SIZE) !=
	    NULL) {
		return -EINVAL;
	}
	outcome = op == SET_ADD ? tree_edit_add(e, &i, &other) : tree_edit_delete(e, &i, &other);
	switch (outcome) {
	case TREE_CHANGED:
		++*changed;
		return 0;
	case TREE_SAME:
		return 0;
	case TREE_NO_MEMORY:
		return -ENOMEM;
	default:
		explain(s, element, outcome, &other, problem);
		return -EINVAL;
	}
}

/* Makes the tree that is to take the old one's place. Returns 0/-errno. */
static int make_next(const struct set *s, enum named_set_op op, const char *const *elements,
                     size_t elements_len, uint64_t *changed, struct rs_tree **next,
                     struct named_set_garbage *g, char problem[NAMED_SET_PROBLEM_SIZE])
{
	struct rs_tree *old = rs_set_tree(&s->live->set);
	struct tree_edit *e;

	if (op == SET_FLUSH) {
		*changed = old->len;
		*next = tree_build(old->is_wide, NULL, 0);
		g->whole = old;
		return *next != NULL ? 0 : -ENOMEM;
	}
	e = tree_edit_new(old, s->has_auto_merge ? TREE_MERGING : TREE_DISTINCT);
	if (e == NULL) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < elements_len; i++) {
		int err = change_one(s, e, op, elements[i], changed, problem);

		if (err != 0) {
			tree_edit_drop(e);
			return err;
		}
	}
	*next = tree_edit_commit(e, &g->parts);
	return *next != NULL ? 0 : -ENOMEM;
}

int named_set_change(struct named_set *named, enum named_set_op op, const char *const *elements,
                     size_t elements_len, uint64_t *changed, struct named_set_garbage **garbage,
                     char problem[NAMED_SET_PROBLEM_SIZE])
{
	const struct set *s = inside(named);
	struct named_set_garbage *g;
	struct rs_tree *next = NULL;
	int err;

	*changed = 0;
	*garbage = NULL;
	if (why_fixed(s) != NULL) {
		snprintf(problem, NAMED_SET_PROBLEM_SIZE, "set %.64s %s", s->name, why_fixed(s));
		return -EINVAL;
	}
	g = calloc(1, sizeof(*g));
	if (g == NULL) {
		return -ENOMEM;
	}
	err = make_next(s, op, elements, elements_len, changed, &next, g, problem);
	if (err != 0) {
		free(g);
		*changed = 0;
		return err;
	}
	s->live->added += op == SET_ADD ? *changed : 0;
	s->live->deleted += op == SET_ADD ? 0 : *changed;
	atomic_store_explicit(&s->live->set.tree, next, memory_order_release);
	*garbage = g;
	return 0;
}

void named_set_garbage_free(struct named_set_garbage *g)
{
	if (g == NULL) {
		return;
	}
	tree_garbage_free(&g->parts);
	tree_free(g->whole);
	free(g);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named sets in force: see live_set.h and finwall/named_set.h. What a set's elements look like in
 * memory is the business of set_tree.c, what they look like as text that of elements.c.
 */
#include "live_set.h"

#include "elements.h"
#include "tree.h"

#include <finwall/named_set.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct named_set_garbage {
	struct tree_garbage parts;
	struct rs_tree *whole; /* of a flush */
};

struct live_set *live_set_new(bool is_wide, const struct interval *sorted, uint64_t len)
{
	struct live_set *s = calloc(1, sizeof(*s));
	struct rs_tree *t = tree_build(is_wide, sorted, len);

	if (s == NULL || t == NULL) {
		free(s);
		tree_free(t);
		return NULL;
	}
	s->refs = 1;
	atomic_init(&s->set.tree, t);
	return s;
}

struct live_set *live_set_get(struct live_set *s)
{
	s->refs++;
	return s;
}

void live_set_put(struct live_set *s)
{
	if (s != NULL && --s->refs == 0) {
		tree_free(rs_set_tree(&s->set));
		free(s);
	}
}

/* struct named_set is the parser's struct set under the name that others know. */
static const struct set *inside(const struct named_set *s)
{
	return (const struct set *)s;
}

static struct named_set *outside(const struct set *s)
{
	return (struct named_set *)(uintptr_t)s;
}

struct named_set *named_set_next(const struct config *c, const struct named_set *before)
{
	const struct table *t = c->tables;

	if (before != NULL && inside(before)->next != NULL) {
		return outside(inside(before)->next);
	}
	if (before != NULL) {
		t = inside(before)->table->next;
	}
	while (t != NULL && t->sets == NULL) {
		t = t->next;
	}
	return t != NULL ? outside(t->sets) : NULL;
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

static bool count_name(void *ctx, const struct value *v)
{
	(void)v;
	++*(uint64_t *)ctx;
	return true;
}

void named_set_info(const struct named_set *named, struct named_set_info *out)
{
	const struct set *s = inside(named);

	*out = (struct named_set_info){
		.family = table_families[s->table->family],
		.table = s->table->name,
		.name = s->name,
		.type = s->type->name,
		.can_change = why_fixed(s) == NULL,
	};
	if (s->live != NULL) {
		out->len = rs_set_tree(&s->live->set)->len;
		out->added = s->live->added;
		out->deleted = s->live->deleted;
	} else if (s->elements != NULL) {
		(void)value_each(s->elements, count_name, &out->len);
	}
}

static bool table_is_meant(const struct table *t, const char *table)
{
	const char *family = table_families[t->family];
	size_t size = strlen(family);

	if (table == NULL || strcmp(table, t->name) == 0) {
		return true;
	}
	return strncmp(table, family, size) == 0 && table[size] == ' ' &&
	       strcmp(table + size + 1, t->name) == 0;
}

struct named_set *named_set_find(const struct config *c, const char *table, const char *name,
                                 char problem[NAMED_SET_PROBLEM_SIZE])
{
	const struct set *found = NULL;

	for (const struct table *t = c->tables; t != NULL; t = t->next) {
		const struct set *s = t->sets;

		while (s != NULL && strcmp(s->name, name) != 0) {
			s = s->next;
		}
		if (s == NULL || !table_is_meant(t, table)) {
			continue;
		}
		if (found != NULL) {
			snprintf(
				problem, NAMED_SET_PROBLEM_SIZE,
				"there is a set %.64s in table %s %.64s and in table %s %.64s: say "
				"which",
				name, table_families[found->table->family], found->table->name,
				table_families[t->family], t->name);
			return NULL;
		}
		found = s;
	}
	if (found == NULL) {
		snprintf(problem, NAMED_SET_PROBLEM_SIZE, "there is no set %.64s%s%.64s", name,
		         table != NULL ? " in table " : "", table != NULL ? table : "");
		return NULL;
	}
	return outside(found);
}

/* Who gets the elements of a walk. */
struct teller {
	void (*fn)(void *ctx, const char *element);
	void *ctx;
};

static bool tell_name(void *ctx, const struct value *v)
{
	const struct teller *to = ctx;

	to->fn(to->ctx, v->text);
	return true;
}

bool named_set_walk(const struct named_set *named, struct named_set_cursor *at,
                    void (*fn)(void *ctx, const char *element), void *ctx)
{
	const struct set *s = inside(named);
	struct tree_cursor cursor = { { at->next_hi, at->next_lo }, at->is_over };
	struct teller to = { fn, ctx };
	struct interval *part;
	uint32_t len;

	if (s->live == NULL) {
		if (s->elements != NULL && !at->is_over) {
			(void)value_each(s->elements, tell_name, &to);
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

/* Says why an element could not be added or deleted. */
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named sets of a configuration in force, read and changed by command: finwall/named_set.h. The
 * functions that search a configuration for a set are in daemon/policy/config.c.
 */
#include "set.h"

#include "element.h"
#include "interval.h"
#include "keyed_text.h"
#include "set_text.h"

#include "sets/named_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct named_set_garbage {
	struct tree_garbage parts;
	struct rs_tree *whole; /* of a flush */
	struct rs_keyed *keyed;
};

/* struct named_set is struct set: set.h. */
static const struct set *inside(const struct named_set *s)
{
	return (const struct set *)s;
}

/* Why a set cannot be changed by command; NULL when it can. */
static const char *why_fixed(const struct set *s)
{
	if (s->is_counted) {
		return "counts connections: rules fill it";
	}
	if (s->is_constant) {
		return "is constant: it changes with the configuration only";
	}
	return s->live == NULL && s->keyed == NULL
	               ? "holds interface names: it changes with the configuration only"
	               : NULL;
}

void named_set_info(const struct named_set *named, struct named_set_info *out)
{
	const struct set *s = inside(named);

	*out = (struct named_set_info){
		.family = s->family,
		.table = s->table_name,
		.name = s->name,
		.type = s->type_text != NULL ? s->type_text : s->type->name,
		.can_change = why_fixed(s) == NULL,
	};
	out->is_dynamic = s->is_dynamic;
	if (s->keyed != NULL) {
		const struct rs_table *t = &rs_keyed_of(&s->keyed->set)->table;

		out->len = atomic_load_explicit(&t->used, memory_order_relaxed);
		out->added = atomic_load_explicit(&t->added, memory_order_relaxed) - s->loaded;
		out->deleted = atomic_load_explicit(&t->deleted, memory_order_relaxed);
		out->expired = atomic_load_explicit(&t->expired, memory_order_relaxed);
		out->refused = atomic_load_explicit(&t->full, memory_order_relaxed);
		out->size = s->keyed->shape.cap;
	} else if (s->live != NULL) {
		out->len = rs_set_tree(&s->live->set)->len;
		out->added = s->live->added;
		out->deleted = s->live->deleted;
	} else {
		out->len = s->names.len;
	}
}

#define KEYED_WALK_LEN 2048

/* next_lo of the cursor is the next slot. */
static bool walk_keyed(const struct set *s, struct mono now, struct named_set_cursor *at,
                       void (*fn)(void *ctx, const char *element), void *ctx)
{
	struct interval box[RS_KEY_FIELDS_MAX];
	uint32_t slot = (uint32_t)at->next_lo;
	struct rs_item item;
	unsigned len = 0;

	while (len < KEYED_WALK_LEN && keyed_next(s->keyed, &slot, now, box, &item)) {
		char text[SET_LINE_SIZE];

		set_line(s, KEYED_TIMES_LEFT, now, box, &item, text);
		fn(ctx, text);
		len++;
	}
	at->next_lo = slot;
	at->is_over = len < KEYED_WALK_LEN;
	return !at->is_over;
}

bool named_set_walk(const struct named_set *named, struct mono now, struct named_set_cursor *at,
                    void (*fn)(void *ctx, const char *element), void *ctx)
{
	const struct set *s = inside(named);
	struct tree_cursor cursor = { { at->next_hi, at->next_lo }, at->is_over };
	struct interval *part;
	uint32_t len;

	if (s->keyed != NULL) {
		return !at->is_over && walk_keyed(s, now, at, fn, ctx);
	}
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

	/* an element of a map need not be a ban */
	return inside(named)->data != SET_DATA_NONE ? SET_ENDS_NONE
	       : type == &dtype_ip4                 ? SET_ENDS_IP4
	       : type == &dtype_ip6                 ? SET_ENDS_IP6
	       : type == &dtype_port                ? SET_ENDS_PORT
	                                            : SET_ENDS_NONE;
}

bool named_set_read(const struct named_set *named, const char *element, struct interval *out)
{
	const struct set *s = inside(named);
	struct interval box[RS_KEY_FIELDS_MAX];
	char problem[NAMED_SET_PROBLEM_SIZE];
	uint64_t timeout_ms = 0;
	uint64_t expires_ms = 0;

	if (s->keyed == NULL) {
		return element_read(s->type, element, strlen(element), out, problem,
		                    sizeof(problem)) == NULL;
	}
	if (keyed_read(s->type, set_names(s), element, box, &timeout_ms, &expires_ms, problem,
	               sizeof(problem)) != NULL) {
		return false;
	}
	*out = box[0];
	return true;
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

/* Reads the elements of a change. Returns 0/-errno; the caller frees the list. */
static int read_keyed(const struct set *s, enum named_set_op op, const char *const *elements,
                      size_t elements_len, struct keyed_list *l,
                      char problem[NAMED_SET_PROBLEM_SIZE])
{
	uint32_t fields_len = s->keyed->shape.fields_len;

	l->box = calloc(elements_len * fields_len + 1, sizeof(*l->box));
	l->item = calloc(elements_len + 1, sizeof(*l->item));
	if (l->box == NULL || l->item == NULL) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < elements_len; i++) {
		struct interval *box = &l->box[i * fields_len];
		uint64_t timeout_ms = s->timeout_ms;
		uint64_t expires_ms = s->timeout_ms;
		const char *element = elements[i];
		char key[KEYED_LINE_SIZE];
		bool has_times;

		if (s->data != SET_DATA_NONE) {
			int err = set_read_datum(s, element, op == SET_ADD, key, sizeof(key),
			                         &l->item[i].nr, problem, NAMED_SET_PROBLEM_SIZE);

			if (err != 0) {
				return err;
			}
			element = key;
		}
		if (keyed_read(s->type, set_names(s), element, box, &timeout_ms, &expires_ms,
		               problem, NAMED_SET_PROBLEM_SIZE) != NULL) {
			return -EINVAL;
		}
		has_times = timeout_ms != s->timeout_ms || expires_ms != s->timeout_ms;
		if (has_times && !s->has_timeouts) {
			snprintf(problem, NAMED_SET_PROBLEM_SIZE,
			         "set %.64s has no timeouts, expected `flags timeout` in it",
			         s->name);
			return -EINVAL;
		}
		for (uint32_t f = 0; f < fields_len && (s->is_dynamic || s->is_changed); f++) {
			if (u128_cmp(box[f].lo, box[f].hi) != 0) {
				snprintf(problem, NAMED_SET_PROBLEM_SIZE,
				         "%.90s is an interval, which set %.64s cannot have: %s",
				         elements[i], s->name,
				         s->is_dynamic ? "it is dynamic" : "rules change it");
				return -EINVAL;
			}
		}
		l->item[i].kit = s->kit;
		l->item[i].timeout_ns = timeout_ms * (uint64_t)NSEC_PER_MSEC;
		l->item[i].deadline_ns =
			expires_ms == 0 ? RS_NEVER : expires_ms * (uint64_t)NSEC_PER_MSEC;
		l->len++;
	}
	return 0;
}

/* In a map, a key leads to one value. Returns 0, or -EINVAL with the problem. */
static int check_new_keys(const struct set *s, const struct keyed_list *l,
                          const char *const *elements, struct mono now,
                          char problem[NAMED_SET_PROBLEM_SIZE])
{
	uint32_t fields_len = s->keyed->shape.fields_len;
	struct interval other[RS_KEY_FIELDS_MAX];
	struct rs_item item;

	for (size_t i = 0; i < l->len && s->data != SET_DATA_NONE; i++) {
		const struct interval *box = &l->box[i * fields_len];
		char text[KEYED_TEXT_SIZE];

		if (!keyed_crosses(s->keyed, box, now, other, &item) ||
		    (item.nr == l->item[i].nr &&
		     memcmp(other, box, fields_len * sizeof(*box)) == 0)) {
			continue;
		}
		keyed_text(s->type, set_names(s), other, text);
		snprintf(problem, NAMED_SET_PROBLEM_SIZE, "%.90s overlaps with %.200s of map %.64s",
		         elements[i], text, s->name);
		return -EINVAL;
	}
	return 0;
}

static int add_keyed(const struct set *s, struct keyed_list *l, const char *const *elements,
                     struct mono now, uint64_t *changed, struct named_set_garbage *g,
                     char problem[NAMED_SET_PROBLEM_SIZE])
{
	uint64_t now_ns = rs_table_now(&rs_keyed_of(&s->keyed->set)->table, now);

	if (check_new_keys(s, l, elements, now, problem) != 0) {
		return -EINVAL;
	}
	for (size_t i = 0; i < l->len; i++) {
		if (l->item[i].deadline_ns != RS_NEVER) {
			l->item[i].deadline_ns += now_ns;
		}
	}
	switch (keyed_add(s->keyed, l, now, changed, &g->keyed)) {
	case KEYED_OK:
		return 0;
	case KEYED_FULL:
		snprintf(problem, NAMED_SET_PROBLEM_SIZE,
		         "set %.64s is full: it has %u elements at most", s->name,
		         s->keyed->shape.cap);
		return -EINVAL;
	case KEYED_TOO_DEEP:
		snprintf(problem, NAMED_SET_PROBLEM_SIZE,
		         "the intervals of set %.64s would overlap too deeply, expected at most %d "
		         "layers",
		         s->name, RS_LAYERS_MAX);
		return -EINVAL;
	default:
		return -ENOMEM;
	}
}

static int delete_keyed(const struct set *s, const struct keyed_list *l,
                        const char *const *elements, struct mono now, uint64_t *changed,
                        char problem[NAMED_SET_PROBLEM_SIZE])
{
	uint32_t fields_len = s->keyed->shape.fields_len;

	for (size_t i = 0; i < l->len; i++) {
		if (!keyed_has(s->keyed, &l->box[i * fields_len], now)) {
			snprintf(problem, NAMED_SET_PROBLEM_SIZE, "%.90s is not in set %.64s",
			         elements[i], s->name);
			return -EINVAL;
		}
	}
	for (size_t i = 0; i < l->len; i++) {
		*changed += keyed_delete(s->keyed, &l->box[i * fields_len], now) == KEYED_OK;
	}
	return 0;
}

/* A restart restores what was added. */
static void note_keyed(const struct set *s, enum named_set_op op, const struct keyed_list *l)
{
	struct notes *n = &s->keyed->notes;
	uint32_t fields_len = s->keyed->shape.fields_len;

	for (size_t i = 0; i < l->len && !s->is_dynamic; i++) {
		if (op == SET_ADD) {
			notes_add(n, &l->box[i * fields_len], fields_len);
		} else {
			notes_remove(n, &l->box[i * fields_len], fields_len);
		}
	}
}

static int change_keyed(const struct set *s, struct mono now, enum named_set_op op,
                        const char *const *elements, size_t elements_len, uint64_t *changed,
                        struct named_set_garbage *g, char problem[NAMED_SET_PROBLEM_SIZE])
{
	struct keyed_list l = { 0 };
	int err = 0;

	if (op == SET_FLUSH) {
		*changed = keyed_flush(s->keyed, now);
		notes_clear(&s->keyed->notes);
		return 0;
	}
	err = read_keyed(s, op, elements, elements_len, &l, problem);
	if (err == 0 && op == SET_ADD) {
		err = add_keyed(s, &l, elements, now, changed, g, problem);
	} else if (err == 0) {
		err = delete_keyed(s, &l, elements, now, changed, problem);
	}
	if (err == 0) {
		note_keyed(s, op, &l);
	}
	free(l.box);
	free(l.item);
	return err;
}

/* Likewise. */
static void note_plain(const struct set *s, enum named_set_op op, const char *const *elements,
                       size_t elements_len)
{
	char problem[NAMED_SET_PROBLEM_SIZE];
	struct interval i;

	if (op == SET_FLUSH) {
		notes_clear(&s->live->notes);
		return;
	}
	for (size_t n = 0; n < elements_len; n++) {
		if (element_read(s->type, elements[n], strlen(elements[n]), &i, problem,
		                 sizeof(problem)) != NULL) {
			continue;
		}
		if (op == SET_ADD) {
			notes_add(&s->live->notes, &i, 1);
		} else {
			notes_cut(&s->live->notes, &i);
		}
	}
}

int named_set_change(struct named_set *named, struct mono now, enum named_set_op op,
                     const char *const *elements, size_t elements_len, uint64_t *changed,
                     struct named_set_garbage **garbage, char problem[NAMED_SET_PROBLEM_SIZE])
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
	if (s->keyed != NULL) {
		err = change_keyed(s, now, op, elements, elements_len, changed, g, problem);
		if (err != 0 || g->keyed == NULL) {
			free(g);
		} else {
			*garbage = g;
		}
		return err;
	}
	err = make_next(s, op, elements, elements_len, changed, &next, g, problem);
	if (err != 0) {
		free(g);
		*changed = 0;
		return err;
	}
	note_plain(s, op, elements, elements_len);
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
	keyed_free(g->keyed);
	free(g);
}

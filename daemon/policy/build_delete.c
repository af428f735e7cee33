/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grammar actions for commands that delete: elements, sets, maps, chains and objects. A command
 * changes what is above it, so that a file leaves what nft would.
 */
#include "build.h"
#include "names.h"
#include "value.h"

#include <string.h>

/* Whether two elements are the same. One in error is none; its own check reports it. */
static bool elements_are_equal(const struct dtype *type, const struct value *a,
                               const struct value *b)
{
	struct interval x;
	struct interval y;
	char problem[512];

	if (type->parts_len != 0) {
		const struct value *m = a->kind == VALUE_TUPLE ? a->list.first : NULL;
		const struct value *n = b->kind == VALUE_TUPLE ? b->list.first : NULL;
		unsigned len = 0;

		while (m != NULL && n != NULL && len < type->parts_len &&
		       elements_are_equal(type->parts[len], m, n)) {
			m = m->next;
			n = n->next;
			len++;
		}
		return m == NULL && n == NULL && len == type->parts_len;
	}
	if (type == &dtype_ifname) {
		return value_ifname(a, problem, sizeof(problem)) == NULL &&
		       value_ifname(b, problem, sizeof(problem)) == NULL &&
		       strcmp(a->text, b->text) == 0;
	}
	return value_interval(type, a, &x, problem, sizeof(problem)) == NULL &&
	       value_interval(type, b, &y, problem, sizeof(problem)) == NULL &&
	       interval_is_equal(&x, &y);
}

/* Copies of the elements of a list that may be part of a variable. */
struct copies {
	struct parser *p;
	struct values list;
};

static bool copy_element(void *ctx, const struct value *v)
{
	struct copies *to = ctx;
	struct value *copy = value_new(to->p->config, v->loc, VALUE_NUMBER);

	*copy = *v;
	copy->next = NULL;
	build_append(to->p, &to->list, copy);
	return true;
}

static struct values copy_list(struct parser *p, const struct value *v)
{
	struct copies to = { .p = p };

	if (v != NULL) {
		value_each(v, copy_element, &to);
	}
	return to.list;
}

/* Takes out what is behind before; NULL: the first one. */
static void unlink_value(struct values *list, struct value *before)
{
	struct value *gone = before != NULL ? before->next : list->first;

	*(before != NULL ? &before->next : &list->first) = gone->next;
	list->last = gone == list->last ? before : list->last;
	list->len--;
}

/* Takes the element out of the list, as often as it is in it. Returns false when it is not. */
static bool take_out(struct values *list, const struct dtype *type, const struct value *v)
{
	struct value *before = NULL;
	struct value *next;
	bool was_there = false;

	for (struct value *e = list->first; e != NULL; e = next) {
		next = e->next;
		if (elements_are_equal(type, e, v)) {
			unlink_value(list, before);
			was_there = true;
		} else {
			before = e;
		}
	}
	return was_there;
}

/* A deletion of elements, while they are walked. */
struct deletion {
	struct parser *p;
	struct set *set;
	const struct dtype *type;
	struct values left;
	struct map *map; /* or NULL */
	bool may_miss;   /* destroy */
};

static void report_missing(const struct deletion *d, struct loc loc)
{
	if (!d->may_miss) {
		config_error(d->p->config, loc,
		             "there is no such element in %s %.64s, expected one as it was added",
		             d->map != NULL ? "map" : "set", d->set->name);
	}
}

/* With auto-merge, the rest of an interval stays. */
static bool cut_out(struct deletion *d, const struct interval *gone)
{
	struct arena *a = &d->p->config->reading;
	struct value *before = NULL;
	struct interval i;
	char problem[512];

	for (struct value *e = d->left.first; e != NULL; before = e, e = e->next) {
		if (value_interval(d->type, e, &i, problem, sizeof(problem)) != NULL ||
		    !interval_contains(&i, gone)) {
			continue;
		}
		unlink_value(&d->left, before);
		if (u128_cmp(i.lo, gone->lo) < 0) {
			interval_list_add(a, &d->set->listed,
			                  &(struct interval){ i.lo, u128_dec(gone->lo) });
		}
		if (u128_cmp(gone->hi, i.hi) < 0) {
			interval_list_add(a, &d->set->listed,
			                  &(struct interval){ u128_inc(gone->hi), i.hi });
		}
		return true;
	}
	return interval_list_cut(a, &d->set->listed, gone) ||
	       interval_list_cut(a, &d->set->filed, gone);
}

/* Takes the interval out of the elements that are no longer text. */
static bool remove_listed(struct set *s, const struct interval *i)
{
	bool was_there = false;

	while (interval_list_remove(&s->listed, i) || interval_list_remove(&s->filed, i)) {
		was_there = true;
	}
	return was_there;
}

static bool delete_element(void *ctx, const struct value *v)
{
	struct deletion *d = ctx;
	struct interval i;
	char problem[512];
	const char *wrong = NULL;
	bool is_plain = d->type->parts_len == 0 && d->type != &dtype_ifname;
	bool was_there = take_out(&d->left, d->type, v);

	wrong = is_plain ? value_interval(d->type, v, &i, problem, sizeof(problem)) : NULL;
	if (wrong != NULL) {
		config_error(d->p->config, v->loc, "%s", wrong);
		return true;
	}
	was_there |= is_plain && remove_listed(d->set, &i);
	was_there = was_there || (is_plain && d->set->has_auto_merge && cut_out(d, &i));
	if (!was_there) {
		report_missing(d, v->loc);
	}
	return true;
}

static bool is_destroy(const char *verb)
{
	return strcmp(verb, "destroy") == 0;
}

/* Takes the key out of the map. */
static bool delete_key(void *ctx, const struct value *v)
{
	struct deletion *d = ctx;

	for (struct map_entry **at = &d->map->entries; *at != NULL; at = &(*at)->next) {
		struct map_entry *e = *at;
		struct values keys = copy_list(d->p, e->key);

		if (e->key == NULL || !take_out(&keys, d->type, v)) {
			continue;
		}
		if (keys.first == NULL) {
			*at = e->next;
		} else {
			e->key = build_list(d->p, e->key->loc, VALUE_SET, &keys);
		}
		return true;
	}
	report_missing(d, v->loc);
	return true;
}

/* True where the name is of nothing, and that is reported unless the command is destroy. */
static bool has_no(struct parser *p, struct loc loc, const char *verb, const char *what,
                   const char *name, const void *found)
{
	if (found == NULL && !p->has_no_table && !is_destroy(verb)) {
		config_error(p->config, loc,
		             "there is no %s %.64s in table %.64s, expected one that is above",
		             what, name, p->table->name);
	}
	return found == NULL;
}

static bool has_type(struct parser *p, struct loc loc, const struct set *s)
{
	if (s->type == NULL) {
		config_error(p->config, loc, "set %.64s has no type yet, expected `type` above it",
		             s->name);
	}
	return s->type != NULL;
}

void build_delete_elements(struct parser *p, struct loc loc, const char *verb, const char *name,
                           const struct value *v)
{
	struct set *s = table_set(p->table, name);
	struct map *m = table_map(p->table, name);
	struct deletion d = { .p = p, .may_miss = is_destroy(verb) };

	if (has_no(p, loc, verb, "set or map", name, s != NULL ? (void *)s : (void *)m)) {
		return;
	}
	d.set = s != NULL ? s : &m->head;
	d.map = s != NULL ? NULL : m;
	d.type = d.set->type;
	if (!has_type(p, loc, d.set)) {
		return;
	}
	if (d.map != NULL) {
		value_each(v, delete_key, &d);
		return;
	}
	d.left = copy_list(p, s->elements);
	value_each(v, delete_element, &d);
	s->elements = d.left.first != NULL ? build_list(p, loc, VALUE_SET, &d.left) : NULL;
	build_forget_added(p, s);
}

void build_delete_pairs(struct parser *p, struct loc loc, const char *verb, const char *name,
                        const struct map_entries *pairs)
{
	struct map *m = table_map(p->table, name);
	struct deletion d = { .p = p, .map = m, .may_miss = is_destroy(verb) };

	if (has_no(p, loc, verb, "map", name, m) || !has_type(p, loc, &m->head)) {
		return;
	}
	d.set = &m->head;
	d.type = m->head.type;
	for (const struct map_entry *e = pairs->first; e != NULL; e = e->next) {
		if (e->key != NULL) {
			value_each(e->key, delete_key, &d);
			continue;
		}
		for (struct map_entry **at = &m->entries; *at != NULL; at = &(*at)->next) {
			if ((*at)->key == NULL) {
				*at = (*at)->next;
				break;
			}
		}
	}
}

void build_flush_elements(struct parser *p, struct loc loc, const char *name)
{
	struct set *s = table_set(p->table, name);
	struct map *m = table_map(p->table, name);

	if (has_no(p, loc, "flush", "set or map", name, s != NULL ? (void *)s : (void *)m)) {
		return;
	}
	if (m != NULL) {
		m->entries = NULL;
		return;
	}
	s->elements = NULL;
	s->listed = (struct interval_list){ 0 };
	s->filed = (struct interval_list){ 0 };
	build_forget_added(p, s);
}

/* The commands about the object itself. What still refers to it is reported by the checker. */

static void delete_set(struct parser *p, struct loc loc, const char *verb, const char *name)
{
	struct table *t = p->table;
	struct set **at = &t->sets;

	while (*at != NULL && strcmp((*at)->name, name) != 0) {
		at = &(*at)->next;
	}
	if (!has_no(p, loc, verb, "set", name, *at)) {
		t->sets_end = t->sets_end == &(*at)->next ? at : t->sets_end;
		*at = (*at)->next;
	}
}

static void delete_map(struct parser *p, struct loc loc, const char *verb, const char *name)
{
	struct table *t = p->table;
	struct map **at = &t->maps;

	while (*at != NULL && ((*at)->head.name == NULL || strcmp((*at)->head.name, name) != 0)) {
		at = &(*at)->next;
	}
	if (!has_no(p, loc, verb, "map", name, *at)) {
		t->maps_end = t->maps_end == &(*at)->next ? at : t->maps_end;
		*at = (*at)->next;
	}
}

static void delete_chain(struct parser *p, struct loc loc, const char *verb, const char *name)
{
	struct table *t = p->table;
	struct chain **at = &t->chains;

	while (*at != NULL && strcmp((*at)->name, name) != 0) {
		at = &(*at)->next;
	}
	if (!has_no(p, loc, verb, "chain", name, *at)) {
		t->chains_end = t->chains_end == &(*at)->next ? at : t->chains_end;
		*at = (*at)->next;
	}
}

void build_delete(struct parser *p, struct loc loc, const char *verb, const char *what,
                  const char *name)
{
	if (strcmp(what, "set") == 0) {
		delete_set(p, loc, verb, name);
	} else if (strcmp(what, "map") == 0) {
		delete_map(p, loc, verb, name);
	} else {
		delete_chain(p, loc, verb, name);
	}
}

void build_delete_object(struct parser *p, struct loc loc, const char *verb, enum shared_kind kind,
                         const char *name)
{
	struct table *t = p->table;
	struct shared **at = &t->objects;

	while (*at != NULL && ((*at)->kind != kind || strcmp((*at)->name, name) != 0)) {
		at = &(*at)->next;
	}
	if (!has_no(p, loc, verb, "such object", name, *at)) {
		t->objects_end = t->objects_end == &(*at)->next ? at : t->objects_end;
		*at = (*at)->next;
	}
}

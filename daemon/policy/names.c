/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chains, sets and maps of a table by name. Tables are short: a linear search.
 */
#include "names.h"

#include "suggest.h"

#include <string.h>

struct chain *table_chain(const struct table *t, const char *name)
{
	struct chain *ch = t->chains;

	while (ch != NULL && strcmp(ch->name, name) != 0) {
		ch = ch->next;
	}
	return ch;
}

struct set *table_set(const struct table *t, const char *name)
{
	struct set *s = t->sets;

	while (s != NULL && strcmp(s->name, name) != 0) {
		s = s->next;
	}
	return s;
}

struct shared *table_object(const struct table *t, enum shared_kind kind, const char *name)
{
	struct shared *o = t->objects;

	while (o != NULL && (o->kind != kind || strcmp(o->name, name) != 0)) {
		o = o->next;
	}
	return o;
}

struct map *table_map(const struct table *t, const char *name)
{
	struct map *m = t->maps;

	while (m != NULL && (m->head.name == NULL || strcmp(m->head.name, name) != 0)) {
		m = m->next;
	}
	return m;
}

const char *table_set_question(const struct table *t, const char *name, struct arena *a)
{
	struct suggest similar = { .text = name };

	for (const struct set *s = t->sets; s != NULL; s = s->next) {
		suggest_consider(&similar, s->name);
	}
	return suggest_question(&similar, a);
}

size_t pattern_nr(const struct config *c, const char *pattern)
{
	const char **known = c->patterns.items;
	size_t nr = 0;

	while (nr < c->patterns.len && strcmp(known[nr], pattern) != 0) {
		nr++;
	}
	return nr;
}

struct name_list pattern_names(const struct config *c)
{
	return (struct name_list){ c->patterns.items, c->patterns.len };
}

bool map_is_keyed(const struct map *m)
{
	const struct set *s = &m->head;

	return s->type->parts_len != 0 ||
	       (s->name != NULL && !s->is_constant && !m->is_fixed && s->type != &dtype_ifname);
}

enum shared_kind map_objects(const struct map *m)
{
	return m->data == &dtype_counter ? OBJECT_COUNTER
	       : m->data == &dtype_limit ? OBJECT_LIMIT
	       : m->data == &dtype_quota ? OBJECT_QUOTA
	                                 : OBJECT_KINDS_LEN;
}

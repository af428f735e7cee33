/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the grammar's rules do for maps, and for statements that count connections. Like build.c:
 * what can be judged at its place in the text is judged here, the rest in check_map.c.
 */
#include "parser.h"

#include <string.h>

/* Names and bodies alike are maps of the table. */
static struct map *new_map(struct parser *p)
{
	struct map *m = arena_alloc(&p->config->arena, sizeof(*m));

	m->head.nr = p->config->maps_len++;
	*p->table->maps_end = m;
	p->table->maps_end = &m->next;
	return m;
}

void build_map(struct parser *p, struct loc loc, const char *name)
{
	struct set head = { 0 };
	struct map *m;

	build_set_head(p, loc, "map", name, &head);
	m = new_map(p);
	head.nr = m->head.nr;
	m->head = head;
	p->map = m;
	p->set = &m->head;
}

void build_map_data(struct parser *p, struct loc loc, const char *name)
{
	p->map->has_data = true;
	if (strcmp(name, "verdict") == 0) {
		return;
	}
	p->map->data = &dtype_mark;
	if (strcmp(name, dtype_mark.name) != 0) {
		config_error(p->config, loc,
		             "there are no maps to \"%.64s\", expected verdict or "
		             "mark",
		             name);
	}
}

void build_map_typeof(struct parser *p, struct loc loc, const struct selector *key,
                      const struct selector *data, const char *word)
{
	if (key != NULL) {
		p->map->head.type = key->type;
	}
	if (word != NULL) {
		build_map_data(p, loc, word);
	} else if (data != NULL) {
		build_map_data(p, loc, data->type->name);
	}
}

void build_map_elements(struct parser *p, struct loc loc, const struct map *body)
{
	if (p->map->entries != NULL) {
		config_error(p->config, loc,
		             "map %.64s has a second list of elements, expected "
		             "one",
		             p->map->head.name);
		return;
	}
	p->map->entries = body->entries;
}

struct map *build_map_body(struct parser *p, struct loc loc, const struct map_entries *entries)
{
	struct map *m = arena_alloc(&p->config->arena, sizeof(*m));

	m->head.loc = loc;
	m->entries = entries->first;
	return m;
}

struct map_entry *build_map_entry(struct parser *p, struct loc loc, const struct value *key,
                                  const struct value *data, struct stmt *verdict)
{
	struct map_entry *e = arena_alloc(&p->config->arena, sizeof(*e));

	e->loc = loc;
	e->key = key;
	e->data = data;
	e->verdict = verdict;
	return e;
}

void build_map_append(struct parser *p, struct map_entries *list, struct map_entry *e)
{
	const struct value *key = e->key;
	bool is_list = key != NULL && (key->kind == VALUE_SET || key->kind == VALUE_COMMAS);
	uint32_t keys = is_list ? key->list.len : 1;

	if (keys > VALUE_LEN_MAX - list->len) {
		config_error(p->config, e->loc, "the map is too long, expected at most %u keys",
		             VALUE_LEN_MAX);
		*list = (struct map_entries){ e, e, 1 };
		return;
	}
	list->len += keys;
	if (list->last != NULL) {
		list->last->next = e;
	} else {
		list->first = e;
	}
	list->last = e;
}

/* A body that is used on the spot becomes a map of the table. */
static struct stmt *build_lookup(struct parser *p, struct loc loc, enum stmt_kind kind,
                                 const struct selector *sel, const struct value *mask,
                                 const struct lookup *map)
{
	struct stmt *s = build_stmt(p, loc, kind);

	if (sel->kind == SEL_CT_COUNT) {
		config_error(p->config, loc,
		             "ct count is no key of a map, expected a field of the "
		             "packet");
	}
	s->lookup = *map;
	s->lookup.sel = sel;
	s->lookup.mask = mask;
	if (map->name == NULL) {
		struct map *m = new_map(p);

		m->head.loc = map->map->head.loc;
		m->head.type = sel->type;
		m->has_data = true;
		m->data = kind == STMT_VMAP ? NULL : &dtype_mark;
		m->entries = map->map->entries;
		s->lookup.map = m;
	}
	return s;
}

struct stmt *build_vmap(struct parser *p, struct loc loc, const struct selector *sel,
                        const struct value *mask, const struct lookup *map)
{
	return sel != NULL ? build_lookup(p, loc, STMT_VMAP, sel, mask, map) : NULL;
}

struct stmt *build_mark_map(struct parser *p, struct loc loc, const struct selector *set,
                            const struct selector *sel, const struct value *mask,
                            const struct lookup *map)
{
	if (set == NULL || sel == NULL) {
		return NULL;
	}
	build_settable(p, loc, set);
	return build_lookup(p, loc, STMT_MARK_MAP, sel, mask, map);
}

struct stmt *build_count(struct parser *p, struct loc loc, const struct selector *sel, bool is_over,
                         const struct value *max)
{
	struct stmt *s;

	if (sel == NULL) {
		return NULL;
	}
	s = build_stmt(p, loc, STMT_COUNT);
	s->count.is_over = is_over;
	if (sel->kind != SEL_CT_COUNT) {
		config_error(p->config, loc, "%s %s counts nothing, expected ct count", sel->header,
		             sel->name);
	} else if (max == NULL || max->number > UINT32_MAX) {
		config_error(p->config, max != NULL ? max->loc : loc,
		             "ct count takes a number of connections, expected `ct count 10` or "
		             "`ct count over 10`");
	} else {
		s->count.max = (uint32_t)max->number;
	}
	return s;
}

void build_count_key(struct parser *p, struct loc loc, struct stmt *s, const struct selector *key,
                     const char *set_name)
{
	struct value *name = build_value(p, loc, VALUE_NAME);

	if (s == NULL || key == NULL) {
		return;
	}
	name->text = set_name;
	s->count.key = key;
	s->count.set_name = name;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of sets and maps. A key of a map has one value: keys that overlap are refused, whatever
 * their values.
 */
#include "check.h"
#include "names.h"

#include <finwall/ruleset_layout.h>

#include <stdlib.h>
#include <string.h>

/* sets */

/* Builds the live elements from those of the text and of files. */
static void make_live(struct config *c, struct set *s)
{
	if ((uint64_t)s->listed.len + s->filed.len > SET_LEN_MAX) {
		config_error(c, s->loc, "set %.64s is too large, expected at most %u elements",
		             s->name, SET_LEN_MAX);
		return;
	}
	s->live = live_set_make(dtype_is_wide(s->type), &s->listed, &s->filed,
	                        s->has_auto_merge ? JOIN_ADJACENT : JOIN_OVERLAPPING);
	if (s->live == NULL) {
		arena_fail(&c->arena);
	}
	s->filed = (struct interval_list){ 0 };
	s->listed = s->files.len != 0 ? interval_list_clone(&c->arena, &s->listed)
	                              : (struct interval_list){ 0 };
}

/* Where the elements of a set of interface names are added. */
struct names {
	struct arena *arena;
	struct vec *to;
};

static bool note_name(void *ctx, const struct value *v)
{
	struct names *names = ctx;

	*(const char **)vec_add(names->arena, names->to, sizeof(char *)) = v->text;
	return true;
}

static bool type_is_of_sets(const struct dtype *type)
{
	for (unsigned i = 0; i < type->parts_len; i++) {
		if (dtype_find(type->parts[i]->name) == NULL) {
			return false;
		}
	}
	return type->parts_len != 0 || dtype_find(type->name) != NULL;
}

void check_sets(struct config *c, struct table *t)
{
	for (struct set *s = t->sets; s != NULL; s = s->next) {
		struct probe p = { c, s->type, NULL };
		struct names names = { &c->arena, &s->names };

		check_elem_opts(s);
		if (s->type == NULL) {
			config_error(c, s->loc, "set %.64s has no type, expected `type` with %s",
			             s->name, dtype_names());
		} else if (!type_is_of_sets(s->type)) {
			config_error(c, s->loc, "there are no sets of type %s, expected %s",
			             s->type->name, dtype_names());
		} else if (set_is_keyed(s)) {
			check_keyed_set(c, s);
		} else if (s->type == &dtype_ifname) {
			if (s->elements != NULL) {
				value_each(s->elements, check_element, &p);
				value_each(s->elements, note_name, &names);
			}
		} else {
			p.into = &s->listed;
			if (s->elements != NULL) {
				value_each(s->elements, check_element, &p);
			}
			if (c->errors_len == 0) {
				make_live(c, s);
			}
		}
	}
}

/* maps */

/* A key of a map, for sorting. */
struct key {
	struct interval interval;
	struct loc loc;
};

/* The keys of a map being gathered. */
struct gather {
	struct probe probe; /* first: check_element() takes it */
	struct vec keys;    /* struct key; of interface names: struct name_key */
};

struct name_key {
	const char *text;
	struct loc loc;
};

static void report_overlap(struct config *c, struct loc loc, struct loc first)
{
	config_error(c, loc, "the key overlaps that at %s, expected one value for each key",
	             config_where(c, first));
}

static bool gather_key(void *ctx, const struct value *v)
{
	struct gather *g = ctx;
	struct arena *a = &g->probe.c->arena;
	unsigned errors_len = g->probe.c->errors_len;

	if (!check_element(&g->probe, v)) {
		return false;
	}
	if (g->probe.c->errors_len != errors_len) {
		return true;
	}
	if (g->probe.type->parts_len != 0) {
		return true; /* overlaps are found in the table */
	}
	if (g->probe.type == &dtype_ifname) {
		struct name_key *k = vec_add(a, &g->keys, sizeof(*k));

		*k = (struct name_key){ v->text, v->loc };
	} else {
		struct key *k = vec_add(a, &g->keys, sizeof(*k));

		k->interval = value_checked(g->probe.type, v);
		k->loc = v->loc;
	}
	return true;
}

static int compare_locs(struct loc a, struct loc b)
{
	if (a.line != b.line) {
		return a.line < b.line ? -1 : 1;
	}
	return (int)a.col - (int)b.col;
}

static int compare_keys(const void *a, const void *b)
{
	const struct key *x = a;
	const struct key *y = b;
	int by_start = u128_cmp(x->interval.lo, y->interval.lo);

	return by_start != 0 ? by_start : compare_locs(x->loc, y->loc);
}

static void find_overlaps(struct config *c, const struct vec *keys)
{
	const struct key *k = keys->items;
	const struct key *widest = k; /* the one with the highest end so far */

	if (keys->len == 0) {
		return;
	}
	qsort(keys->items, keys->len, sizeof(*k), compare_keys);
	for (size_t i = 1; i < keys->len; i++) {
		if (u128_cmp(k[i].interval.lo, widest->interval.hi) <= 0) {
			bool is_later = compare_locs(k[i].loc, widest->loc) > 0;

			report_overlap(c, is_later ? k[i].loc : widest->loc,
			               is_later ? widest->loc : k[i].loc);
		}
		if (u128_cmp(k[i].interval.hi, widest->interval.hi) > 0) {
			widest = &k[i];
		}
	}
}

/* Whether a name can match both patterns. */
static bool names_overlap(const char *a, const char *b)
{
	size_t a_size = strcspn(a, "*");
	size_t b_size = strcspn(b, "*");
	size_t common = a_size < b_size ? a_size : b_size;

	return strncmp(a, b, common) == 0 &&
	       (a_size == b_size || (a[common] == '*') || (b[common] == '*'));
}

/* There are at most RS_PATTERNS_MAX different patterns, so a key beyond them overlaps one. */
static void find_name_overlaps(struct config *c, const struct vec *keys)
{
	const struct name_key *k = keys->items;

	for (size_t i = 1; i < keys->len && i <= RS_PATTERNS_MAX; i++) {
		for (size_t j = 0; j < i; j++) {
			if (names_overlap(k[i].text, k[j].text)) {
				report_overlap(c, k[i].loc, k[j].loc);
				break;
			}
		}
	}
}

static void check_keys(struct config *c, const struct map *m)
{
	struct gather g = { .probe = { c, m->head.type, NULL } };
	const struct map_entry *rest = NULL;

	for (const struct map_entry *e = m->entries; e != NULL; e = e->next) {
		if (e->key != NULL) {
			check_map_opts(c, m, e->key);
			value_each(e->key, gather_key, &g);
		} else if (rest != NULL) {
			report_overlap(c, e->loc, rest->loc);
		} else {
			rest = e;
		}
	}
	if (m->head.type == &dtype_ifname) {
		find_name_overlaps(c, &g.keys);
	} else {
		find_overlaps(c, &g.keys);
	}
}

static void check_datum(struct config *c, const struct map *m, const struct value *v)
{
	struct interval i;
	char buf[512];
	const char *problem = value_interval(m->data, v, &i, buf, sizeof(buf));

	if (problem == NULL && u128_cmp(i.lo, i.hi) != 0) {
		problem = "a range cannot be a value of a map, expected one mark";
	}
	if (problem != NULL) {
		config_error(c, v->loc, "%s", problem);
	}
}

/* The statement for the object that an entry of a map of objects names; NULL after an error. */
static struct stmt *object_stmt(struct config *c, const struct table *t, enum shared_kind kind,
                                const struct value *v)
{
	bool is_text = v->kind == VALUE_STRING || v->kind == VALUE_WORD;
	const struct shared *o = is_text ? table_object(t, kind, v->text) : NULL;
	struct stmt *s = arena_alloc(&c->arena, sizeof(*s));

	if (o == NULL) {
		config_error(c, v->loc,
		             "there is no such object in table %.64s, expected the name "
		             "of one that is defined in it",
		             t->name);
		return NULL;
	}
	s->loc = v->loc;
	switch (kind) {
	case OBJECT_COUNTER:
		s->kind = STMT_COUNTER;
		s->counter.name = o->name;
		s->counter.object = o;
		break;
	case OBJECT_LIMIT:
		s->kind = STMT_LIMIT;
		s->limit.name = o->name;
		s->limit.object = o;
		break;
	default:
		s->kind = STMT_QUOTA;
		s->quota.name = o->name;
		s->quota.object = o;
		break;
	}
	return s;
}

/* Checks that a map of verdicts holds verdicts, and a map of values values. */
static void check_data(struct config *c, const struct table *t, struct map *m)
{
	uint32_t nr = 0;

	for (struct map_entry *e = m->entries; e != NULL; e = e->next) {
		if (m->data == NULL && e->verdict == NULL) {
			config_error(c, e->data->loc,
			             "a value in a map of verdicts, expected accept, drop, jump, "
			             "goto, return or continue");
		} else if (map_objects(m) != OBJECT_KINDS_LEN && e->data != NULL) {
			e->verdict = object_stmt(c, t, map_objects(m), e->data);
			if (e->verdict == NULL || !check_number_verdict(c, m, e)) {
				return;
			}
		} else if (m->data != NULL && e->data == NULL) {
			config_error(c, e->verdict->loc,
			             "a verdict in a map of values, expected %s", m->data->want);
		} else if (m->data != NULL) {
			check_datum(c, m, e->data);
			e->nr = nr++;
		} else if (!check_number_verdict(c, m, e)) {
			return;
		}
	}
	for (size_t i = 0; i < m->verdicts.len; i++) {
		struct stmt *s = ((struct stmt **)m->verdicts.items)[i];

		if (s->kind == STMT_JUMP || s->kind == STMT_GOTO) {
			check_target(c, t, s);
		}
	}
}

static void check_map(struct config *c, const struct table *t, struct map *m)
{
	const struct dtype *type = m->head.type;

	if (m->head.name != NULL && (type == NULL || !m->has_data)) {
		config_error(c, m->head.loc,
		             "map %.64s has no type, expected `type` with a type of keys, a colon "
		             "and verdict or mark",
		             m->head.name);
		return;
	}
	if (m->head.name != NULL && !type_is_of_sets(type)) {
		config_error(c, m->head.loc, "there are no maps of type %s, expected %s",
		             type->name, dtype_names());
		return;
	}
	if (m->head.is_dynamic) {
		config_error(c, m->head.loc, "map %.64s is dynamic, expected one with elements",
		             m->head.name);
	}
	check_keys(c, m);
	check_data(c, t, m);
	if (m->head.has_timeouts && !map_is_keyed(m)) {
		config_error(
			c, m->head.loc,
			"map %.64s has timeouts, and is constant, of interface names or looked "
			"up with a mask, expected none of these",
			m->head.name);
	} else if (map_is_keyed(m) && c->errors_len == 0) {
		check_keyed_map(c, m);
	}
}

void check_maps(struct config *c, struct table *t)
{
	for (struct map *m = t->maps; m != NULL; m = m->next) {
		check_map(c, t, m);
	}
}

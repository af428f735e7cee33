/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of maps, of look-ups in them, and of statements that count connections. A key of a map has
 * one value: keys that overlap are refused, whatever their values.
 */
#include "check.h"

#include <finwall/ruleset_layout.h>

#include <stdlib.h>
#include <string.h>

/* A key on its way to be sorted. */
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

static void complain_of_overlap(struct config *c, struct loc loc, struct loc first)
{
	config_error(c, loc, "the key overlaps that at %s, expected one value for each key",
	             config_where(c, first));
}

static bool gather_key(void *ctx, const struct value *v)
{
	struct gather *g = ctx;
	struct arena *a = &g->probe.c->arena;
	unsigned errors_len = g->probe.c->errors_len;
	char problem[8];

	if (!check_element(&g->probe, v)) {
		return false;
	}
	if (g->probe.c->errors_len != errors_len) {
		return true;
	}
	if (g->probe.type == &dtype_ifname) {
		struct name_key *k = vec_add(a, &g->keys, sizeof(*k));

		*k = (struct name_key){ v->text, v->loc };
	} else {
		struct key *k = vec_add(a, &g->keys, sizeof(*k));

		value_interval(g->probe.type, v, &k->interval, problem, sizeof(problem));
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
	const struct key *widest = k; /* of those so far, the one that ends last */

	if (keys->len == 0) {
		return;
	}
	qsort(keys->items, keys->len, sizeof(*k), compare_keys);
	for (size_t i = 1; i < keys->len; i++) {
		if (u128_cmp(k[i].interval.lo, widest->interval.hi) <= 0) {
			bool is_later = compare_locs(k[i].loc, widest->loc) > 0;

			complain_of_overlap(c, is_later ? k[i].loc : widest->loc,
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

/* The first so many are different, as there are no more patterns; one more overlaps. */
static void find_name_overlaps(struct config *c, const struct vec *keys)
{
	const struct name_key *k = keys->items;

	for (size_t i = 1; i < keys->len && i <= RS_PATTERNS_MAX; i++) {
		for (size_t j = 0; j < i; j++) {
			if (names_overlap(k[i].text, k[j].text)) {
				complain_of_overlap(c, k[i].loc, k[j].loc);
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
			value_each(e->key, gather_key, &g);
		} else if (rest != NULL) {
			complain_of_overlap(c, e->loc, rest->loc);
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

static bool verdicts_are_equal(const struct stmt *a, const struct stmt *b)
{
	if (a->kind != b->kind) {
		return false;
	}
	switch (a->kind) {
	case STMT_ANSWER:
		return a->answer.answer == b->answer.answer;
	case STMT_JUMP:
	case STMT_GOTO:
		return strcmp(a->target.name, b->target.name) == 0;
	default:
		return true;
	}
}

/* Gives the entry the number of its verdict, a new one where it is the first of its kind. */
static bool number_verdict(struct config *c, struct map *m, struct map_entry *e)
{
	struct stmt **known = m->verdicts.items;
	uint32_t nr = 0;

	while (nr < m->verdicts.len && !verdicts_are_equal(known[nr], e->verdict)) {
		nr++;
	}
	e->nr = nr;
	if (nr < m->verdicts.len) {
		return true;
	}
	if (nr == MAP_VERDICTS_MAX) {
		config_error(c, e->verdict->loc,
		             "too many verdicts in one map, expected at most %d different ones",
		             MAP_VERDICTS_MAX);
		return false;
	}
	*(struct stmt **)vec_add(&c->arena, &m->verdicts, sizeof(struct stmt *)) = e->verdict;
	return true;
}

static void check_datum(struct config *c, const struct map *m, const struct value *v)
{
	struct interval i;
	char buf[512];
	const char *problem = value_interval(m->data, v, &i, buf, sizeof(buf));

	if (problem == NULL && u128_cmp(i.lo, i.hi) != 0) {
		problem = "a range is no value of a map, expected one mark";
	}
	if (problem != NULL) {
		config_error(c, v->loc, "%s", problem);
	}
}

/* Verdicts in a map of verdicts, values in one of values. */
static void check_data(struct config *c, const struct table *t, struct map *m)
{
	uint32_t nr = 0;

	for (struct map_entry *e = m->entries; e != NULL; e = e->next) {
		if (m->data == NULL && e->verdict == NULL) {
			config_error(c, e->data->loc,
			             "a value in a map of verdicts, expected accept, drop, jump, "
			             "goto, return or continue");
		} else if (m->data != NULL && e->data == NULL) {
			config_error(c, e->verdict->loc,
			             "a verdict in a map of values, expected %s", m->data->want);
		} else if (m->data != NULL) {
			check_datum(c, m, e->data);
			e->nr = nr++;
		} else if (!number_verdict(c, m, e)) {
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
	if (m->head.name != NULL && dtype_find(type->name) == NULL) {
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
}

void check_maps(struct config *c, struct table *t)
{
	for (struct map *m = t->maps; m != NULL; m = m->next) {
		check_map(c, t, m);
	}
}

void check_map_name(struct config *c, const struct table *t, struct lookup *l)
{
	if (l->name == NULL) {
		return;
	}
	for (struct map *m = t->maps; m != NULL; m = m->next) {
		if (m->head.name != NULL && strcmp(m->head.name, l->name->text) == 0) {
			l->map = m;
			return;
		}
	}
	config_error(c, l->name->loc,
	             "there is no map %.64s in table %.64s, expected one that is defined in it",
	             l->name->text, t->name);
}

/* The verdicts of a map that is used in this chain. */
static void check_verdicts(struct config *c, const struct chain *ch, const struct map *m)
{
	for (size_t i = 0; i < m->verdicts.len; i++) {
		const struct stmt *s = ((struct stmt **)m->verdicts.items)[i];

		if (s->kind != STMT_ANSWER) {
			continue;
		}
		if (s->answer.answer == ANSWER_REJECT && ch->kind == CHAIN_FILTER) {
			config_error(
				c, s->loc,
				"reject is no verdict, expected a jump to a chain that rejects");
		} else {
			check_answer(c, s->loc, s->answer.answer, ch->kind);
		}
	}
}

void check_lookup(struct config *c, const struct chain *ch, const struct stmt *s)
{
	const struct lookup *l = &s->lookup;
	const struct dtype *type = l->sel->type;
	const struct dtype *data = s->kind == STMT_VMAP ? NULL : &dtype_mark;

	if (!check_selector(c, ch, s->loc, l->sel)) {
		return;
	}
	if (l->mask != NULL && !type->is_bitmask && type != &dtype_mark) {
		config_error(c, l->mask->loc, "%s %s takes no mask, expected a map", l->sel->header,
		             l->sel->name);
		return;
	}
	check_mask(c, type, l->mask);
	if (l->map->head.type != type) {
		config_error(c, l->name->loc, "the keys of map %.64s are %s, expected %s",
		             l->map->head.name, l->map->head.type->name, type->name);
	}
	if (l->map->data != data) {
		config_error(c, l->name->loc, "map %.64s holds %s, expected one of %s",
		             l->map->head.name, data == NULL ? "marks" : "verdicts",
		             data == NULL ? "verdicts" : "marks");
	} else if (data == NULL) {
		check_verdicts(c, ch, l->map);
	}
}

static void check_count_set(struct config *c, const struct chain *ch, struct stmt *s)
{
	const struct set *set = ch->table->sets;
	const struct value *name = s->count.set_name;

	while (set != NULL && strcmp(set->name, name->text) != 0) {
		set = set->next;
	}
	s->count.set = set;
	if (set == NULL) {
		config_error(c, name->loc,
		             "there is no set %.64s in table %.64s, expected one that is defined "
		             "in it",
		             name->text, ch->table->name);
	} else if (!set->is_dynamic) {
		config_error(c, name->loc,
		             "set %.64s is not dynamic, expected one with flags dynamic",
		             name->text);
	} else if (set->type != s->count.key->type) {
		config_error(c, name->loc, "set %.64s holds %s, expected one of type %s", set->name,
		             set->type->name, s->count.key->type->name);
	}
}

void check_count(struct config *c, const struct chain *ch, struct stmt *s)
{
	const struct selector *key = s->count.key;

	if (ch->kind != CHAIN_FILTER && ch->kind != CHAIN_UNUSED) {
		config_error(c, s->loc,
		             "late and idle chains count no connections, expected it in a filter "
		             "chain");
		return;
	}
	if (key == NULL || !check_selector(c, ch, s->loc, key)) {
		return;
	}
	if (key->kind != SEL_FIELD || key->type->is_bitmask) {
		config_error(c, s->loc,
		             "%s %s is no key to count by, expected an address, port or "
		             "mark",
		             key->header, key->name);
		return;
	}
	check_count_set(c, ch, s);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Maps to what the evaluator looks up: keys sorted beside the number of their verdict or value, or
 * a table of numbers for fields of 8 bits. And the identity of what counts connections.
 */
#include "operand.h"
#include "print.h"

#include <stdlib.h>
#include <string.h>

/* A key with its number. */
struct item {
	struct interval interval;
	uint32_t nr;
};

/* A map being gathered; the checker has seen to it that keys convert and do not overlap. */
struct gather {
	struct pools *pools;
	const struct config *config;
	const struct dtype *type;
	struct pool_map *map;
	struct vec items; /* struct item */
	uint32_t mask;    /* of a bitmask */
	uint32_t nr;      /* of the entry at hand */
};

static uint32_t *numbers(struct gather *g)
{
	return (uint32_t *)g->pools->maps.nr.items + g->map->nr_at;
}

static bool gather_key(void *ctx, const struct value *v)
{
	struct gather *g = ctx;
	struct item *i = vec_add(g->pools->arena, &g->items, sizeof(*i));
	char problem[8];

	value_interval(g->type, v, &i->interval, problem, sizeof(problem));
	i->nr = g->nr;
	return true;
}

static bool gather_name(void *ctx, const struct value *v)
{
	struct gather *g = ctx;
	const char **known = g->config->patterns.items;

	for (size_t i = 0; i < g->config->patterns.len; i++) {
		if (strcmp(known[i], v->text) == 0) {
			g->map->patterns |= UINT64_C(1) << i;
			numbers(g)[i] = g->nr;
		}
	}
	return true;
}

static void add_numbers(struct gather *g, size_t len, uint32_t nr)
{
	struct vec *v = &g->pools->maps.nr;

	for (size_t i = 0; i < len; i++) {
		*(uint32_t *)vec_add(g->pools->arena, v, sizeof(uint32_t)) = nr;
	}
}

static int compare_items(const void *a, const void *b)
{
	return u128_cmp(((const struct item *)a)->interval.lo,
	                ((const struct item *)b)->interval.lo);
}

/* Fields of 8 bits, flags as they are behind the mask. */
static void fill_table(struct gather *g)
{
	const struct item *i = g->items.items;

	g->map->form = RS_MAP_TABLE;
	add_numbers(g, 256, RS_MAP_MISS);
	for (size_t n = 0; n < g->items.len; n++) {
		for (uint64_t v = 0; v < 256; v++) {
			uint64_t masked = g->type->is_bitmask ? v & g->mask : v;

			if (i[n].interval.lo.lo <= masked && masked <= i[n].interval.hi.lo) {
				numbers(g)[v] = i[n].nr;
			}
		}
	}
}

static void fill_intervals(struct gather *g)
{
	struct map_pools *p = &g->pools->maps;
	struct arena *a = g->pools->arena;
	bool is_wide = g->type->bits == 128;
	struct item *i = g->items.items;

	if (g->items.len != 0) {
		qsort(i, g->items.len, sizeof(*i), compare_items);
	}
	g->map->form = is_wide ? RS_MAP_128 : RS_MAP_32;
	g->map->at = (uint32_t)(is_wide ? p->lo128.len : p->lo32.len);
	g->map->len = (uint32_t)g->items.len;
	g->map->mask = UINT32_MAX;
	for (size_t n = 0; n < g->items.len; n++) {
		struct u128 lo = i[n].interval.lo;
		struct u128 hi = i[n].interval.hi;

		add_numbers(g, 1, i[n].nr);
		if (is_wide) {
			*(struct u128 *)vec_add(a, &p->lo128, sizeof(lo)) = lo;
			*(struct u128 *)vec_add(a, &p->hi128, sizeof(hi)) = hi;
		} else {
			*(uint32_t *)vec_add(a, &p->lo32, sizeof(uint32_t)) = (uint32_t)lo.lo;
			*(uint32_t *)vec_add(a, &p->hi32, sizeof(uint32_t)) = (uint32_t)hi.lo;
		}
	}
}

static uint32_t number_of(const struct value *v)
{
	struct interval i = { { 0, 0 }, { 0, 0 } };
	char problem[8];

	value_interval(&dtype_mark, v, &i, problem, sizeof(problem));
	return (uint32_t)i.lo.lo;
}

static void fill(struct gather *g, const struct map *m)
{
	struct map_pools *p = &g->pools->maps;

	g->map->nr_at = (uint32_t)p->nr.len;
	g->map->data_at = (uint32_t)p->data.len;
	g->map->other_nr = RS_MAP_MISS;
	if (g->type == &dtype_ifname) {
		g->map->form = RS_MAP_IFACE;
		add_numbers(g, RS_PATTERNS_MAX, RS_MAP_MISS);
	}
	for (const struct map_entry *e = m->entries; e != NULL; e = e->next) {
		g->nr = e->nr;
		if (e->key == NULL) {
			g->map->other_nr = e->nr;
		} else {
			value_each(e->key, g->type == &dtype_ifname ? gather_name : gather_key, g);
		}
		if (e->data != NULL) {
			*(uint32_t *)vec_add(g->pools->arena, &p->data, sizeof(uint32_t)) =
				number_of(e->data);
		}
	}
	if (g->type != &dtype_ifname && g->type->bits == 8) {
		fill_table(g);
	} else if (g->type != &dtype_ifname) {
		fill_intervals(g);
	}
}

static uint32_t mask_of(const struct lookup *l)
{
	struct interval i = { { 0, 0 }, { 0, 0 } };
	char problem[8];

	if (l->mask == NULL) {
		return UINT32_MAX;
	}
	value_interval(l->sel->type, l->mask, &i, problem, sizeof(problem));
	return (uint32_t)i.lo.lo;
}

uint32_t map_make(struct pools *p, const struct config *c, const struct lookup *l)
{
	uint32_t *place = &p->maps.of_map[l->map->head.nr];
	struct gather g = { .pools = p, .config = c, .type = l->sel->type };
	struct pool_map one = { 0 };

	if (l->mask == NULL && *place != 0) {
		return *place - 1;
	}
	g.map = &one;
	g.mask = mask_of(l);
	fill(&g, l->map);
	if (one.form == RS_MAP_32) {
		one.mask = g.mask;
	}
	*(struct pool_map *)vec_add(p->arena, &p->maps.maps, sizeof(one)) = one;
	if (l->mask == NULL) {
		*place = (uint32_t)p->maps.maps.len;
	}
	return (uint32_t)p->maps.maps.len - 1;
}

/* Whether one of the elements is the value. */
struct search {
	const struct dtype *type;
	uint32_t value;
	bool is_found;
};

static bool compare_element(void *ctx, const struct value *v)
{
	struct search *s = ctx;
	struct interval i;
	char problem[8];

	value_interval(s->type, v, &i, problem, sizeof(problem));
	s->is_found = i.lo.lo == s->value;
	return !s->is_found;
}

const struct map_entry *map_static(const struct lookup *l, uint32_t value)
{
	struct search s = { l->sel->type, value & mask_of(l), false };
	const struct map_entry *other = NULL;

	for (const struct map_entry *e = l->map->entries; e != NULL; e = e->next) {
		if (e->key == NULL) {
			other = e;
			continue;
		}
		value_each(e->key, compare_element, &s);
		if (s.is_found) {
			return e;
		}
	}
	return other;
}

/* FNV-1a (G. Fowler, L. Noll, K.-P. Vo). Names are the administrator's: nobody aims at it. */
static uint64_t hash_text(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *text != '\0'; text++) {
		h = (h ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	}
	return h;
}

#define KEYS_DEFAULT 65535 /* of a dynamic set that does not say its size, as nft has it */

/* A set counts under its name. A rule counts under its chain and its text, but for the number that
 * it compares with. */
uint32_t count_make(struct pools *p, const struct chain *ch, const struct rule *r,
                    const struct stmt *s)
{
	struct rs_count_limit *c = vec_add(p->arena, &p->counts, sizeof(*c));
	const struct set *set = s->count.set;
	struct text t = { .arena = p->arena };

	text_add(&t, "%s %s ", table_families[ch->table->family], ch->table->name);
	if (set != NULL) {
		text_add(&t, "set %s", set->name);
		c->keys_max = set->size == 0           ? KEYS_DEFAULT
		              : set->size > UINT32_MAX ? UINT32_MAX
		                                       : (uint32_t)set->size;
	} else {
		text_add(&t, "chain %s ", ch->name);
		rule_print_identity(&t, r);
	}
	c->counter = hash_text(t.at) << 1;
	c->max = s->count.max;
	return (uint32_t)p->counts.len - 1;
}

static int compare_counts(const void *a, const void *b)
{
	const struct rs_count_limit *x = *(struct rs_count_limit *const *)a;
	const struct rs_count_limit *y = *(struct rs_count_limit *const *)b;

	if (x->counter != y->counter) {
		return x->counter < y->counter ? -1 : 1;
	}
	return x < y ? -1 : x > y;
}

void counts_tell_apart(struct pools *p)
{
	struct rs_count_limit *all = p->counts.items;
	struct rs_count_limit **sorted =
		arena_alloc(p->arena, (p->counts.len + 1) * sizeof(*sorted));
	uint64_t counter;
	uint64_t twins = 0;

	for (size_t i = 0; i < p->counts.len; i++) {
		sorted[i] = &all[i];
	}
	if (p->counts.len == 0) {
		return;
	}
	qsort(sorted, p->counts.len, sizeof(*sorted), compare_counts);
	counter = sorted[0]->counter;
	for (size_t i = 1; i < p->counts.len; i++) {
		bool is_twin = sorted[i]->keys_max == 0 && sorted[i]->counter == counter;

		counter = sorted[i]->counter;
		twins = is_twin ? twins + 1 : 0;
		sorted[i]->counter += 2 * twins;
	}
}

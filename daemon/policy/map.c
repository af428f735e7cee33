/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Look-ups in maps: keys sorted beside the number of their verdict or value, or a table of numbers
 * for fields of 8 bits.
 */
#include "match.h"
#include "names.h"
#include "value.h"

#include <stdlib.h>

/* A key with its number. */
struct item {
	struct interval interval;
	uint32_t nr;
};

/* A map while its keys are gathered. The checker ensures that they convert and do not overlap. */
struct gather {
	struct pools *pools;
	const struct config *config;
	const struct dtype *type;
	struct pool_map *map;
	struct vec items; /* struct item */
	uint32_t mask;    /* of a bitmask */
	uint32_t nr;      /* of the current entry */
};

static uint32_t *numbers(struct gather *g)
{
	return (uint32_t *)g->pools->maps.nr.items + g->map->nr_at;
}

static bool gather_key(void *ctx, const struct value *v)
{
	struct gather *g = ctx;
	struct item *i = vec_add(g->pools->arena, &g->items, sizeof(*i));

	i->interval = value_checked(g->type, v);
	i->nr = g->nr;
	return true;
}

static bool gather_name(void *ctx, const struct value *v)
{
	struct gather *g = ctx;
	size_t nr = pattern_nr(g->config, v->text);

	g->map->patterns |= UINT64_C(1) << nr;
	numbers(g)[nr] = g->nr;
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

/* Fields of 8 bits; flags after the mask. */
static void fill_table(struct gather *g)
{
	const struct item *i = g->items.items;

	g->map->form = RS_MAP_TABLE;
	add_numbers(g, 256, RS_MAP_MISS);
	for (size_t n = 0; n < g->items.len; n++) {
		for (uint64_t v = 0; v < 256; v++) {
			uint64_t masked = v & g->mask;

			if (i[n].interval.lo.lo <= masked && masked <= i[n].interval.hi.lo) {
				numbers(g)[v] = i[n].nr;
			}
		}
	}
}

static void fill_intervals(struct gather *g)
{
	struct map_pools *p = &g->pools->maps;
	bool is_wide = dtype_is_wide(g->type);
	struct item *i = g->items.items;

	if (g->items.len != 0) {
		qsort(i, g->items.len, sizeof(*i), compare_items);
	}
	g->map->form = is_wide ? RS_MAP_128 : RS_MAP_32;
	g->map->mask = UINT32_MAX;
	for (size_t n = 0; n < g->items.len; n++) {
		struct pool_span one =
			pool_intervals(g->pools->arena, &p->keys, is_wide, &i[n].interval, 1);

		g->map->keys.at = n == 0 ? one.at : g->map->keys.at;
		add_numbers(g, 1, i[n].nr);
	}
	g->map->keys.len = (uint32_t)g->items.len;
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
				value_number(&dtype_mark, e->data);
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
	return l->mask != NULL ? value_number(l->sel->type, l->mask) : UINT32_MAX;
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

/* A search for a value among the elements of a key. */
struct search {
	const struct dtype *type;
	uint32_t value;
	bool is_found;
};

static bool compare_element(void *ctx, const struct value *v)
{
	struct search *s = ctx;

	s->is_found = value_number(s->type, v) == s->value;
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pools of the compiler: see pool.h.
 */
#include "pool.h"
#include "selector.h"

void pools_init(struct pools *p, struct arena *a, const struct config *c)
{
	*p = (struct pools){ .arena = a };
	p->of_set = arena_alloc(a, (c->sets_len + 1) * sizeof(*p->of_set));
	p->of_limit = arena_alloc(a, (c->objects_len[OBJECT_LIMIT] + 1) * sizeof(*p->of_limit));
	p->of_quota = arena_alloc(a, (c->objects_len[OBJECT_QUOTA] + 1) * sizeof(*p->of_quota));
	p->has_set = arena_alloc(a, c->sets_len + 1);
	p->maps.of_map = arena_alloc(a, (c->maps_len + 1) * sizeof(*p->maps.of_map));
}

void pools_fini(struct pools *p)
{
	struct live_set **s = p->sets.items;

	for (size_t i = 0; i < p->sets.len; i++) {
		live_set_put(s[i]);
	}
	for (size_t i = 0; i < p->keyed.len; i++) {
		live_keyed_put(((struct live_keyed **)p->keyed.items)[i]);
	}
}

static void add_u32(struct arena *a, struct vec *v, uint64_t value)
{
	*(uint32_t *)vec_add(a, v, sizeof(uint32_t)) = (uint32_t)value;
}

static void add_u128(struct arena *a, struct vec *v, struct u128 value)
{
	*(struct u128 *)vec_add(a, v, sizeof(value)) = value;
}

struct pool_span pool_intervals(struct arena *a, struct interval_pool *p, bool is_wide,
                                const struct interval *i, size_t len)
{
	size_t at = is_wide ? p->lo128.len : p->lo32.len;

	for (size_t n = 0; n < len; n++) {
		if (is_wide) {
			add_u128(a, &p->lo128, i[n].lo);
			add_u128(a, &p->hi128, i[n].hi);
		} else {
			add_u32(a, &p->lo32, i[n].lo.lo);
			add_u32(a, &p->hi32, i[n].hi.lo);
		}
	}
	return (struct pool_span){ (uint32_t)at, (uint32_t)len };
}

uint32_t pool_bitmap(struct pools *p, uint32_t bits)
{
	uint32_t at = (uint32_t)p->bitmap.len;

	for (uint32_t i = 0; i < bits; i += 64) {
		vec_add(p->arena, &p->bitmap, sizeof(uint64_t));
	}
	return at;
}

void pool_bitmap_set(struct pools *p, uint32_t at, uint64_t bit)
{
	((uint64_t *)p->bitmap.items)[at + bit / 64] |= UINT64_C(1) << (bit % 64);
}

uint32_t pool_set(struct pools *p, struct live_set *s)
{
	if (s == NULL) {
		arena_fail(p->arena);
	}
	*(struct live_set **)vec_add(p->arena, &p->sets, sizeof(s)) = s;
	return (uint32_t)p->sets.len - 1;
}

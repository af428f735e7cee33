/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values to what the evaluator compares with. One interval is compared directly; of 8-bit fields a
 * bitmap says for each value whether it matches, so that every spelling of a test of TCP flags
 * costs the same; ports become a bitmap when there are many; all else is searched in sorted
 * intervals.
 */
#include "operand.h"

#include "elements.h"
#include "live_set.h"

#include <stdlib.h>
#include <string.h>

#define TREE_FROM   64 /* intervals of addresses and the like from which on a tree is faster */
#define BITMAP_FROM 16 /* intervals of ports from which on a bitmap of 8 KiB is worth it */

void pools_init(struct pools *p, struct arena *a, const struct config *c)
{
	*p = (struct pools){ .arena = a };
	p->of_set = arena_alloc(a, (c->sets_len + 1) * sizeof(*p->of_set));
	p->has_set = arena_alloc(a, c->sets_len + 1);
	p->maps.of_map = arena_alloc(a, (c->maps_len + 1) * sizeof(*p->maps.of_map));
}

void pools_fini(struct pools *p)
{
	struct live_set **s = p->sets.items;

	for (size_t i = 0; i < p->sets.len; i++) {
		live_set_put(s[i]);
	}
}

/* A pool of intervals being filled; the checker has seen to it that values convert. */
struct gather {
	struct pools *pools;
	const struct dtype *type;
	struct vec intervals;
};

static bool gather_element(void *ctx, const struct value *v)
{
	struct gather *g = ctx;
	struct interval *i = vec_add(g->pools->arena, &g->intervals, sizeof(*i));
	char problem[8];

	value_interval(g->type, v, i, problem, sizeof(problem));
	return true;
}

/* Sorts and joins what overlaps or touches. */
static void merge(struct pools *p, struct vec *v)
{
	intervals_sort(v->items, v->len, arena_alloc(p->arena, v->len * sizeof(struct interval)));
	v->len = intervals_join(v->items, v->len, JOIN_TOUCHING);
}

static uint32_t bitmap_new(struct pools *p, uint32_t bits)
{
	uint32_t at = (uint32_t)p->bitmap.len;

	for (uint32_t i = 0; i < bits; i += 64) {
		vec_add(p->arena, &p->bitmap, sizeof(uint64_t));
	}
	return at;
}

static void bitmap_set(struct pools *p, uint32_t at, uint64_t bit)
{
	((uint64_t *)p->bitmap.items)[at + bit / 64] |= UINT64_C(1) << (bit % 64);
}

static uint32_t add_set32(struct pools *p, const struct vec *intervals)
{
	const struct interval *i = intervals->items;
	struct pool_set *s = vec_add(p->arena, &p->set32, sizeof(*s));

	*s = (struct pool_set){ (uint32_t)p->lo32.len, (uint32_t)intervals->len };
	for (size_t n = 0; n < intervals->len; n++) {
		*(uint32_t *)vec_add(p->arena, &p->lo32, sizeof(uint32_t)) = (uint32_t)i[n].lo.lo;
		*(uint32_t *)vec_add(p->arena, &p->hi32, sizeof(uint32_t)) = (uint32_t)i[n].hi.lo;
	}
	return (uint32_t)p->set32.len - 1;
}

static uint32_t add_set128(struct pools *p, const struct vec *intervals)
{
	const struct interval *i = intervals->items;
	struct pool_set *s = vec_add(p->arena, &p->set128, sizeof(*s));

	*s = (struct pool_set){ (uint32_t)p->lo128.len, (uint32_t)intervals->len };
	for (size_t n = 0; n < intervals->len; n++) {
		*(struct u128 *)vec_add(p->arena, &p->lo128, sizeof(struct u128)) = i[n].lo;
		*(struct u128 *)vec_add(p->arena, &p->hi128, sizeof(struct u128)) = i[n].hi;
	}
	return (uint32_t)p->set128.len - 1;
}

/* A set as a tree; takes the reference over. */
static struct operand of_tree(struct pools *p, const struct dtype *type, struct live_set *s)
{
	struct live_set **slot;

	if (s == NULL) {
		arena_fail(p->arena);
	}
	slot = vec_add(p->arena, &p->sets, sizeof(struct live_set *));
	*slot = s;
	return (struct operand){ .op = type->bits == 128 ? RS_TREE128 : RS_TREE32,
		                 .a = (uint32_t)p->sets.len - 1 };
}

/* Intervals, sorted and merged, in the form that is cheapest to look at. */
static struct operand of_intervals(struct pools *p, const struct dtype *type,
                                   const struct vec *intervals)
{
	const struct interval *i = intervals->items;
	struct operand o = { .op = RS_MASKED, .a = 0, .b = 1 }; /* matches nothing */

	if (intervals->len == 0) {
		return o;
	}
	if (intervals->len >= TREE_FROM && type->bits >= 32) {
		return of_tree(p, type,
		               live_set_new(type->bits == 128, intervals->items, intervals->len));
	}
	if (type->bits == 128) {
		return (struct operand){ .op = RS_SET128, .a = add_set128(p, intervals) };
	}
	if (intervals->len == 1) {
		return (struct operand){ .op = RS_RANGE,
			                 .a = (uint32_t)i->lo.lo,
			                 .b = (uint32_t)(i->hi.lo - i->lo.lo) };
	}
	if (type->bits == 32 || (type->bits == 16 && intervals->len <= BITMAP_FROM)) {
		return (struct operand){ .op = RS_SET32, .a = add_set32(p, intervals) };
	}
	o = (struct operand){ .op = RS_BITMAP, .a = bitmap_new(p, UINT32_C(1) << type->bits) };
	for (size_t n = 0; n < intervals->len; n++) {
		for (uint64_t bit = i[n].lo.lo; bit <= i[n].hi.lo; bit++) {
			bitmap_set(p, o.a, bit);
		}
	}
	return o;
}

static struct operand of_list(struct pools *p, const struct dtype *type, const struct value *v)
{
	struct gather g = { .pools = p, .type = type };

	if (v != NULL) {
		value_each(v, gather_element, &g);
	}
	merge(p, &g.intervals);
	return of_intervals(p, type, &g.intervals);
}

/* The interval that "< 5" and the like stand for. */
static struct operand of_relation(const struct dtype *type, enum relation rel,
                                  const struct value *v)
{
	char problem[8];
	struct interval i = { { 0, 0 }, { 0, 0 } };
	uint32_t max = type->bits == 32 ? UINT32_MAX : (UINT32_C(1) << type->bits) - 1;
	struct operand none = { .op = RS_MASKED, .a = 0, .b = 1 };
	uint32_t n;

	value_interval(type, v, &i, problem, sizeof(problem));
	n = (uint32_t)i.lo.lo;
	switch (rel) {
	case REL_LT:
		return n == 0 ? none : (struct operand){ .op = RS_RANGE, .a = 0, .b = n - 1 };
	case REL_LE:
		return (struct operand){ .op = RS_RANGE, .a = 0, .b = (uint32_t)i.hi.lo };
	case REL_GT:
		n = (uint32_t)i.hi.lo;
		return n == max ? none
		                : (struct operand){ .op = RS_RANGE, .a = n + 1, .b = max - n - 1 };
	default:
		return (struct operand){ .op = RS_RANGE, .a = n, .b = max - n };
	}
}

/* The elements of a set that never changes. */
static struct operand of_constant_set(struct pools *p, const struct set *s)
{
	const struct rs_tree *t = rs_set_tree(&s->live->set);
	struct interval *part = arena_alloc(p->arena, TREE_WALK_LEN * sizeof(*part));
	struct tree_cursor at = { 0 };
	struct vec intervals = { 0 };
	uint32_t len;

	if (t->len >= TREE_FROM && s->type->bits >= 32) {
		return of_tree(p, s->type, live_set_get(s->live));
	}
	while ((len = tree_walk(t, &at, part)) > 0) {
		for (uint32_t i = 0; i < len; i++) {
			*(struct interval *)vec_add(p->arena, &intervals, sizeof(*part)) = part[i];
		}
	}
	intervals.len = intervals_join(intervals.items, intervals.len, JOIN_TOUCHING);
	return of_intervals(p, s->type, &intervals);
}

static struct operand of_named_set(struct pools *p, const struct set *s)
{
	if (p->has_set[s->nr] == 0) {
		p->of_set[s->nr] = s->is_constant ? of_constant_set(p, s)
		                                  : of_tree(p, s->type, live_set_get(s->live));
		p->has_set[s->nr] = 1;
	}
	return p->of_set[s->nr];
}

/* The mask of name patterns, in the order of the configuration. */
struct names {
	const struct config *c;
	uint64_t mask;
};

static bool add_name(void *ctx, const struct value *v)
{
	struct names *names = ctx;
	const char **known = names->c->patterns.items;

	for (size_t i = 0; i < names->c->patterns.len; i++) {
		if (strcmp(known[i], v->text) == 0) {
			names->mask |= UINT64_C(1) << i;
		}
	}
	return true;
}

static struct operand of_names(const struct config *c, const struct match *m)
{
	struct names names = { .c = c };
	const struct value *v = m->set != NULL ? m->set->elements : m->value;

	if (v != NULL) {
		value_each(v, add_name, &names);
	}
	return (struct operand){ .op = RS_IFACE,
		                 .a = (uint32_t)names.mask,
		                 .b = (uint32_t)(names.mask >> 32) };
}

static uint32_t bits_of(const struct dtype *type, const struct value *v)
{
	struct interval i = { { 0, 0 }, { 0, 0 } };
	char problem[8];

	value_interval(type, v, &i, problem, sizeof(problem));
	return (uint32_t)i.lo.lo;
}

/* A set of bit patterns, of which one must be there exactly. */
struct exact {
	const struct dtype *type;
	uint32_t x;
	bool is_found;
};

static bool compare_exact(void *ctx, const struct value *v)
{
	struct exact *e = ctx;

	e->is_found = bits_of(e->type, v) == e->x;
	return !e->is_found;
}

/* Whether flags x fit: nftables' meaning of every spelling; finwall.conf(5) has the table. */
static bool bits_fit(const struct match *m, uint32_t x)
{
	const struct dtype *type = m->sel->type;
	struct exact e = { type, m->mask != NULL ? x & bits_of(type, m->mask) : x, false };
	uint32_t v;

	if (m->value->kind == VALUE_SET) {
		value_each(m->value, compare_exact, &e);
		return e.is_found != (m->rel == REL_NE);
	}
	if (m->value->kind == VALUE_NUMBER) {
		v = (uint32_t)m->value->number;
	} else {
		v = bits_of(type, m->value);
	}
	switch (m->rel) {
	case REL_NE:
		return e.x != v;
	case REL_EQ:
		return e.x == v;
	case REL_NOT:
		return (x & v) == 0;
	default:
		return m->mask != NULL || v == 0 ? e.x == v : (x & v) != 0;
	}
}

static struct operand of_flags(struct pools *p, const struct match *m)
{
	struct operand o = { .op = RS_BITMAP, .a = bitmap_new(p, 256) };

	for (uint32_t x = 0; x < 256; x++) {
		if (bits_fit(m, x)) {
			bitmap_set(p, o.a, x);
		}
	}
	return o;
}

static struct operand of_states(const struct match *m)
{
	struct operand o = { 0 };

	for (unsigned state = 0; state < CT_STATES_LEN; state++) {
		if (bits_fit(m, 1u << state)) {
			o.statics |= 1u << state;
		}
	}
	return o;
}

/* nfproto: which families match. */
struct families {
	uint32_t found;
};

static bool add_family(void *ctx, const struct value *v)
{
	struct families *f = ctx;

	f->found |= bits_of(&dtype_nfproto, v) == 2 ? 1u << RS_FAMILY_IP : 1u << RS_FAMILY_IP6;
	return true;
}

static struct operand of_nfproto(const struct match *m)
{
	struct families f = { 0 };

	value_each(m->value, add_family, &f);
	if (m->rel == REL_NE) {
		f.found ^= 1u << RS_FAMILY_IP | 1u << RS_FAMILY_IP6;
	}
	return (struct operand){ .statics = f.found };
}

static struct operand of_match(struct pools *p, const struct config *c, const struct match *m)
{
	const struct dtype *type = m->sel->type;
	struct operand o;

	if (m->sel->kind == SEL_CT_STATE) {
		return of_states(m);
	}
	if (m->sel->kind == SEL_NFPROTO) {
		return of_nfproto(m);
	}
	if (m->sel->kind == SEL_IFACE) {
		o = of_names(c, m);
	} else if (type->is_bitmask) {
		return of_flags(p, m);
	} else if (m->set != NULL) {
		o = of_named_set(p, m->set);
	} else if (m->mask != NULL) {
		o = (struct operand){ .op = RS_MASKED,
			              .a = bits_of(type, m->mask),
			              .b = bits_of(type, m->value) };
	} else if (m->rel == REL_LT || m->rel == REL_LE || m->rel == REL_GT || m->rel == REL_GE) {
		return of_relation(type, m->rel, m->value);
	} else {
		o = of_list(p, type, m->value);
	}
	o.is_negated = m->rel == REL_NE;
	return o;
}

static struct operand of_limit(struct pools *p, const struct limit *l)
{
	struct pool_bucket *b = vec_add(p->arena, &p->buckets, sizeof(*b));
	uint64_t slack_max = INT64_MAX / 2;

	b->interval_ns = l->period_sec * (uint64_t)NSEC_PER_SEC / l->rate;
	b->slack_ns = l->burst - 1 > slack_max / b->interval_ns ? slack_max
	                                                        : (l->burst - 1) * b->interval_ns;
	return (struct operand){ .op = RS_LIMIT,
		                 .is_negated = l->is_over,
		                 .a = (uint32_t)p->buckets.len - 1 };
}

struct operand operand_make(struct pools *p, const struct config *c, const struct stmt *s)
{
	struct rs_log *log;

	switch (s->kind) {
	case STMT_MATCH:
		return of_match(p, c, &s->match);
	case STMT_LIMIT:
		return of_limit(p, &s->limit);
	case STMT_LOG:
		log = vec_add(p->arena, &p->logs, sizeof(*log));
		*log = (struct rs_log){ s->log.prefix, s->log.level };
		return (struct operand){ .op = RS_LOG, .a = (uint32_t)p->logs.len - 1 };
	case STMT_VMAP:
	case STMT_MARK_MAP:
		if (s->lookup.sel->kind != SEL_FIELD && s->lookup.sel->kind != SEL_IFACE) {
			return (struct operand){ 0 };
		}
		return (struct operand){ .a = map_make(p, c, &s->lookup) };
	default:
		return (struct operand){ 0 };
	}
}

uint32_t pools_with_ports(struct pools *p)
{
	static const uint8_t protos[] = { IPPROTO_NR_TCP, IPPROTO_NR_UDP, 33, 132, 136 };

	if (p->with_ports == 0) {
		uint32_t at = bitmap_new(p, 256);

		for (size_t i = 0; i < sizeof(protos); i++) {
			bitmap_set(p, at, protos[i]);
		}
		p->with_ports = at + 1;
	}
	return p->with_ports - 1;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Matches to operands. One interval is compared directly. Fields of 8 bits get a bitmap with a bit
 * for each value, so that all ways to write a match of TCP flags cost the same; many ports get one
 * too. All else is searched in sorted intervals.
 */
#include "match.h"
#include "names.h"
#include "value.h"

#include <finwall/routes.h>

#define TREE_FROM   64 /* from this number of intervals of 32 bits or more a tree is faster */
#define BITMAP_FROM 16 /* above this number of intervals ports get a bitmap of 8 KiB */

/* Intervals of a list of values. The checker ensures that they convert. */
struct gather {
	struct pools *pools;
	const struct dtype *type;
	struct vec intervals;
};

static bool gather_element(void *ctx, const struct value *v)
{
	struct gather *g = ctx;
	struct interval *i = vec_add(g->pools->arena, &g->intervals, sizeof(*i));

	*i = value_checked(g->type, v);
	return true;
}

/* Sorts, and joins intervals that overlap or touch. */
static void merge(struct pools *p, struct vec *v)
{
	intervals_sort(v->items, v->len, arena_alloc(p->arena, v->len * sizeof(struct interval)));
	v->len = intervals_join(v->items, v->len, JOIN_ADJACENT);
}

/* A set as a tree; takes the reference over. */
static struct operand of_tree(struct pools *p, const struct dtype *type, struct live_set *s)
{
	return (struct operand){ .op = dtype_is_wide(type) ? RS_TREE128 : RS_TREE32,
		                 .a = pool_set(p, s) };
}

/* A small set: its place among the sets of its width. */
static uint32_t add_set(struct pools *p, bool is_wide, const struct vec *intervals)
{
	struct vec *sets = is_wide ? &p->set128 : &p->set32;
	struct pool_span *s = vec_add(p->arena, sets, sizeof(*s));

	*s = pool_intervals(p->arena, &p->intervals, is_wide, intervals->items, intervals->len);
	return (uint32_t)sets->len - 1;
}

/* Sorted and joined intervals, in the form that costs least to evaluate. */
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
		               live_set_new(dtype_is_wide(type), intervals->items, intervals->len));
	}
	if (dtype_is_wide(type)) {
		return (struct operand){ .op = RS_SET128, .a = add_set(p, true, intervals) };
	}
	if (intervals->len == 1) {
		return (struct operand){ .op = RS_RANGE,
			                 .a = (uint32_t)i->lo.lo,
			                 .b = (uint32_t)(i->hi.lo - i->lo.lo) };
	}
	if (type->bits > 16 || (type->bits == 16 && intervals->len <= BITMAP_FROM)) {
		return (struct operand){ .op = RS_SET32, .a = add_set(p, false, intervals) };
	}
	o = (struct operand){ .op = RS_BITMAP, .a = pool_bitmap(p, UINT32_C(1) << type->bits) };
	for (size_t n = 0; n < intervals->len; n++) {
		for (uint64_t bit = i[n].lo.lo; bit <= i[n].hi.lo; bit++) {
			pool_bitmap_set(p, o.a, bit);
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

/* The interval of a relation such as "< 5". */
static struct operand of_relation(const struct dtype *type, enum relation rel,
                                  const struct value *v)
{
	struct interval i = value_checked(type, v);
	uint32_t max = type->bits == 32 ? UINT32_MAX : (UINT32_C(1) << type->bits) - 1;
	struct operand none = { .op = RS_MASKED, .a = 0, .b = 1 };
	uint32_t n;

	n = (uint32_t)i.lo.lo;
	if (type == &dtype_time) {
		/* the moment at which a second begins: the seconds before, or from it on */
		rel = rel == REL_GT ? REL_GE : rel == REL_LE ? REL_LT : rel;
	}
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
	intervals.len = intervals_join(intervals.items, intervals.len, JOIN_ADJACENT);
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

	names->mask |= UINT64_C(1) << pattern_nr(names->c, v->text);
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

/* A search for an element that is equal to x. */
struct exact {
	const struct dtype *type;
	uint32_t x;
	bool is_found;
};

static bool compare_exact(void *ctx, const struct value *v)
{
	struct exact *e = ctx;

	e->is_found = value_number(e->type, v) == e->x;
	return !e->is_found;
}

/* Whether flags x match, with the meaning that each form has in nft: see finwall.conf(5). */
static bool bits_fit(const struct match *m, uint32_t x)
{
	const struct dtype *type = m->sel->type;
	const struct value *value = value_only(m->value);
	struct exact e = { type, m->mask != NULL ? x & value_number(type, m->mask) : x, false };
	uint32_t v;

	if (value->kind == VALUE_SET) {
		value_each(value, compare_exact, &e);
		return e.is_found != (m->rel == REL_NE);
	}
	if (value->kind == VALUE_NUMBER) {
		v = (uint32_t)value->number;
	} else {
		v = value_number(type, value);
	}
	switch (m->rel) {
	case REL_LT:
		return e.x < v;
	case REL_LE:
		return e.x <= v;
	case REL_GT:
		return e.x > v;
	case REL_GE:
		return e.x >= v;
	case REL_NE:
		return e.x != v;
	case REL_EQ:
		return e.x == v;
	case REL_NOT:
		return (x & v) == 0;
	default:
		return m->mask != NULL ? e.x == v : (x & v) != 0;
	}
}

static struct operand of_flags(struct pools *p, const struct match *m)
{
	struct operand o = { .op = RS_BITMAP, .a = pool_bitmap(p, 256) };

	for (uint32_t x = 0; x < 256; x++) {
		if (bits_fit(m, x)) {
			pool_bitmap_set(p, o.a, x);
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

uint32_t match_family_number(const struct dtype *type, enum rs_family family)
{
	if (type == &dtype_ethertype) {
		return family == RS_FAMILY_IP ? ETHERTYPE_NR_IP : ETHERTYPE_NR_IP6;
	}
	return family == RS_FAMILY_IP ? NFPROTO_NR_IPV4 : NFPROTO_NR_IPV6;
}

/* nfproto and protocol: which families match. */
struct families {
	const struct match *match;
	uint32_t found;
};

static bool family_fits_value(const struct match *m, const struct value *v, uint32_t number)
{
	const struct interval i = value_checked(m->sel->type, v);

	switch (m->rel) {
	case REL_LT:
		return number < i.lo.lo;
	case REL_LE:
		return number <= i.hi.lo;
	case REL_GT:
		return number > i.hi.lo;
	case REL_GE:
		return number >= i.lo.lo;
	default:
		return i.lo.lo <= number && number <= i.hi.lo;
	}
}

static bool add_family(void *ctx, const struct value *v)
{
	struct families *f = ctx;

	for (unsigned family = RS_FAMILY_IP; family < RS_FAMILIES_LEN; family++) {
		uint32_t number = match_family_number(f->match->sel->type, family);

		if (family_fits_value(f->match, v, number)) {
			f->found |= 1u << family;
		}
	}
	return true;
}

static struct operand of_families(const struct match *m)
{
	struct families f = { m, 0 };

	value_each(m->value, add_family, &f);
	if (m->rel == REL_NE) {
		f.found ^= 1u << RS_FAMILY_IP | 1u << RS_FAMILY_IP6;
	}
	return (struct operand){ .statics = f.found };
}

/* `field & mask == value`: one comparison. */
static bool is_plain_mask(const struct match *m)
{
	const struct value *v = value_only(m->value);

	return (m->rel == REL_EQ || m->rel == REL_NE || m->rel == REL_IMPLICIT) &&
	       v->kind != VALUE_SET && v->kind != VALUE_NAME && v->kind != VALUE_RANGE;
}

/* A comparison of 128 bits under a mask. */
static struct operand of_wide_mask(struct pools *p, const struct match *m)
{
	const struct u128 mask = value_checked(m->sel->type, m->mask).lo;
	const struct u128 value = value_checked(m->sel->type, m->value).lo;
	const struct interval i = { mask, value };
	struct pool_span *s;

	s = vec_add(p->arena, &p->set128, sizeof(*s));
	*s = pool_intervals(p->arena, &p->intervals, true, &i, 1);
	s->len = 0;
	return (struct operand){ .op = RS_SET128, .a = (uint32_t)p->set128.len - 1 };
}

/* Bytes of a field in a packet; 0 for the mark, which is a number of this host. */
static uint8_t field_size(const struct selector *sel)
{
	return sel->field == RS_F_MARK || sel->field == RS_F_CT_MARK
	               ? 0
	               : (uint8_t)((sel->type->bits + 7) / 8);
}

uint32_t load_make(struct pools *p, const struct selector *sel, const struct value *mask)
{
	const struct load *from = sel->load;
	struct rs_load *l = vec_add(p->arena, &p->loads, sizeof(*l));

	l->mask = mask != NULL ? value_number(sel->type, mask) : UINT32_MAX;
	if (from == NULL) {
		l->kind = RS_LOAD_FIELD;
		l->field[0] = (uint8_t)sel->field;
		return (uint32_t)p->loads.len;
	}
	l->kind = (uint8_t)from->kind;
	p->needs_routes |= from->kind == RS_LOAD_FIB_TYPE  ? ROUTES_IP4_LOCAL | ROUTES_IP6
	                   : from->kind == RS_LOAD_FIB_OIF ? ROUTES_IP4 | ROUTES_IP6
	                   : from->kind == RS_LOAD_LINK    ? ROUTES_LINKS
	                                                   : 0;
	l->bits = from->bits;
	l->offset = from->offset;
	l->mod = from->mod;
	l->plus = from->plus;
	l->seed = from->seed;
	l->fields_len = from->fields_len;
	for (unsigned i = 0; i < from->fields_len; i++) {
		l->field[i] = (uint8_t)from->field[i]->field;
		l->network_size[i] = field_size(from->field[i]);
	}
	return (uint32_t)p->loads.len;
}

/* The bitmap of the types that have a field of ICMP, plus one; 0 = all have it. */
static uint32_t types_make(struct pools *p, const struct selector *sel)
{
	uint32_t at;

	if (sel->icmp_types == NULL) {
		return 0;
	}
	at = pool_bitmap(p, 256);
	for (unsigned i = 1; i <= sel->icmp_types[0]; i++) {
		pool_bitmap_set(p, at, sel->icmp_types[i]);
	}
	return at + 1;
}

/* What a connection has carried: an interval of 64 bits. */
static struct operand of_account(struct pools *p, const struct match *m)
{
	struct rs_account *a = vec_add(p->arena, &p->accounts, sizeof(*a));
	const struct interval i = value_checked(m->sel->type, m->value);
	bool is_negated = m->rel == REL_NE || m->rel == REL_LT || m->rel == REL_GT;

	*a = (struct rs_account){ .lo = i.lo.lo,
		                  .hi = i.hi.lo,
		                  .what = m->sel->icmp_types[0],
		                  .dirs = m->sel->icmp_types[1] };
	if (m->rel == REL_LT || m->rel == REL_GE) { /* not >= */
		a->hi = UINT64_MAX;
	} else if (m->rel == REL_GT || m->rel == REL_LE) {
		a->lo = 0;
	}
	return (struct operand){ .op = RS_CT_ACCOUNT,
		                 .is_negated = is_negated,
		                 .a = (uint32_t)p->accounts.len - 1 };
}

struct operand match_make(struct pools *p, const struct config *c, const struct match *m)
{
	const struct dtype *type = m->sel->type;
	uint32_t load = 0;
	struct operand o;

	if (m->sel->load != NULL ||
	    (m->mask != NULL && !dtype_is_wide(type) && !type->is_bitmask && !is_plain_mask(m))) {
		load = load_make(p, m->sel, m->mask);
	}
	if (m->sel->kind == SEL_CT_STATE) {
		return of_states(m);
	}
	if (m->sel->kind == SEL_NFPROTO) {
		return of_families(m);
	}
	if (m->sel->kind == SEL_ACCOUNT) {
		return of_account(p, m);
	}
	if (m->keyed != NULL || (m->set != NULL && m->set->keyed != NULL)) {
		struct live_keyed *live = m->keyed != NULL ? m->keyed : m->set->keyed;

		o = (struct operand){ .op = RS_KEY,
			              .a = key_make(p, m->sel, live,
			                            m->set != NULL && m->set->is_changed) };
	} else if (m->sel->kind == SEL_IFACE) {
		o = of_names(c, m);
	} else if (type->is_bitmask) {
		return of_flags(p, m);
	} else if (m->set != NULL) {
		o = of_named_set(p, m->set);
	} else if (m->mask != NULL && dtype_is_wide(type)) {
		o = of_wide_mask(p, m);
	} else if (m->mask != NULL && load == 0) {
		o = (struct operand){ .op = RS_MASKED,
			              .a = value_number(type, m->mask),
			              .b = value_number(type, m->value) };
	} else if (m->rel == REL_LT || m->rel == REL_LE || m->rel == REL_GT || m->rel == REL_GE) {
		o = of_relation(type, m->rel, m->value);
	} else {
		o = of_list(p, type, m->value);
	}
	o.is_negated = m->rel == REL_NE;
	o.load = load;
	o.types = types_make(p, m->sel);
	return o;
}

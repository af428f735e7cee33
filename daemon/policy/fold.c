/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Folds of lists: see fold.h. A rule is put into the table of one field: of the matches at its
 * beginning the one that fewest other rules have too. Matches have no effect, so a rule one of
 * whose first matches fails may be skipped. Not by the mark: rules change it.
 */
#include "fold.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX    6
#define LIST_PER_RULE 16 /* entries of a table for each of its rules, at most */

/* A match that a rule can be found by. */
struct handle {
	uint32_t rule;
	struct rs_insn insn; /* without `next` */
	uint32_t twins;      /* rules that have the same match */
};

/* A field, by what instructions that read it have in common. */
struct field_plan {
	struct rs_insn like;
	bool is_wide;
	bool is_name;
	uint32_t rules_len;
	struct vec ends;  /* struct u128: where parts begin */
	struct vec spans; /* struct span */
};

/* An interval of values in which a rule can match. */
struct span {
	struct interval i;
	uint32_t rule;
};

struct plan {
	struct pools *p;
	const struct fold_list *l;
	struct vec handles;  /* struct handle */
	uint32_t *handle_of; /* of each rule: + 1; 0 = none */
	struct field_plan field[FIELDS_MAX];
	uint32_t fields_len;
};

static enum rs_field field_of(const struct rs_insn *i)
{
	return (enum rs_field)(i->op & 0xf);
}

/* A list of no intervals is a mask and a value. */
static bool is_mask(const struct pools *p, const struct rs_insn *i)
{
	return ((const struct pool_span *)p->set128.items)[i->a].len == 0;
}

static bool is_handle(const struct pools *p, const struct rs_insn *i)
{
	switch (i->op & 0xf0) {
	case RS_RANGE:
	case RS_SET32:
	case RS_IFACE:
		break;
	case RS_SET128:
		if (is_mask(p, i)) {
			return false;
		}
		break;
	default:
		return false;
	}
	switch (field_of(i)) {
	case RS_F_SADDR:
	case RS_F_DADDR:
	case RS_F_SPORT:
	case RS_F_DPORT:
	case RS_F_L4PROTO:
	case RS_F_ICMP_TYPE:
	case RS_F_TTL:
	case RS_F_LENGTH:
	case RS_F_IIF:
	case RS_F_OIF:
		return !i->negated;
	default:
		return false;
	}
}

static int compare_insns(const struct rs_insn *a, const struct rs_insn *b)
{
	return memcmp(a, b, sizeof(*a));
}

static int compare_handles(const void *a, const void *b)
{
	const struct handle *x = a;
	const struct handle *y = b;
	int by_insn = compare_insns(&x->insn, &y->insn);

	return by_insn != 0 ? by_insn : (x->rule < y->rule ? -1 : x->rule > y->rule);
}

/* Gathers the matches at the beginning of each rule. */
static void find_handles(struct plan *p)
{
	const struct fold_list *l = p->l;
	struct handle *h;

	for (uint32_t r = 0; r < l->rules_len; r++) {
		uint32_t end = r + 1 < l->rules_len ? l->starts[r + 1] : l->end;

		for (uint32_t i = l->starts[r]; i < end && l->code[i].op < RS_LIMIT; i++) {
			if (is_handle(p->p, &l->code[i])) {
				h = vec_add(p->p->arena, &p->handles, sizeof(*h));
				*h = (struct handle){ .rule = r, .insn = l->code[i] };
				h->insn.next = 0;
			}
		}
	}
	h = p->handles.items;
	if (p->handles.len != 0) {
		qsort(h, p->handles.len, sizeof(*h), compare_handles);
	}
	for (size_t from = 0, to = 0; from < p->handles.len; from = to) {
		while (to < p->handles.len && compare_insns(&h[from].insn, &h[to].insn) == 0) {
			to++;
		}
		for (size_t i = from; i < to; i++) {
			h[i].twins = (uint32_t)(to - from);
		}
	}
}

static void choose_handles(struct plan *p)
{
	const struct handle *h = p->handles.items;

	p->handle_of = arena_alloc(p->p->arena, (p->l->rules_len + 1) * sizeof(*p->handle_of));
	for (uint32_t i = 0; i < p->handles.len; i++) {
		uint32_t *best = &p->handle_of[h[i].rule];

		if (*best == 0 || h[i].twins < h[*best - 1].twins) {
			*best = i + 1;
		}
	}
}

static bool is_wide(const struct rs_insn *i)
{
	return (i->op & 0xf0) == RS_SET128;
}

/* The table of the field that the instruction reads; NULL when there are too many. */
static struct field_plan *plan_of(struct plan *p, const struct rs_insn *i)
{
	uint32_t nr = 0;

	for (; nr < p->fields_len; nr++) {
		const struct field_plan *f = &p->field[nr];

		if (field_of(&f->like) == field_of(i) && f->like.proto == i->proto &&
		    f->like.reach == i->reach && f->is_wide == is_wide(i)) {
			return &p->field[nr];
		}
	}
	if (nr == FIELDS_MAX) {
		return NULL;
	}
	p->fields_len++;
	p->field[nr] = (struct field_plan){ .like = *i,
		                            .is_wide = is_wide(i),
		                            .is_name = (i->op & 0xf0) == RS_IFACE };
	return &p->field[nr];
}

static void add_span(struct plan *p, struct field_plan *f, uint32_t rule, struct u128 lo,
                     struct u128 hi)
{
	struct span *s = vec_add(p->p->arena, &f->spans, sizeof(*s));

	*s = (struct span){ { lo, hi }, rule };
	*(struct u128 *)vec_add(p->p->arena, &f->ends, sizeof(lo)) = lo;
	if (!u128_is_max(hi)) {
		*(struct u128 *)vec_add(p->p->arena, &f->ends, sizeof(lo)) = u128_inc(hi);
	}
}

/* The values of a match. */
static void add_spans(struct plan *p, struct field_plan *f, uint32_t rule, const struct rs_insn *i)
{
	const struct interval_pool *pool = &p->p->intervals;
	uint64_t names = (uint64_t)i->b << 32 | i->a;
	const struct pool_span *set;

	switch (i->op & 0xf0) {
	case RS_RANGE:
		add_span(p, f, rule, (struct u128){ 0, i->a },
		         (struct u128){ 0, (uint64_t)i->a + i->b });
		break;
	case RS_SET32:
		set = (const struct pool_span *)p->p->set32.items + i->a;
		for (uint32_t n = set->at; n < set->at + set->len; n++) {
			add_span(p, f, rule,
			         (struct u128){ 0, ((const uint32_t *)pool->lo32.items)[n] },
			         (struct u128){ 0, ((const uint32_t *)pool->hi32.items)[n] });
		}
		break;
	case RS_SET128:
		set = (const struct pool_span *)p->p->set128.items + i->a;
		for (uint32_t n = set->at; n < set->at + set->len; n++) {
			add_span(p, f, rule, ((const struct u128 *)pool->lo128.items)[n],
			         ((const struct u128 *)pool->hi128.items)[n]);
		}
		break;
	default:
		for (; names != 0; names &= names - 1) {
			struct u128 nr = { 0, (uint64_t)__builtin_ctzll(names) };

			add_span(p, f, rule, nr, nr);
		}
	}
}

/* Puts the rules into the tables of their fields. */
static void fill_fields(struct plan *p)
{
	const struct handle *h = p->handles.items;

	for (uint32_t r = 0; r < p->l->rules_len; r++) {
		const struct handle *one = p->handle_of[r] != 0 ? &h[p->handle_of[r] - 1] : NULL;
		struct field_plan *f = one != NULL ? plan_of(p, &one->insn) : NULL;

		if (f == NULL) {
			p->handle_of[r] = 0;
			continue;
		}
		f->rules_len++;
		add_spans(p, f, r, &one->insn);
	}
}

static int compare_u128(const void *a, const void *b)
{
	return u128_cmp(*(const struct u128 *)a, *(const struct u128 *)b);
}

/* The places where parts begin, each once, from 0 on. Names: one part for each. */
static void divide(struct plan *p, struct field_plan *f)
{
	struct u128 *at;
	size_t kept = 0;

	if (f->is_name) {
		f->ends.len = 0;
		for (uint64_t nr = 0; nr < RS_PATTERNS_MAX; nr++) {
			*(struct u128 *)vec_add(p->p->arena, &f->ends, sizeof(*at)) =
				(struct u128){ 0, nr };
		}
		return;
	}
	*(struct u128 *)vec_add(p->p->arena, &f->ends, sizeof(*at)) = (struct u128){ 0, 0 };
	at = f->ends.items;
	qsort(at, f->ends.len, sizeof(*at), compare_u128);
	for (size_t i = 0; i < f->ends.len; i++) {
		/* behind the last 32-bit value is no part */
		bool is_beyond = !f->is_wide && at[i].lo > UINT32_MAX;

		if (!is_beyond && (kept == 0 || u128_cmp(at[kept - 1], at[i]) != 0)) {
			at[kept++] = at[i];
		}
	}
	f->ends.len = kept;
}

/* The part that a value is in. */
static size_t part_of(const struct field_plan *f, struct u128 v)
{
	const struct u128 *at = f->ends.items;
	size_t nr = 0;

	for (size_t len = f->ends.len; len > 1; len -= len / 2) {
		if (u128_cmp(at[nr + len / 2], v) <= 0) {
			nr += len / 2;
		}
	}
	return nr;
}

/* Counts the entries of each part, then writes them. Returns false when they are too many. */
static bool list_rules(struct plan *p, struct field_plan *f, uint32_t *list_at, uint32_t **list)
{
	const struct span *s = f->spans.items;
	size_t parts = f->ends.len;
	uint64_t sum = 0;
	uint32_t *fill;

	for (size_t i = 0; i < f->spans.len; i++) {
		size_t to = part_of(f, s[i].i.hi);

		for (size_t part = part_of(f, s[i].i.lo); part <= to; part++) {
			list_at[part + 1]++;
			sum++;
		}
		if (sum > (uint64_t)f->rules_len * LIST_PER_RULE + f->spans.len) {
			return false;
		}
	}
	for (size_t part = 0; part < parts; part++) {
		list_at[part + 1] += list_at[part];
	}
	*list = arena_alloc(p->p->arena, (sum + 1) * sizeof(**list));
	fill = arena_alloc(p->p->arena, (parts + 1) * sizeof(*fill));
	/* spans are in the order of rules */
	for (size_t i = 0; i < f->spans.len; i++) {
		size_t to = part_of(f, s[i].i.hi);

		for (size_t part = part_of(f, s[i].i.lo); part <= to; part++) {
			(*list)[list_at[part] + fill[part]++] = s[i].rule;
		}
	}
	return true;
}

static uint32_t add_words(struct pools *p, const uint32_t *words, size_t len)
{
	uint32_t at = (uint32_t)p->fold_words.len;

	for (size_t i = 0; i < len; i++) {
		*(uint32_t *)vec_add(p->arena, &p->fold_words, sizeof(*words)) = words[i];
	}
	return at;
}

/* Adds the table of a field. Returns false when it is too large: its rules are in no table. */
static bool add_field(struct plan *p, struct field_plan *f)
{
	struct pools *pools = p->p;
	struct pool_fold_field *out;
	uint32_t *list_at;
	uint32_t *list;

	divide(p, f);
	list_at = arena_alloc(pools->arena, (f->ends.len + 1) * sizeof(*list_at));
	if (!list_rules(p, f, list_at, &list)) {
		return false;
	}
	out = vec_add(pools->arena, &pools->fold_fields, sizeof(*out));
	out->field = (struct rs_fold_field){
		.field = (uint8_t)field_of(&f->like),
		.proto = f->like.proto,
		.reach = f->like.reach,
		.is_wide = f->is_wide,
		.parts_len = (uint32_t)f->ends.len,
	};
	out->list_at = add_words(pools, list_at, f->ends.len + 1);
	out->list = add_words(pools, list, list_at[f->ends.len]);
	out->from = (uint32_t)(f->is_wide ? pools->fold_wide.len : pools->fold_words.len);
	for (size_t i = 0; i < f->ends.len; i++) {
		const struct u128 from = ((const struct u128 *)f->ends.items)[i];

		if (f->is_wide) {
			*(struct u128 *)vec_add(pools->arena, &pools->fold_wide, sizeof(from)) =
				from;
		} else {
			*(uint32_t *)vec_add(pools->arena, &pools->fold_words, sizeof(uint32_t)) =
				(uint32_t)from.lo;
		}
	}
	return true;
}

/* Rules in no table, and where the instructions are. */
static void add_rest(struct plan *p, struct pool_fold *out)
{
	const struct fold_list *l = p->l;
	uint32_t *words = arena_alloc(p->p->arena, (l->rules_len + 1) * sizeof(*words));
	uint32_t next = UINT32_MAX;

	words[l->rules_len] = next;
	for (uint32_t r = l->rules_len; r > 0; r--) {
		next = p->handle_of[r - 1] == 0 ? r - 1 : next;
		words[r - 1] = next;
	}
	out->other = add_words(p->p, words, l->rules_len + 1);
	for (uint32_t r = 0; r < l->rules_len; r++) {
		words[r] = l->starts[r] - l->starts[0] + r;
	}
	out->at = add_words(p->p, words, l->rules_len);
}

static void drop_field(struct plan *p, const struct field_plan *f)
{
	const struct handle *h = p->handles.items;

	for (uint32_t r = 0; r < p->l->rules_len; r++) {
		if (p->handle_of[r] != 0 && plan_of(p, &h[p->handle_of[r] - 1].insn) == f) {
			p->handle_of[r] = 0;
		}
	}
}

/* Whether rules are in tables, and their matches differ. */
static bool is_worth_it(const struct plan *p, uint32_t rules_least)
{
	const struct handle *h = p->handles.items;
	uint32_t found = 0;
	uint64_t twins = 0;

	for (uint32_t r = 0; r < p->l->rules_len; r++) {
		if (p->handle_of[r] != 0) {
			found++;
			twins += h[p->handle_of[r] - 1].twins;
		}
	}
	if (rules_least < FOLD_RULES_LEAST) {
		return found != 0; /* a test */
	}
	return found >= rules_least && found * 2 > p->l->rules_len &&
	       twins < (uint64_t)found * found / 4;
}

uint32_t fold_make(struct pools *pools, const struct fold_list *l, uint32_t rules_least)
{
	struct plan p = { .p = pools, .l = l };
	struct pool_fold fold = { .fields_at = (uint32_t)pools->fold_fields.len };

	find_handles(&p);
	choose_handles(&p);
	if (!is_worth_it(&p, rules_least)) {
		return UINT32_MAX;
	}
	fill_fields(&p);
	for (uint32_t i = 0; i < p.fields_len; i++) {
		if (add_field(&p, &p.field[i])) {
			fold.fold.fields_len++;
		} else {
			drop_field(&p, &p.field[i]);
		}
	}
	fold.fold.rules_len = l->rules_len;
	add_rest(&p, &fold);
	*(struct pool_fold *)vec_add(pools->arena, &pools->folds, sizeof(fold)) = fold;
	return (uint32_t)pools->folds.len - 1;
}

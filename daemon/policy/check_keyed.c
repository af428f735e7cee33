/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of concatenations, of elements with options and of rules that change sets; and the tables
 * of their elements, which are made when all rules are known.
 */
#include "check.h"
#include "kits.h"
#include "names.h"

#include <finwall/mono.h>

#include <string.h>

#define CAP_DEFAULT 65535 /* of a dynamic set without a size, as in nft */

/* lists of boxes */

/* Elements on their way into a table. They are checked. */
struct gather {
	struct config *c;
	struct set *set; /* or the head of a map, or NULL for a set in a rule */
	const struct dtype *type;
	struct vec box;  /* struct interval */
	struct vec item; /* struct rs_item */
	struct vec loc;  /* struct loc */
	uint32_t nr;
};

static struct interval part_of(const struct config *c, const struct dtype *type,
                               const struct value *v)
{
	if (type == &dtype_ifname) {
		struct u128 nr = { 0, pattern_nr(c, v->text) };

		return (struct interval){ nr, nr };
	}
	return value_checked(type, v);
}

static void add_item(struct gather *g, struct loc loc, const struct elem_opts *opts)
{
	struct arena *a = &g->c->reading;
	struct rs_item *item = vec_add(a, &g->item, sizeof(*item));
	struct set *s = g->set;
	uint64_t timeout_ms = s != NULL ? s->timeout_ms : 0;
	uint64_t expires_ms;

	*(struct loc *)vec_add(a, &g->loc, sizeof(loc)) = loc;
	item->nr = g->nr;
	item->kit = s != NULL ? s->kit : 0;
	if (opts != NULL && opts->has_timeout) {
		timeout_ms = opts->timeout_ms;
	}
	expires_ms = opts != NULL && opts->has_expires ? opts->expires_ms : timeout_ms;
	if (opts != NULL && (opts->has_counter || opts->has_limit) && s != NULL) {
		const struct rs_kit kit = kit_of(opts->has_counter, opts->limit);

		item->kit = kits_find(&g->c->arena, &s->kits, &kit);
		item->packets = opts->packets;
		item->bytes = opts->bytes;
	}
	item->timeout_ns = timeout_ms * (uint64_t)NSEC_PER_MSEC;
	item->deadline_ns = timeout_ms == 0 ? RS_NEVER : expires_ms * (uint64_t)NSEC_PER_MSEC;
}

static bool gather_value(void *ctx, const struct value *v)
{
	struct gather *g = ctx;
	struct arena *a = &g->c->reading;

	if (g->type->parts_len == 0) {
		*(struct interval *)vec_add(a, &g->box, sizeof(struct interval)) =
			part_of(g->c, g->type, v);
	} else {
		const struct value *part = v->list.first;

		for (unsigned i = 0; i < g->type->parts_len; i++, part = part->next) {
			*(struct interval *)vec_add(a, &g->box, sizeof(struct interval)) =
				part_of(g->c, g->type->parts[i], part);
		}
	}
	add_item(g, v->loc, v->opts);
	return true;
}

static void gather_intervals(struct gather *g, const struct interval_list *l)
{
	struct interval *all = arena_alloc(&g->c->reading, (l->len + 1) * sizeof(*all));

	interval_list_copy(l, all);
	for (uint32_t i = 0; i < l->len; i++) {
		*(struct interval *)vec_add(&g->c->reading, &g->box, sizeof(*all)) = all[i];
		add_item(g, g->set->loc, NULL);
	}
}

static struct keyed_shape shape_of(const struct dtype *type)
{
	struct keyed_shape shape = { .fields_len = type->parts_len != 0 ? type->parts_len : 1 };

	for (uint32_t i = 0; i < shape.fields_len; i++) {
		const struct dtype *part = type->parts_len != 0 ? type->parts[i] : type;

		shape.is_wide[i] = dtype_is_wide(part);
	}
	return shape;
}

/* Makes the table, or reports why not. */
static struct live_keyed *make_table(struct gather *g, const struct keyed_shape *shape,
                                     struct loc loc)
{
	struct config *c = g->c;
	const struct keyed_list list = { g->box.items, g->item.items, g->item.len };
	enum keyed_problem problem;
	struct live_keyed *live = live_keyed_new(shape, &list, &problem);

	switch (problem) {
	case KEYED_OK:
		break;
	case KEYED_TOO_DEEP:
		config_error(
			c, loc,
			"the intervals of the elements overlap too deeply, expected at most %d "
			"layers",
			RS_LAYERS_MAX);
		return NULL;
	case KEYED_FULL:
		config_error(c, loc, "more elements than the size of the set, expected at most %u",
		             shape->cap);
		return NULL;
	default:
		arena_fail(&c->arena);
	}
	*(struct live_keyed **)vec_add(&c->arena, &c->keyed, sizeof(live)) = live;
	return live;
}

struct live_keyed *check_tuples(struct config *c, const struct dtype *type, const struct value *v)
{
	struct gather g = { .c = c, .type = type };
	const struct keyed_shape shape = shape_of(type);

	value_each(v, gather_value, &g);
	return make_table(&g, &shape, v->loc);
}

void check_keyed_map(struct config *c, struct map *m)
{
	struct gather g = { .c = c, .set = &m->head, .type = m->head.type };
	struct keyed_shape shape = shape_of(m->head.type);
	struct live_keyed *live;
	struct keyed_list list;
	size_t at;

	for (const struct map_entry *e = m->entries; e != NULL; e = e->next) {
		bool is_mark = e->data != NULL && m->data == &dtype_mark;

		g.nr = is_mark ? value_number(&dtype_mark, e->data) : e->nr;
		if (e->key != NULL) {
			value_each(e->key, gather_value, &g);
		}
	}
	shape.is_map = true;
	shape.has_state = m->head.has_timeouts;
	shape.cap = m->head.size > SET_LEN_MAX ? SET_LEN_MAX : (uint32_t)m->head.size;
	live = make_table(&g, &shape, m->head.loc);
	m->head.keyed = live;
	if (live == NULL) {
		return;
	}
	m->head.loaded = g.item.len;
	list = (struct keyed_list){ g.box.items, g.item.items, g.item.len };
	at = keyed_find_overlap(live, &list);
	if (at < list.len) {
		config_error(c, ((const struct loc *)g.loc.items)[at],
		             "the key overlaps another one of the map, expected one value for each "
		             "key");
	}
}

/* sets */

static bool note_opts(void *ctx, const struct value *v)
{
	struct set *s = ctx;

	s->has_plain_opts |= v->opts != NULL && (v->opts->has_counter || v->opts->has_limit);
	return true;
}

void check_elem_opts(struct set *s)
{
	if (s->elements != NULL) {
		value_each(s->elements, note_opts, s);
	}
}

static bool report_opts(void *ctx, const struct value *v)
{
	const struct elem_opts *o = v->opts;

	if (o != NULL && (o->has_timeout || o->has_expires || o->has_counter || o->has_limit)) {
		config_error(
			ctx, o->loc,
			"an element of a map, or of a set in a rule, has a time, counter or limit, "
			"expected it in a named set");
	}
	return true;
}

void check_no_opts(struct config *c, const struct value *v)
{
	value_each(v, report_opts, c);
}

static bool report_kit(void *ctx, const struct value *v)
{
	const struct elem_opts *o = v->opts;

	if (o != NULL && (o->has_counter || o->has_limit)) {
		config_error(ctx, o->loc,
		             "an element of a map has a counter or limit, expected it in a set");
	}
	return true;
}

void check_map_opts(struct config *c, const struct map *m, const struct value *key)
{
	if (m->head.has_timeouts && map_is_keyed(m)) {
		value_each(key, report_kit, c);
	} else {
		check_no_opts(c, key);
	}
}

/* A search for an element that wants a timeout. */
struct timeouts {
	struct config *c;
	const struct set *set;
};

static bool check_timeout(void *ctx, const struct value *v)
{
	const struct timeouts *t = ctx;

	if (v->opts != NULL && (v->opts->has_timeout || v->opts->has_expires)) {
		config_error(t->c, v->opts->loc,
		             "set %.64s has no timeouts, expected `flags timeout` in it",
		             t->set->name);
		return false;
	}
	return true;
}

void check_keyed_set(struct config *c, struct set *s)
{
	struct probe p = { c, s->type, NULL };
	struct timeouts t = { c, s };
	bool has_name = s->type == &dtype_ifname &&
	                (s->has_timeouts || s->kits.len > 1 || s->elements != NULL);

	for (unsigned i = 0; i < (s->type->parts_len != 0 ? s->type->parts_len : 1); i++) {
		has_name |= s->is_changed && (s->type->parts_len != 0 ? s->type->parts[i]
		                                                      : s->type) == &dtype_ifname;
	}
	if (has_name) {
		config_error(
			c, s->loc,
			"set %.64s of interface names is dynamic, or has timeouts or counters, "
			"expected neither",
			s->name);
		return;
	}
	if (s->is_changed && s->is_interval) {
		config_error(c, s->loc,
		             "set %.64s is dynamic and has intervals, expected one of them",
		             s->name);
		return;
	}
	if (s->elements != NULL) {
		value_each(s->elements, check_element, &p);
		if (!s->has_timeouts) {
			value_each(s->elements, check_timeout, &t);
		}
	}
}

/* Packets add one value, and the table then has one tuple. Returns false when an element differs.
 */
static bool check_single(const struct gather *g, uint32_t fields_len)
{
	const struct interval *box = g->box.items;
	unsigned errors_len = g->c->errors_len;

	for (size_t i = 0; i < g->box.len && g->set->is_changed; i++) {
		if (u128_cmp(box[i].lo, box[i].hi) != 0) {
			config_error(g->c, ((const struct loc *)g->loc.items)[i / fields_len],
			             "an interval in set %.64s, which rules change, expected one "
			             "value",
			             g->set->name);
		}
	}
	return g->c->errors_len == errors_len;
}

static void make_set(struct config *c, struct set *s)
{
	struct gather g = { .c = c, .set = s, .type = s->type };
	struct keyed_shape shape = shape_of(s->type);

	gather_intervals(&g, &s->listed);
	gather_intervals(&g, &s->filed);
	if (s->elements != NULL) {
		value_each(s->elements, gather_value, &g);
	}
	if (!check_single(&g, shape.fields_len)) {
		return;
	}
	if (s->size != 0) {
		shape.cap = s->size > SET_LEN_MAX ? SET_LEN_MAX : (uint32_t)s->size;
	} else if (s->is_dynamic) {
		shape.cap = CAP_DEFAULT;
	}
	shape.has_state = s->has_timeouts || s->kits.len > 1;
	shape.kit = s->kits.items;
	shape.kits_len = (uint32_t)s->kits.len;
	s->keyed = make_table(&g, &shape, s->loc);
	s->loaded = g.item.len;
	s->names_at = c->patterns.items;
	s->names_len = c->patterns.len;
	s->filed = (struct interval_list){ 0 };
	s->listed = s->files.len != 0 ? interval_list_clone(&c->arena, &s->listed)
	                              : (struct interval_list){ 0 };
}

void check_keyed_make(struct config *c)
{
	for (const struct table *t = c->tables; t != NULL; t = t->next) {
		for (struct set *s = t->sets; s != NULL; s = s->next) {
			if (c->errors_len == 0 && set_is_keyed(s)) {
				make_set(c, s);
			}
		}
	}
}

/* rules */

/* A look-up by a mask, by a number that is not in the packet, or by what the rules know before. */
static void note_fixed_map(const struct table *t, const struct stmt *s)
{
	const struct lookup *l = &s->lookup;
	struct map *m = l->name != NULL ? table_map(t, l->name->text) : NULL;

	if (m != NULL && (l->mask != NULL || l->sel == NULL || l->sel->load != NULL ||
	                  l->sel->type->is_bitmask || l->sel->type == &dtype_ether ||
	                  (l->sel->kind != SEL_FIELD && l->sel->kind != SEL_CONCAT))) {
		m->is_fixed = true;
	}
}

static void note_changed_set(const struct table *t, struct stmt *s)
{
	struct set *set;

	if (s->kind == STMT_VMAP || s->kind == STMT_MARK_MAP || s->kind == STMT_OBJECT_MAP) {
		note_fixed_map(t, s);
	}

	if (s->kind == STMT_COUNT && s->count.set_name != NULL) {
		set = table_set(t, s->count.set_name->text);
		if (set != NULL) {
			set->is_counted = true;
		}
	}
	if (s->kind == STMT_CHANGE) {
		set = table_set(t, s->change.set_name->text);
		s->change.set = set;
		if (set != NULL && set->type != NULL) {
			set->is_dynamic |= s->change.what != RS_CHANGE_DELETE;
			set->is_changed = true;
		}
	}
}

void check_changed_sets(struct config *c)
{
	for (const struct table *t = c->tables; t != NULL; t = t->next) {
		for (const struct chain *ch = t->chains; ch != NULL; ch = ch->next) {
			for (const struct rule *r = ch->rules; r != NULL; r = r->next) {
				for (struct stmt *s = r->stmts; s != NULL; s = s->next) {
					note_changed_set(t, s);
				}
			}
		}
	}
}

/* The constant at the end of a key has the type that the set has there. */
static void check_constant(struct config *c, const struct set *set, const struct selector *key)
{
	struct concat *concat = (struct concat *)(uintptr_t)key;
	struct probe p = { .c = c };

	if (key->kind != SEL_CONCAT || concat->last == NULL) {
		return;
	}
	p.type = set->type->parts[set->type->parts_len - 1];
	if (dtype_is_wide(p.type)) {
		config_error(
			c, concat->last->loc,
			"an IPv6 address cannot be a constant in a key, expected a number or word");
		return;
	}
	check_element(&p, concat->last);
	concat->last_number = value_number(p.type, concat->last);
}

void check_change(struct config *c, const struct chain *ch, struct stmt *s)
{
	struct change *change = &s->change;
	const struct elem_opts *opts = change->opts;
	struct set *set = change->set;
	const char *name = change->set_name->text;

	if (set == NULL) {
		config_error(
			c, change->set_name->loc,
			"there is no set %.64s in table %.64s, expected one that is defined in "
			"it%s",
			name, ch->table->name, table_set_question(ch->table, name, &c->arena));
	} else if (ch->kind != CHAIN_FILTER && ch->kind != CHAIN_UNUSED) {
		config_error(
			c, s->loc,
			"sets cannot be changed in late and idle chains, expected it in a filter "
			"chain");
	} else if (!dtype_is_equal(set->type, change->key->type)) {
		config_error(c, change->set_name->loc,
		             "set %.64s holds %s, expected one of type %s", set->name,
		             set->type->name, change->key->type->name);
	} else if (set->is_constant) {
		config_error(c, change->set_name->loc,
		             "set %.64s is constant, expected one with flags dynamic", set->name);
	} else if (opts != NULL && opts->has_timeout && !set->has_timeouts) {
		config_error(c, opts->loc,
		             "set %.64s has no timeouts, expected `flags timeout` in it",
		             set->name);
	} else {
		check_constant(c, set, change->key);
		change->kit = set->kit;
		if (opts != NULL && (opts->has_counter || opts->has_limit)) {
			const struct rs_kit kit = kit_of(opts->has_counter, opts->limit);

			change->kit = kits_find(&c->arena, &set->kits, &kit);
		}
	}
}

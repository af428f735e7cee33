/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grammar actions for concatenations, elements with options, and rules that change sets.
 */
#include "build.h"
#include "kits.h"
#include "names.h"
#include "value.h"
#include "words.h"

#include <inttypes.h>
#include <string.h>

/* types */

const struct dtype *build_type(struct parser *p, struct loc loc, const char *name)
{
	const struct dtype *type = dtype_find(name);

	if (type == NULL) {
		config_error(p->config, loc, "there are no sets of type \"%.64s\", expected %s",
		             name, dtype_names());
		return &dtype_mark; /* never used: the configuration is refused */
	}
	return type;
}

const struct dtype *build_type_concat(struct parser *p, struct loc loc, const struct dtype *before,
                                      const struct dtype *part)
{
	struct arena *a = &p->config->arena;
	unsigned len = before->parts_len != 0 ? before->parts_len : 1;
	const struct dtype **parts = arena_alloc(a, (len + 1) * sizeof(struct dtype *));
	struct dtype *type = arena_alloc(a, sizeof(*type));
	struct text name = { .arena = a };

	if (len == RS_KEY_FIELDS_MAX) {
		config_error(p->config, loc,
		             "too many fields in a concatenation, expected at most %d",
		             RS_KEY_FIELDS_MAX);
		return before;
	}
	for (unsigned i = 0; i < len; i++) {
		parts[i] = before->parts_len != 0 ? before->parts[i] : before;
	}
	parts[len] = part;
	text_add(&name, "%s . %s", before->name, part->name);
	*type = (struct dtype){
		.name = name.at, .want = name.at, .parts_len = len + 1, .parts = parts
	};
	return type;
}

const struct selector *build_concat(struct parser *p, struct loc loc, const struct selector *before,
                                    const struct selector *part)
{
	struct arena *a = &p->config->arena;
	struct text name = { .arena = a };
	struct concat *concat;
	unsigned len;

	if (before == NULL || part == NULL) {
		return NULL;
	}
	len = before->kind == SEL_CONCAT ? before->type->parts_len : 1;
	if ((part->kind != SEL_FIELD && part->kind != SEL_IFACE) || part->type->is_bitmask ||
	    (len == 1 && before->kind != SEL_FIELD && before->kind != SEL_IFACE &&
	     before->kind != SEL_CONCAT) ||
	    before->type->is_bitmask || part->load != NULL || before->load != NULL) {
		const struct selector *bad =
			part->load != NULL || part->type->is_bitmask ||
					(part->kind != SEL_FIELD && part->kind != SEL_IFACE)
				? part
				: before;

		config_error(p->config, loc,
		             "%s %s cannot be part of a concatenation, expected an address, port, "
		             "protocol, mark or interface",
		             bad->header, bad->name);
		return NULL;
	}
	if ((before->family != 0 && part->family != 0 && before->family != part->family) ||
	    (before->proto != 0 && part->proto != 0 && before->proto != part->proto)) {
		config_error(
			p->config, loc,
			"%s %s never is in a packet together with the fields before it, expected "
			"fields of one protocol",
			part->header, part->name);
		return NULL;
	}
	concat = arena_alloc(a, sizeof(*concat));
	for (unsigned i = 0; i < len; i++) {
		concat->part[i] = before->kind == SEL_CONCAT ? selector_part(before, i) : before;
	}
	concat->part[len < RS_KEY_FIELDS_MAX ? len : 0] = part;
	selector_print(&name, before);
	text_add(&name, " . ");
	selector_print(&name, part);
	concat->sel = (struct selector){
		.header = "",
		.name = name.at,
		.stands_alone = true,
		.kind = SEL_CONCAT,
		.type = build_type_concat(p, loc, before->type, part->type),
		.family = before->family != 0 ? before->family : part->family,
		.proto = before->proto != 0 ? before->proto : part->proto,
		.reach = before->reach > part->reach ? before->reach : part->reach,
		.field = RS_F_NONE,
	};
	return &concat->sel;
}

const struct selector *build_concat_constant(struct parser *p, struct loc loc,
                                             const struct selector *before, const struct value *v)
{
	const struct selector *sel = build_concat(p, loc, before, &selector_constant);
	struct text name = { .arena = &p->config->arena };
	struct concat *concat = (struct concat *)(uintptr_t)sel;

	if (sel == NULL || sel == before) {
		return sel;
	}
	selector_print(&name, before);
	text_add(&name, " . ");
	if (v->kind == VALUE_NUMBER) {
		text_add(&name, "%" PRIu64, v->number);
	} else {
		text_add(&name, "%s", v->text);
	}
	concat->sel.name = name.at;
	concat->last = v;
	return sel;
}

/* elements */

struct value *build_tuple(struct parser *p, struct loc loc, struct value *before,
                          struct value *part)
{
	struct values list = { 0 };

	if (before->kind == VALUE_TUPLE) {
		struct value *last = before->list.first;

		while (last->next != NULL) {
			last = last->next;
		}
		last->next = part;
		before->list.len++;
		return before;
	}
	build_append(p, &list, before);
	build_append(p, &list, part);
	return build_list(p, loc, VALUE_TUPLE, &list);
}

struct value *build_element(struct value *v, const struct elem_opts *opts)
{
	v->opts = opts;
	return v;
}

static struct elem_opts *opts_of(struct parser *p, struct loc loc, struct elem_opts *opts)
{
	if (opts == NULL) {
		opts = arena_alloc(&p->config->arena, sizeof(*opts));
		opts->loc = loc;
	}
	return opts;
}

struct elem_opts *build_timeout(struct parser *p, struct loc loc, struct elem_opts *opts,
                                int64_t ms)
{
	opts = opts_of(p, loc, opts);
	opts->has_timeout = true;
	opts->timeout_ms = (uint64_t)ms;
	return opts;
}

struct elem_opts *build_expires(struct parser *p, struct loc loc, struct elem_opts *opts,
                                int64_t ms)
{
	opts = opts_of(p, loc, opts);
	opts->has_expires = true;
	opts->expires_ms = (uint64_t)ms;
	return opts;
}

struct elem_opts *build_elem_comment(struct parser *p, struct loc loc, struct elem_opts *opts,
                                     const char *comment)
{
	opts = opts_of(p, loc, opts);
	opts->comment = comment;
	return opts;
}

struct elem_opts *build_elem_counter(struct parser *p, struct loc loc, struct elem_opts *opts,
                                     const struct value *packets, const struct value *bytes)
{
	opts = opts_of(p, loc, opts);
	opts->has_counter = true;
	opts->packets = packets != NULL ? packets->number : 0;
	opts->bytes = bytes != NULL ? bytes->number : 0;
	return opts;
}

struct elem_opts *build_elem_limit(struct parser *p, struct loc loc, struct elem_opts *opts,
                                   struct stmt *limit)
{
	opts = opts_of(p, loc, opts);
	opts->has_limit = true;
	opts->limit = &limit->limit;
	return opts;
}

struct elem_opts *build_elem_count(struct parser *p, struct loc loc, struct elem_opts *opts,
                                   const struct selector *sel, bool is_over,
                                   const struct value *max)
{
	opts = opts_of(p, loc, opts);
	opts->count = build_count(p, loc, sel, is_over, max);
	return opts;
}

/* sets */

static void set_kit(struct parser *p, const struct rs_kit *kit)
{
	struct rs_kit both = *kits_get(&p->set->kits, p->set->kit);

	both.has_counter |= kit->has_counter;
	if (kit->has_limit) {
		both.has_limit = 1;
		both.is_over = kit->is_over;
		both.interval_ns = kit->interval_ns;
		both.slack_ns = kit->slack_ns;
		both.rate = kit->rate;
		both.burst = kit->burst;
		both.unit = kit->unit;
	}
	p->set->kit = kits_find(&p->config->arena, &p->set->kits, &both);
}

void build_set_counter(struct parser *p)
{
	const struct rs_kit kit = { .has_counter = 1 };

	set_kit(p, &kit);
}

void build_set_limit(struct parser *p, const struct stmt *limit)
{
	const struct rs_kit kit = kit_of(false, &limit->limit);

	set_kit(p, &kit);
}

/* rules */

struct stmt *build_change(struct parser *p, struct loc loc, enum rs_change what,
                          const char *set_name, const struct selector *key, struct elem_opts *opts)
{
	struct stmt *s;

	if (key == NULL || (opts != NULL && opts->count == NULL && opts->loc.line == 0)) {
		return NULL;
	}
	if (opts != NULL && opts->count != NULL) {
		if (what != RS_CHANGE_ADD || opts->has_timeout || opts->has_counter ||
		    opts->has_limit) {
			config_error(
				p->config, opts->loc,
				"ct count goes with nothing else, expected `add @%.64s { KEY ct "
				"count N }`",
				set_name);
		}
		build_count_key(p, loc, opts->count, key, set_name);
		return opts->count;
	}
	s = build_stmt(p, loc, STMT_CHANGE);
	s->change.what = what;
	s->change.key = key;
	s->change.opts = opts;
	s->change.set_name = value_new(p->config, loc, VALUE_NAME);
	((struct value *)(uintptr_t)s->change.set_name)->text = set_name;
	return s;
}

/* `meter name { key ... }` is a set of that name, which the rule makes, and `add` or `update`. */
struct stmt *build_meter(struct parser *p, struct loc loc, const char *name,
                         const struct value *size, const struct selector *key,
                         struct elem_opts *opts)
{
	bool has_timeout = opts != NULL && opts->has_timeout;
	struct stmt *s;

	if (key == NULL) {
		return NULL;
	}
	if (table_set(p->table, name) == NULL) {
		build_set(p, loc, name);
		p->set->type = key->type;
		p->set->is_dynamic = true;
		p->set->is_meter = true;
		p->set->has_timeouts = has_timeout;
		p->set->size = size != NULL ? size->number : 0;
		p->set = NULL;
	}
	s = build_change(p, loc, has_timeout ? RS_CHANGE_UPDATE : RS_CHANGE_ADD, name, key, opts);
	if (s != NULL && s->kind == STMT_CHANGE) {
		s->change.is_meter = true;
	}
	return s;
}

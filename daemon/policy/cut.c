/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Divides the text between finwall and the kernel: see cut.h. First all files are read and their
 * objects noted (cut_read.c), then the base chains mark what they reach (cut_divide.c), then the
 * text is written and blanked.
 */
#include "cut.h"

#include "cut_parts.h"
#include "kernel_part.h"

#include <string.h>

static void write_all(struct cut *k);
static void blank_all(struct cut *k);

void cut_files(struct inputs *in, const char *path)
{
	struct arena *a = &in->config->reading;
	struct cut *k = arena_alloc(a, sizeof(*k));

	k->arena = a;
	k->config = in->config;
	k->items_end = &k->items;
	k->tables_end = &k->tables;
	k->text = (struct cut_text){ .in = in, .kept_end = &in->kept };
	in->config->kernel.text = "";
	cut_open(&k->text, path);
	if (k->text.len != 0) {
		cut_read(k);
	}
	cut_divide(k);
	write_all(k);
	blank_all(k);
	in->next_kept = in->kept;
}

static bool is_written(const struct item *i)
{
	switch (i->kind) {
	case ITEM_DEFINE:
		return i->table == NULL || i->table->is_kernel;
	case ITEM_OBJECT:
		return (i->object->sides & SIDE_KERNEL) != 0 || i->object->part != CUT_NONE;
	default:
		return false;
	}
}

static void write_item(struct text *out, struct item *i)
{
	const struct cut_span *spans = i->spans.items;

	if (i->is_in_block && !i->table->is_open) {
		text_add(out, "table %s %s {\n", i->table->family, i->table->name);
		i->table->is_open = true;
	}
	if (i->object != NULL && i->object->part != CUT_NONE) {
		text_add(out, "# %s:%u\n", i->path, i->line);
		cut_rules_write(&i->object->rules, i->object->part, out, i->object->name);
		return;
	}
	text_add(out, "# %s:%u\n%s", i->path, i->line, i->is_in_block ? "\t" : "");
	for (size_t n = 0; n < i->spans.len; n++) {
		if (!spans[n].is_include) {
			text_add(out, "%.*s", (int)spans[n].size, spans[n].at);
		}
	}
	text_add(out, "\n");
}

static void note_tables(struct cut *k)
{
	struct config *c = k->config;

	for (const struct cut_table *t = k->tables; t != NULL; t = t->next) {
		if (t->is_kernel || t->is_foreign) {
			struct text name = { .arena = &c->arena };

			text_add(&name, "%s %s", t->family, t->name);
			*(const char **)vec_add(&c->arena, &c->kernel.tables, sizeof(char *)) =
				name.at;
		}
	}
}

static void note_sets(struct cut *k)
{
	struct config *c = k->config;

	for (const struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		if (o->class == CLASS_SET && o->sides == (SIDE_OWN | SIDE_KERNEL)) {
			struct text name = { .arena = &c->arena };

			text_add(&name, "%s %s %s", o->table->family, o->table->name, o->name);
			*(const char **)vec_add(&c->arena, &c->kernel.sets, sizeof(char *)) =
				name.at;
		}
	}
}

static void write_all(struct cut *k)
{
	struct config *c = k->config;
	struct text out = { .arena = &c->arena };

	note_tables(k);
	note_sets(k);
	if (c->kernel.tables.len == 0) {
		return;
	}
	for (struct item *i = k->items; i != NULL; i = i->next) {
		if (i->kind == ITEM_CLOSE && i->table->is_open) {
			text_add(&out, "}\n");
			i->table->is_open = false;
		} else if (is_written(i)) {
			write_item(&out, i);
		}
	}
	text_add(&out, "%s", "");
	c->kernel.text = out.at;
	c->kernel.hash = kernel_part_hash(out.at);
}

static bool is_blank(const struct item *i)
{
	if (i->table != NULL && i->table->is_whole) {
		return true;
	}
	return i->kind == ITEM_OBJECT && i->object->class != CLASS_STATEMENT &&
	       (i->object->sides & SIDE_OWN) == 0;
}

static void blank(const struct cut_span *s)
{
	for (size_t at = 0; at < s->size; at++) {
		if (s->at[at] != '\n') {
			s->at[at] = ' ';
		}
	}
}

/* Before the tracker, the kernel writes addresses and ports by itself. */
static void blank_writes(const struct object *o)
{
	const struct cut_rule *rules = o->rules.list.items;

	for (size_t n = 0; n < o->rules.list.len; n++) {
		if (rules[n].write_at != NULL && (rules[n].has & (HAS_VERDICT | HAS_JUMP)) == 0) {
			blank(&(struct cut_span){
				.at = rules[n].write_at,
				.size = (size_t)(rules[n].end - rules[n].write_at) });
		}
	}
}

/* The rules of a divided chain that only the kernel has. */
static void blank_rules(const struct object *o)
{
	const struct cut_rule *rules = o->rules.list.items;

	for (size_t n = 0; n < o->rules.list.len; n++) {
		if (cut_rule_is_only_kernel(&rules[n])) {
			blank(&(struct cut_span){ .at = rules[n].at,
			                          .size = (size_t)(rules[n].end - rules[n].at) });
		}
	}
}

static void blank_all(struct cut *k)
{
	const struct cut_span *includes = k->text.includes.items;

	for (struct item *i = k->items; i != NULL; i = i->next) {
		const struct cut_span *spans = i->spans.items;

		i->owner.is_blank = is_blank(i);
		for (size_t n = 0; n < i->spans.len && i->owner.is_blank; n++) {
			blank(&spans[n]);
		}
		if (i->object != NULL && i->object->part != CUT_NONE) {
			blank_rules(i->object);
		}
		if (i->object != NULL && i->object->is_raw && (i->object->sides & SIDE_OWN) != 0) {
			blank_writes(i->object);
		}
	}
	for (size_t n = 0; n < k->text.includes.len; n++) {
		if (includes[n].owner->is_blank) {
			blank(&includes[n]);
		}
	}
}

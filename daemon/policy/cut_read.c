/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the text into items, tables and objects. See cut_parts.h. */
#include "cut_parts.h"
#include "kernel_part.h"

#include <stdlib.h>
#include <string.h>

static const char *const families[] = { "ip", "ip6", "inet", "arp", "bridge", "netdev" };
#define FAMILIES_LEN (sizeof(families) / sizeof(families[0]))
#define FAMILIES_OWN 3 /* the first ones have packets that finwall judges */

/* The kinds of objects, and whether finwall knows them. */
static const struct kind {
	const char *word;
	enum class class;
	bool is_kernel;
} kinds[] = {
	{ "chain", CLASS_CHAIN, false },    { "rule", CLASS_CHAIN, false },
	{ "set", CLASS_SET, false },        { "map", CLASS_SET, false },
	{ "element", CLASS_SET, false },    { "flowtable", CLASS_SET, true },
	{ "counter", CLASS_OBJECT, false }, { "quota", CLASS_OBJECT, false },
	{ "limit", CLASS_OBJECT, false },   { "ct", CLASS_OBJECT, true },
	{ "secmark", CLASS_OBJECT, true },  { "synproxy", CLASS_OBJECT, true },
	{ "tunnel", CLASS_OBJECT, true },
};

static const char *copy(struct cut *k)
{
	return arena_text(k->arena, k->text.at, k->text.size);
}

static bool is_name(const struct cut *k)
{
	return k->text.token == CUT_WORD || k->text.token == CUT_STRING;
}

static const char *family_of(const struct cut *k)
{
	for (size_t i = 0; i < FAMILIES_LEN; i++) {
		if (cut_is(&k->text, families[i])) {
			return families[i];
		}
	}
	return NULL;
}

static bool family_is_own(const char *family)
{
	for (size_t i = 0; i < FAMILIES_OWN; i++) {
		if (strcmp(families[i], family) == 0) {
			return true;
		}
	}
	return false;
}

static struct cut_table *table_of(struct cut *k, const char *family, const char *name)
{
	struct cut_table *t = k->tables;

	while (t != NULL && (strcmp(t->family, family) != 0 || strcmp(t->name, name) != 0)) {
		t = t->next;
	}
	if (t != NULL) {
		return t;
	}
	t = arena_alloc(k->arena, sizeof(*t));
	*t = (struct cut_table){ .family = family,
		                 .name = name,
		                 .is_foreign = !family_is_own(family) };
	*k->tables_end = t;
	k->tables_end = &t->next;
	return t;
}

static struct object **bucket(struct cut *k, const struct cut_table *t, enum class class,
                              const char *name)
{
	size_t hash = (size_t)t / 16 + class;

	while (*name != '\0') {
		hash = hash * 31 + (unsigned char)*name++;
	}
	return &k->by_name[hash % HASH_LEN];
}

struct object *cut_find_object(struct cut *k, const struct cut_table *t, enum class class,
                               const char *name)
{
	struct object *o = *bucket(k, t, class, name);

	while (o != NULL && (o->table != t || o->class != class || strcmp(o->name, name) != 0)) {
		o = o->next;
	}
	return o;
}

static struct object *object_of(struct cut *k, struct cut_table *t, enum class class,
                                const char *name)
{
	struct object *o = cut_find_object(k, t, class, name);
	struct object **at;

	if (o != NULL) {
		return o;
	}
	at = bucket(k, t, class, name);
	o = arena_alloc(k->arena, sizeof(*o));
	*o = (struct object){ .next = *at, .next_of_all = k->objects, .table = t };
	o->class = class;
	o->name = name;
	*at = o;
	k->objects = o;
	return o;
}

static struct item *item_begin(struct cut *k, enum item_kind kind, struct cut_table *t)
{
	struct item *i = arena_alloc(k->arena, sizeof(*i));

	i->kind = kind;
	i->table = t;
	i->path = k->text.path;
	i->line = k->text.line;
	*k->items_end = i;
	k->items_end = &i->next;
	cut_begin(&k->text, &i->spans);
	k->text.owner = &i->owner;
	return i;
}

static void item_end(struct cut *k, enum cut_how how)
{
	cut_end(&k->text, how);
	k->text.owner = k->block;
}

/* The word before the last one, which decides what the last one is. */
enum before {
	BEFORE_NOTHING,
	BEFORE_CHAIN,  /* jump, goto */
	BEFORE_SET,    /* @ */
	BEFORE_OBJECT, /* name */
	BEFORE_QUOTED, /* set, `:`: a quoted text is an object */
	BEFORE_TYPE,
	BEFORE_HOOK,
	BEFORE_PRIORITY,
	BEFORE_MINUS, /* of a priority */
};

struct history {
	enum before before;
	bool is_hook;          /* the statement begins with `type` */
	const char *hook_type; /* the word behind it */
	bool may_be_raw;       /* the hook is prerouting or output */
};

static void refer(struct cut *k, struct object *o, enum class class)
{
	struct reference *r = arena_alloc(k->arena, sizeof(*r));

	*r = (struct reference){ o->references, class, copy(k) };
	o->references = r;
}

static bool is_one_of(const char *word, const char *const *list)
{
	while (*list != NULL && strcmp(*list, word) != 0) {
		list++;
	}
	return *list != NULL;
}

/* `type TYPE hook HOOK`: a misspelt one is left to the grammar. */
static bool is_kernel_hook(const char *type, const char *hook)
{
	static const char *const types[] = { "nat", "route", NULL };
	static const char *const hooks[] = { "prerouting", "postrouting", "ingress", "egress",
		                             NULL };

	return is_one_of(type, types) || (strcmp(type, "filter") == 0 && is_one_of(hook, hooks));
}

static void note_hook(struct object *o, const char *type, const char *hook)
{
	o->is_base = true;
	o->is_close = strcmp(type, "close") == 0;
	o->sides = is_kernel_hook(type, hook) || o->table->is_foreign ? SIDE_KERNEL : SIDE_OWN;
}

/* A priority below that of the tracker. text: without its sign. */
static bool is_raw_priority(const char *text, bool is_negative)
{
	if (text[0] == '-') {
		return is_raw_priority(text + 1, true);
	}
	return strcmp(text, "raw") == 0 ||
	       (is_negative && strspn(text, "0123456789") == strlen(text) &&
	        strtoul(text, NULL, 10) > -PRIORITY_TRACKER);
}

static bool is_raw_hook(const char *type, const char *hook)
{
	return strcmp(type, "filter") == 0 &&
	       (strcmp(hook, "prerouting") == 0 || strcmp(hook, "output") == 0);
}

static enum before word_before(const struct cut_text *t)
{
	static const struct {
		const char *word;
		enum before before;
	} words[] = {
		{ "jump", BEFORE_CHAIN },        { "goto", BEFORE_CHAIN },
		{ "name", BEFORE_OBJECT },       { "set", BEFORE_QUOTED },
		{ "type", BEFORE_TYPE },         { "hook", BEFORE_HOOK },
		{ "priority", BEFORE_PRIORITY },
	};

	if (t->token == CUT_OTHER) {
		return *t->at == '@' ? BEFORE_SET : *t->at == ':' ? BEFORE_QUOTED : BEFORE_NOTHING;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (cut_is(t, words[i].word)) {
			return words[i].before;
		}
	}
	return BEFORE_NOTHING;
}

static void note_word(struct cut *k, struct object *o, struct history *h, bool begins)
{
	struct cut_text *t = &k->text;
	enum before now = word_before(t);

	switch (h->before) {
	case BEFORE_CHAIN:
		refer(k, o, CLASS_CHAIN);
		break;
	case BEFORE_SET:
		refer(k, o, CLASS_SET);
		break;
	case BEFORE_OBJECT:
		refer(k, o, CLASS_OBJECT);
		break;
	case BEFORE_QUOTED:
		if (t->token == CUT_STRING) {
			refer(k, o, CLASS_OBJECT);
		}
		break;
	case BEFORE_TYPE:
		h->hook_type = h->is_hook ? copy(k) : NULL;
		break;
	case BEFORE_HOOK:
		if (h->is_hook && h->hook_type != NULL) {
			note_hook(o, h->hook_type, copy(k));
			h->may_be_raw = is_raw_hook(h->hook_type, copy(k));
		}
		break;
	case BEFORE_PRIORITY:
	case BEFORE_MINUS:
		if (h->may_be_raw && t->token == CUT_OTHER && *t->at == '-') {
			h->before = BEFORE_MINUS;
			return;
		}
		if (h->may_be_raw && t->token == CUT_WORD) {
			o->is_raw = is_raw_priority(copy(k), h->before == BEFORE_MINUS);
		}
		break;
	case BEFORE_NOTHING:
		break;
	}
	o->has_notrack |= t->token == CUT_WORD && cut_is(t, "notrack");
	if (begins) {
		h->is_hook = now == BEFORE_TYPE && o->class == CLASS_CHAIN;
		h->hook_type = NULL;
	}
	h->before = now;
}

/*
 * Reads to the end of a statement: to a separator outside of braces, or where ends_with_block is
 * set to the end of its block. The last token is then the first behind it, except a brace that
 * closes the block. o = NULL: for nobody.
 */
static enum cut_how read_statement(struct cut *k, struct object *o, bool ends_with_block)
{
	struct cut_text *t = &k->text;
	struct history h = { .before = BEFORE_NOTHING };
	unsigned depth = 0;
	bool begins = false;

	for (;; cut_next(t)) {
		if (o != NULL) {
			cut_rules_token(&o->rules, k->arena, t, ends_with_block ? depth : 0,
			                o->references);
		}
		switch (t->token) {
		case CUT_END:
			return CUT_BEFORE;
		case CUT_SEPARATOR:
			if (depth == 0) {
				return CUT_BEFORE;
			}
			begins = true;
			h.before = BEFORE_NOTHING;
			continue;
		case CUT_OPEN:
			depth++;
			begins = true;
			h.before = BEFORE_NOTHING;
			continue;
		case CUT_CLOSE:
			if (depth == 0) {
				return CUT_BEFORE;
			}
			if (--depth == 0 && ends_with_block) {
				return CUT_THROUGH;
			}
			begins = true;
			continue;
		default:
			if (o != NULL) {
				note_word(k, o, &h, begins);
			}
			begins = false;
		}
	}
}

static void skip_statement(struct cut *k)
{
	if (read_statement(k, NULL, true) == CUT_THROUGH || k->text.token == CUT_CLOSE) {
		cut_next(&k->text);
	}
}

static const struct kind *kind_of(const struct cut *k)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (cut_is(&k->text, kinds[i].word)) {
			return &kinds[i];
		}
	}
	return NULL;
}

static bool is_define(const struct cut *k)
{
	return cut_is(&k->text, "define") || cut_is(&k->text, "redefine") ||
	       cut_is(&k->text, "undefine");
}

static void read_define(struct cut *k, struct cut_table *t)
{
	struct item *i = item_begin(k, ITEM_DEFINE, t);

	i->is_in_block = t != NULL;
	item_end(k, read_statement(k, NULL, false));
}

/* The rest of an object, from its name on. */
static void read_object(struct cut *k, struct item *i, const struct kind *kind,
                        bool ends_with_block)
{
	struct object *o = object_of(k, i->table, kind->class, copy(k));
	enum cut_how how;

	i->object = o;
	o->items_len++;
	o->is_kernel_kind = kind->is_kernel;
	cut_next(&k->text);
	how = read_statement(k, o, ends_with_block);
	item_end(k, how);
	if (how == CUT_THROUGH) {
		cut_next(&k->text);
	}
}

/* `ct helper NAME`, `ct timeout NAME`, `ct expectation NAME`. Returns the kind. */
static const struct kind *read_object_kind(struct cut *k, const struct kind *kind)
{
	static const struct kind timeout = { "ct timeout", CLASS_OBJECT, false };

	cut_next(&k->text);
	if (strcmp(kind->word, "ct") == 0) {
		kind = cut_is(&k->text, "timeout") ? &timeout : kind;
		cut_next(&k->text);
	}
	return kind;
}

/* A statement of a table: comment, flags. */
static void read_table_statement(struct cut *k, struct cut_table *t)
{
	struct item *i = item_begin(k, ITEM_OBJECT, t);
	bool is_flags = cut_is(&k->text, "flags");

	i->is_in_block = true;
	i->object = object_of(k, t, CLASS_STATEMENT, copy(k));
	if (is_flags) {
		cut_next(&k->text);
		t->is_foreign |= cut_is(&k->text, "dormant");
	}
	item_end(k, read_statement(k, NULL, false));
}

static void read_block(struct cut *k, struct cut_table *t)
{
	while (k->text.token != CUT_END && k->text.token != CUT_CLOSE) {
		const struct kind *kind = kind_of(k);

		if (k->text.token == CUT_SEPARATOR) {
			cut_next(&k->text);
		} else if (is_define(k)) {
			read_define(k, t);
		} else if (kind != NULL) {
			struct item *i = item_begin(k, ITEM_OBJECT, t);

			i->is_in_block = true;
			kind = read_object_kind(k, kind);
			read_object(k, i, kind, true);
		} else {
			read_table_statement(k, t);
		}
	}
}

/* `table`, at it. Commands about tables are `add table` and the like: begun is their item. */
static void read_table(struct cut *k, struct item *begun)
{
	struct item *i = begun != NULL ? begun : item_begin(k, ITEM_COMMAND, NULL);
	const char *family;
	struct cut_table *t;

	cut_next(&k->text);
	family = family_of(k);
	if (family != NULL) {
		cut_next(&k->text);
	}
	if (!is_name(k)) {
		item_end(k, read_statement(k, NULL, false));
		return;
	}
	t = i->table = table_of(k, family != NULL ? family : "ip", copy(k));
	cut_next(&k->text);
	if (k->text.token != CUT_OPEN) {
		item_end(k, read_statement(k, NULL, false));
		return;
	}
	i->kind = ITEM_OPEN;
	k->block = &i->owner;
	item_end(k, CUT_THROUGH);
	cut_next(&k->text);
	while (k->text.token != CUT_END && k->text.token != CUT_CLOSE) {
		read_block(k, t);
	}
	k->block = NULL;
	item_begin(k, ITEM_CLOSE, t);
	item_end(k, CUT_THROUGH);
	if (k->text.token == CUT_CLOSE) {
		cut_next(&k->text);
	}
}

/* `add rule ip t c ...` and the like: from the word behind the verb, if there is one. */
static void read_command(struct cut *k, struct item *i)
{
	const struct kind *kind = kind_of(k);
	const char *family;

	if (cut_is(&k->text, "table")) {
		read_table(k, i);
		return;
	}
	if (kind == NULL) {
		item_end(k, read_statement(k, NULL, false));
		return;
	}
	kind = read_object_kind(k, kind);
	family = family_of(k);
	if (family != NULL) {
		cut_next(&k->text);
	}
	if (!is_name(k)) {
		item_end(k, read_statement(k, NULL, false));
		return;
	}
	i->kind = ITEM_OBJECT;
	i->table = table_of(k, family != NULL ? family : "ip", copy(k));
	cut_next(&k->text);
	if (!is_name(k)) {
		i->kind = ITEM_COMMAND;
		item_end(k, read_statement(k, NULL, false));
		return;
	}
	read_object(k, i, kind, false);
}

void cut_read(struct cut *k)
{
	static const char *const verbs[] = { "add",     "create", "insert", "replace", "delete",
		                             "destroy", "flush",  "reset",  NULL };
	struct cut_text *t = &k->text;

	cut_next(t);
	while (t->token != CUT_END) {
		const struct kind *kind = kind_of(k);

		if (t->token == CUT_SEPARATOR) {
			cut_next(t);
		} else if (is_define(k)) {
			read_define(k, NULL);
		} else if (cut_is(t, "table")) {
			read_table(k, NULL);
		} else if (t->token == CUT_WORD && is_one_of(copy(k), verbs)) {
			struct item *i = item_begin(k, ITEM_COMMAND, NULL);

			cut_next(t);
			read_command(k, i);
		} else if (kind != NULL) {
			read_command(k, item_begin(k, ITEM_COMMAND, NULL));
		} else {
			skip_statement(k);
		}
	}
}

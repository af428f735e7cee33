/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Divides the text between finwall and the kernel: see cut.h. First all files are read and their
 * objects noted, then the base chains mark what they reach, then the text is written and blanked.
 */
#include "cut.h"

#include "cut_rules.h"
#include "cut_text.h"
#include "kernel_part.h"

#include <stdlib.h>
#include <string.h>

/* What is marked with the side that has it. */
enum side {
	SIDE_OWN = 1,
	SIDE_KERNEL = 2,
};

static const char *const families[] = { "ip", "ip6", "inet", "arp", "bridge", "netdev" };
#define FAMILIES_LEN (sizeof(families) / sizeof(families[0]))
#define FAMILIES_OWN 3 /* the first ones have packets that finwall judges */

/* Objects by the way that rules refer to them. */
enum class {
	CLASS_CHAIN,
	CLASS_SET,       /* sets, maps and flow tables: @name */
	CLASS_OBJECT,    /* counters and the like */
	CLASS_STATEMENT, /* of a table: comment, flags */
};

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

struct reference {
	struct reference *next;
	enum class class;
	const char *name;
};

struct object {
	struct object *next; /* with the same hash */
	struct object *next_of_all;
	struct object *next_marked;
	struct object *next_walked;
	uint32_t walk; /* the last one that came by */
	struct cut_table *table;
	enum class class;
	const char *name;
	struct reference *references;
	struct cut_rules rules;
	uint32_t items_len;
	bool is_base;
	enum cut_part part;  /* a chain of finwall's: what of it the kernel has, too */
	bool is_of_kernel;   /* a base chain of the kernel's reaches it */
	bool is_raw;         /* a base chain of prerouting or output, before the tracker */
	bool has_notrack;    /* a rule has the word */
	bool is_visited;     /* by a search */
	bool is_kernel_kind; /* finwall knows no such objects */
	uint8_t sides;
};

struct cut_table {
	struct cut_table *next;
	const char *family;
	const char *name;
	bool is_foreign; /* of a family that finwall does not judge, or dormant */
	bool is_kernel;  /* has something of the kernel's */
	bool is_own;     /* has a chain of finwall's */
	bool has_kernel_chain;
	bool is_whole; /* all of it is the kernel's */
	bool is_open;  /* while the text is written */
};

enum item_kind {
	ITEM_DEFINE,
	ITEM_OPEN, /* `table x {` */
	ITEM_CLOSE,
	ITEM_COMMAND, /* about a table */
	ITEM_OBJECT,
};

struct item {
	struct cut_owner owner;
	struct item *next;
	enum item_kind kind;
	bool is_in_block;
	struct cut_table *table;
	struct object *object; /* ITEM_OBJECT */
	struct vec spans;
	const char *path;
	uint32_t line;
};

#define HASH_LEN 4096

struct cut {
	struct cut_text text;
	struct arena *arena;
	struct config *config;
	struct item *items;
	struct item **items_end;
	struct cut_table *tables;
	struct cut_table **tables_end;
	struct object *by_name[HASH_LEN];
	struct object *objects;
	struct object *marked;
	uint32_t walks;          /* numbers them */
	struct cut_owner *block; /* the table's whose block is being read */
};

static void read_all(struct cut *k);
static void divide(struct cut *k);
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
		read_all(k);
	}
	divide(k);
	write_all(k);
	blank_all(k);
	in->next_kept = in->kept;
}

/* reading */

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

static struct object *find_object(struct cut *k, const struct cut_table *t, enum class class,
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
	struct object *o = find_object(k, t, class, name);
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

static void read_all(struct cut *k)
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

/* dividing */

static void mark(struct cut *k, struct object *o, uint8_t sides)
{
	if ((o->sides | sides) == o->sides) {
		return;
	}
	o->sides |= sides;
	o->next_marked = k->marked;
	k->marked = o;
}

static void mark_reached(struct cut *k)
{
	while (k->marked != NULL) {
		struct object *o = k->marked;

		k->marked = o->next_marked;
		for (const struct reference *r = o->references; r != NULL; r = r->next) {
			struct object *to = find_object(k, o->table, r->class, r->name);

			if (to != NULL) {
				mark(k, to, o->sides);
			}
		}
	}
}

/* All that a base chain reaches, itself first, linked by next_walked. */
static struct object *walk_from(struct cut *k, struct object *base)
{
	struct object *last = base;

	base->walk = ++k->walks;
	base->next_walked = NULL;
	for (struct object *o = base; o != NULL; o = o->next_walked) {
		for (const struct reference *r = o->references; r != NULL; r = r->next) {
			struct object *to = find_object(k, o->table, r->class, r->name);

			if (to != NULL && to->walk != k->walks) {
				to->walk = k->walks;
				to->next_walked = NULL;
				last->next_walked = to;
				last = to;
			}
		}
	}
	return base;
}

/* What the words of an object and of all that it reaches mean. */
static uint16_t has_reached(struct cut *k, struct object *base)
{
	uint16_t has = 0;

	for (const struct object *o = walk_from(k, base); o != NULL; o = o->next_walked) {
		has |= o->rules.has;
	}
	return has;
}

/* True if the kernel can have a copy of the base chain and of all chains that it reaches. */
static bool can_copy(struct cut *k, struct object *base)
{
	bool can = true;

	for (const struct object *o = walk_from(k, base); o != NULL && can; o = o->next_walked) {
		can = o->class == CLASS_CHAIN ? o->items_len == 1 && !o->is_of_kernel &&
		                                        cut_rules_can(&o->rules, CUT_ALL)
		                              : (o->rules.has & HAS_DROP) == 0;
	}
	return can;
}

static bool chains_have_effect(struct cut *k, struct object *base)
{
	const struct object *o = walk_from(k, base)->next_walked;

	while (o != NULL && (o->class != CLASS_CHAIN || (o->rules.has & HAS_EFFECT) == 0)) {
		o = o->next_walked;
	}
	return o != NULL;
}

static bool is_own_base(const struct object *o)
{
	return o->sides == SIDE_OWN && o->is_base && !o->table->is_foreign;
}

/* Base chains that change packets and drop nothing are the kernel's, with all that they reach. */
static void give_chains(struct cut *k)
{
	for (struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		uint16_t has = is_own_base(o) ? has_reached(k, o) : 0;

		if ((has & HAS_EFFECT) != 0 && (has & (HAS_DROP | HAS_STATE)) == 0) {
			o->sides = SIDE_KERNEL;
		}
	}
	for (struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		if ((o->sides & SIDE_KERNEL) != 0 && o->is_base) {
			for (struct object *to = walk_from(k, o); to != NULL;
			     to = to->next_walked) {
				to->is_of_kernel = true;
			}
		}
	}
}

/*
 * Base chains of finwall's with rules that change packets as only the kernel can. One that drops
 * nothing is the kernel's. Of another one, the kernel gets these rules and those before them, or
 * all with the chains that they lead to: for each such base chain, or for none.
 */
static void give_effects(struct cut *k)
{
	bool can = true;

	give_chains(k);
	for (struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		if (!is_own_base(o) || (has_reached(k, o) & HAS_EFFECT) == 0) {
			continue;
		}
		if (o->items_len == 1 && !chains_have_effect(k, o) &&
		    cut_rules_can(&o->rules, CUT_UP_TO_EFFECT)) {
			o->part = CUT_UP_TO_EFFECT;
		} else {
			o->part = CUT_ALL;
			can = can && can_copy(k, o);
		}
	}
	for (struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		if (!o->is_base || o->part != CUT_ALL) {
			continue;
		}
		for (struct object *to = walk_from(k, o); to != NULL; to = to->next_walked) {
			to->part = can && to->class == CLASS_CHAIN ? CUT_ALL : CUT_NONE;
		}
	}
}

/* The kernel has what its rules of such a chain refer to. */
static void mark_divided(struct cut *k, const struct object *o)
{
	const struct cut_rule *rules = o->rules.list.items;

	for (size_t i = 0; i < o->rules.list.len; i++) {
		const struct reference *r = rules[i].references_after;

		while (cut_rule_is_kernel(&o->rules, &rules[i], o->part) &&
		       r != rules[i].references_before) {
			struct object *to = find_object(k, o->table, r->class, r->name);

			if (to != NULL && to->class != CLASS_CHAIN) {
				mark(k, to, SIDE_KERNEL);
			}
			r = r->next;
		}
	}
}

/* Objects that no base chain reaches: of the kernel where finwall has no chain in the table. */
static void mark_rest(struct object *o)
{
	const struct cut_table *t = o->table;
	bool is_kernel = t->is_foreign || (t->has_kernel_chain && !t->is_own) ||
	                 (t->has_kernel_chain && o->class == CLASS_CHAIN);

	if (o->is_kernel_kind || (o->sides == 0 && (o->rules.has & HAS_KERNEL_DATA) != 0)) {
		/* useless without a chain of the kernel */
		o->sides = t->has_kernel_chain || t->is_foreign ? SIDE_KERNEL : 0;
		return;
	}
	if (o->class != CLASS_STATEMENT && o->sides == 0) {
		o->sides = is_kernel ? SIDE_KERNEL : SIDE_OWN;
	}
}

static void count_chain(struct kernel_part *p, const struct object *o)
{
	p->own_chains += (o->sides & SIDE_OWN) != 0;
	p->kernel_chains += (o->sides & SIDE_KERNEL) != 0 || o->part != CUT_NONE;
}

/* Whether a rule that is evaluated from this chain on has notrack. */
static bool reaches_notrack(struct cut *k, struct object *from)
{
	struct object *todo = from;

	for (struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		o->is_visited = o == from;
	}
	from->next_marked = NULL;
	while (todo != NULL) {
		struct object *o = todo;

		todo = o->next_marked;
		if (o->has_notrack) {
			return true;
		}
		for (const struct reference *r = o->references; r != NULL; r = r->next) {
			struct object *to = find_object(k, o->table, r->class, r->name);

			if (to != NULL && !to->is_visited) {
				to->is_visited = true;
				to->next_marked = todo;
				todo = to;
			}
		}
	}
	return false;
}

static void divide(struct cut *k)
{
	/* Both trackers need to know what is not tracked. */
	for (struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		if (o->is_raw && !o->table->is_foreign && reaches_notrack(k, o)) {
			o->sides = SIDE_OWN | SIDE_KERNEL;
		}
	}
	give_effects(k);
	for (struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		uint8_t sides = o->table->is_foreign ? SIDE_KERNEL : o->sides;

		o->sides = 0;
		mark(k, o, sides);
	}
	for (struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		if (o->part != CUT_NONE) {
			mark_divided(k, o);
			o->table->is_kernel = true;
			o->table->has_kernel_chain = true;
		}
	}
	mark_reached(k);
	for (const struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		if (o->is_kernel_kind) {
			continue;
		}
		o->table->is_kernel |= (o->sides & SIDE_KERNEL) != 0;
		o->table->is_own |= (o->sides & SIDE_OWN) != 0;
		o->table->has_kernel_chain |=
			o->class == CLASS_CHAIN && (o->sides & SIDE_KERNEL) != 0;
	}
	for (struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		mark_rest(o);
		if (o->class == CLASS_CHAIN) {
			count_chain(&k->config->kernel, o);
		}
	}
	for (struct cut_table *t = k->tables; t != NULL; t = t->next) {
		t->is_whole = t->is_foreign || (t->has_kernel_chain && !t->is_own);
	}
}

/* writing */

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

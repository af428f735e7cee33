/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grammar actions for tables, chains, sets and maps.
 */
#include "build.h"
#include "names.h"
#include "suggest.h"
#include "value.h"
#include "words.h"

#include <inttypes.h>
#include <string.h>

/* tables */

static enum table_family family_of(struct parser *p, struct loc loc, const char *family)
{
	enum table_family f = TABLE_INET;

	while (f < TABLE_IP6 && strcmp(table_families[f], family) != 0) {
		f++;
	}
	if (strcmp(table_families[f], family) != 0) {
		config_error(p->config, loc,
		             "there are no tables of family \"%.64s\", expected ip, ip6, inet, "
		             "arp, bridge or netdev",
		             family);
	}
	return f;
}

static struct table *find_table(const struct config *c, enum table_family f, const char *name)
{
	struct table *t = c->tables;

	while (t != NULL && (t->family != f || strcmp(t->name, name) != 0)) {
		t = t->next;
	}
	return t;
}

static struct table *table_of(struct parser *p, struct loc loc, enum table_family f,
                              const char *name)
{
	struct config *c = p->config;
	struct table *t = find_table(c, f, name);

	if (t != NULL) {
		return t;
	}
	t = arena_alloc(&c->arena, sizeof(*t));
	*t = (struct table){ .loc = loc, .family = f, .name = name };
	t->sets_end = &t->sets;
	t->maps_end = &t->maps;
	t->chains_end = &t->chains;
	t->objects_end = &t->objects;
	*c->tables_end = t;
	c->tables_end = &t->next;
	return t;
}

struct table *build_table(struct parser *p, struct loc loc, const char *family, const char *name)
{
	return table_of(p, loc, family_of(p, loc, family), name);
}

void build_table_ref(struct parser *p, struct loc loc, const char *family, const char *name)
{
	enum table_family f = family_of(p, loc, family);

	p->has_no_table = find_table(p->config, f, name) == NULL;
	if (p->has_no_table) {
		config_error(p->config, loc,
		             "there is no table %s %.64s, expected `add table` before it",
		             table_families[f], name);
	}
	p->table = table_of(p, loc, f, name);
}

static bool table_is_empty(const struct table *t)
{
	return t->sets == NULL && t->maps == NULL && t->chains == NULL;
}

/* Removes what is above it: that can only be a mistake. */
static void report_removal(struct parser *p, struct loc loc, const char *command)
{
	config_error(p->config, loc,
	             "%s after the contents that it would remove, expected it at the beginning of "
	             "the file",
	             command);
}

void build_flush_table(struct parser *p, struct loc loc, const char *family, const char *name)
{
	for (const struct table *t = p->config->tables; t != NULL; t = t->next) {
		bool is_meant = name == NULL || (strcmp(t->name, name) == 0 &&
		                                 strcmp(table_families[t->family], family) == 0);

		if (is_meant && !table_is_empty(t)) {
			report_removal(p, loc, "flush");
			return;
		}
	}
}

/* `table inet t; delete table inet t` at the beginning of a file: the table need not exist. */
void build_delete_table(struct parser *p, struct loc loc, const char *family, const char *name)
{
	struct config *c = p->config;
	enum table_family f = family_of(p, loc, family);
	struct table **at = &c->tables;

	while (*at != NULL && ((*at)->family != f || strcmp((*at)->name, name) != 0)) {
		at = &(*at)->next;
	}
	if (*at == NULL) {
		return;
	}
	if (!table_is_empty(*at)) {
		report_removal(p, loc, "delete");
		return;
	}
	if (c->tables_end == &(*at)->next) {
		c->tables_end = at;
	}
	*at = (*at)->next;
}

void build_chain(struct parser *p, struct loc loc, const char *name)
{
	struct config *c = p->config;
	struct chain *ch = table_chain(p->table, name);

	p->has_hook = p->has_policy = false;
	p->chain = ch;
	if (ch != NULL) {
		return;
	}
	ch = arena_alloc(&c->arena, sizeof(*ch));
	*ch = (struct chain){ .loc = loc, .name = name, .table = p->table };
	ch->rules_end = &ch->rules;
	*p->table->chains_end = ch;
	p->table->chains_end = &ch->next;
	p->chain = ch;
	c->chains_len++;
}

struct stmt *build_anonymous(struct parser *p, struct loc loc, enum stmt_kind kind)
{
	struct text name = { .arena = &p->config->arena };
	struct stmt *s = arena_alloc(&p->config->arena, sizeof(*s));
	struct chain *outer = p->chain;

	text_add(&name, "__chain%u", p->config->chains_len);
	build_chain(p, loc, name.at);
	p->chain->is_anonymous = true;
	p->chain->outer = outer;
	s->loc = loc;
	s->kind = kind;
	s->target.name = name.at;
	return s;
}

void build_anonymous_end(struct parser *p)
{
	p->chain = p->chain->outer;
}

void build_chain_ref(struct parser *p, struct loc loc, const char *name)
{
	if (table_chain(p->table, name) == NULL && !p->has_no_table) {
		config_error(p->config, loc,
		             "there is no chain %.64s in table %.64s, expected `add chain` before "
		             "it",
		             name, p->table->name);
	}
	build_chain(p, loc, name);
}

void build_flush_chain(struct parser *p)
{
	p->chain->rules = NULL;
	p->chain->rules_end = &p->chain->rules;
}

int build_priority(struct parser *p, struct loc loc, const char *word, int64_t offset)
{
	static const struct symbol names[] = { { "raw", 0 },        { "mangle", 150 },
		                               { "dstnat", 200 },   { "filter", 300 },
		                               { "security", 350 }, { "srcnat", 400 },
		                               { NULL, 0 } };
	int64_t base = 0;

	if (word != NULL) {
		const struct symbol *s = symbol_find(names, word, strlen(word));

		if (s == NULL) {
			struct suggest similar = { .text = word };

			suggest_symbols(&similar, names);
			config_error(p->config, loc,
			             "unknown priority \"%.64s\", expected "
			             "raw, mangle, dstnat, filter, security, "
			             "srcnat or a number%s",
			             word, suggest_question(&similar, &p->config->arena));
			return 0;
		}
		base = (int64_t)s->value - 300;
	}
	if (offset < -1000000 || offset > 1000000) {
		config_error(p->config, loc,
		             "priority %" PRId64 " is out of range, expected "
		             "-1000000 to 1000000",
		             offset);
		return 0;
	}
	return (int)(base + offset);
}

/* Whether a chain that goes on has another hook than its beginning. */
static bool is_other_hook(const struct chain *ch, enum base_chain base, int priority)
{
	return ch->is_base ? ch->base != base || ch->priority != priority : ch->rules != NULL;
}

void build_hook(struct parser *p, struct loc loc, const char *type, const char *hook, int priority)
{
	static const struct {
		const char *type;
		const char *hook;
		enum base_chain base;
	} hooks[] = {
		{ "filter", "input", CHAIN_INPUT },   { "filter", "forward", CHAIN_FORWARD },
		{ "filter", "output", CHAIN_OUTPUT }, { "close", "late", CHAIN_LATE },
		{ "close", "idle", CHAIN_IDLE },      { "filter", "prerouting", CHAIN_PREROUTING },
	};
	struct chain *ch = p->chain;
	struct suggest similar = { .text = hook };

	if (p->has_hook) {
		config_error(p->config, loc, "chain %.64s has a second hook, expected one",
		             ch->name);
		return;
	}
	p->has_hook = true;
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		if (strcmp(hooks[i].type, type) == 0 && strcmp(hooks[i].hook, hook) == 0) {
			if (is_other_hook(ch, hooks[i].base, priority)) {
				config_error(p->config, loc,
				             "chain %.64s was begun at %s with %s, expected the "
				             "same here",
				             ch->name, config_where(p->config, ch->loc),
				             ch->is_base ? "another hook or priority"
				                         : "rules and no hook");
				return;
			}
			ch->is_base = true;
			ch->base = hooks[i].base;
			ch->priority = priority;
			ch->hook_loc = loc;
			if (ch->base == CHAIN_OUTPUT && priority == PRIORITY_TRACKER) {
				config_error(p->config, loc,
				             "an output chain of the tracker's own priority, "
				             "expected one above or below %d",
				             PRIORITY_TRACKER);
			}
			return;
		}
	}
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		if (strcmp(hooks[i].type, type) == 0) {
			suggest_consider(&similar, hooks[i].hook);
		}
	}
	config_error(p->config, loc,
	             "there is no hook \"type %.32s hook %.32s\", expected type "
	             "filter hook input, forward or output, or type close hook "
	             "late or idle%s",
	             type, hook, suggest_question(&similar, &p->config->arena));
}

void build_policy(struct parser *p, struct loc loc, enum verdict verdict)
{
	if (p->has_policy) {
		config_error(p->config, loc, "chain %.64s has a second policy, expected one",
		             p->chain->name);
		return;
	}
	p->has_policy = true;
	p->chain->has_policy = true;
	p->chain->policy = verdict;
	p->chain->policy_loc = loc;
}

/* sets */

/* Initialises a set or map (what). Reports a name that is taken. */
static void set_begin(struct parser *p, struct loc loc, const char *what, const char *name,
                      struct set *s)
{
	const struct set *old = table_set(p->table, name);
	const struct map *map = table_map(p->table, name);

	if (old != NULL || map != NULL) {
		config_error(p->config, loc,
		             "%s %.64s is already defined at %s, expected another "
		             "name",
		             what, name,
		             config_where(p->config, old != NULL ? old->loc : map->head.loc));
	}
	s->loc = loc;
	s->name = name;
	s->table = p->table;
	s->family = table_families[p->table->family];
	s->table_name = p->table->name;
}

void build_set(struct parser *p, struct loc loc, const char *name)
{
	struct config *c = p->config;
	struct set *s = arena_alloc(&c->arena, sizeof(*s));

	set_begin(p, loc, "set", name, s);
	s->nr = c->sets_len++;
	*p->table->sets_end = s;
	p->table->sets_end = &s->next;
	p->set = s;
}

void build_set_flag(struct parser *p, struct loc loc, const char *word)
{
	if (strcmp(word, "interval") == 0) {
		p->set->is_interval = true;
	} else if (strcmp(word, "dynamic") == 0) {
		p->set->is_dynamic = true;
	} else if (strcmp(word, "constant") == 0) {
		p->set->is_constant = true;
	} else if (strcmp(word, "timeout") == 0) {
		p->set->has_timeouts = true;
	} else {
		config_error(p->config, loc,
		             "sets have no flag \"%.64s\", expected interval, "
		             "timeout, constant or dynamic",
		             word);
	}
}

void build_set_elements(struct parser *p, struct loc loc, const struct value *v)
{
	if (v->kind != VALUE_SET) {
		config_error(p->config, loc, "not a list of elements, expected { a, b }");
		return;
	}
	if (p->set->elements != NULL) {
		config_error(p->config, loc,
		             "set %.64s has a second list of elements, expected "
		             "one",
		             p->set->name);
		return;
	}
	p->set->elements = v;
}

struct added {
	struct added *next;
	struct set *set;
	struct values list;
};

static struct added *added_to(struct parser *p, struct set *s)
{
	struct added *a = p->added;

	while (a != NULL && a->set != s) {
		a = a->next;
	}
	if (a != NULL) {
		return a;
	}
	a = arena_alloc(&p->config->arena, sizeof(*a));
	*a = (struct added){ .next = p->added, .set = s };
	p->added = a;
	if (s->elements != NULL) {
		struct value *first = value_new(p->config, s->loc, VALUE_SET);

		*first = *s->elements;
		first->next = NULL;
		build_append(p, &a->list, first);
	}
	return a;
}

void build_forget_added(struct parser *p, const struct set *s)
{
	struct added **at = &p->added;

	while (*at != NULL && (*at)->set != s) {
		at = &(*at)->next;
	}
	if (*at != NULL) {
		*at = (*at)->next;
	}
}

void build_add_elements(struct parser *p, struct loc loc, const char *name, struct value *v)
{
	struct set *s = table_set(p->table, name);
	struct added *a;

	if (s == NULL && !p->has_no_table) {
		config_error(p->config, loc,
		             "there is no set %.64s in table %.64s, expected `add set` before it%s",
		             name, p->table->name,
		             table_set_question(p->table, name, &p->config->arena));
	}
	if (s == NULL) {
		return;
	}
	a = added_to(p, s);
	build_append(p, &a->list, v);
	s->elements = build_list(p, loc, VALUE_SET, &a->list);
}

/* maps */

struct map *build_table_map(struct parser *p)
{
	struct map *m = arena_alloc(&p->config->arena, sizeof(*m));

	m->head.nr = p->config->maps_len++;
	*p->table->maps_end = m;
	p->table->maps_end = &m->next;
	return m;
}

void build_map(struct parser *p, struct loc loc, const char *name)
{
	struct set head = { 0 };
	struct map *m;

	set_begin(p, loc, "map", name, &head);
	m = build_table_map(p);
	head.nr = m->head.nr;
	m->head = head;
	p->map = m;
	p->set = &m->head;
}

void build_map_data(struct parser *p, struct loc loc, const char *name)
{
	p->map->has_data = true;
	if (strcmp(name, "verdict") == 0) {
		return;
	}
	if (strcmp(name, "counter") == 0 || strcmp(name, "limit") == 0 ||
	    strcmp(name, "quota") == 0) {
		p->map->data = name[0] == 'c'   ? &dtype_counter
		               : name[0] == 'l' ? &dtype_limit
		                                : &dtype_quota;
		return;
	}
	p->map->data = &dtype_mark;
	if (strcmp(name, dtype_mark.name) != 0) {
		config_error(p->config, loc,
		             "there are no maps to \"%.64s\", expected verdict, mark or "
		             "counter",
		             name);
	}
}

void build_map_typeof(struct parser *p, struct loc loc, const struct selector *key,
                      const struct selector *data, const char *word)
{
	if (key != NULL) {
		p->map->head.type = key->type;
	}
	if (word != NULL) {
		build_map_data(p, loc, word);
	} else if (data != NULL) {
		build_map_data(p, loc, data->type->name);
	}
}

void build_map_elements(struct parser *p, struct loc loc, const struct map *body)
{
	if (p->map->entries != NULL) {
		config_error(p->config, loc,
		             "map %.64s has a second list of elements, expected "
		             "one",
		             p->map->head.name);
		return;
	}
	p->map->entries = body->entries;
}

void build_add_pairs(struct parser *p, struct loc loc, const char *name,
                     const struct map_entries *pairs)
{
	struct map *m = table_map(p->table, name);
	struct map_entry **end;

	if (m == NULL) {
		if (!p->has_no_table) {
			config_error(
				p->config, loc,
				"there is no map %.64s in table %.64s, expected `add map` before "
				"it",
				name, p->table->name);
		}
		return;
	}
	for (end = &m->entries; *end != NULL; end = &(*end)->next) {
	}
	*end = pairs->first;
}

struct map *build_map_body(struct parser *p, struct loc loc, const struct map_entries *entries)
{
	struct map *m = arena_alloc(&p->config->arena, sizeof(*m));

	m->head.loc = loc;
	m->entries = entries->first;
	return m;
}

struct map_entry *build_map_entry(struct parser *p, struct loc loc, const struct value *key,
                                  const struct value *data, struct stmt *verdict)
{
	struct map_entry *e = arena_alloc(&p->config->arena, sizeof(*e));

	e->loc = loc;
	e->key = key;
	e->data = data;
	e->verdict = verdict;
	return e;
}

void build_map_append(struct parser *p, struct map_entries *list, struct map_entry *e)
{
	const struct value *key = e->key;
	bool is_list = key != NULL && (key->kind == VALUE_SET || key->kind == VALUE_COMMAS);
	uint32_t keys = is_list ? key->list.len : 1;

	if (keys > VALUE_LEN_MAX - list->len) {
		config_error(p->config, e->loc, "the map is too long, expected at most %u keys",
		             VALUE_LEN_MAX);
		*list = (struct map_entries){ e, e, 1 };
		return;
	}
	list->len += keys;
	if (list->last != NULL) {
		list->last->next = e;
	} else {
		list->first = e;
	}
	list->last = e;
}

/* objects */

void build_object(struct parser *p, struct loc loc, enum shared_kind kind, const char *name)
{
	const struct shared *old = table_object(p->table, kind, name);
	struct shared *o = arena_alloc(&p->config->arena, sizeof(*o));

	if (old != NULL) {
		config_error(p->config, loc,
		             "%.64s is already defined at %s, expected another name", name,
		             config_where(p->config, old->loc));
	}
	*o = (struct shared){
		.loc = loc, .kind = kind, .name = name, .nr = p->config->objects_len[kind]++
	};
	*p->table->objects_end = o;
	p->table->objects_end = &o->next;
	p->object = o;
}

void build_object_quota(struct parser *p, const struct stmt *quota)
{
	if (p->object->kind != OBJECT_QUOTA) {
		config_error(p->config, quota->loc, "bytes in %.64s, which is no quota",
		             p->object->name);
	}
	p->object->quota = quota->quota;
}

void build_object_limit(struct parser *p, const struct stmt *limit)
{
	if (p->object->kind != OBJECT_LIMIT) {
		config_error(p->config, limit->loc,
		             "a rate in counter %.64s, expected packets and bytes, or nothing",
		             p->object->name);
	}
	p->object->limit = limit->limit;
}

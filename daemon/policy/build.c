/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the grammar's rules do: values, rules, chains, sets and tables in the configuration's arena.
 * Whatever can be judged at its place in the text is judged here; what needs the whole text is
 * judged in check.c.
 */
#include "parser.h"

#include <inttypes.h>
#include <string.h>

/* values */

struct value *build_value(struct parser *p, struct loc loc, enum value_kind kind)
{
	struct value *v = arena_alloc(&p->config->arena, sizeof(*v));

	v->loc = loc;
	v->kind = (uint8_t)kind;
	return v;
}

static bool value_is_list(const struct value *v)
{
	return v->kind == VALUE_SET || v->kind == VALUE_COMMAS || v->kind == VALUE_BITS;
}

struct value *build_range(struct parser *p, struct loc loc, const struct value *lo,
                          const struct value *hi)
{
	struct value *v = build_value(p, loc, VALUE_RANGE);

	v->range.lo = lo;
	v->range.hi = hi;
	if (value_is_list(lo) || value_is_list(hi) || lo->kind == VALUE_RANGE ||
	    hi->kind == VALUE_RANGE) {
		config_error(p->config, loc, "a range of lists, expected two single values");
		v->range.lo = v->range.hi = build_value(p, loc, VALUE_NUMBER);
	}
	return v;
}

void build_append(struct parser *p, struct values *list, struct value *v)
{
	uint32_t len = value_is_list(v) ? v->list.len : 1;

	if (list->last != NULL) {
		list->last->next = v;
	} else {
		list->first = v;
	}
	list->last = v;
	if (len > VALUE_LEN_MAX - list->len || v->depth >= VALUE_DEPTH_MAX) {
		config_error(p->config, v->loc,
		             "the list is too long or too deep, expected at most "
		             "%u elements in %u levels of variables",
		             VALUE_LEN_MAX, VALUE_DEPTH_MAX);
		list->first = list->last = build_value(p, v->loc, VALUE_NUMBER);
		return;
	}
	list->len += len;
	if (v->depth > list->depth) {
		list->depth = v->depth;
	}
}

struct value *build_list(struct parser *p, struct loc loc, enum value_kind kind,
                         const struct values *list)
{
	struct value *v = build_value(p, loc, kind);

	v->list.first = list->first;
	v->list.len = list->len;
	v->depth = (uint8_t)(list->depth + 1);
	return v;
}

static const struct define *find_define(const struct parser *p, const char *name)
{
	const struct define *d = p->defines;

	while (d != NULL && strcmp(d->name, name) != 0) {
		d = d->next;
	}
	return d;
}

struct value *build_variable(struct parser *p, struct loc loc, const char *name)
{
	const struct define *d = find_define(p, name);
	struct value *v = build_value(p, loc, VALUE_NUMBER);

	if (d == NULL) {
		config_error(p->config, loc,
		             "variable $%.64s is not known, expected one that "
		             "`define` has set before",
		             name);
		return v;
	}
	*v = *d->value;
	v->next = NULL;
	v->loc = loc;
	return v;
}

void build_define(struct parser *p, struct loc loc, const char *name, const struct value *v)
{
	const struct define *old = find_define(p, name);
	struct define *d = arena_alloc(&p->config->arena, sizeof(*d));

	if (old != NULL) {
		config_error(p->config, loc,
		             "variable %.64s is already defined at %s, expected "
		             "another name",
		             name, config_where(p->config, old->loc));
		return;
	}
	*d = (struct define){ p->defines, name, loc, v };
	p->defines = d;
}

/* tables */

struct table *build_table(struct parser *p, struct loc loc, const char *family, const char *name)
{
	struct config *c = p->config;
	enum table_family f = TABLE_INET;
	struct table *t;

	while (f < TABLE_IP6 && strcmp(table_families[f], family) != 0) {
		f++;
	}
	if (strcmp(table_families[f], family) != 0) {
		config_error(c, loc,
		             "there are no tables of family \"%.64s\", expected ip, ip6 or "
		             "inet",
		             family);
	}
	for (t = c->tables; t != NULL; t = t->next) {
		if (t->family == f && strcmp(t->name, name) == 0) {
			return t;
		}
	}
	t = arena_alloc(&c->arena, sizeof(*t));
	*t = (struct table){ .loc = loc, .family = f, .name = name };
	t->sets_end = &t->sets;
	t->maps_end = &t->maps;
	t->chains_end = &t->chains;
	*c->tables_end = t;
	c->tables_end = &t->next;
	return t;
}

void build_flush_table(struct parser *p, struct loc loc, const char *family, const char *name)
{
	for (const struct table *t = p->config->tables; t != NULL; t = t->next) {
		bool is_meant = name == NULL || (strcmp(t->name, name) == 0 &&
		                                 strcmp(table_families[t->family], family) == 0);

		if (is_meant && (t->sets != NULL || t->maps != NULL || t->chains != NULL)) {
			config_error(p->config, loc,
			             "flush behind what it would empty, expected "
			             "it at the beginning of the file");
			return;
		}
	}
}

void build_chain(struct parser *p, struct loc loc, const char *name)
{
	struct config *c = p->config;
	struct chain *ch = arena_alloc(&c->arena, sizeof(*ch));

	for (const struct chain *old = p->table->chains; old != NULL; old = old->next) {
		if (strcmp(old->name, name) == 0) {
			config_error(c, loc,
			             "chain %.64s is already defined at %s, expected "
			             "another name",
			             name, config_where(c, old->loc));
		}
	}
	*ch = (struct chain){ .loc = loc, .name = name, .table = p->table };
	ch->rules_end = &ch->rules;
	*p->table->chains_end = ch;
	p->table->chains_end = &ch->next;
	p->chain = ch;
	c->chains_len++;
}

int build_priority(struct parser *p, struct loc loc, const char *word, int64_t offset)
{
	static const struct symbol names[] = { { "raw", 0 },        { "mangle", 150 },
		                               { "dstnat", 200 },   { "filter", 300 },
		                               { "security", 350 }, { "srcnat", 400 },
		                               { NULL, 0 } };
	int64_t base = 0;

	if (word != NULL) {
		const struct symbol *s = names;

		while (s->word != NULL && strcmp(s->word, word) != 0) {
			s++;
		}
		if (s->word == NULL) {
			config_error(p->config, loc,
			             "priority \"%.64s\" is not known, expected "
			             "raw, mangle, dstnat, filter, security, "
			             "srcnat or a number",
			             word);
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

void build_hook(struct parser *p, struct loc loc, const char *type, const char *hook, int priority)
{
	static const struct {
		const char *type;
		const char *hook;
		enum base_chain base;
	} hooks[] = {
		{ "filter", "input", CHAIN_INPUT },   { "filter", "forward", CHAIN_FORWARD },
		{ "filter", "output", CHAIN_OUTPUT }, { "close", "late", CHAIN_LATE },
		{ "close", "idle", CHAIN_IDLE },
	};
	struct chain *ch = p->chain;

	if (ch->is_base) {
		config_error(p->config, loc, "chain %.64s has a second hook, expected one",
		             ch->name);
		return;
	}
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		if (strcmp(hooks[i].type, type) == 0 && strcmp(hooks[i].hook, hook) == 0) {
			ch->is_base = true;
			ch->base = hooks[i].base;
			ch->priority = priority;
			ch->hook_loc = loc;
			return;
		}
	}
	config_error(p->config, loc,
	             "there is no hook \"type %.32s hook %.32s\", expected type "
	             "filter hook input, forward or output, or type close hook "
	             "late or idle",
	             type, hook);
}

void build_policy(struct parser *p, struct loc loc, enum answer answer)
{
	if (p->chain->has_policy) {
		config_error(p->config, loc, "chain %.64s has a second policy, expected one",
		             p->chain->name);
		return;
	}
	p->chain->has_policy = true;
	p->chain->policy = answer;
	p->chain->policy_loc = loc;
}

void build_rule(struct parser *p, struct loc loc, const struct stmts *stmts, const char *comment)
{
	struct rule *r = arena_alloc(&p->config->arena, sizeof(*r));

	r->loc = loc;
	r->stmts = stmts->first;
	r->comment = comment;
	*p->chain->rules_end = r;
	p->chain->rules_end = &r->next;
}

/* sets */

void build_set_head(struct parser *p, struct loc loc, const char *what, const char *name,
                    struct set *s)
{
	const struct set *old = p->table->sets;
	const struct map *map = p->table->maps;

	while (old != NULL && strcmp(old->name, name) != 0) {
		old = old->next;
	}
	while (map != NULL && (map->head.name == NULL || strcmp(map->head.name, name) != 0)) {
		map = map->next;
	}
	if (old != NULL || map != NULL) {
		config_error(p->config, loc,
		             "%s %.64s is already defined at %s, expected another "
		             "name",
		             what, name,
		             config_where(p->config, old != NULL ? old->loc : map->head.loc));
	}
	s->loc = loc;
	s->name = name;
}

void build_set(struct parser *p, struct loc loc, const char *name)
{
	struct config *c = p->config;
	struct set *s = arena_alloc(&c->arena, sizeof(*s));

	build_set_head(p, loc, "set", name, s);
	s->nr = c->sets_len++;
	*p->table->sets_end = s;
	p->table->sets_end = &s->next;
	p->set = s;
}

void build_set_type(struct parser *p, struct loc loc, const char *name)
{
	p->set->type = dtype_find(name);
	if (p->set->type == NULL) {
		config_error(p->config, loc, "there are no sets of type \"%.64s\", expected %s",
		             name, dtype_names());
		p->set->type = &dtype_mark; /* the configuration is refused anyway */
	}
}

void build_set_flag(struct parser *p, struct loc loc, const char *word)
{
	if (strcmp(word, "interval") == 0) {
		p->set->is_interval = true;
	} else if (strcmp(word, "dynamic") == 0) {
		p->set->is_dynamic = true;
	} else if (strcmp(word, "constant") == 0) {
		p->set->is_constant = true;
	} else {
		config_error(p->config, loc,
		             "sets have no flag \"%.64s\", expected interval, "
		             "constant or dynamic",
		             word);
	}
}

void build_set_elements(struct parser *p, struct loc loc, const struct value *v)
{
	if (v->kind != VALUE_SET) {
		config_error(p->config, loc, "no list of elements, expected { a, b }");
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

/* rules */

const struct selector *build_selector(struct parser *p, struct loc loc, const char *header,
                                      const char *name)
{
	const struct selector *sel = selector_find(header, name);

	if (sel == NULL) {
		config_error(p->config, loc, "%s has no \"%.64s\" to look at, expected one of: %s",
		             header, name, selector_names(&p->config->arena, header));
	}
	return sel;
}

struct stmt *build_stmt(struct parser *p, struct loc loc, enum stmt_kind kind)
{
	struct stmt *s = arena_alloc(&p->config->arena, sizeof(*s));

	s->loc = loc;
	s->kind = kind;
	return s;
}

struct stmt *build_match(struct parser *p, struct loc loc, const struct selector *sel,
                         enum relation rel, const struct value *mask, const struct value *v)
{
	struct stmt *s;

	if (sel == NULL) {
		return NULL;
	}
	if (sel->kind == SEL_CT_COUNT) {
		bool is_plain = rel == REL_IMPLICIT && mask == NULL && v->kind == VALUE_NUMBER;

		return build_count(p, loc, sel, false, is_plain ? v : NULL);
	}
	s = build_stmt(p, loc, STMT_MATCH);
	s->match = (struct match){ .sel = sel, .rel = rel, .mask = mask, .value = v };
	return s;
}

struct stmt *build_answer(struct parser *p, struct loc loc, enum answer answer)
{
	struct stmt *s = build_stmt(p, loc, STMT_ANSWER);

	s->answer.answer = answer;
	return s;
}

enum answer build_answer_word(const char *word)
{
	enum answer a = ANSWER_STRICT;

	while (a < ANSWER_PROBE && strcmp(answer_table[a].word, word) != 0) {
		a++;
	}
	return a;
}

struct stmt *build_reject(struct parser *p, struct loc loc, const char *proto, const char *how)
{
	struct stmt *s = build_answer(p, loc, ANSWER_REJECT);
	struct text said = { .arena = &p->config->arena };
	struct text known = { .arena = &p->config->arena };

	text_add(&said, "%s %s", proto, how);
	for (size_t i = 0; i < reject_table_len; i++) {
		if (strcmp(reject_table[i].text, said.at) == 0) {
			s->answer.reject = &reject_table[i];
			return s;
		}
		text_add(&known, i == 0 ? "%s" : ", %s", reject_table[i].text);
	}
	config_error(p->config, loc, "cannot reject with \"%.64s\", expected one of: %s", said.at,
	             known.at);
	return s;
}

struct stmt *build_limit(struct parser *p, struct loc loc, bool is_over, uint64_t rate,
                         const char *unit, uint64_t burst)
{
	static const struct symbol units[] = { { "second", 1 },    { "minute", 60 },
		                               { "hour", 3600 },   { "day", 86400 },
		                               { "week", 604800 }, { NULL, 0 } };
	struct stmt *s = build_stmt(p, loc, STMT_LIMIT);
	const struct symbol *u = units;

	while (u->word != NULL && strcmp(u->word, unit) != 0) {
		u++;
	}
	if (u->word == NULL) {
		config_error(p->config, loc,
		             "\"%.64s\" is no unit of time, expected second, "
		             "minute, hour, day or week",
		             unit);
		return s;
	}
	if (rate == 0 || rate > 1000000000 || burst == 0 || burst > UINT32_MAX) {
		config_error(p->config, loc,
		             "rate or burst is out of range, expected a rate of 1 "
		             "to 1000000000 and a burst of 1 to 4294967295 packets");
		return s;
	}
	s->limit = (struct limit){ rate, u->value, burst, is_over };
	return s;
}

bool build_settable(struct parser *p, struct loc loc, const struct selector *sel)
{
	if (sel->field == RS_F_MARK) {
		return true;
	}
	config_error(p->config, loc, "%s %s cannot be set, expected meta mark set N", sel->header,
	             sel->name);
	return false;
}

struct stmt *build_mark(struct parser *p, struct loc loc, const struct selector *sel,
                        const struct value *v)
{
	struct stmt *s = build_stmt(p, loc, STMT_MARK);
	struct interval i;
	char problem[256];

	if (sel == NULL) {
		return NULL;
	}
	if (!build_settable(p, loc, sel)) {
		return s;
	}
	if (value_interval(&dtype_mark, v, &i, problem, sizeof(problem)) != NULL) {
		config_error(p->config, v->loc, "%s", problem);
		return s;
	}
	if (i.lo.lo != i.hi.lo) {
		config_error(p->config, v->loc, "a range cannot be set, expected one mark");
	}
	s->mark = (uint32_t)i.lo.lo;
	return s;
}

struct stmt *build_target(struct parser *p, struct loc loc, enum stmt_kind kind, const char *name)
{
	struct stmt *s = build_stmt(p, loc, kind);

	s->target.name = name;
	return s;
}

void build_log_level(struct parser *p, struct loc loc, struct stmt *s, const char *word)
{
	unsigned level = 0;

	while (log_levels[level] != NULL && strcmp(log_levels[level], word) != 0) {
		level++;
	}
	if (log_levels[level] == NULL) {
		config_error(p->config, loc,
		             "\"%.64s\" is no log level, expected emerg, alert, "
		             "crit, err, warn, notice, info or debug",
		             word);
		return;
	}
	s->log.level = level;
}

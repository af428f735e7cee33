/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the entries of maps lead to: numbers of verdicts and objects, and their names for commands.
 */
#include "check.h"
#include "names.h"
#include "words.h"

#include <string.h>

static bool verdicts_are_equal(const struct stmt *a, const struct stmt *b)
{
	if (a->kind != b->kind) {
		return false;
	}
	switch (a->kind) {
	case STMT_VERDICT:
		return a->verdict.verdict == b->verdict.verdict;
	case STMT_JUMP:
	case STMT_GOTO:
		return strcmp(a->target.name, b->target.name) == 0;
	case STMT_COUNTER:
		return a->counter.object == b->counter.object;
	case STMT_LIMIT:
		return a->limit.object == b->limit.object;
	case STMT_QUOTA:
		return a->quota.object == b->quota.object;
	default:
		return true;
	}
}

bool check_number_verdict(struct config *c, struct map *m, struct map_entry *e)
{
	struct stmt **known = m->verdicts.items;
	uint32_t nr = 0;

	while (nr < m->verdicts.len && !verdicts_are_equal(known[nr], e->verdict)) {
		nr++;
	}
	e->nr = nr;
	if (nr < m->verdicts.len) {
		e->verdict = known[nr];
		return true;
	}
	if (nr == MAP_VERDICTS_MAX) {
		config_error(c, e->verdict->loc,
		             "too many verdicts in one map, expected at most %d different ones",
		             MAP_VERDICTS_MAX);
		return false;
	}
	*(struct stmt **)vec_add(&c->arena, &m->verdicts, sizeof(struct stmt *)) = e->verdict;
	return true;
}

/* Adds the verdicts that commands may give, and that name no chain. */
static void add_plain_verdicts(struct config *c, struct map *m)
{
	static const struct {
		enum stmt_kind kind;
		enum verdict verdict;
	} plain[] = { { STMT_VERDICT, VERDICT_ACCEPT },
		      { STMT_VERDICT, VERDICT_DROP },
		      { STMT_RETURN, VERDICT_ACCEPT },
		      { STMT_CONTINUE, VERDICT_ACCEPT } };

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		struct stmt *s = arena_alloc(&c->arena, sizeof(*s));
		struct map_entry e = { .verdict = s };

		s->loc = m->head.loc;
		s->kind = plain[i].kind;
		if (s->kind == STMT_VERDICT) {
			s->verdict.verdict = plain[i].verdict;
		}
		if (m->verdicts.len < MAP_VERDICTS_MAX) {
			(void)check_number_verdict(c, m, &e);
		}
	}
}

static const char *data_name(struct arena *a, const struct stmt *s)
{
	struct text t = { .arena = a };

	switch (s->kind) {
	case STMT_VERDICT:
		return verdict_table[s->verdict.verdict].word;
	case STMT_JUMP:
	case STMT_GOTO:
		text_add(&t, "%s %s", s->kind == STMT_JUMP ? "jump" : "goto", s->target.name);
		return t.at;
	case STMT_RETURN:
		return "return";
	case STMT_CONTINUE:
		return "continue";
	case STMT_COUNTER:
		return s->counter.name;
	case STMT_LIMIT:
		return s->limit.name;
	default:
		return s->quota.name;
	}
}

/* What commands need that list and change the entries of a map. */
static void make_map_names(struct config *c, struct map *m)
{
	struct text type = { .arena = &c->arena };
	const char **names;

	if (map_objects(m) == OBJECT_KINDS_LEN && m->data == NULL && !m->is_of_close) {
		add_plain_verdicts(c, m);
	}
	text_add(&type, "%s : %s", m->head.type->name, m->data != NULL ? m->data->name : "verdict");
	names = arena_alloc(&c->arena, (m->verdicts.len + 1) * sizeof(*names));
	for (size_t i = 0; i < m->verdicts.len; i++) {
		names[i] = data_name(&c->arena, ((struct stmt **)m->verdicts.items)[i]);
	}
	m->head.type_text = type.at;
	m->head.data = m->data == &dtype_mark ? SET_DATA_MARK
	               : m->data != NULL      ? SET_DATA_OBJECTS
	                                      : SET_DATA_NAMES;
	m->head.data_names = names;
	m->head.data_len = m->verdicts.len;
	m->head.names_at = c->patterns.items;
	m->head.names_len = c->patterns.len;
}

void check_map_names(struct config *c)
{
	for (const struct table *t = c->tables; t != NULL; t = t->next) {
		for (struct map *m = t->maps; m != NULL && c->errors_len == 0; m = m->next) {
			if (m->head.name != NULL && m->head.keyed != NULL) {
				make_map_names(c, m);
			}
		}
	}
}

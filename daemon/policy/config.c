/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading: read, parse, check. A configuration with an error is refused as a whole. Errors are
 * gathered in the configuration's arena and returned as one text. Also finds the named sets of a
 * configuration.
 */
#include "sets/named_set.h"
#include <finwall/config.h>

#include "check.h"
#include "cut.h"
#include "names.h"
#include "parser.h"
#include "settings.h"
#include "words.h"

#include "parse.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the chains of a set at once: all of them in 16 calls. */
#define SWEEP_PART(mask) (((mask) + 1) / 16 + 1)

/* The state of one config_load(). */
struct loading {
	struct parser parser;
	const char *path;
};

static void load(void *ctx);

struct config *config_load(const char *path, const struct config_reader *reader, char **errors)
{
	struct config *c = calloc(1, sizeof(*c));
	struct loading l = { .parser = { .config = c, .files = { .reader = reader } },
		             .path = path };
	bool has_memory;

	*errors = NULL;
	if (c == NULL) {
		return NULL;
	}
	has_memory = arena_run(&c->arena, load, &l);
	input_fini(&l.parser.files);
	arena_fini(&c->reading);
	if (has_memory && c->errors_len == 0) {
		return c;
	}
	if (!has_memory &&
	    asprintf(errors, "%s:1:1: out of memory, expected a smaller file\n", path) < 0) {
		*errors = NULL;
	}
	if (has_memory) {
		*errors = strdup(c->errors.at);
	}
	config_free(c);
	return NULL;
}

void config_free(struct config *c)
{
	if (c == NULL) {
		return;
	}
	for (const struct table *t = c->tables; t != NULL; t = t->next) {
		for (const struct set *s = t->sets; s != NULL; s = s->next) {
			live_set_put(s->live);
			live_keyed_put(s->to_list);
		}
	}
	for (size_t i = 0; i < c->keyed.len; i++) {
		live_keyed_put(((struct live_keyed **)c->keyed.items)[i]);
	}
	arena_fini(&c->arena);
	free(c);
}

void config_start(const struct config *c, struct mono now)
{
	for (size_t i = 0; i < c->keyed.len; i++) {
		live_keyed_start(((struct live_keyed **)c->keyed.items)[i], now);
	}
}

void named_sets_sweep(const struct config *c, struct mono now)
{
	for (size_t i = 0; i < c->keyed.len; i++) {
		struct live_keyed *s = ((struct live_keyed **)c->keyed.items)[i];
		struct rs_table *t = &rs_keyed_of(&s->set)->table;

		if (atomic_load_explicit(&t->used, memory_order_relaxed) != 0) {
			rs_table_sweep(t, now, SWEEP_PART(t->heads_mask));
		}
	}
}

const struct settings *config_settings(const struct config *c)
{
	return &c->settings;
}

const struct tunables *config_tunables(const struct config *c)
{
	return &c->tunables;
}

static struct named_set *named(const struct set *s)
{
	return (struct named_set *)(uintptr_t)s;
}

/* The map of a head. */
static const struct map *map_of(const struct set *s)
{
	return (const struct map *)(const void *)((const char *)s - offsetof(struct map, head));
}

/* The first one from here on that commands can change. */
static const struct map *next_map(const struct map *m)
{
	while (m != NULL && m->head.data == SET_DATA_NONE) {
		m = m->next;
	}
	return m;
}

struct named_set *named_set_next(const struct config *c, const struct named_set *before)
{
	const struct set *s = (const struct set *)before;
	const struct table *t = s != NULL ? s->table : c->tables;
	const struct map *m = NULL;

	if (s != NULL && s->data == SET_DATA_NONE && s->next != NULL) {
		return named(s->next);
	}
	/* behind the sets of a table its maps */
	if (s != NULL) {
		m = s->data == SET_DATA_NONE ? next_map(t->maps) : next_map(map_of(s)->next);
		t = t->next;
	}
	while (m == NULL && t != NULL && t->sets == NULL) {
		m = next_map(t->maps);
		t = t->next;
	}
	return m != NULL ? named(&m->head) : t != NULL ? named(t->sets) : NULL;
}

/* Whether the argument of a command, "NAME", "FAMILY NAME" or NULL for any, names the table. */
static bool table_has_name(const struct table *t, const char *name)
{
	const char *family = table_families[t->family];
	size_t size = strlen(family);

	if (name == NULL || strcmp(name, t->name) == 0) {
		return true;
	}
	return strncmp(name, family, size) == 0 && name[size] == ' ' &&
	       strcmp(name + size + 1, t->name) == 0;
}

struct named_set *named_set_find(const struct config *c, const char *table, const char *name,
                                 char problem[NAMED_SET_PROBLEM_SIZE])
{
	const struct set *found = NULL;

	for (const struct table *t = c->tables; t != NULL; t = t->next) {
		const struct set *s = table_set(t, name);
		const struct map *m = s == NULL ? table_map(t, name) : NULL;

		s = m != NULL && m->head.data != SET_DATA_NONE ? &m->head : s;
		if (s == NULL || !table_has_name(t, table)) {
			continue;
		}
		if (found != NULL) {
			snprintf(problem, NAMED_SET_PROBLEM_SIZE,
			         "there is a set or map %.64s in table %s %.64s and in table %s "
			         "%.64s: "
			         "name the table",
			         name, found->family, found->table_name, s->family, s->table_name);
			return NULL;
		}
		found = s;
	}
	if (found == NULL) {
		snprintf(problem, NAMED_SET_PROBLEM_SIZE, "there is no set or map %.64s%s%.64s",
		         name, table != NULL ? " in table " : "", table != NULL ? table : "");
		return NULL;
	}
	return named(found);
}

static void load(void *ctx)
{
	struct loading *l = ctx;
	struct parser *p = &l->parser;
	struct config *c = p->config;

	c->reading.no_memory = c->arena.no_memory;
	c->errors.arena = &c->arena;
	c->tables_end = &c->tables;
	p->files.config = c;
	settings_init(&c->settings);
	tunables_init(&c->tunables);
	cut_files(&p->files, l->path);
	if (!scan_begin(p, l->path)) {
		return;
	}
	policy_parse(p);
	if (c->errors_len == 0) {
		config_check(c);
	}
	config_errors_end(c);
}

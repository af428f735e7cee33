/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parse of one configuration under way: what scanner (scan.l), grammar (parse.y) and builder
 * (build.c) share. Nothing of it outlives config_load().
 */
#ifndef FINWALL_POLICY_PARSER_H
#define FINWALL_POLICY_PARSER_H

#include "selector.h"
#include "tree.h"

#define INCLUDE_DEPTH_MAX 16
#define FILES_MAX         1024 /* in one configuration: an include may not multiply without end */

struct define {
	struct define *next;
	const char *name;
	struct loc loc;
	const struct value *value;
};

/* A file that is being read. */
struct input {
	const char *path;
	const char *dir; /* with its slash; "" = here */
	struct loc at;   /* where the next token begins */
};

struct parser {
	struct config *config;
	const struct config_reader *reader;
	void *scanner;
	/* the scanner's */
	struct input input[INCLUDE_DEPTH_MAX];
	unsigned inputs_len;
	unsigned scan_depth;  /* open braces */
	bool is_at_statement; /* nothing since the last separator */
	char *loading;        /* malloc'd bytes of a file on its way to the scanner */
	/* error recovery: braces that belong to the statement in error are skipped with it */
	unsigned depth;       /* open braces, as the grammar sees them */
	unsigned block_depth; /* of them, blocks that the grammar has entered */
	bool is_recovering;
	bool is_finished; /* too many errors: the rest is not read */
	/* the builder's */
	struct define *defines;
	struct table *table;
	struct chain *chain;
	struct set *set; /* or the head of a map */
	struct map *map;
	const char *block; /* of settings; NULL = an unknown one, already complained of */
};

/* Lists under construction. */
struct values {
	struct value *first;
	struct value *last;
	uint32_t len;
	unsigned depth;
};

struct stmts {
	struct stmt *first;
	struct stmt *last;
};

struct map_entries {
	struct map_entry *first;
	struct map_entry *last;
	uint32_t len; /* keys, those in lists too */
};

/* scan.l: opens a file named in the text at loc (or the first one). Complains if it cannot. */
bool scan_open(struct parser *p, const char *path, struct loc loc);

/* build.c: what the grammar's rules do. Those that return NULL have complained. */
struct value *build_value(struct parser *p, struct loc loc, enum value_kind kind);
struct value *build_range(struct parser *p, struct loc loc, const struct value *lo,
                          const struct value *hi);
void build_append(struct parser *p, struct values *list, struct value *v);
struct value *build_list(struct parser *p, struct loc loc, enum value_kind kind,
                         const struct values *list);
struct value *build_variable(struct parser *p, struct loc loc, const char *name);
void build_define(struct parser *p, struct loc loc, const char *name, const struct value *v);

struct table *build_table(struct parser *p, struct loc loc, const char *family, const char *name);
void build_flush_table(struct parser *p, struct loc loc, const char *family, const char *name);
void build_chain(struct parser *p, struct loc loc, const char *name);
void build_hook(struct parser *p, struct loc loc, const char *type, const char *hook, int priority);
void build_policy(struct parser *p, struct loc loc, enum answer answer);
void build_rule(struct parser *p, struct loc loc, const struct stmts *stmts, const char *comment);
int build_priority(struct parser *p, struct loc loc, const char *word, int64_t offset);

void build_set(struct parser *p, struct loc loc, const char *name);
/* What sets and maps begin with; what: "set" or "map". Complains of a name that is taken. */
void build_set_head(struct parser *p, struct loc loc, const char *what, const char *name,
                    struct set *s);
void build_set_type(struct parser *p, struct loc loc, const char *name);
void build_set_flag(struct parser *p, struct loc loc, const char *word);
void build_set_elements(struct parser *p, struct loc loc, const struct value *v);

/* build_map.c: maps, and what counts connections. */
void build_map(struct parser *p, struct loc loc, const char *name);
void build_map_data(struct parser *p, struct loc loc, const char *name);
void build_map_typeof(struct parser *p, struct loc loc, const struct selector *key,
                      const struct selector *data, const char *word);
void build_map_elements(struct parser *p, struct loc loc, const struct map *body);
struct map *build_map_body(struct parser *p, struct loc loc, const struct map_entries *entries);
struct map_entry *build_map_entry(struct parser *p, struct loc loc, const struct value *key,
                                  const struct value *data, struct stmt *verdict);
void build_map_append(struct parser *p, struct map_entries *list, struct map_entry *e);
struct stmt *build_vmap(struct parser *p, struct loc loc, const struct selector *sel,
                        const struct value *mask, const struct lookup *map);
struct stmt *build_mark_map(struct parser *p, struct loc loc, const struct selector *set,
                            const struct selector *sel, const struct value *mask,
                            const struct lookup *map);
struct stmt *build_count(struct parser *p, struct loc loc, const struct selector *sel, bool is_over,
                         const struct value *max);
void build_count_key(struct parser *p, struct loc loc, struct stmt *s, const struct selector *key,
                     const char *set_name);

const struct selector *build_selector(struct parser *p, struct loc loc, const char *header,
                                      const char *name);
struct stmt *build_stmt(struct parser *p, struct loc loc, enum stmt_kind kind);
struct stmt *build_match(struct parser *p, struct loc loc, const struct selector *sel,
                         enum relation rel, const struct value *mask, const struct value *v);
struct stmt *build_answer(struct parser *p, struct loc loc, enum answer answer);
enum answer build_answer_word(const char *word);
struct stmt *build_reject(struct parser *p, struct loc loc, const char *proto, const char *how);
struct stmt *build_limit(struct parser *p, struct loc loc, bool is_over, uint64_t rate,
                         const char *unit, uint64_t burst);
bool build_settable(struct parser *p, struct loc loc, const struct selector *sel);
struct stmt *build_mark(struct parser *p, struct loc loc, const struct selector *sel,
                        const struct value *v);
struct stmt *build_target(struct parser *p, struct loc loc, enum stmt_kind kind, const char *name);
void build_log_level(struct parser *p, struct loc loc, struct stmt *s, const char *word);

#endif

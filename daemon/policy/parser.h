/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of one parse, shared by scanner (scan.l), grammar (parse.y) and builder (build*.c).
 * Nothing of it outlives config_load().
 */
#ifndef FINWALL_POLICY_PARSER_H
#define FINWALL_POLICY_PARSER_H

#include "error.h"
#include "input.h"
#include "selector.h"

struct define {
	struct define *next;
	const char *name;
	struct loc loc;
	const struct value *value;
};

/* Elements that commands add to a set, behind those that it has. */
struct added;

struct parser {
	struct config *config;
	struct inputs files;
	/* the scanner's */
	void *scanner;
	unsigned scan_depth;  /* open braces */
	bool is_at_statement; /* nothing since the last separator */
	/* error recovery: braces that belong to the statement in error are skipped with it */
	unsigned depth;       /* open braces, as the grammar sees them */
	unsigned block_depth; /* of them, blocks that the grammar has entered */
	bool is_recovering;
	/* elements of a set, read ahead of the scanner */
	int last_tokens[2];
	unsigned elements_depth; /* open braces inside `elements = {`; 0 = outside */
	/* the builder's */
	struct define *defines;
	struct table *table;
	struct chain *chain;
	bool has_no_table; /* of the current command; reported */
	bool has_hook;     /* in the current block of the chain */
	bool has_policy;
	struct added *added;
	struct set *set; /* or the head of a map */
	struct map *map;
	struct shared *object;
	const char *block; /* of settings; NULL = unknown, the error is reported */
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

/* Fields that jhash takes. */
#define HASH_FIELDS_MAX RS_LOAD_FIELDS_MAX
struct hash_fields {
	const struct selector *at[HASH_FIELDS_MAX];
	uint32_t len;
};

/* (sel & keep) ^ flip, or (other & own) ^ (sel & keep) ^ flip */
struct mark_expr {
	const struct selector *sel;
	const struct value *mask; /* of the only operator, if it is `&` */
	uint32_t keep;
	uint32_t flip;
	const struct selector *other; /* the mark that is set, where both are read */
	uint32_t own;
	unsigned operators;
	bool has_changed; /* an operator that is not `&` */
};

struct map_entries {
	struct map_entry *first;
	struct map_entry *last;
	uint32_t len; /* keys, those in lists too */
};

/* scan.l: the nr-th word of the grammar and its token, or NULL. */
const char *scan_keyword(size_t nr, int *token);

/* scan.l: makes the scanner and opens the first file. Returns false after a config_error(). */
bool scan_begin(struct parser *p, const char *path);

#endif

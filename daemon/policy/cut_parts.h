/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the three steps of cut.c share: the items of the text, and the tables and objects that they
 * make. Of the module cut only.
 */
#ifndef FINWALL_POLICY_CUT_PARTS_H
#define FINWALL_POLICY_CUT_PARTS_H

#include "cut_rules.h"
#include "cut_text.h"

/* What is marked with the side that has it. */
enum side {
	SIDE_OWN = 1,
	SIDE_KERNEL = 2,
};

/* Objects by the way that rules refer to them. */
enum class {
	CLASS_CHAIN,
	CLASS_SET,       /* sets, maps and flow tables: @name */
	CLASS_OBJECT,    /* counters and the like */
	CLASS_STATEMENT, /* of a table: comment, flags */
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
	bool is_close;       /* a base chain of type close, which the kernel does not have */
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

/* cut_read.c: reads all files, and notes their items, tables, objects and references. */
void cut_read(struct cut *k);

/* An object of a table, or NULL. */
struct object *cut_find_object(struct cut *k, const struct cut_table *t, enum class class,
                               const char *name);

/* cut_divide.c: marks objects with the sides that have them, and counts chains. */
void cut_divide(struct cut *k);

#endif

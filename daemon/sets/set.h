/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A named set in its configuration: its properties in the text, and its live elements. Outside of
 * policy and sets it is the opaque struct named_set (finwall/named_set.h).
 */
#ifndef FINWALL_SETS_SET_H
#define FINWALL_SETS_SET_H

#include "dtype.h"
#include "keyed.h"
#include "live_set.h"

#include "text/arena.h"
#include "text/loc.h"

struct value; /* policy/tree.h */
struct table;

/* What the elements of a map lead to. */
enum set_data {
	SET_DATA_NONE,    /* a set */
	SET_DATA_NAMES,   /* verdicts, by number */
	SET_DATA_OBJECTS, /* names of objects, likewise */
	SET_DATA_MARK,    /* the number is the mark */
};

struct set {
	struct set *next; /* in the table */
	struct loc loc;
	const char *name;
	const char *comment;
	const struct table *table;
	const char *family; /* of the table, and its name */
	const char *table_name;
	const struct dtype *type;
	bool is_interval;
	bool is_constant;
	bool is_dynamic; /* filled by rules */
	bool has_auto_merge;
	bool has_timeouts;
	uint64_t timeout_ms;     /* of elements without their own; 0 = none */
	uint64_t gc_interval_ms; /* 0 = not given */
	uint64_t size;           /* 0 = not given */
	uint32_t nr;
	const struct value *elements; /* those that the grammar read; NULL = none */
	struct interval_list listed;  /* those of the text; kept if there are files too */
	struct interval_list filed;   /* those of files, until live is made */
	struct vec files;             /* const char *: their names */
	/* made by the checker */
	struct live_set *live;       /* all elements; NULL for type ifname and with keyed */
	struct live_keyed *keyed;    /* all elements of a set that set_is_keyed() */
	struct live_keyed *to_list;  /* elements of the text that an adopted table is to get */
	struct vec kits;             /* struct rs_kit: [0] nothing; what elements count and limit */
	uint32_t kit;                /* of elements without their own */
	bool is_meter;               /* made by a rule with meter */
	bool is_counted;             /* a rule counts connections in it */
	bool is_changed;             /* a rule changes it */
	bool has_plain_opts;         /* elements have options */
	const char *const *names_at; /* of interfaces, by their number in keys */
	size_t names_len;
	uint64_t loaded; /* elements of the text */
	/* of a map */
	uint8_t data;                  /* enum set_data */
	const char *type_text;         /* "inet_service : verdict"; NULL = that of type */
	const char *const *data_names; /* SET_DATA_NAMES, SET_DATA_OBJECTS */
	size_t data_len;
	struct vec names; /* const char *: elements of type ifname */
};

/* Whether the elements of a set are in a table, not a tree. */
static inline bool set_is_keyed(const struct set *s)
{
	return s->type->parts_len != 0 || s->has_timeouts || s->is_dynamic || s->is_changed ||
	       s->kits.len > 1 || s->has_plain_opts;
}

#endif

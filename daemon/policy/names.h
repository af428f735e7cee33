/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chains, sets and maps of a table by name, each NULL when there is none; name patterns. */
#ifndef FINWALL_POLICY_NAMES_H
#define FINWALL_POLICY_NAMES_H

#include "tree.h"

#include "sets/keyed_text.h"

struct chain *table_chain(const struct table *t, const char *name);
struct set *table_set(const struct table *t, const char *name);
struct shared *table_object(const struct table *t, enum shared_kind kind, const char *name);
struct map *table_map(const struct table *t, const char *name);

/* "; did you mean x?" in the arena, where a set of the table is like the name; or "". */
const char *table_set_question(const struct table *t, const char *name, struct arena *a);

/* The number of an interface name pattern of the rules; c->patterns.len when there is none. */
size_t pattern_nr(const struct config *c, const char *pattern);

/* The names of patterns by number. */
struct name_list pattern_names(const struct config *c);

/* The kind of objects that a map has, OBJECT_KINDS_LEN for other maps. */
/* Whether the entries are in a table, which commands can change; the type is known. */
bool map_is_keyed(const struct map *m);

enum shared_kind map_objects(const struct map *m);

#endif

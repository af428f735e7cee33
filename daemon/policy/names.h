/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chains, sets and maps of a table by name; each returns NULL when there is none. */
#ifndef FINWALL_POLICY_NAMES_H
#define FINWALL_POLICY_NAMES_H

#include "tree.h"

struct chain *table_chain(const struct table *t, const char *name);
struct set *table_set(const struct table *t, const char *name);
struct map *table_map(const struct table *t, const char *name);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named sets that converted rules need, and those of ipset.
 */
#ifndef FINWALL_CLI_IPTABLES_SETS_H
#define FINWALL_CLI_IPTABLES_SETS_H

#include "iptables/convert.h"

/*
 * Adds a set, or finds the equal one. The texts are copied; the name is made valid. Returns the
 * table's set, valid until the next one is added, or NULL if a set of this name is different.
 */
const struct convert_set *convert_set_add(struct convert_table *t, const struct convert_set *set);

/* Writes the sets of a table. */
void convert_sets_write(const struct convert_table *t, FILE *f);

/* Writes a statement for every set of a list of recent, "update @s { ip saddr } ". */
void convert_sets_of_list(const struct convert_table *t, const char *list, size_t list_size,
                          const char *statement, const char *field, FILE *f);

void convert_sets_fini(struct convert_table *t);

/* The netmask of a prefix's length as text. */
const char *convert_mask_text(unsigned version, unsigned bits, char *out);

#endif

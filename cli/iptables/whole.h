/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps before writing that need all chains of a table.
 */
#ifndef FINWALL_CLI_IPTABLES_WHOLE_H
#define FINWALL_CLI_IPTABLES_WHOLE_H

#include "iptables/convert.h"

/* Refuses rules with an unknown target, and those of recent whose list has no --set. */
void convert_check(struct convert *cv, struct convert_table *t);

/* Names each chain in the configuration language. Returns false if memory runs out. */
bool convert_name_chains(struct convert_table *t);

#endif

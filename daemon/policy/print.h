/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of the canonical text that the compiler needs. */
#ifndef FINWALL_POLICY_PRINT_H
#define FINWALL_POLICY_PRINT_H

#include "tree.h"

/* Adds a rule without its comment and its connection limits: its identity across reloads. */
void rule_print_identity(struct text *t, const struct rule *r);

/* Adds a rule without its comment, and without the numbers of its counter. */
void rule_print(struct text *t, const struct rule *r);

#endif

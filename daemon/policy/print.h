/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of the canonical text that others need. */
#ifndef FINWALL_POLICY_PRINT_H
#define FINWALL_POLICY_PRINT_H

#include "tree.h"

/* A rule without its comment and its numbers of connections: what tells it from others. */
void rule_print_identity(struct text *t, const struct rule *r);

#endif

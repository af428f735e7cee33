/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the checker's files share. check.c calls check_set.c (sets and maps), check_chain.c (jumps)
 * and check_rule.c (statements); these call check_value.c. All report by config_error().
 */
#ifndef FINWALL_POLICY_CHECK_H
#define FINWALL_POLICY_CHECK_H

#include "error.h"
#include "selector.h"
#include "value.h"

/* check.c: completes and checks what was parsed. */
void config_check(struct config *c);

/* check_value.c */

/* An element to check. */
struct probe {
	struct config *c;
	const struct dtype *type;
	struct interval_list *into; /* a valid element is added here; NULL = nowhere */
};

/* For value_each() with a struct probe: checks that the element is of the type. Returns false when
 * there are too many errors to go on. */
bool check_element(void *ctx, const struct value *v);

/* A mask behind "&"; NULL is fine. */
void check_mask(struct config *c, const struct dtype *type, const struct value *mask);

/* check_set.c */

/* The sets of a table: checks them, and builds their live elements. */
void check_sets(struct config *c, struct table *t);

/* The maps of a table: types, keys, values and target chains. */
void check_maps(struct config *c, struct table *t);

/* check_chain.c */

/* Finds the chain of a jump or goto. */
void check_target(struct config *c, const struct table *t, struct stmt *s);

/* Finds the chains and maps that the rules of a chain name. */
void check_targets(struct config *c, struct chain *ch);

/* Puts all chains into config->called_first, callees before callers. */
void check_order(struct config *c);

/* Gives each chain the kind of the base chains that reach it. */
void check_kinds(struct config *c);

/* check_rule.c: the policy and the rules of a chain whose kind is known. */
void check_rules(struct config *c, struct chain *ch);

#endif

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

/* check_keyed.c: see its comment. */

/* Finds the sets that rules change, before the sets are checked. */
void check_changed_sets(struct config *c);

/* Notes whether elements have options. */
void check_elem_opts(struct set *s);

/* The properties and elements of a set that set_is_keyed(). */
void check_keyed_set(struct config *c, struct set *s);

/* Makes the table of a map that is keyed; its entries are numbered. */
void check_keyed_map(struct config *c, struct map *m);

/* The elements of a set in a rule, or of a map, which have no options but a comment. */
void check_no_opts(struct config *c, const struct value *v);
/* Of the keys of a map, which may have times. */
void check_map_opts(struct config *c, const struct map *m, const struct value *key);
/*
 * check_map.c: gives the entry the number of its verdict. Equal verdicts have the same number, and
 * their entries share one statement: what is found out about it later, the chain of a jump, holds
 * for all. Returns false after an error.
 */
bool check_number_verdict(struct config *c, struct map *m, struct map_entry *e);
/* What commands need that list and change entries of maps; when all rules are checked. */
void check_map_names(struct config *c);

/* The table of a set of tuples in a rule; NULL after an error. */
struct live_keyed *check_tuples(struct config *c, const struct dtype *type, const struct value *v);

/* `add @set { ... }` and the like. */
void check_change(struct config *c, const struct chain *ch, struct stmt *s);

/* Makes the tables of all sets, once all rules are checked. */
void check_keyed_make(struct config *c);

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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the checker's files share: check.c (sets, base chains, rules), check_chain.c (jumps) and
 * check_map.c (maps, and statements that count connections). All complain by config_error().
 */
#ifndef FINWALL_POLICY_CHECK_H
#define FINWALL_POLICY_CHECK_H

#include "selector.h"
#include "tree.h"

/* An element under test, and against what. */
struct probe {
	struct config *c;
	const struct dtype *type;
};

/* For value_each(), with a struct probe: whether the element is one of the type. */
bool check_element(void *ctx, const struct value *v);

/* Whether a field makes sense in this chain. False after a complaint. */
bool check_selector(struct config *c, const struct chain *ch, struct loc loc,
                    const struct selector *sel);

/* A mask behind "&"; NULL is fine. */
void check_mask(struct config *c, const struct dtype *type, const struct value *mask);

/* Whether a chain of this kind may answer so. */
void check_answer(struct config *c, struct loc loc, enum answer answer, enum chain_kind kind);

/* Finds the chain of a jump or goto. */
void check_target(struct config *c, const struct table *t, struct stmt *s);

/* Finds the chains and maps that the rules of a chain name. */
void check_targets(struct config *c, struct chain *ch);

/* Puts all chains into config->called_first, callees before callers. */
void check_order(struct config *c);

/* Gives each chain the kind of the base chains that reach it. */
void check_kinds(struct config *c);

/* All maps of a table by themselves: types, keys, values, and the chains that they lead to. */
void check_maps(struct config *c, struct table *t);

/* Finds the map that a statement names. */
void check_map_name(struct config *c, const struct table *t, struct lookup *l);

/* A look-up in a map, or a count, at its place in a rule. */
void check_lookup(struct config *c, const struct chain *ch, const struct stmt *s);
void check_count(struct config *c, const struct chain *ch, struct stmt *s);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the instructions of one rule in one list: for a chain, an address family and a connection
 * state. Used by compile.c alone. Memory: the compiler's arena, which does not return when it runs
 * out.
 */
#ifndef FINWALL_POLICY_EMIT_H
#define FINWALL_POLICY_EMIT_H

#include "layout.h"

#define EMPTY_LIST 0 /* code[0] is RS_RETURN */

struct compiler {
	const struct config *config;
	struct arena arena;
	struct compiled out;
	struct operand *operand; /* by stmt->nr */
	uint32_t fold_least;     /* rules of a list that is folded */
	uint32_t rule_nr;        /* of the instructions that are being written */
};

/* The list that is being written. */
struct variant {
	const struct chain *chain;
	enum rs_family family;
	enum ct_state state;
};

struct rs_insn *emit_insn(struct compiler *k, enum rs_op op, uint32_t a, uint32_t b);

/* Whether the list fixes the value of the selector, so that nothing is looked up. */
bool emit_knows(const struct selector *sel);

/* Removes the instructions from this one on. */
void emit_cut(struct compiler *k, size_t len);

/* Returns true when no packet passes the rule: the following rules are not reached. */
bool emit_rule(struct compiler *k, const struct variant *v, const struct rule *r);

#endif

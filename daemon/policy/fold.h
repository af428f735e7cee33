/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Folding: a list of rules becomes one in which rules that cannot match are skipped by a look-up
 * (struct rs_fold). Instructions of rules stay as they are, so what they do does too.
 */
#ifndef FINWALL_POLICY_FOLD_H
#define FINWALL_POLICY_FOLD_H

#include "pool.h"

/* A compiled list: its instructions, the rule of each, where the code of each rule begins. */
struct fold_list {
	const struct rs_insn *code;
	const uint32_t *rule_of;
	uint32_t len;
	const uint32_t *starts; /* rules_len; the end of the last one is end */
	uint32_t rules_len;
	uint32_t end;
};

/* Shorter lists are faster as they are. */
#define FOLD_RULES_LEAST 16

/*
 * Makes the fold of a list, if at least so many rules can be found by a look-up. Returns its number
 * in p->folds, or UINT32_MAX when it would not help. Then the list is to be written with an RS_FOLD
 * before each rule.
 */
uint32_t fold_make(struct pools *p, const struct fold_list *l, uint32_t rules_least);

#endif

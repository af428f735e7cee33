/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The compiler's second step: what rules were compiled to becomes a struct ruleset, in one block of
 * memory.
 */
#ifndef FINWALL_POLICY_LAYOUT_H
#define FINWALL_POLICY_LAYOUT_H

#include "pool.h"

/* Where a chain's lists begin in the code, by family and state. */
struct lists {
	uint32_t at[RS_FAMILIES_LEN][CT_STATES_LEN];
};

struct compiled {
	const struct config *config;
	struct pools pools;
	struct lists *lists; /* by chain->nr */
	struct vec code;     /* struct rs_insn */
	struct vec rule_of;  /* uint32_t: the rule of each instruction */
	/* as in struct ruleset */
	uint32_t entry[CHAINS_LEN][RS_FAMILIES_LEN][CT_STATES_LEN];
	uint8_t policy[CHAINS_LEN][RS_FAMILIES_LEN];
};

/* Returns NULL when memory runs out. On success the ruleset owns the sets of the pools. */
struct ruleset *layout_make(const struct compiled *k);

#endif

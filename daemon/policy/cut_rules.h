/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of a chain as text, for cut.c: which of them change a packet or its connection in a way
 * that only the kernel can ("ip dscp set", "ct helper set"). If such a rule gives no verdict, the
 * kernel can have it in a chain of the same name. That chain repeats the rules before it, so that
 * it is reached by the same packets, but drops none: finwall does.
 */
#ifndef FINWALL_POLICY_CUT_RULES_H
#define FINWALL_POLICY_CUT_RULES_H

#include "cut_text.h"

/* What words of a rule, or of any object, mean. */
enum cut_has {
	HAS_EFFECT = 1,  /* only the kernel can do it, and no verdict depends on it */
	HAS_DROP = 2,    /* drop, reject, queue */
	HAS_VERDICT = 4, /* those and accept */
	HAS_STATE = 8,   /* finwall's rules have it, too: marks, elements that rules add */
	HAS_OTHER = 16,  /* what may not happen twice for a packet, or leads to another chain */
	HAS_SPEC = 32,   /* no rule: type, policy, comment, flags */
	HAS_HOOK = 64,   /* that of the type */
	HAS_KERNEL_DATA = 128, /* a map to addresses or ports */
};

struct cut_rule {
	char *at;
	char *end;
	char *verdict; /* the word drop or reject; NULL = none */
	uint8_t has;
	/* of the object, before and after the rule was read */
	const void *references_before, *references_after;
};

struct cut_rules {
	struct vec list; /* struct cut_rule */
	bool is_in_rule;
	uint8_t has; /* of all rules, and of what is in no block */
	/* the last word or sign */
	const char *last;
	size_t last_size;
};

/* True for a field that rules of the kernel can set without a verdict of theirs. */
bool cut_is_effect(const char *name);

/* The next token of an object; depth: the open braces before it, from the object's name on. */
void cut_rules_token(struct cut_rules *r, struct arena *a, const struct cut_text *t, unsigned depth,
                     const void *references);

/* True if some of the rules can be the kernel's, and the others finwall's. */
bool cut_rules_can_divide(const struct cut_rules *r);

/* True for a rule that is in the kernel's chain, and for one that is only there. */
bool cut_rule_is_kernel(const struct cut_rules *r, const struct cut_rule *rule);
bool cut_rule_is_only_kernel(const struct cut_rule *rule);

/* Writes the kernel's chain. */
void cut_rules_write(const struct cut_rules *r, struct text *out, const char *name);

#endif

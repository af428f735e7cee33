/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of a chain as text, for cut.c: which of them change a packet or its connection in a way
 * that only the kernel can ("ip dscp set", "ct helper set"). If such a rule gives no verdict, the
 * kernel can have it in a chain of the same name. That chain repeats the rules before it, so that
 * it is reached by the same packets, but drops none: finwall does. A rule that matches what only
 * the kernel knows ("meta cgroup", "ct helper") makes its base chain the kernel's.
 */
#ifndef FINWALL_POLICY_CUT_RULES_H
#define FINWALL_POLICY_CUT_RULES_H

#include "cut_text.h"

/* What words of a rule, or of any object, mean. */
enum cut_has {
	HAS_EFFECT = 1 << 0,      /* only the kernel can do it, and no verdict depends on it */
	HAS_DROP = 1 << 1,        /* drop, reject, queue */
	HAS_VERDICT = 1 << 2,     /* those and accept */
	HAS_STATE = 1 << 3,       /* finwall's rules have it, too: marks, elements that rules add */
	HAS_OTHER = 1 << 4,       /* what may not happen twice for a packet */
	HAS_SPEC = 1 << 5,        /* no rule: type, policy, comment, flags */
	HAS_HOOK = 1 << 6,        /* that of the type */
	HAS_KERNEL_DATA = 1 << 7, /* a map to addresses or ports */
	HAS_JUMP = 1 << 8,
	HAS_LOG = 1 << 9,
	HAS_LIMIT = 1 << 10,
	HAS_KERNEL_MATCH = 1 << 11, /* only the kernel knows what it matches */
};

struct cut_rule {
	char *at;
	char *end;
	char *reject;     /* the word, and with it the rest of the rule; NULL = none */
	struct vec drops; /* char *: each word drop */
	char *log_at;     /* the log statement; NULL = none */
	char *log_end;
	char *write_at; /* the header of an address or a port that is set, behind all else; NULL =
	                   none */
	uint16_t has;
	/* of the object, before and after the rule was read */
	const void *references_before, *references_after;
};

/* In a log statement: what may follow. */
enum cut_log {
	LOG_NONE,
	LOG_OPTION,
	LOG_VALUE,
	LOG_FLAGS,
};

struct cut_rules {
	struct vec list; /* struct cut_rule */
	bool is_in_rule;
	enum cut_log log;
	uint16_t has; /* of all rules, and of what is in no block */
	/* the last word or sign, and those before it */
	const char *last;
	size_t last_size;
	char *before_last;
	char *before_before;
	/* the first match that only the kernel knows, and its size; NULL = none */
	const char *kernel_match;
	size_t kernel_match_size;
	uint32_t kernel_match_line;
	const char *kernel_match_path;
};

/* Which rules of a chain the kernel has, too. */
enum cut_part {
	CUT_NONE,
	CUT_UP_TO_EFFECT, /* those up to the last one that only the kernel can carry out */
	CUT_ALL,          /* all, with those of the chains that they lead to */
};

/* True for a field that rules of the kernel can set without a verdict of theirs. */
bool cut_is_effect(const char *name);

/* The next token of an object; depth: the open braces before it, from the object's name on. */
void cut_rules_token(struct cut_rules *r, struct arena *a, const struct cut_text *t, unsigned depth,
                     const void *references);

/* True if that part of the chain can be the kernel's, too. */
bool cut_rules_can(const struct cut_rules *r, enum cut_part part);

/* True for a rule that is in the kernel's chain, and for one that is only there. */
bool cut_rule_is_kernel(const struct cut_rules *r, const struct cut_rule *rule, enum cut_part part);
bool cut_rule_is_only_kernel(const struct cut_rule *rule);

/* Writes the kernel's chain. */
void cut_rules_write(const struct cut_rules *r, enum cut_part part, struct text *out,
                     const char *name);

#endif

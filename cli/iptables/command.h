/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands of iptables: append, insert and delete rules and chains.
 */
#ifndef FINWALL_CLI_IPTABLES_COMMAND_H
#define FINWALL_CLI_IPTABLES_COMMAND_H

#include "iptables/convert.h"
#include "iptables/lex.h"

/* A line of input. */
struct convert_line {
	struct convert *cv;
	const char *file;
	unsigned line;    /* its number; of the first one if lines are joined */
	const char *text; /* unchanged, for the comment of a refused rule */
	struct convert_kernel_tables *kernel;
};

/* What a file has for tables that stay in the kernel, and of finwall itself: one note each. */
#define CONVERT_KERNEL_TABLES_LEN 4
struct convert_kernel_tables {
	struct {
		unsigned first_line; /* 0 = nothing */
		unsigned rules;
		bool has_policy; /* that drops */
	} table[CONVERT_KERNEL_TABLES_LEN];
	unsigned own_line; /* the first line of the hook rules, 0 = none */
};

/* Counts rules for a table that stays in the kernel. An unknown table is a problem. */
void convert_kernel_rule(const struct convert_line *r, const char *table, unsigned rules);
void convert_kernel_policy(const struct convert_line *r, const char *table);

/* raw.c: a rule that is appended to table raw; word: "-A", the chain, and so on. */
void convert_raw_rule(const struct convert_line *l, enum convert_family family,
                      const char *const *word, size_t len);
void convert_raw_fini(struct convert *cv);

/* The hook rules of finwall in a save of iptables are left out. */
bool convert_chain_is_own(const char *name);
void convert_own_chain(const struct convert_line *r);

/* Prints the notes at the end of a file. */
void convert_kernel_notes(const struct convert_line *r);

/* Runs the words from first on. table: of the section, or "filter"; -t in the words overrides it.
 * Errors are reported with convert_problem(). */
void convert_command(const struct convert_line *r, enum convert_family family, const char *table,
                     const struct convert_words *words, size_t first);

#endif

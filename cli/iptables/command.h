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
};

/* Runs the words from first on. table: of the section, or "filter"; -t in the words overrides it.
 * Errors are reported with convert_problem(). */
void convert_command(const struct convert_line *r, enum convert_family family, const char *table,
                     const struct convert_words *words, size_t first);

#endif

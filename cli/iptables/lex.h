/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Splits a line into words, as iptables-restore(8) or as a shell does.
 */
#ifndef FINWALL_CLI_IPTABLES_LEX_H
#define FINWALL_CLI_IPTABLES_LEX_H

#include <stddef.h>

#define CONVERT_WORDS_MAX 256

enum convert_syntax {
	SYNTAX_SAVE,  /* output of iptables-save: double quotes, and a backslash within them */
	SYNTAX_SHELL, /* shell: both quotes, backslashes, comments */
};

struct convert_words {
	const char *word[CONVERT_WORDS_MAX]; /* point into the line */
	size_t len;
};

/*
 * Splits a line in place: the words point into it. Returns NULL, or why the line is refused. Shell
 * variables, substitutions and operators are refused, and control characters other than spaces.
 */
const char *convert_split(char *line, enum convert_syntax syntax, struct convert_words *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words of a line: as iptables-restore(8) splits it, or as a shell does.
 */
#ifndef FINWALL_CLI_IPTABLES_LEX_H
#define FINWALL_CLI_IPTABLES_LEX_H

#include <stddef.h>

#define CONVERT_WORDS_MAX 256

enum convert_syntax {
	SYNTAX_SAVE,  /* what iptables-save writes: double quotes, and a backslash within them */
	SYNTAX_SHELL, /* a script: both quotes, backslashes, comments */
};

struct convert_words {
	const char *word[CONVERT_WORDS_MAX]; /* point into the line */
	size_t len;
};

/*
 * Splits a line, which is written over and keeps the words. Returns NULL, or what about the line is
 * not understood: nothing of a shell is expanded, and no operator of it.
 */
const char *convert_split(char *line, enum convert_syntax syntax, struct convert_words *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Splits in place: a word without its quotes and backslashes is never longer than with them. Does
 * not know rules.
 */
#include "iptables/lex.h"

#include <stdbool.h>
#include <string.h>

#define DELETE '\x7f'

struct lexer {
	const char *from; /* next to read */
	char *to;         /* next to write */
	enum convert_syntax syntax;
};

static const char *take_word(struct lexer *lx);
static const char *take_quoted(struct lexer *lx, char quote);

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* No name and no comment has one, and the converter marks places of its own with them
 * (convert.h). */
static bool has_control(const char *line)
{
	for (const char *c = line; *c != '\0'; c++) {
		if (((unsigned char)*c < ' ' && !is_space(*c)) || *c == DELETE) {
			return true;
		}
	}
	return false;
}

const char *convert_split(char *line, enum convert_syntax syntax, struct convert_words *out)
{
	struct lexer lx = { .from = line, .to = line, .syntax = syntax };

	out->len = 0;
	if (has_control(line)) {
		return "a control character";
	}
	for (;;) {
		const char *why;
		bool is_last;

		while (is_space(*lx.from)) {
			lx.from++;
		}
		if (*lx.from == '\0' || (syntax == SYNTAX_SHELL && *lx.from == '#')) {
			return NULL;
		}
		if (out->len == CONVERT_WORDS_MAX) {
			return "more words than a rule can have";
		}
		out->word[out->len++] = lx.to;
		why = take_word(&lx);
		if (why != NULL) {
			return why;
		}
		/* the terminating zero may overwrite the character that ended the word */
		is_last = *lx.from == '\0';
		if (!is_last) {
			lx.from++;
		}
		*lx.to++ = '\0';
		if (is_last) {
			return NULL;
		}
	}
}

/*
 * Skips a quote that a word processor has made of a plain one. Within such quotes, '\0' stands for
 * the closing quote.
 */
static bool skip_typographic(struct lexer *lx)
{
	if (strncmp(lx->from, "\xe2\x80\x9c", 3) != 0 &&
	    strncmp(lx->from, "\xe2\x80\x9d", 3) != 0) {
		return false;
	}
	lx->from += 3;
	return true;
}

/* Reads up to the next space or the end of the line. */
static const char *take_word(struct lexer *lx)
{
	const bool is_shell = lx->syntax == SYNTAX_SHELL;

	while (*lx->from != '\0' && !is_space(*lx->from)) {
		const bool is_typographic = skip_typographic(lx);
		char c = is_typographic ? '\0' : *lx->from++;

		if (is_typographic || c == '"' || (is_shell && c == '\'')) {
			const char *why = take_quoted(lx, c);

			if (why != NULL) {
				return why;
			}
			continue;
		}
		if (is_shell && c == '\\' && *lx->from != '\0') {
			c = *lx->from++;
		} else if (is_shell && (c == '$' || c == '`')) {
			return "shell variables and substitutions are not expanded";
		} else if (is_shell && strchr("|&;<>(){}*?", c) != NULL) {
			return "shell operators and patterns are not carried out";
		}
		*lx->to++ = c;
	}
	return NULL;
}

/* Reads up to the closing quote. */
static const char *take_quoted(struct lexer *lx, char quote)
{
	const bool is_shell = lx->syntax == SYNTAX_SHELL;

	for (;;) {
		char c = *lx->from;

		if (c == '\0') {
			return "a quote is not closed: write \" where its text ends, or remove it";
		}
		if (quote == '\0' && skip_typographic(lx)) {
			return NULL;
		}
		lx->from++;
		if (c == quote) {
			return NULL;
		}
		if (c == '\\' && quote == '"' && *lx->from != '\0' &&
		    (!is_shell || strchr("$`\"\\", *lx->from) != NULL)) {
			c = *lx->from++;
		} else if (is_shell && quote == '"' && (c == '$' || c == '`')) {
			return "shell variables and substitutions are not expanded";
		}
		*lx->to++ = c;
	}
}

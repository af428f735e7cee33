/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of convert_lex: the words of a line, or the error.
 */
#include "iptables/lex.h"

#include "suite.h"

#include <stdlib.h>
#include <string.h>

struct row {
	enum convert_syntax syntax;
	const char *line;
	const char *words; /* each word followed by a bar; NULL: an error */
	const char *why;
};

static const struct row rows[] = {
	{ SYNTAX_SAVE, "", "", NULL },
	{ SYNTAX_SAVE, " \t ", "", NULL },
	{ SYNTAX_SAVE, "-A INPUT -j ACCEPT", "-A|INPUT|-j|ACCEPT|", NULL },
	{ SYNTAX_SAVE, "  -A\tINPUT \r", "-A|INPUT|", NULL },
	{ SYNTAX_SAVE, "\"a b\" c", "a b|c|", NULL },
	{ SYNTAX_SAVE, "\"\" x", "|x|", NULL },
	{ SYNTAX_SAVE, "x \"\"", "x||", NULL },
	{ SYNTAX_SAVE, "\"a \\\"b\\\" \\\\\"", "a \"b\" \\|", NULL },
	{ SYNTAX_SAVE, "a\"b c\"d", "ab cd|", NULL },
	{ SYNTAX_SAVE, "it's #5 $x > y", "it's|#5|$x|>|y|", NULL },
	{ SYNTAX_SAVE, "a\\ b", "a\\|b|", NULL },
	{ SYNTAX_SAVE, "\"open", NULL,
	  "a quote is not closed: write \" where its text ends, or remove it" },
	{ SYNTAX_SAVE, "\"open\\\"", NULL,
	  "a quote is not closed: write \" where its text ends, or remove it" },
	{ SYNTAX_SAVE, "a \002", NULL, "a control character" },
	{ SYNTAX_SAVE, "\"a\177\"", NULL, "a control character" },
	{ SYNTAX_SAVE, "\303\274", "\303\274|", NULL },
	{ SYNTAX_SHELL, "a\033b", NULL, "a control character" },
	{ SYNTAX_SHELL, "a # b", "a|", NULL },
	{ SYNTAX_SHELL, "a#b", "a#b|", NULL },
	{ SYNTAX_SHELL, "'a \"b\" $c' d", "a \"b\" $c|d|", NULL },
	{ SYNTAX_SHELL, "\"it's\" 'a'\\''b'", "it's|a'b|", NULL },
	{ SYNTAX_SHELL, "a\\ b", "a b|", NULL },
	{ SYNTAX_SHELL, "\"a\\n\\\"\"", "a\\n\"|", NULL },
	{ SYNTAX_SHELL, "a\\", "a\\|", NULL },
	{ SYNTAX_SHELL, "! -s x", "!|-s|x|", NULL },
	{ SYNTAX_SHELL, "-p $x", NULL, "shell variables and substitutions are not expanded" },
	{ SYNTAX_SHELL, "\"$x\"", NULL, "shell variables and substitutions are not expanded" },
	{ SYNTAX_SHELL, "`x`", NULL, "shell variables and substitutions are not expanded" },
	{ SYNTAX_SHELL, "a > b", NULL, "shell operators and patterns are not carried out" },
	{ SYNTAX_SHELL, "a; b", NULL, "shell operators and patterns are not carried out" },
	{ SYNTAX_SHELL, "'open", NULL,
	  "a quote is not closed: write \" where its text ends, or remove it" },
};

static void check_row(const struct row *row)
{
	struct convert_words words;
	/* The buffer has exactly this size, so that AddressSanitizer detects a read past it. */
	char *line = strdup(row->line);
	char joined[128] = "";
	const char *why = convert_split(line, row->syntax, &words);

	if (row->words == NULL) {
		ck_assert_msg(why != NULL, "\"%s\" was taken", row->line);
		ck_assert_str_eq(why, row->why);
	} else {
		ck_assert_msg(why == NULL, "\"%s\": %s", row->line, why);
		for (size_t i = 0; i < words.len; i++) {
			strcat(joined, words.word[i]);
			strcat(joined, "|");
		}
		ck_assert_str_eq(joined, row->words);
	}
	free(line);
}

START_TEST(lines_are_split_into_words)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		check_row(&rows[i]);
	}
}
END_TEST

START_TEST(the_number_of_words_is_limited)
{
	char line[2 * (CONVERT_WORDS_MAX + 1) + 1];
	struct convert_words words;

	for (size_t i = 0; i < sizeof(line) - 1; i++) {
		line[i] = i % 2 == 0 ? 'a' : ' ';
	}
	line[2 * CONVERT_WORDS_MAX] = '\0';
	ck_assert_ptr_null(convert_split(line, SYNTAX_SAVE, &words));
	ck_assert_uint_eq(words.len, CONVERT_WORDS_MAX);
	for (size_t i = 0; i < sizeof(line) - 1; i++) {
		line[i] = i % 2 == 0 ? 'a' : ' ';
	}
	line[sizeof(line) - 1] = '\0';
	ck_assert_str_eq(convert_split(line, SYNTAX_SAVE, &words),
	                 "more words than a rule can have");
}
END_TEST

SUITE_MAIN("convert_lex", lines_are_split_into_words, the_number_of_words_is_limited)

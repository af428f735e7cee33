/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wrapped lines: no line is wider than the screen, no word is lost, continued lines begin below
 * their column.
 */
#include "screen.h"

#include "suite.h"

#define UMLAUTS "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"

static char *wrapped(const char *line, unsigned width)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	screen_wrap(line, strlen(line), width, to);
	fclose(to);
	return text;
}

static void expect(const char *line, unsigned width, const char *want)
{
	char *text = wrapped(line, width);

	ck_assert_str_eq(text, want);
	free(text);
}

START_TEST(a_line_that_fits_is_not_changed)
{
	expect("", 20, "\n");
	expect("12345678901234567890", 20, "12345678901234567890\n");
	expect("  two  columns  here", 20, "  two  columns  here\n");
}
END_TEST

START_TEST(a_text_column_stays_a_column)
{
	expect("late-fin   12  a FIN without an entry", 30,
	       "late-fin   12  a FIN without\n"
	       "               an entry\n");
	expect("                     remedy: sysctl net.ipv4.conf.all.rp_filter=1", 60,
	       "                     remedy: sysctl\n"
	       "                     net.ipv4.conf.all.rp_filter=1\n");
}
END_TEST

START_TEST(a_line_without_columns_is_indented)
{
	expect("one two three four five six", 20, "one two three four\n    five six\n");
	/* a column at the right edge leaves no space below it */
	expect("one two three four  five six seven", 20,
	       "one two three four\n    five six seven\n");
}
END_TEST

START_TEST(a_long_word_is_not_broken)
{
	expect("a [2001:db8:1111:2222:3333:4444]:65535 b", 20,
	       "a\n    [2001:db8:1111:2222:3333:4444]:65535\n    b\n");
	expect("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 20,
	       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n");
}
END_TEST

START_TEST(a_character_is_one_column)
{
	expect(UMLAUTS " 12345678901", 20, UMLAUTS " 12345678901\n");
}
END_TEST

/* Random lines: what is read from the screen, word by word, is what was written. */
START_TEST(no_word_is_lost_and_no_line_is_too_wide)
{
	srand(7);
	for (unsigned n = 0; n < 4000; n++) {
		unsigned width = 20 + (unsigned)rand() % 100;
		char line[400];
		size_t size = (size_t)rand() % (sizeof(line) - 1);
		char *text;
		char *rest;
		char *source_rest;
		char *word;
		char *source;

		/* words of five letters fit beside any indentation */
		for (size_t i = 0; i < size; i++) {
			line[i] = i % 6 == 5 || rand() % 4 == 0 ? ' ' : 'x';
		}
		line[size] = '\0';
		text = wrapped(line, width);
		for (char *at = text; *at != '\0'; at += strcspn(at, "\n") + 1) {
			if (strcspn(at, "\n") > width) {
				ck_abort_msg("%u columns: %s from %s", width, text, line);
			}
		}
		word = strtok_r(text, " \n", &rest);
		source = strtok_r(line, " ", &source_rest);
		while (word != NULL && source != NULL) {
			ck_assert_str_eq(word, source);
			word = strtok_r(NULL, " \n", &rest);
			source = strtok_r(NULL, " ", &source_rest);
		}
		ck_assert_ptr_null(word);
		ck_assert_ptr_null(source);
		free(text);
	}
}
END_TEST

SUITE_MAIN("screen", a_line_that_fits_is_not_changed, a_text_column_stays_a_column,
           a_line_without_columns_is_indented, a_long_word_is_not_broken, a_character_is_one_column,
           no_word_is_lost_and_no_line_is_too_wide)

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Suggestions: see suggest.h. Likeness is the number of letters that must be inserted, deleted,
 * replaced or swapped with a neighbour (optimal string alignment).
 */
#include "suggest.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX 32 /* longer words are not compared */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned distance_of(const char *a, const char *b)
{
	const size_t a_size = strlen(a);
	const size_t b_size = strlen(b);
	unsigned row[3][TEXT_MAX + 1]; /* of the matrix: i - 2, i - 1, i; in turn */

	if (a_size > TEXT_MAX || b_size > TEXT_MAX) {
		return TEXT_MAX;
	}
	for (size_t j = 0; j <= b_size; j++) {
		row[0][j] = (unsigned)j;
	}
	for (size_t i = 1; i <= a_size; i++) {
		unsigned *now = row[i % 3];
		const unsigned *before = row[(i - 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b_size; j++) {
			now[j] = least(least(before[j], now[j - 1]) + 1,
			               before[j - 1] + (tolower((unsigned char)a[i - 1]) !=
			                                tolower((unsigned char)b[j - 1])));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
				now[j] = least(now[j], row[(i - 2) % 3][j - 2] + 1);
			}
		}
	}
	return row[a_size % 3][b_size];
}

void suggest_consider(struct suggest *s, const char *word)
{
	const size_t size = strlen(s->text);
	/* the beginning of a word is like it */
	unsigned distance = size > 2 && strncasecmp(s->text, word, size) == 0 &&
	                                    word[size] != '\0' && word[size] != ' '
	                            ? 1
	                            : distance_of(s->text, word);
	unsigned at = least(s->considered, SUGGESTIONS_MAX);

	s->considered++;
	while (at > 0 && distance < s->distance[at - 1]) {
		at--;
	}
	if (at == SUGGESTIONS_MAX) {
		return;
	}
	for (unsigned i = SUGGESTIONS_MAX - 1; i > at; i--) {
		s->best[i] = s->best[i - 1];
		s->distance[i] = s->distance[i - 1];
	}
	s->best[at] = word;
	s->distance[at] = distance;
}

const char *suggest_meant(const struct suggest *s)
{
	const unsigned max = strlen(s->text) < 4 ? 1 : 2;

	if (s->considered == 0 || s->distance[0] > max || s->distance[0] >= strlen(s->best[0]) ||
	    strlen(s->text) < 2) {
		return NULL;
	}
	return s->best[0];
}

const char *suggest_list(const struct suggest *s, struct arena *a)
{
	const unsigned len = least(s->considered, SUGGESTIONS_MAX);
	struct text t = { .arena = a };

	for (unsigned i = 0; i < len; i++) {
		text_add(&t, "%s%s", i == 0 ? "" : i + 1 < len ? ", " : " or ", s->best[i]);
	}
	if (s->considered > len) {
		text_add(&t, " (of %u)", s->considered);
	}
	return t.at;
}

const char *suggest_question(const struct suggest *s, struct arena *a)
{
	const char *meant = suggest_meant(s);
	struct text t = { .arena = a };

	if (meant == NULL) {
		return "";
	}
	text_add(&t, "; did you mean %s?", meant);
	return t.at;
}

void suggest_symbols(struct suggest *s, const struct symbol *symbols)
{
	for (; symbols != NULL && symbols->word != NULL; symbols++) {
		suggest_consider(s, symbols->word);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Suggestions in error messages: of the words that are valid, those most like the one that is not.
 */
#ifndef FINWALL_POLICY_SUGGEST_H
#define FINWALL_POLICY_SUGGEST_H

#include "sets/dtype.h"
#include "text/arena.h"

#define SUGGESTIONS_MAX 3

/* Keeps the best words, best first. The words are borrowed. */
struct suggest {
	const char *text;
	const char *best[SUGGESTIONS_MAX];
	unsigned distance[SUGGESTIONS_MAX];
	unsigned considered;
};

/* Considers a word. s: zeroed, but for text. */
void suggest_consider(struct suggest *s, const char *word);

/* The best word if it is so like the text that it was probably meant; else NULL. */
const char *suggest_meant(const struct suggest *s);

/* "a, b or c", in the arena: all words if there are so few, else the best "(of 16)". */
const char *suggest_list(const struct suggest *s, struct arena *a);

/* "; did you mean a?" in the arena, or "". */
const char *suggest_question(const struct suggest *s, struct arena *a);

/* Considers the words of a type. */
void suggest_symbols(struct suggest *s, const struct symbol *symbols);

#endif

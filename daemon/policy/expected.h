/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of a message about a syntax error: what the grammar accepts there, in a few words.
 */
#ifndef FINWALL_POLICY_EXPECTED_H
#define FINWALL_POLICY_EXPECTED_H

#include "parser.h"

/* A token that the grammar accepts. */
struct expected {
	int token;
	const char *name;
};

/*
 * "a, b or c": at most three of them, or the name of a place where many are accepted, and the word
 * that was probably meant by found. In the arena. Ends are named only if nothing else is. Changes
 * all.
 */
const char *expected_text(struct parser *p, const char *found, struct expected *all, int len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements of sets from text in bulk: lists between braces in the configuration, and files with one
 * element a line. Fast: a million elements do not go through scanner and grammar.
 */
#ifndef FINWALL_SETS_LOAD_H
#define FINWALL_SETS_LOAD_H

#include "dtype.h"
#include "interval.h"

#include "text/loc.h"

/* Unread text and its position. */
struct load_text {
	const char *at;
	const char *end;
	struct loc loc;
};

/*
 * Reads elements of the type, each with the comma behind it, as long as another element follows.
 * Stops before the first one that is anything but a plain address, prefix, number or range, and
 * before the last one: the grammar reads these. Returns false when it read none.
 */
bool load_list(struct arena *a, const struct dtype *type, struct load_text *t,
               struct interval_list *out);

/*
 * Reads lines of one element each; comments begin with # or ;. Reports each line in error, and at
 * most one list that is too long; stops when report returns false.
 */
struct load_report {
	bool (*fn)(void *ctx, struct loc loc, const char *problem);
	void *ctx;
};
void load_lines(struct arena *a, const struct dtype *type, struct load_text t,
                struct interval_list *out, const struct load_report *report);

#endif

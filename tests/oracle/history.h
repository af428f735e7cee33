/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list of steps: the history of a flow, or a script.
 */
#ifndef ORACLE_HISTORY_H
#define ORACLE_HISTORY_H

#include "step.h"

struct history {
	struct step *step;
	size_t len;
	size_t cap;
};

/* Appends a copy. Exits if memory runs out. */
void history_add(struct history *h, const struct step *s);
void history_fini(struct history *h);

/* Reads a script. Returns 0, or -errno after printing an error to stderr. */
int script_load(const char *path, struct ends *e, struct history *out);
void script_print(FILE *to, const struct ends *e, const struct history *h);

#endif

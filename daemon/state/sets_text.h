/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The elements of sets that a restart has to restore, as text: those that rules add to dynamic
 * sets, and those that commands have added to sets and maps. Main thread only.
 *
 * A line "set FAMILY TABLE NAME" begins a set; a tab begins each of its elements, as
 * named_set_walk() writes them. The first line, of SETS_TEXT_HEADER_SIZE bytes, has the time and a
 * checksum of the rest.
 */
#ifndef FINWALL_STATE_SETS_TEXT_H
#define FINWALL_STATE_SETS_TEXT_H

#include "io/clock.h"

#include <finwall/config.h>
#include <finwall/mono.h>

#include <stdbool.h>
#include <stddef.h>

#define SETS_TEXT_HEADER_SIZE 80

/* Behind the path of the state file. */
#define SETS_TEXT_ENDING ".sets"

struct sets_text;

/* Begins. Returns NULL when memory runs out. */
struct sets_text *sets_text_new(void);

/*
 * Adds some thousand elements of the configuration; begins again when it is another one. Returns
 * true when all are in the text.
 */
bool sets_text_step(struct sets_text *t, const struct config *c, struct mono now);

/*
 * Writes the text as of that time to the file beside the state file at path; none if there is
 * nothing to write, nor such a file. t may be NULL: there was no memory. Returns 0/-errno.
 */
int sets_text_write(const struct sets_text *t, const char *path, struct wall_time wall);

void sets_text_free(struct sets_text *t); /* NULL is fine */

struct sets_loaded {
	uint64_t elements;
	uint64_t left_out; /* expired, or they no longer fit their set */
	bool is_invalid;   /* nothing was loaded */
};

/*
 * Adds the elements of the file beside the state file at path to the configuration's sets. Returns
 * 0/-errno; -ENOENT without one.
 */
int sets_text_load(const char *path, const struct config *c, struct mono now, struct wall_time wall,
                   struct sets_loaded *out);

#endif

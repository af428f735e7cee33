/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The named sets of a configuration that is in force: read and changed while packets are judged.
 *
 * One thread changes and reads them, any may evaluate rules meanwhile: a change becomes visible to
 * them as a whole. What it replaced is handed back as garbage, to be freed when no evaluation that
 * began before the change is under way any more. Nothing here outlives the configuration; a reload
 * begins with what the files say.
 */
#ifndef FINWALL_NAMED_SET_H
#define FINWALL_NAMED_SET_H

#include <finwall/config.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct named_set; /* opaque; owned by its configuration */

/* All sets, in the order of the text. NULL begins, and ends. */
struct named_set *named_set_next(const struct config *c, const struct named_set *before);

struct named_set_info {
	const char *family; /* of the table */
	const char *table;
	const char *name;
	const char *type;
	uint64_t len;     /* elements */
	uint64_t added;   /* since it was loaded */
	uint64_t deleted; /* flushed ones too */
	bool can_change;  /* not constant, not dynamic, not of interface names */
};
void named_set_info(const struct named_set *s, struct named_set_info *out);

#define NAMED_SET_PROBLEM_SIZE 512

/*
 * The set of that name; table: "NAME" or "FAMILY NAME", or NULL where one table only has such a
 * set. Returns NULL after putting what is wrong into problem.
 */
struct named_set *named_set_find(const struct config *c, const char *table, const char *name,
                                 char problem[NAMED_SET_PROBLEM_SIZE]);

/* Elements as text. Zero the cursor to begin; sets may change between two calls. */
struct named_set_cursor {
	uint64_t next_hi; /* those below are done */
	uint64_t next_lo;
	bool is_over;
};

/* Calls fn for the next elements, some thousands at most. Returns false when there are no more, or
 * no memory. */
bool named_set_walk(const struct named_set *s, struct named_set_cursor *at,
                    void (*fn)(void *ctx, const char *element), void *ctx);

enum named_set_op {
	SET_ADD,
	SET_DELETE,
	SET_FLUSH, /* takes no elements */
};

/* What a change replaced. */
struct named_set_garbage;

/*
 * All elements or none: on -EINVAL (problem says why: not an element, overlaps, is not there, the
 * set cannot be changed) and -ENOMEM nothing has happened. On success *changed is how many elements
 * came or went (adding one that is there is fine and changes nothing), and *garbage is for
 * named_set_garbage_free(); NULL when nothing changed.
 */
int named_set_change(struct named_set *s, enum named_set_op op, const char *const *elements,
                     size_t elements_len, uint64_t *changed, struct named_set_garbage **garbage,
                     char problem[NAMED_SET_PROBLEM_SIZE]);

/* See above for when; NULL is fine. */
void named_set_garbage_free(struct named_set_garbage *g);

#endif

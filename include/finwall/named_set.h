/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The named sets of a configuration in force: listed and changed while rules are evaluated.
 *
 * One thread lists and changes them; any number may evaluate rules at the same time and see a
 * change as a whole. The replaced parts are returned as garbage, to be freed when all evaluations
 * that began before the change have ended. Changes end with the configuration: a reload starts from
 * the files.
 */
#ifndef FINWALL_NAMED_SET_H
#define FINWALL_NAMED_SET_H

#include <finwall/config.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct named_set; /* opaque; owned by its configuration */

/* Iterates over the sets in the order of the text. before NULL: the first; returns NULL after the
 * last.
 */
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
 * The set of that name. table: "NAME" or "FAMILY NAME", or NULL if only one table has such a set.
 * Returns NULL with the error text in problem.
 */
struct named_set *named_set_find(const struct config *c, const char *table, const char *name,
                                 char problem[NAMED_SET_PROBLEM_SIZE]);

/* The position of a list of elements. Zeroed at the beginning; the set may change between calls. */
struct named_set_cursor {
	uint64_t next_hi; /* lower ones were listed */
	uint64_t next_lo;
	bool is_over;
};

/* Calls fn with the next elements, some thousands at most. Returns false at the end, or when memory
 * runs out. */
bool named_set_walk(const struct named_set *s, struct named_set_cursor *at,
                    void (*fn)(void *ctx, const char *element), void *ctx);

enum named_set_op {
	SET_ADD,
	SET_DELETE,
	SET_FLUSH, /* takes no elements */
};

/* The replaced parts of a set. */
struct named_set_garbage;

/*
 * Changes all elements or none. Returns 0, -ENOMEM, or -EINVAL with the error text in problem: an
 * invalid, overlapping or missing element, or a set that cannot change. On success *changed is the
 * number of elements added or deleted (an element to add may exist already), and *garbage is to be
 * freed with named_set_garbage_free(); NULL when nothing changed.
 */
int named_set_change(struct named_set *s, enum named_set_op op, const char *const *elements,
                     size_t elements_len, uint64_t *changed, struct named_set_garbage **garbage,
                     char problem[NAMED_SET_PROBLEM_SIZE]);

/* For when see above. NULL is allowed. */
void named_set_garbage_free(struct named_set_garbage *g);

#endif

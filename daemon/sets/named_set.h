/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The named sets of a configuration in force: read and changed while packets are evaluated.
 *
 * One thread reads and changes them; any thread may evaluate rules at the same time. A change
 * becomes visible at once and as a whole. The memory that it replaced is returned as garbage: free
 * it when no evaluation that began before the change is running. Changes do not outlive the
 * configuration: a reload creates the sets from the files again.
 */
#ifndef FINWALL_NAMED_SET_H
#define FINWALL_NAMED_SET_H

#include <finwall/config.h>
#include <finwall/mono.h>
#include <finwall/u128.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct named_set; /* opaque; owned by its configuration */

/* The set after before, in the order of the text; NULL begins. Returns NULL at the end. */
struct named_set *named_set_next(const struct config *c, const struct named_set *before);

struct named_set_info {
	const char *family; /* of the table */
	const char *table;
	const char *name;
	const char *type;
	uint64_t len;     /* elements */
	uint64_t added;   /* since it was loaded */
	uint64_t deleted; /* with flushed ones */
	bool can_change;  /* false: constant, or of interface names */
	bool is_dynamic;  /* rules change it too; a reload keeps its elements */
	uint64_t expired; /* elements whose time was over; of sets with timeouts */
	uint64_t refused; /* additions by rules, because the set was full */
	uint64_t size;    /* the most elements that it can have; 0 = no limit */
};
void named_set_info(const struct named_set *s, struct named_set_info *out);

#define NAMED_SET_PROBLEM_SIZE 512

/*
 * The set of that name; table: "NAME" or "FAMILY NAME", or NULL if only one table has such a
 * set. Returns NULL and writes the error to problem.
 */
struct named_set *named_set_find(const struct config *c, const char *table, const char *name,
                                 char problem[NAMED_SET_PROBLEM_SIZE]);

/* The position of a walk; zero begins. The set may change between two calls. */
struct named_set_cursor {
	uint64_t next_hi; /* all below it were visited */
	uint64_t next_lo;
	bool is_over;
};

/* Calls fn for the next elements, some thousands at most. Returns false at the end, or when memory
 * runs out. */
bool named_set_walk(const struct named_set *s, struct mono now, struct named_set_cursor *at,
                    void (*fn)(void *ctx, const char *element), void *ctx);

/*
 * Likewise, of the elements that a restart has to restore: those that rules add, and those that
 * commands have added.
 */
bool named_set_walk_saved(const struct named_set *s, struct mono now, struct named_set_cursor *at,
                          void (*fn)(void *ctx, const char *element), void *ctx);

/*
 * Adds an element of such a walk, after so much time. No rules are evaluated yet. Returns false
 * when it has expired, or the set does not take it.
 */
bool named_set_restore(struct named_set *s, struct mono now, const char *element,
                       int64_t passed_ns);

/* What the elements of a set are, for a connection. */
enum named_set_ends {
	SET_ENDS_NONE,
	SET_ENDS_IP4,
	SET_ENDS_IP6,
	SET_ENDS_PORT,
};
enum named_set_ends named_set_ends(const struct named_set *s);

/* Reads an element of a set. Returns false if it is none. */
bool named_set_read(const struct named_set *s, const char *element, struct interval *out);

/* Sorts intervals and joins them in place; *len becomes the number of those that are left. */
void named_set_join(struct interval *i, size_t *len);

enum named_set_op {
	SET_ADD,
	SET_DELETE,
	SET_FLUSH, /* no elements are given */
};

/* The memory that a change replaced. */
struct named_set_garbage;

/*
 * Changes all elements or none. Returns -EINVAL and writes the reason to problem (not an element,
 * overlaps, is not in the set, the set cannot be changed), or -ENOMEM. On success *changed is the
 * number of elements added or deleted (one that is in the set already is not counted), and *garbage
 * is for named_set_garbage_free(); NULL when nothing changed.
 */
int named_set_change(struct named_set *s, struct mono now, enum named_set_op op,
                     const char *const *elements, size_t elements_len, uint64_t *changed,
                     struct named_set_garbage **garbage, char problem[NAMED_SET_PROBLEM_SIZE]);

/* Deletes expired elements of all sets, in a part of each: to be called now and then. */
void named_sets_sweep(const struct config *c, struct mono now);

/* Frees it; the first comment states when. NULL is fine. */
void named_set_garbage_free(struct named_set_garbage *g);

#endif

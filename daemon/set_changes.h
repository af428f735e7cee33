/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of named sets while workers evaluate rules: memory that a change replaced is freed when
 * no worker can hold a reference to it.
 *
 * Each change has a number. A worker acknowledges the latest number between two batches; replaced
 * memory is freed when all workers have acknowledged its change. Main thread only.
 */
#ifndef FINWALL_SET_CHANGES_H
#define FINWALL_SET_CHANGES_H

#include "workers.h"

#include "sets/named_set.h"

struct log;
struct replaced;

/* Zeroed at first. */
struct set_changes {
	struct replaced *oldest; /* not freed yet */
	uint32_t last;           /* number of the latest change; wraps */
};

/* named_set_change() on a set of the configuration in force, with the same results. */
int set_changes_apply(struct set_changes *sc, struct workers *ws, struct named_set *s,
                      enum named_set_op op, const char *const *elements, size_t elements_len,
                      uint64_t *changed, char problem[NAMED_SET_PROBLEM_SIZE]);

/* Returns a number for workers_all_passed(): of what has changed before the call. */
uint32_t set_changes_mark(struct set_changes *sc, struct workers *ws);

/* Frees what no worker can refer to. */
void set_changes_retire(struct set_changes *sc, const struct workers *ws);

/* Frees all; the workers have stopped. */
void set_changes_fini(struct set_changes *sc);

/* Logs the changes that a reload of c discards. */
void set_changes_log_discarded(const struct config *c, struct log *log);

#endif

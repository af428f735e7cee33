/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named sets that change while packets pass: who may still look at what a change replaced.
 *
 * A worker says between two batches which changes it has seen; what a change replaced is freed when
 * all of them have seen it. Main thread only.
 */
#ifndef FINWALL_SETS_H
#define FINWALL_SETS_H

#include "daemon.h"

#include <finwall/named_set.h>

/* named_set_change() on a set of the configuration in force. Same outcome. */
int sets_change(struct daemon *d, struct named_set *s, enum named_set_op op,
                const char *const *elements, size_t elements_len, uint64_t *changed,
                char problem[NAMED_SET_PROBLEM_SIZE]);

/* Frees what no worker uses any longer. */
void sets_retire(struct daemon *d);

/* Frees all of it; the workers have ended. */
void sets_fini(struct daemon *d);

/* Says which changes go with the configuration that was in force. */
void sets_tell_lost(const struct daemon *d);

#endif

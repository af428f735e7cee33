/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connections that are older than the comparison with the kernel's tracker: those loaded at the
 * start, and those opened while the hook rules attached no kernel state. The kernel's tracker may
 * have no entry for them, and picks them up in the middle.
 *
 * A connection is settled, and from then on compared like any other, when it is opened again or
 * when the kernel's tracker has agreed once that it is established: the kernel has an entry then.
 *
 * All workers use one set: an open-addressed table of keyed 63-bit hashes, without locks. Nothing
 * is removed. A connection that finds no place is not in the set, so that its differences are
 * reported.
 */
#ifndef FINWALL_DAEMON_COMPARE_OLDER_H
#define FINWALL_DAEMON_COMPARE_OLDER_H

#include <finwall/engine.h>

#include <stdbool.h>
#include <stdint.h>

struct older;

/* Has places for at least len connections, at most 2^21. key: random. Returns NULL without memory.
 */
struct older *older_new(uint64_t len, const struct sipkey *key);

/* NULL is fine. */
void older_free(struct older *o);

/* Adds a connection, also if it was settled. */
void older_add(struct older *o, const struct flowkey *key);

/* Adds all connections of the table. Before the workers start. */
void older_add_all(struct older *o, struct engine *e, struct mono now);

/* Does nothing with a connection that was not added. */
void older_settle(struct older *o, const struct flowkey *key);

/* True for a connection that was added and not settled. */
bool older_has(const struct older *o, const struct flowkey *key);

/* True if there is one. One comparison. */
bool older_any(const struct older *o);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verdicts that wait until a record of their connection is safe (cluster_port.h), or for so long at
 * most. Of one worker, which is the only one that touches them but for the length.
 *
 * Records are numbered in order and all waits are equally long, so the oldest one is due first: a
 * queue. What waits are decided packets, so an entry is small.
 */
#ifndef FINWALL_PENDING_H
#define FINWALL_PENDING_H

#include <finwall/mono.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* At most; a power of two. */
#define PENDING_MAX 16384u

struct pending_verdict {
	uint64_t record; /* the number that must be safe */
	struct mono since;
	struct mono deadline;
	uint32_t id; /* in the queue */
	uint32_t mark;
	bool has_mark;
};

struct pending;

struct pending *pending_new(void);
void pending_free(struct pending *p);

/* Returns false when there are too many. */
bool pending_add(struct pending *p, const struct pending_verdict *v);

/* The oldest one, or NULL. */
const struct pending_verdict *pending_first(const struct pending *p);

/* Whether it need wait no longer. */
bool pending_is_due(const struct pending_verdict *v, uint64_t safe, struct mono now);

/* Removes the oldest one. */
void pending_pop(struct pending *p);

/* Any thread. */
uint32_t pending_len(const struct pending *p);

#endif

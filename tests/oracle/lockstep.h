/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Executes a step on both sides and compares the results.
 */
#ifndef ORACLE_LOCKSTEP_H
#define ORACLE_LOCKSTEP_H

#include "kern.h"
#include "side.h"
#include "step.h"

#include <finwall/mono.h>

/* Both sides, and the result of the last step. */
/* A list of tuples. */
struct tuples {
	struct tuple *tuple;
	size_t len;
	size_t cap;
};

struct lockstep {
	/* of steps that took too long: the deadlines of their entries differ for good */
	struct tuples uncertain;
	struct kern *kern;
	struct side *side;
	uint8_t *packet; /* STEP_PACKET_MAX bytes */
	struct outcome kernel;
	struct outcome ours;
	char diff[DIFF_SIZE];
	struct via *via; /* the daemon in the packets' path, or NULL; owned by the caller */
	struct sighting daemon;
	uint64_t explained; /* packets skipped because of a documented difference */
};

enum lockstep_result {
	LOCKSTEP_SAME,
	LOCKSTEP_DIFFERENT, /* lockstep.diff has the differences */
	LOCKSTEP_UNCERTAIN, /* too much time passed, or an expiry is too near */
	LOCKSTEP_BROKEN,    /* the kernel's side failed; lockstep.diff has the error */
};

/* Within this distance of an expiry the two clocks may disagree. */
#define LOCKSTEP_EDGE_NS (60 * NSEC_PER_MSEC)

/* Returns true if a deadline is within LOCKSTEP_EDGE_NS of now. */
bool lockstep_is_on_edge(const struct flow *live, struct mono now);

/* The clock of finwall's side. */
struct mono lockstep_now(void);
void lockstep_sleep_until(struct mono t);

/* Returns NULL with the reason in *why if the machine is not suitable. */
struct lockstep *lockstep_new(const char **why);
void lockstep_free(struct lockstep *d);

/* Executes one step of a flow. */
enum lockstep_result lockstep_step(struct lockstep *d, const struct ends *e, const struct step *s);

/* Deletes the flow, or everything, on both sides. */
void lockstep_delete(struct lockstep *d, const struct ends *e);
void lockstep_flush(struct lockstep *d);

/* Sets each setting to its default on both sides. */
void lockstep_defaults(struct lockstep *d);

/* Compares the two tables. Prints the differences and returns the number of entries that differ. */
unsigned lockstep_compare_tables(struct lockstep *d);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Executes a step on both sides and compares the results.
 */
#ifndef ORACLE_DUEL_H
#define ORACLE_DUEL_H

#include "kern.h"
#include "shot.h"
#include "twin.h"

#include <finwall/mono.h>

/* Both sides, and the result of the last step. */
struct duel {
	struct kern *kern;
	struct twin *twin;
	uint8_t *packet; /* SHOT_PACKET_MAX bytes */
	struct outcome kernel;
	struct outcome ours;
	char diff[DIFF_SIZE];
	struct via *via; /* the daemon in the packets' path, or NULL; owned by the caller */
	struct sighting daemon;
	uint64_t explained; /* packets skipped because of a documented difference */
};

enum duel_result {
	DUEL_SAME,
	DUEL_DIFFERENT, /* duel.diff has the differences */
	DUEL_BLURRED,   /* the clocks do not allow a decision: too much time passed, or an expiry is
	                   too near */
	DUEL_BROKEN,    /* the kernel's side failed; duel.diff has the error */
};

/* Within this distance of an expiry the two clocks may disagree. */
#define DUEL_EDGE_NS (60 * NSEC_PER_MSEC)

/* Returns true if a deadline is within DUEL_EDGE_NS of now. */
bool duel_is_on_edge(const struct flow *live, struct mono now);

/* The clock of finwall's side. */
struct mono duel_now(void);
void duel_sleep_until(struct mono t);

/* Returns NULL with the reason in *why if the machine is not suitable. */
struct duel *duel_new(const char **why);
void duel_free(struct duel *d);

/* Executes one step of a flow. */
enum duel_result duel_shot(struct duel *d, const struct ends *e, const struct shot *s);

/* Deletes the flow, or everything, on both sides. */
void duel_forget(struct duel *d, const struct ends *e);
void duel_flush(struct duel *d);

/* Sets each setting to its default on both sides. */
void duel_defaults(struct duel *d);

/* Compares the two tables. Prints the differences and returns the number of entries that differ. */
unsigned duel_compare_tables(struct duel *d);

#endif

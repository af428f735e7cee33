/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One step on both sides, and the comparison after it.
 */
#ifndef ORACLE_DUEL_H
#define ORACLE_DUEL_H

#include "kern.h"
#include "shot.h"
#include "twin.h"

#include <finwall/mono.h>

/* Both sides, and what there is to say about the last step. */
struct duel {
	struct kern *kern;
	struct twin *twin;
	uint8_t *packet; /* SHOT_PACKET_MAX bytes */
	struct outcome kernel;
	struct outcome ours;
	char diff[DIFF_SIZE];
	struct via *via; /* the daemon on the way, or NULL; the caller's */
	struct sighting told;
	uint64_t explained; /* packets left out because of a documented difference */
};

enum duel_result {
	DUEL_SAME,
	DUEL_DIFFERENT, /* duel.diff says how */
	DUEL_BLURRED,   /* too much time went by, or an expiry is too near: nothing can be said */
	DUEL_BROKEN,    /* the kernel side failed; errno-like in duel.diff */
};

/* Two instants nearer than this to an expiry cannot be told apart by the two sides. */
#define DUEL_EDGE_NS (60 * NSEC_PER_MSEC)

/* True when this is no moment to ask: the answer depends on whose clock ticks first. */
bool duel_is_on_edge(const struct flow *live, struct mono now);

/* The clock that finwall's side runs on. */
struct mono duel_now(void);
void duel_sleep_until(struct mono t);

/* NULL with *why when the machine cannot do it. */
struct duel *duel_new(const char **why);
void duel_free(struct duel *d);

/* Plays one step of a flow. */
enum duel_result duel_shot(struct duel *d, const struct ends *e, const struct shot *s);

/* Deletes the flow, or everything, on both sides. */
void duel_forget(struct duel *d, const struct ends *e);
void duel_flush(struct duel *d);

/* Sets every setting to its default, on both sides. */
void duel_defaults(struct duel *d);

/* Compares the two whole tables. Prints what differs; returns how many entries do. */
unsigned duel_compare_tables(struct duel *d);

#endif

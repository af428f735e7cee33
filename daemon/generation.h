/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generations: a configuration in force, from the file to the moment no worker uses it.
 *
 * The main thread publishes a generation; each worker switches to it between two batches and
 * acknowledges that. An older generation is freed when all workers have acknowledged a newer one.
 * Main thread only.
 */
#ifndef FINWALL_GENERATION_H
#define FINWALL_GENERATION_H

#include "worker.h"

#include <finwall/config.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct workers;

struct generation {
	struct worker_config shared; /* read by workers */
	struct config *config;
	uint32_t workers_len; /* counters exist for so many; one more has what stats --zero took */
	void *counters_mem;
	size_t counters_mem_size;
	struct generation *older; /* not freed yet */
};

/* The one in force; NULL before generations_publish(). Zeroed at first. */
struct generations {
	struct generation *current;
	struct generation *kept; /* to go back to, if current is not confirmed; or NULL */
};

/*
 * Makes a generation of the file at path, for workers_len workers, or with 0 for as many as its
 * settings ask for. before: the configuration in force, whose sets that rules fill are kept; NULL =
 * none. is_trial: it may come back, so its sets stay its own. shared.raw is RAWSEND_NONE: the
 * caller sets it before publishing. Returns NULL on failure, with *errors set to malloc'd lines
 * that the caller frees, or to NULL when memory ran out.
 */
struct generation *generation_load(const char *path, uint32_t number, uint32_t workers_len,
                                   const struct config *before, bool is_trial, char **errors);

/*
 * Reads the file as generation_load() does, but in a child process with bounded time and memory: a
 * fault of the parser cannot end this one. Returns 0, or -errno with *errors set to malloc'd lines
 * that the caller frees, or to NULL.
 */
int generation_check(const char *path, uint32_t workers_len, char **errors);

/* Frees a generation that was never published; NULL is fine. */
void generation_free(struct generation *g);

/* Puts g in force, takes ownership, and publishes it to the workers. */
void generations_publish(struct generations *gs, struct generation *g, struct workers *ws);

/* The configuration of a generation by its number; NULL when it is freed. */
const struct config *generations_config(const struct generations *gs, uint32_t number);

/* The counters of its rules, of the workers and the one more, are 0 in sum. */
void generation_zero_counters(struct generation *g);

/* Keeps the generation before the current one, for generations_revert(). If one is kept already,
 * that one stays. */
void generations_keep(struct generations *gs);

/* The current generation stays: frees the kept one when no worker uses it. */
void generations_confirm(struct generations *gs);

/* Puts the kept generation in force again. */
void generations_revert(struct generations *gs, struct workers *ws);

/*
 * True when there are older generations and no worker uses one. Events that were queued before may
 * still refer to their rules: handle those before generations_retire().
 */
bool generations_can_retire(const struct generations *gs, const struct workers *ws);

/* Frees the older generations. */
void generations_retire(struct generations *gs);

/* Frees all; the workers have stopped. */
void generations_fini(struct generations *gs);

static inline const struct settings *generation_settings(const struct generation *g)
{
	return config_settings(g->config);
}

#endif

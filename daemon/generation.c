/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generations: load, check, compile, publish, retire. See generation.h.
 */
#include "generation.h"

#include "cluster/cluster.h"
#include "io/clock.h"
#include "io/cpus.h"
#include "io/file.h"
#include "io/isolate.h"
#include "io/mem.h"
#include "sets/keyed.h"
#include "workers.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Counters of two workers never share a cache line. */
#define CACHE_LINE_SIZE 64

/* A check may take this long, and use this part, 1/2, of the available memory, but at least this.
 */
#define CHECK_TIME_S     120
#define CHECK_PART       2
#define CHECK_SIZE_LEAST (UINT64_C(256) << 20)

/* What the child process of a check returns. Low numbers are those of a C library or sanitizer. */
enum check_status {
	CHECK_GOOD,
	CHECK_BAD = 100, /* the text has the errors */
	CHECK_NO_MEMORY,
};

struct check {
	const char *path;
	uint32_t workers_len;
};

static int make_counters(struct generation *g);
static int check_in_child(void *ctx, char **text);
static char *check_failure(const char *path, const struct isolate_result *result);

static void yield_processor(void)
{
	(void)sched_yield();
}

/* Remote hosts choose the keys of sets, so their hash has a random key. */
static void seed_sets(void)
{
	static bool is_seeded;
	struct sipkey key;

	if (!is_seeded && mem_random(&key, sizeof(key)) == 0) {
		keyed_setup(&key, yield_processor);
		is_seeded = true;
	}
}

struct generation *generation_load(const char *path, uint32_t number, uint32_t workers_len,
                                   const struct config *before, bool is_trial, char **errors)
{
	struct generation *g = calloc(1, sizeof(*g));
	const struct settings *s;

	*errors = NULL;
	if (g == NULL) {
		return NULL;
	}
	seed_sets();
	g->shared.raw = RAWSEND_NONE;
	g->config = config_load(path, &file_reader, errors);
	if (g->config == NULL) {
		goto fail;
	}
	if (before != NULL && !config_adopt(g->config, before, is_trial, clock_now())) {
		goto fail;
	}
	config_start(g->config, clock_now());
	s = generation_settings(g);
	g->shared.policy.tun = *config_tunables(g->config);
	g->shared.policy.generation = number;
	g->shared.measures_latency = s->queue_latency != 0;
	g->shared.policy.rules = config_compile(g->config);
	g->workers_len = workers_len != 0 ? workers_len : settings_queues(s, cpus_allowed());
	if (g->shared.policy.rules == NULL || make_counters(g) != 0) {
		goto fail;
	}
	config_adopt_listed(g->config, clock_now());
	/* Parsing long lists used much heap. */
	mem_trim();
	return g;

fail:
	generation_free(g);
	return NULL;
}

int generation_check(const char *path, uint32_t workers_len, char **errors)
{
	struct check check = { path, workers_len };
	uint64_t size = mem_available() / CHECK_PART;
	const struct isolate_limits limits = {
		.time_s = CHECK_TIME_S,
		.memory_bytes = size > CHECK_SIZE_LEAST ? size : CHECK_SIZE_LEAST,
	};
	struct isolate_result result;
	int err = isolate_run(check_in_child, &check, &limits, &result);

	*errors = NULL;
	if (err != 0) {
		return err;
	}
	switch (result.status) {
	case CHECK_GOOD:
		free(result.text);
		return 0;
	case CHECK_BAD:
		*errors = result.text;
		return -EINVAL;
	case CHECK_NO_MEMORY:
		free(result.text);
		return -ENOMEM;
	default:
		*errors = check_failure(path, &result);
		free(result.text);
		return -EINVAL;
	}
}

void generation_free(struct generation *g)
{
	while (g != NULL) {
		struct generation *older = g->older;

		mem_unmap(g->counters_mem, g->counters_mem_size);
		free(g->shared.counters);
		ruleset_free(g->shared.policy.rules);
		config_free(g->config);
		free(g);
		g = older;
	}
}

void generations_publish(struct generations *gs, struct generation *g, struct workers *ws)
{
	g->older = gs->current;
	gs->current = g;
	workers_set_config(ws, &g->shared);
}

const struct config *generations_config(const struct generations *gs, uint32_t number)
{
	const struct generation *g = gs->current;

	while (g != NULL && g->shared.policy.generation != number) {
		g = g->older;
	}
	if (g == NULL && gs->kept != NULL && gs->kept->shared.policy.generation == number) {
		g = gs->kept;
	}
	return g != NULL ? g->config : NULL;
}

void generation_zero_counters(struct generation *g)
{
	ruleset_counters_negate(g->shared.counters[g->workers_len],
	                        (const struct ruleset_counters *const *)g->shared.counters,
	                        g->workers_len);
}

void generations_keep(struct generations *gs)
{
	struct generation *before = gs->current->older;

	if (gs->kept == NULL && before != NULL) {
		gs->kept = before;
		gs->current->older = before->older;
		before->older = NULL;
	}
}

void generations_confirm(struct generations *gs)
{
	struct generation *kept = gs->kept;

	if (kept != NULL) {
		kept->older = gs->current->older;
		gs->current->older = kept;
		gs->kept = NULL;
	}
}

void generations_revert(struct generations *gs, struct workers *ws)
{
	struct generation *kept = gs->kept;

	gs->kept = NULL;
	generations_publish(gs, kept, ws);
}

bool generations_can_retire(const struct generations *gs, const struct workers *ws)
{
	return gs->current->older != NULL && workers_all_use(ws, &gs->current->shared);
}

void generations_retire(struct generations *gs)
{
	generation_free(gs->current->older);
	gs->current->older = NULL;
	mem_trim();
}

void generations_fini(struct generations *gs)
{
	generation_free(gs->current);
	gs->current = NULL;
	generation_free(gs->kept);
	gs->kept = NULL;
}

static int make_counters(struct generation *g)
{
	size_t one = (ruleset_counters_size(g->shared.policy.rules) + CACHE_LINE_SIZE - 1) &
	             ~(size_t)(CACHE_LINE_SIZE - 1);
	uint8_t *mem;

	g->shared.counters = calloc(g->workers_len + 1, sizeof(*g->shared.counters));
	g->counters_mem_size = one * (g->workers_len + 1) + CACHE_LINE_SIZE; /* never 0 */
	g->counters_mem = mem_map(g->counters_mem_size);
	if (g->shared.counters == NULL || g->counters_mem == NULL) {
		return -ENOMEM;
	}
	mem = g->counters_mem;
	for (uint32_t i = 0; i <= g->workers_len; i++) {
		g->shared.counters[i] =
			ruleset_counters_init(g->shared.policy.rules, mem + i * one);
	}
	return 0;
}

/* Frees nothing: the process ends. */
static int check_in_child(void *ctx, char **text)
{
	const struct check *check = ctx;
	const struct generation *g =
		generation_load(check->path, 0, check->workers_len, NULL, false, text);
	const char *problem = g != NULL ? cluster_problem(generation_settings(g)) : NULL;

	if (problem != NULL && asprintf(text, "%s: %s\n", check->path, problem) < 0) {
		return CHECK_NO_MEMORY;
	}
	if (g != NULL && problem == NULL) {
		return CHECK_GOOD;
	}
	return *text != NULL ? CHECK_BAD : CHECK_NO_MEMORY;
}

/* Returns a malloc'd line, or NULL when memory runs out. */
static char *check_failure(const char *path, const struct isolate_result *result)
{
	char *line;
	int size;

	if (result->is_late) {
		size = asprintf(&line, "%s: reading it took longer than %d s\n", path,
		                CHECK_TIME_S);
	} else if (result->by_signal != 0) {
		size = asprintf(&line,
		                "%s: reading it crashed (%s); this is a fault of finwalld, please "
		                "report it with the file\n",
		                path, strsignal(result->by_signal));
	} else {
		size = asprintf(&line, "%s: reading it failed (status %d)\n", path, result->status);
	}
	return size < 0 ? NULL : line;
}

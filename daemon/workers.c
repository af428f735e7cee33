/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The array of workers. Knows how to start, stop and publish, not what is published or why.
 */
#include "workers.h"

#include "io/cpus.h"
#include "io/log.h"
#include "io/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

int workers_alloc(struct workers *ws, uint32_t len)
{
	ws->at = mem_map(len * sizeof(*ws->at));
	if (ws->at == NULL) {
		return -ENOMEM;
	}
	ws->len = len;
	ws->allocated = len;
	return 0;
}

static void pin(const struct worker *w, const char *how, struct log *log)
{
	int cpu = how != NULL ? cpus_pin(w->thread, how, w->nr) : 0;

	if (cpu == -EINVAL) {
		log_write(log, LOG_LEVEL_WARNING,
		          "queue %u: worker is not pinned: queue pin %s names a CPU that does not "
		          "exist or is outside the affinity mask",
		          w->queue, how);
	} else if (cpu < 0) {
		log_write(log, LOG_LEVEL_WARNING, "queue %u: worker is not pinned: %s", w->queue,
		          strerror(-cpu));
	}
}

static int start_failure(const struct worker *w, int err, struct log *log)
{
	log_write(log, LOG_LEVEL_ERROR, "queue %u: cannot start the worker: %s", w->queue,
	          strerror(-err));
	return err;
}

int workers_start(struct workers *ws, const struct workers_params *params, struct log *log)
{
	for (uint32_t i = 0; i < ws->len; i++) {
		struct worker *w = &ws->at[i];
		int err = worker_init(w, params->engine, i, w->queue);

		w->siblings = ws->at;
		w->siblings_len = ws->len;
		w->comparer.is_on = params->compares_kernel;
		w->comparer.start = params->start;
		w->comparer.older = params->older;
		atomic_store_explicit(&w->wanted, params->cfg, memory_order_release);
		if (err != 0) {
			return start_failure(w, err, log);
		}
	}
	/* A worker may release packets of any other. */
	for (uint32_t i = 0; i < ws->len; i++) {
		int err = worker_start(&ws->at[i]);

		if (err != 0) {
			return start_failure(&ws->at[i], err, log);
		}
		pin(&ws->at[i], params->pin, log);
	}
	return 0;
}

void workers_stop(struct workers *ws, struct log *log)
{
	for (uint32_t i = 0; i < ws->len; i++) {
		worker_stop(&ws->at[i]);
	}
	for (uint32_t i = 0; i < ws->len; i++) {
		struct worker *w = &ws->at[i];

		worker_join(w);
		if (w->waiting_at_exit > 0) {
			log_write(log, LOG_LEVEL_WARNING,
			          "queue %u: %" PRIu32 " packets without a verdict at exit",
			          w->queue, w->waiting_at_exit);
		}
	}
}

void workers_free(struct workers *ws)
{
	for (uint32_t i = 0; i < ws->len; i++) {
		worker_fini(&ws->at[i]);
	}
	mem_unmap(ws->at, ws->allocated * sizeof(*ws->at));
	*ws = (struct workers){ .at = NULL };
}

void workers_set_config(struct workers *ws, const struct worker_config *cfg)
{
	for (uint32_t i = 0; i < ws->len; i++) {
		atomic_store_explicit(&ws->at[i].wanted, cfg, memory_order_release);
	}
}

bool workers_all_use(const struct workers *ws, const struct worker_config *cfg)
{
	for (uint32_t i = 0; i < ws->len; i++) {
		if (atomic_load_explicit(&ws->at[i].used, memory_order_acquire) != cfg) {
			return false;
		}
	}
	return true;
}

void workers_set_change(struct workers *ws, uint32_t change)
{
	for (uint32_t i = 0; i < ws->len; i++) {
		atomic_store_explicit(&ws->at[i].sets_wanted, change, memory_order_release);
	}
}

bool workers_all_passed(const struct workers *ws, uint32_t change)
{
	for (uint32_t i = 0; i < ws->len; i++) {
		uint32_t seen = atomic_load_explicit(&ws->at[i].sets_seen, memory_order_acquire);

		/* the numbers wrap */
		if ((int32_t)(seen - change) < 0) {
			return false;
		}
	}
	return true;
}

bool workers_all_turned(struct workers *ws)
{
	for (uint32_t i = 0; i < ws->len; i++) {
		const struct worker *w = &ws->at[i];

		if (atomic_load_explicit(&w->turns, memory_order_relaxed) == w->turns_seen) {
			return false;
		}
	}
	for (uint32_t i = 0; i < ws->len; i++) {
		struct worker *w = &ws->at[i];

		w->turns_seen = atomic_load_explicit(&w->turns, memory_order_relaxed);
	}
	return true;
}

uint64_t workers_packets(const struct workers *ws)
{
	uint64_t packets = 0;

	for (uint32_t i = 0; i < ws->len; i++) {
		packets += stat_get(&ws->at[i].nfq.count[NFQ_COUNT_PACKETS]);
	}
	return packets;
}

void workers_add_stats(const struct workers *ws, struct stats *sum)
{
	for (uint32_t i = 0; i < ws->len; i++) {
		stats_sum(sum, &ws->at[i].engine_worker.stats);
	}
}

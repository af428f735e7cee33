/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opens connections, advances the simulated clock past their timeout, and expires them.
 */
#include "engine_remember.h"

#include "memory.h"

#include <stdlib.h>

/* Longer than the timeout of established connections. */
#define IDLE_NS sec_to_ns(6 * 86400)

/* A tick at an unchanged time does nothing, so the clock advances by this. */
#define TICK_STEP_NS (100 * NSEC_PER_MSEC)

static int expire_all(struct case_table *t)
{
	struct driver *d = t->driver;
	struct engine_usage usage;

	d->now = mono_add(d->now, IDLE_NS);
	do {
		d->now = mono_add(d->now, TICK_STEP_NS);
		engine_tick(d->engine, &d->worker, d->now, 1u << 20);
		engine_usage(d->engine, &usage);
	} while (usage.flows > 0);
	return case_expect("remembered", usage.tombs, t->p.flows);
}

struct case_table *remember_new(const struct case_params *p, uint64_t *grown_bytes)
{
	const struct fixture_config cfg = {
		.flows_max = p->flows,
		.tombs_max = p->flows,
		.shards_len = 1,
	};
	struct case_table *t = calloc(1, sizeof(*t));
	uint64_t before;

	if (t == NULL || case_table_init(t, p, &cfg) != 0) {
		remember_free(t);
		return NULL;
	}
	case_table_connect(t);
	before = memory_resident_bytes();
	if (expire_all(t) != 0) {
		remember_free(t);
		return NULL;
	}
	*grown_bytes = memory_resident_bytes() - before;
	return t;
}

void remember_free(struct case_table *t)
{
	if (t != NULL) {
		case_table_fini(t);
		free(t);
	}
}

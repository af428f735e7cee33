/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resident memory: bytes per live connection, and of all remembered connections.
 */
#include "engine_remember.h"
#include "memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int live_run(void *state, double *value)
{
	const struct case_params *p = state;
	const struct fixture_config cfg = { .flows_max = p->flows, .shards_len = 1 };
	struct conn_seq *seq = malloc(p->flows * sizeof(*seq));
	struct fixture *x = NULL;
	struct driver *d = NULL;
	struct engine_usage usage = { 0 };
	uint64_t before;

	if (seq == NULL) {
		return -ENOMEM;
	}
	memset(seq, 0, p->flows * sizeof(*seq)); /* resident before the measurement */
	before = memory_resident_bytes();
	x = fixture_new(&cfg);
	d = x == NULL ? NULL : driver_new(x, p->family, 1);
	if (d != NULL) {
		driver_connect(d, 0, p->flows, seq);
		engine_usage(d->engine, &usage);
		*value = (double)(memory_resident_bytes() - before) / p->flows;
	}
	driver_free(d);
	fixture_free(x);
	free(seq);
	return case_expect("connected", usage.flows, p->flows);
}

const struct case_ops case_memory_live = {
	.start = case_params_start,
	.run = live_run,
	.stop = case_params_stop,
};

static int remembered_run(void *state, double *value)
{
	uint64_t grown_bytes;
	struct case_table *t = remember_new(state, &grown_bytes);

	if (t == NULL) {
		return -ENOMEM;
	}
	*value = (double)grown_bytes / (1 << 20);
	remember_free(t);
	return 0;
}

const struct case_ops case_memory_remembered = {
	.start = case_params_start,
	.run = remembered_run,
	.stop = case_params_stop,
};

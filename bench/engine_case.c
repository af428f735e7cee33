/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Helpers of several cases: check of counters, timed look-ups, a table with one driver.
 */
#include "engine_case.h"

#include "random.h"
#include "sample.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int case_expect(const char *what, uint64_t is, uint64_t expected)
{
	if (is == expected) {
		return 0;
	}
	fprintf(stderr, "finwall-bench: %llu packets or connections were %s, %llu expected\n",
	        (unsigned long long)is, what, (unsigned long long)expected);
	return -EPROTO;
}

uint32_t lookup_count(const struct case_params *p)
{
	return p->packets < LOOKUPS_MAX ? p->packets : LOOKUPS_MAX;
}

uint32_t lookup_random(struct lookup_times *times, const struct case_params *p, enum lookup what)
{
	return random_below(&times->rng, p->flows) + (what == LOOKUP_MISS ? p->flows : 0);
}

int lookup_result(struct lookup_times *times, uint32_t len, enum lookup what, uint32_t found,
                  double *value)
{
	*value = sample_quantile(times->ns, len, 0.5);
	return case_expect("found", found, what == LOOKUP_HIT ? len : 0);
}

void *case_params_start(const struct case_params *p)
{
	struct case_params *own = malloc(sizeof(*own));

	if (own != NULL) {
		*own = *p;
	}
	return own;
}

void case_params_stop(void *state)
{
	free(state);
}

int case_table_init(struct case_table *t, const struct case_params *p,
                    const struct fixture_config *cfg)
{
	*t = (struct case_table){ .p = *p, .fixture = fixture_new(cfg) };
	t->seq = calloc(p->flows, sizeof(*t->seq));
	if (t->fixture != NULL) {
		t->driver = driver_new(t->fixture, p->family, 1);
	}
	return t->driver != NULL && t->seq != NULL ? 0 : -ENOMEM;
}

void case_table_fini(struct case_table *t)
{
	driver_free(t->driver);
	fixture_free(t->fixture);
	free(t->seq);
}

void case_table_connect(struct case_table *t)
{
	driver_connect(t->driver, 0, t->p.flows, t->seq);
}

void case_table_open(struct case_table *t, uint32_t first, uint32_t len)
{
	static const struct segment syn = { DIR_ORIG, TCP_SYN, 0 };

	for (uint32_t i = 0; i < len; i++) {
		struct conn_seq seq = { { 0, 0 } };

		driver_put(t->driver, (first + i) % TCP_GEN_NUMBERS, &syn, &seq);
	}
	driver_flush(t->driver);
}

void case_table_delete(struct case_table *t, uint32_t first, uint32_t len)
{
	struct driver *d = t->driver;

	for (uint32_t i = 0; i < len; i++) {
		struct flowkey key;

		tcp_gen_key(t->p.family, (first + i) % TCP_GEN_NUMBERS, &key);
		(void)engine_delete(d->engine, &d->worker, &key, d->now, DELETE_FORGET);
	}
}

int case_table_open_timed(struct case_table *t, uint32_t *next, uint32_t len, double *value)
{
	struct driver *d = t->driver;
	uint64_t opened = driver_event(d, EVENT_FLOW_NEW);

	(void)driver_take_ns(d, MEAN_TRIMMED);
	case_table_open(t, *next, len);
	*value = driver_take_ns(d, MEAN_TRIMMED);
	opened = driver_event(d, EVENT_FLOW_NEW) - opened;
	case_table_delete(t, *next, len);
	*next += len;
	return case_expect("opened", opened, len);
}

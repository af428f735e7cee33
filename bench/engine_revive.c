/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Late closes: connections have expired and are remembered, then a FIN of each revives it.
 */
#include "engine_remember.h"

#include <errno.h>
#include <stdlib.h>

/* The share of the remembered connections that one run revives. */
#define RUN_SHARE 16

struct revival {
	struct case_params p;
	struct case_table *t;
	uint32_t next; /* connections revived so far */
};

static void revival_stop(void *state)
{
	struct revival *s = state;

	if (s != NULL) {
		remember_free(s->t);
		free(s);
	}
}

/* Replaces the table with one in which all connections are remembered. */
static int renew(struct revival *s)
{
	uint64_t grown_bytes;

	remember_free(s->t);
	s->t = remember_new(&s->p, &grown_bytes);
	s->next = 0;
	return s->t != NULL ? 0 : -ENOMEM;
}

static void *revival_start(const struct case_params *p)
{
	struct revival *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return NULL;
	}
	s->p = *p;
	if (renew(s) != 0) {
		revival_stop(s);
		return NULL;
	}
	return s;
}

/* An order without locality. 7919 is prime, so every connection occurs once. */
static uint32_t scattered(const struct revival *s, uint32_t i)
{
	return (uint32_t)((uint64_t)i * 7919 % s->p.flows);
}

static int revival_run(void *state, double *value)
{
	static const struct segment fin = { DIR_ORIG, TCP_FIN | TCP_ACK, 0 };
	struct revival *s = state;
	uint32_t len = s->p.flows / RUN_SHARE;
	uint64_t revived;
	struct driver *d;

	if (s->next + len > s->p.flows && renew(s) != 0) {
		return -ENOMEM;
	}
	d = s->t->driver;
	revived = driver_reason(d, REASON_LATE_REVIVED);
	(void)driver_take_ns(d, MEAN_TRIMMED);
	for (uint32_t i = 0; i < len; i++) {
		uint32_t nr = scattered(s, s->next++);

		driver_put(d, nr, &fin, &s->t->seq[nr]);
	}
	*value = driver_take_ns(d, MEAN_TRIMMED);
	revived = driver_reason(d, REASON_LATE_REVIVED) - revived;
	return case_expect("revived", revived, len);
}

const struct case_ops case_revive = {
	.start = revival_start,
	.run = revival_run,
	.stop = revival_stop,
};

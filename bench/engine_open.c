/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections that open and close: new ones into a table of N, an empty table filled, whole short
 * connections, and a SYN flood at a full table.
 */
#include "engine_case.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct opening {
	struct case_table t;
	uint32_t next; /* the lowest number not used yet */
};

static void opening_stop(void *state)
{
	struct opening *s = state;

	if (s != NULL) {
		case_table_fini(&s->t);
		free(s);
	}
}

static struct opening *opening_new(const struct case_params *p, uint32_t flows_max)
{
	const struct fixture_config cfg = { .flows_max = flows_max, .shards_len = 1 };
	struct opening *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return NULL;
	}
	s->next = p->flows;
	if (case_table_init(&s->t, p, &cfg) != 0) {
		opening_stop(s);
		return NULL;
	}
	return s;
}

static void *open_start(const struct case_params *p)
{
	struct opening *s = opening_new(p, p->flows + p->packets);

	if (s != NULL) {
		case_table_connect(&s->t);
		/* Touches the memory; page faults are measured by case_fill. */
		case_table_open(&s->t, s->next, p->packets);
		case_table_delete(&s->t, s->next, p->packets);
		s->next += p->packets;
	}
	return s;
}

static int open_run(void *state, double *value)
{
	struct opening *s = state;

	return case_table_open_timed(&s->t, &s->next, s->t.p.packets, value);
}

const struct case_ops case_open = {
	.start = open_start,
	.run = open_run,
	.stop = opening_stop,
};

/* An empty table is filled to N in untouched memory, so page faults are included. */
static int fill_run(void *state, double *value)
{
	const struct case_params *p = state;
	struct opening *s = opening_new(p, p->flows);
	uint64_t opened;

	if (s == NULL) {
		return -ENOMEM;
	}
	case_table_open(&s->t, s->next, p->flows);
	*value = driver_take_ns(s->t.driver, MEAN_ALL);
	opened = driver_event(s->t.driver, EVENT_FLOW_NEW);
	opening_stop(s);
	return case_expect("opened", opened, p->flows);
}

const struct case_ops case_fill = {
	.start = case_params_start,
	.run = fill_run,
	.stop = case_params_stop,
};

/* A whole connection: handshake, request, response, close from both sides. */
static const struct segment whole[] = {
	{ DIR_ORIG, TCP_SYN, 0 },
	{ DIR_REPLY, TCP_SYN | TCP_ACK, 0 },
	{ DIR_ORIG, TCP_ACK, 0 },
	{ DIR_ORIG, TCP_ACK | TCP_PSH, 100 },
	{ DIR_REPLY, TCP_ACK | TCP_PSH, 1000 },
	{ DIR_ORIG, TCP_ACK | TCP_FIN, 0 },
	{ DIR_REPLY, TCP_ACK | TCP_FIN, 0 },
	{ DIR_ORIG, TCP_ACK, 0 },
};

#define WHOLE_LEN (sizeof(whole) / sizeof(whole[0]))

/* Connections open at the same time. */
#define OPEN_LEN 256

/* Runs len whole connections. Simulated time keeps p.flows of them in TIME_WAIT. */
static void run_whole(struct opening *s, uint32_t len)
{
	struct conn_seq seq[OPEN_LEN];

	for (uint32_t done = 0; done < len; done += OPEN_LEN) {
		memset(seq, 0, sizeof(seq));
		for (size_t step = 0; step < WHOLE_LEN; step++) {
			for (uint32_t i = 0; i < OPEN_LEN; i++) {
				driver_put(s->t.driver, (s->next + i) % TCP_GEN_NUMBERS,
				           &whole[step], &seq[i]);
			}
		}
		s->next += OPEN_LEN;
	}
}

static void *churn_start(const struct case_params *p)
{
	struct opening *s = opening_new(p, p->flows + p->flows / 4 + 4 * OPEN_LEN);
	struct tunables tun;

	if (s == NULL) {
		return NULL;
	}
	tunables_init(&tun);
	s->t.driver->step_ns =
		tun.tcp_timeout_ns[TCP_TIME_WAIT] / p->flows * DRIVER_BATCH / (int64_t)WHOLE_LEN;
	/* Until connections expire at the rate at which they open. */
	run_whole(s, p->flows + p->flows / 4);
	return s;
}

static int churn_run(void *state, double *value)
{
	struct opening *s = state;
	struct driver *d = s->t.driver;
	uint32_t len = s->t.p.packets / WHOLE_LEN / OPEN_LEN * OPEN_LEN;
	uint64_t refused = driver_reason(d, REASON_TABLE_FULL);
	uint64_t tracked = driver_reason(d, REASON_TCP_TRACKED);
	int err;

	len = len < OPEN_LEN ? OPEN_LEN : len;
	(void)driver_take_ns(d, MEAN_TRIMMED);
	run_whole(s, len);
	*value = driver_take_ns(d, MEAN_TRIMMED) * (double)WHOLE_LEN;
	refused = driver_reason(d, REASON_TABLE_FULL) - refused;
	tracked = driver_reason(d, REASON_TCP_TRACKED) - tracked;
	err = case_expect("refused by a full table", refused, 0);
	return err != 0 ? err : case_expect("tracked", tracked, len * (WHOLE_LEN - 1));
}

const struct case_ops case_churn = {
	.start = churn_start,
	.run = churn_run,
	.stop = opening_stop,
};

/* Half of the table are assured connections, the flood has taken the other half. */
static void *flood_start(const struct case_params *p)
{
	struct opening *s = opening_new(p, p->flows);
	uint32_t assured = p->flows / 2;

	if (s != NULL) {
		driver_connect(s->t.driver, 0, assured, s->t.seq);
		case_table_open(&s->t, s->next, p->flows - assured);
		s->next += p->flows - assured;
	}
	return s;
}

static int flood_run(void *state, double *value)
{
	struct opening *s = state;
	struct driver *d = s->t.driver;
	uint64_t evicted = driver_event(d, EVENT_FLOW_EVICTED);
	uint64_t refused = driver_reason(d, REASON_TABLE_FULL);

	(void)driver_take_ns(d, MEAN_TRIMMED);
	case_table_open(&s->t, s->next, s->t.p.packets);
	*value = driver_take_ns(d, MEAN_TRIMMED);
	s->next += s->t.p.packets;
	evicted = driver_event(d, EVENT_FLOW_EVICTED) - evicted;
	refused = driver_reason(d, REASON_TABLE_FULL) - refused;
	return case_expect("evicted or refused", evicted + refused, s->t.p.packets);
}

const struct case_ops case_flood = {
	.start = flood_start,
	.run = flood_run,
	.stop = opening_stop,
};

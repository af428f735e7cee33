/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections that begin and end: new ones into a table of N, a table filled from nothing, whole
 * short connections, and a flood of SYNs at a full table.
 */
#include "engine_case.h"
#include "lane.h"

#include <finwall/pkt.h>

#include <stdlib.h>

static const struct segment syn = { DIR_ORIG, TCP_SYN, 0 };

struct opening {
	struct case_params p;
	struct bed *bed;
	struct lane *lane;
	struct progress *progress; /* of connections [0, flows) */
	uint32_t next;             /* the next connection that never was */
};

static void opening_stop(void *state)
{
	struct opening *s = state;

	if (s == NULL) {
		return;
	}
	lane_free(s->lane);
	bed_free(s->bed);
	free(s->progress);
	free(s);
}

static struct opening *opening_new(const struct case_params *p, uint32_t flows_max)
{
	struct opening *s = calloc(1, sizeof(*s));
	struct bed_config cfg = { .flows_max = flows_max, .shards_len = 1 };

	if (s == NULL) {
		return NULL;
	}
	s->p = *p;
	s->bed = bed_new(&cfg);
	s->progress = calloc(p->flows, sizeof(*s->progress));
	s->lane = s->bed == NULL ? NULL : lane_new(s->bed, 1);
	if (s->lane == NULL || s->progress == NULL) {
		opening_stop(s);
		return NULL;
	}
	s->next = p->flows;
	return s;
}

/* Sends a SYN of len connections that never were. */
static void open_many(struct opening *s, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		struct progress fresh = { { 0, 0 } };

		lane_put(s->lane, s->p.family, (s->next + i) & 0xffffff, &syn, &fresh);
	}
	lane_flush(s->lane);
}

static void delete_many(struct opening *s, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		struct tuple t;
		struct flowkey key;
		enum key_side side;

		traffic_tuple(s->p.family, (s->next + i) & 0xffffff, &t);
		(void)flowkey_from_tuple(&t, &key, &side);
		(void)engine_delete(s->lane->engine, &s->lane->worker, &key, s->lane->now,
		                    DELETE_FORGET);
	}
}

static void *open_start(const struct case_params *p)
{
	struct opening *s = opening_new(p, p->flows + p->packets);

	if (s != NULL) {
		lane_connect(s->lane, p->family, 0, p->flows, s->progress);
		/* The first use of memory is the case "fill"; here it is used already. */
		open_many(s, p->packets);
		delete_many(s, p->packets);
		s->next += p->packets;
	}
	return s;
}

static int open_run(void *state, double *value)
{
	struct opening *s = state;
	uint64_t before = lane_event(s->lane, EVENT_FLOW_NEW);
	uint64_t opened;

	(void)lane_take_ns(s->lane, LANE_TRIMMED);
	open_many(s, s->p.packets);
	*value = lane_take_ns(s->lane, LANE_TRIMMED);
	opened = lane_event(s->lane, EVENT_FLOW_NEW) - before;
	delete_many(s, s->p.packets);
	s->next += s->p.packets;
	return opened == s->p.packets ? 0 : case_unexpected("opened", opened, s->p.packets);
}

const struct case_ops case_open = {
	.start = open_start,
	.run = open_run,
	.stop = opening_stop,
};

static void *fill_start(const struct case_params *p)
{
	struct case_params *own = malloc(sizeof(*own));

	if (own != NULL) {
		*own = *p;
	}
	return own;
}

/* From nothing to N, in memory never used before: the page faults are in it. */
static int fill_run(void *state, double *value)
{
	const struct case_params *p = state;
	struct opening *s = opening_new(p, p->flows);
	uint64_t opened;

	if (s == NULL) {
		return -1;
	}
	open_many(s, p->flows);
	*value = lane_take_ns(s->lane, LANE_ALL);
	opened = lane_event(s->lane, EVENT_FLOW_NEW);
	opening_stop(s);
	return opened == p->flows ? 0 : case_unexpected("opened", opened, p->flows);
}

const struct case_ops case_fill = {
	.start = fill_start,
	.run = fill_run,
	.stop = free,
};

/* A whole connection: handshake, request, answer, close from both sides. */
static const struct segment life[] = {
	{ DIR_ORIG, TCP_SYN, 0 },
	{ DIR_REPLY, TCP_SYN | TCP_ACK, 0 },
	{ DIR_ORIG, TCP_ACK, 0 },
	{ DIR_ORIG, TCP_ACK | TCP_PSH, 100 },
	{ DIR_REPLY, TCP_ACK | TCP_PSH, 1000 },
	{ DIR_ORIG, TCP_ACK | TCP_FIN, 0 },
	{ DIR_REPLY, TCP_ACK | TCP_FIN, 0 },
	{ DIR_ORIG, TCP_ACK, 0 },
};

#define LIFE_LEN (sizeof(life) / sizeof(life[0]))

/* Connections under way at the same time. */
#define ALIVE_LEN 256

/* Lives len connections; simulated time makes flows of them wait in TIME_WAIT at any time. */
static void live_many(struct opening *s, uint32_t len)
{
	struct progress progress[ALIVE_LEN];

	for (uint32_t done = 0; done < len; done += ALIVE_LEN) {
		memset(progress, 0, sizeof(progress));
		for (size_t step = 0; step < LIFE_LEN; step++) {
			for (uint32_t i = 0; i < ALIVE_LEN; i++) {
				lane_put(s->lane, s->p.family, (s->next + i) & 0xffffff,
				         &life[step], &progress[i]);
			}
		}
		s->next += ALIVE_LEN;
	}
}

static void *churn_start(const struct case_params *p)
{
	struct opening *s = opening_new(p, p->flows + p->flows / 4 + 4 * ALIVE_LEN);
	struct tunables tun;

	if (s == NULL) {
		return NULL;
	}
	tunables_init(&tun);
	s->lane->step_ns =
		tun.tcp_timeout_ns[TCP_TIME_WAIT] / p->flows * LANE_BATCH / (int64_t)LIFE_LEN;
	/* Until as many expire as come. */
	live_many(s, p->flows + p->flows / 4);
	return s;
}

static int churn_run(void *state, double *value)
{
	struct opening *s = state;
	uint32_t len = s->p.packets / LIFE_LEN / ALIVE_LEN * ALIVE_LEN;
	uint64_t refused = lane_reason(s->lane, REASON_TABLE_FULL);
	uint64_t tracked = lane_reason(s->lane, REASON_TCP_TRACKED);

	len = len < ALIVE_LEN ? ALIVE_LEN : len;
	(void)lane_take_ns(s->lane, LANE_TRIMMED);
	live_many(s, len);
	*value = lane_take_ns(s->lane, LANE_TRIMMED) * (double)LIFE_LEN;
	refused = lane_reason(s->lane, REASON_TABLE_FULL) - refused;
	tracked = lane_reason(s->lane, REASON_TCP_TRACKED) - tracked;
	if (refused != 0) {
		return case_unexpected("refused for want of room", refused, 0);
	}
	if (tracked != len * (LIFE_LEN - 1)) {
		return case_unexpected("tracked", tracked, len * (LIFE_LEN - 1));
	}
	return 0;
}

const struct case_ops case_churn = {
	.start = churn_start,
	.run = churn_run,
	.stop = opening_stop,
};

/* Half of the table belongs to proven connections, the flood has taken the other half. */
static void *flood_start(const struct case_params *p)
{
	struct opening *s = opening_new(p, p->flows);

	if (s != NULL) {
		lane_connect(s->lane, p->family, 0, p->flows / 2, s->progress);
		open_many(s, p->flows - p->flows / 2);
		s->next += p->flows - p->flows / 2;
	}
	return s;
}

static int flood_run(void *state, double *value)
{
	struct opening *s = state;
	uint64_t evicted = lane_event(s->lane, EVENT_FLOW_EVICTED);
	uint64_t refused = lane_reason(s->lane, REASON_TABLE_FULL);
	uint64_t flooded;

	(void)lane_take_ns(s->lane, LANE_TRIMMED);
	open_many(s, s->p.packets);
	*value = lane_take_ns(s->lane, LANE_TRIMMED);
	s->next += s->p.packets;
	evicted = lane_event(s->lane, EVENT_FLOW_EVICTED) - evicted;
	refused = lane_reason(s->lane, REASON_TABLE_FULL) - refused;
	flooded = evicted + refused;
	return flooded == s->p.packets
	               ? 0
	               : case_unexpected("evicted or refused", flooded, s->p.packets);
}

const struct case_ops case_flood = {
	.start = flood_start,
	.run = flood_run,
	.stop = opening_stop,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Late closes: N connections time out and are remembered; then the FINs come. Also what one look-up
 * in that memory costs, alone and cold.
 */
#include "engine_case.h"
#include "lane.h"
#include "memory.h"

#include <finwall/pkt.h>

#include <errno.h>
#include <stdlib.h>

struct late {
	struct case_params p;
	struct bed *bed;
	struct lane *lane;
	struct progress *progress;
	uint32_t next;        /* the next connection that is still dead */
	uint64_t grown_bytes; /* real memory that the remembering took */
};

static void late_stop(void *state)
{
	struct late *s = state;

	if (s == NULL) {
		return;
	}
	lane_free(s->lane);
	bed_free(s->bed);
	free(s->progress);
	free(s);
}

/* Ends all connections by time. Returns 0 when every one is remembered. */
static int expire_all(struct late *s)
{
	struct engine_usage usage;

	s->lane->now = mono_add(s->lane->now, sec_to_ns(6 * 86400));
	do {
		/* Time moves a little: an idle tick does nothing. */
		s->lane->now = mono_add(s->lane->now, 100 * NSEC_PER_MSEC);
		engine_tick(s->lane->engine, &s->lane->worker, s->lane->now, 1u << 20);
		engine_usage(s->lane->engine, &usage);
	} while (usage.flows > 0);
	if (usage.tombs != s->p.flows) {
		return case_unexpected("remembered", usage.tombs, s->p.flows);
	}
	return 0;
}

static void *late_start(const struct case_params *p)
{
	struct bed_config cfg = {
		.flows_max = p->flows,
		.tombs_max = p->flows,
		.shards_len = 1,
	};
	struct late *s = calloc(1, sizeof(*s));
	uint64_t before;

	if (s == NULL) {
		return NULL;
	}
	s->p = *p;
	s->bed = bed_new(&cfg);
	s->progress = calloc(p->flows, sizeof(*s->progress));
	s->lane = s->bed == NULL ? NULL : lane_new(s->bed, 1);
	if (s->lane == NULL || s->progress == NULL) {
		goto fail;
	}
	lane_connect(s->lane, p->family, 0, p->flows, s->progress);
	before = memory_resident_bytes();
	if (expire_all(s) != 0) {
		goto fail;
	}
	s->grown_bytes = memory_resident_bytes() - before;
	return s;
fail:
	late_stop(s);
	return NULL;
}

/* Connections in an order that memory does not know; 7919 is prime, so all of them come once. */
static uint32_t scattered(const struct late *s, uint32_t i)
{
	return (uint32_t)((uint64_t)i * 7919 % s->p.flows);
}

struct revival {
	struct case_params p;
	struct late *late;
};

static void revival_stop(void *state)
{
	struct revival *r = state;

	if (r != NULL) {
		late_stop(r->late);
		free(r);
	}
}

static void *revival_start(const struct case_params *p)
{
	struct revival *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		return NULL;
	}
	r->p = *p;
	r->late = late_start(p);
	if (r->late == NULL) {
		free(r);
		return NULL;
	}
	return r;
}

static int revival_run(void *state, double *value)
{
	static const struct segment fin = { DIR_ORIG, TCP_FIN | TCP_ACK, 0 };
	struct revival *r = state;
	uint32_t len = r->p.flows / 16;
	uint64_t revived;

	if (r->late->next + len > r->p.flows) {
		/* All have been revived: others must die first. */
		late_stop(r->late);
		r->late = late_start(&r->p);
		if (r->late == NULL) {
			return -ENOMEM;
		}
	}
	struct late *s = r->late;

	revived = lane_reason(s->lane, REASON_LATE_REVIVED);
	(void)lane_take_ns(s->lane, LANE_TRIMMED);
	for (uint32_t i = 0; i < len; i++) {
		uint32_t nr = scattered(s, s->next++);

		lane_put(s->lane, s->p.family, nr, &fin, &s->progress[nr]);
	}
	*value = lane_take_ns(s->lane, LANE_TRIMMED);
	revived = lane_reason(s->lane, REASON_LATE_REVIVED) - revived;
	return revived == len ? 0 : case_unexpected("revived", revived, len);
}

const struct case_ops case_revive = {
	.start = revival_start,
	.run = revival_run,
	.stop = revival_stop,
};

static void *tomb_mib_start(const struct case_params *p)
{
	struct case_params *own = malloc(sizeof(*own));

	if (own != NULL) {
		*own = *p;
	}
	return own;
}

static int tomb_mib_run(void *state, double *value)
{
	struct late *s = late_start(state);

	if (s == NULL) {
		return -ENOMEM;
	}
	*value = (double)s->grown_bytes / (1 << 20);
	late_stop(s);
	return 0;
}

const struct case_ops case_tomb_mib = {
	.start = tomb_mib_start,
	.run = tomb_mib_run,
	.stop = free,
};

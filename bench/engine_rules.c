/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What ten thousand rules cost: nothing on established connections, which is measured as a ratio to
 * three rules, in pairs of short stretches one right behind the other; and on new connections
 * little where the rules are one set, and their number where they are a list.
 */
#include "engine_case.h"
#include "lane.h"
#include "rules.h"
#include "sample.h"

#include <finwall/pkt.h>

#include <stdio.h>
#include <stdlib.h>

#define RULES_LEN     10000
#define PAYLOAD_BYTES 1000

/* A stretch of a pair, and at most so many pairs. */
#define STRETCH_LEN 4096
#define PAIRS_MAX   1024

/* Packets that go through a list of all rules are fewer. */
#define LIST_SLOWNESS 100

struct side {
	struct bed *bed;
	struct lane *lane;
	struct progress *progress;
};

struct rules_case {
	struct case_params p;
	uint32_t packets;
	uint32_t next;       /* the next connection that never was */
	struct side side[2]; /* three rules, all rules; only the second for new connections */
	double ratio[PAIRS_MAX];
};

enum shape {
	SHAPE_LIST,
	SHAPE_SET,
};

/* Addresses that the traffic does not come from. */
static void put_address(FILE *f, unsigned nr)
{
	fprintf(f, "250.%u.%u.%u", nr % 7, nr / 256, nr % 256);
}

static char *rules_text(enum shape shape)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL) {
		return NULL;
	}
	fprintf(f, "table inet finwall {\n");
	if (shape == SHAPE_SET) {
		fprintf(f, "set s { type ipv4_addr; elements = { ");
		for (unsigned nr = 0; nr < RULES_LEN; nr++) {
			fprintf(f, nr > 0 ? ", " : "");
			put_address(f, nr);
		}
		fprintf(f, " } }\n");
	}
	fprintf(f, "chain forward { type filter hook forward priority filter; policy drop\n"
	           "ct state established,related accept\n");
	for (unsigned nr = 0; nr < RULES_LEN && shape == SHAPE_LIST; nr++) {
		fprintf(f, "ip saddr ");
		put_address(f, nr);
		fprintf(f, " tcp dport %u drop\n", nr % 1000 + 1);
	}
	fprintf(f, "%sct state new tcp dport 80 accept\n}\n}\n",
	        shape == SHAPE_SET ? "ip saddr @s drop\n" : "");
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void side_stop(struct side *s)
{
	lane_free(s->lane);
	bed_free(s->bed);
	free(s->progress);
}

/* A table of p->flows connections and room for more, under these rules; NULL = the three. */
static int side_start(struct side *s, const struct case_params *p, uint32_t room, const char *rules)
{
	struct bed_config cfg = { .flows_max = p->flows + room, .shards_len = 1, .rules = rules };

	s->bed = bed_new(&cfg);
	s->progress = calloc(p->flows, sizeof(*s->progress));
	s->lane = s->bed == NULL ? NULL : lane_new(s->bed, 1);
	if (s->lane == NULL || s->progress == NULL) {
		return -1;
	}
	lane_connect(s->lane, p->family, 0, p->flows, s->progress);
	return 0;
}

static void rules_stop(void *state)
{
	struct rules_case *s = state;

	if (s != NULL) {
		side_stop(&s->side[0]);
		side_stop(&s->side[1]);
		free(s);
	}
}

static void *established_start(const struct case_params *p)
{
	struct rules_case *s = calloc(1, sizeof(*s));
	char *text = rules_text(SHAPE_LIST);

	if (s == NULL || text == NULL || side_start(&s->side[0], p, 0, NULL) != 0 ||
	    side_start(&s->side[1], p, 0, text) != 0) {
		rules_stop(s);
		free(text);
		return NULL;
	}
	free(text);
	s->p = *p;
	return s;
}

static double stretch(struct rules_case *s, unsigned nr)
{
	struct side *side = &s->side[nr];
	struct lane *l = side->lane;

	(void)lane_take_ns(l, LANE_ALL);
	for (uint32_t i = 0; i < STRETCH_LEN; i++) {
		uint32_t conn = traffic_below(&l->rng, s->p.flows);
		struct segment seg = {
			.dir = (l->rng & 0x100) != 0 ? DIR_ORIG : DIR_REPLY,
			.flags = TCP_ACK | TCP_PSH,
			.payload_size = PAYLOAD_BYTES,
		};

		lane_put(l, s->p.family, conn, &seg, &side->progress[conn]);
	}
	return lane_take_ns(l, LANE_TRIMMED);
}

static uint64_t passed(const struct rules_case *s, unsigned nr)
{
	return stat_get(&s->side[nr].lane->worker.stats.verdict[HOOK_FORWARD][CT_ESTABLISHED]
	                                                       [VERDICT_ACCEPT]);
}

/* Each pair begins with the other side. */
static int established_run(void *state, double *value)
{
	struct rules_case *s = state;
	uint32_t pairs = s->p.packets / STRETCH_LEN / 2 + 1;
	uint64_t before = passed(s, 0) + passed(s, 1);
	uint64_t wanted;

	pairs = pairs < PAIRS_MAX ? pairs : PAIRS_MAX;
	for (uint32_t i = 0; i < pairs; i++) {
		double ns[2];

		ns[i % 2] = stretch(s, i % 2);
		ns[1 - i % 2] = stretch(s, 1 - i % 2);
		s->ratio[i] = ns[1] / ns[0];
	}
	*value = sample_quantile(s->ratio, pairs, 0.5);
	wanted = (uint64_t)pairs * 2 * STRETCH_LEN;
	before = passed(s, 0) + passed(s, 1) - before;
	return before == wanted ? 0 : case_unexpected("accepted as ESTABLISHED", before, wanted);
}

static void *open_start(const struct case_params *p, enum shape shape)
{
	struct rules_case *s = calloc(1, sizeof(*s));
	char *text = rules_text(shape);

	if (s != NULL) {
		s->p = *p;
		s->packets = shape == SHAPE_LIST ? p->packets / LIST_SLOWNESS + 1 : p->packets;
		s->next = p->flows;
	}
	if (s == NULL || text == NULL || side_start(&s->side[1], p, s->packets, text) != 0) {
		rules_stop(s);
		s = NULL;
	}
	free(text);
	return s;
}

static void *open_list_start(const struct case_params *p)
{
	return open_start(p, SHAPE_LIST);
}

static void *open_set_start(const struct case_params *p)
{
	return open_start(p, SHAPE_SET);
}

static int open_run(void *state, double *value)
{
	static const struct segment syn = { DIR_ORIG, TCP_SYN, 0 };
	struct rules_case *s = state;
	struct lane *l = s->side[1].lane;
	uint64_t opened = lane_event(l, EVENT_FLOW_NEW);

	(void)lane_take_ns(l, LANE_TRIMMED);
	for (uint32_t i = 0; i < s->packets; i++) {
		struct progress fresh = { { 0, 0 } };

		lane_put(l, s->p.family, (s->next + i) & 0xffffff, &syn, &fresh);
	}
	*value = lane_take_ns(l, LANE_TRIMMED);
	opened = lane_event(l, EVENT_FLOW_NEW) - opened;
	for (uint32_t i = 0; i < s->packets; i++) {
		struct tuple t;
		struct flowkey key;
		enum key_side side;

		traffic_tuple(s->p.family, (s->next + i) & 0xffffff, &t);
		(void)flowkey_from_tuple(&t, &key, &side);
		(void)engine_delete(l->engine, &l->worker, &key, l->now, DELETE_FORGET);
	}
	s->next += s->packets;
	return opened == s->packets ? 0 : case_unexpected("opened", opened, s->packets);
}

const struct case_ops case_rules_established = {
	.start = established_start,
	.run = established_run,
	.stop = rules_stop,
};

const struct case_ops case_rules_open_list = {
	.start = open_list_start,
	.run = open_run,
	.stop = rules_stop,
};

const struct case_ops case_rules_open_set = {
	.start = open_set_start,
	.run = open_run,
	.stop = rules_stop,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cost of ten thousand rules. Established connections should cost the same as with three rules,
 * which is measured as a ratio, in pairs of short stretches in direct succession. New connections
 * should cost little where the rules are one set, and grow with the rules where they are a list.
 */
#include "engine_case.h"
#include "random.h"
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>

#define RULES_LEN     10000
#define PAYLOAD_BYTES 1000

/* Packets in a stretch, and the limit of pairs. */
#define STRETCH_LEN 4096
#define PAIRS_MAX   1024

struct rules_case {
	struct case_params p;
	uint32_t packets;
	uint32_t next;         /* the lowest connection not used yet */
	struct case_table few; /* three rules; not for new connections */
	struct case_table many;
	double ratio[PAIRS_MAX];
};

enum shape {
	SHAPE_LIST,    /* an address and a port each */
	SHAPE_ADDRESS, /* rules that differ in an address */
	SHAPE_MIXED,   /* addresses of both ends, ports, prefixes, in turn */
	SHAPE_SET,
};

/* Addresses that no connection has. */
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
	fprintf(f, "chain more { counter }\n");
	fprintf(f, "chain forward { type filter hook forward priority filter; policy drop\n"
	           "ct state established,related accept\n");
	for (unsigned nr = 0; nr < RULES_LEN && shape != SHAPE_SET; nr++) {
		if (shape == SHAPE_MIXED && nr % 5 == 4) {
			fprintf(f, "udp dport %u counter drop\n", nr % 60000);
			continue;
		}
		fprintf(f, shape == SHAPE_MIXED && nr % 2 == 1 ? "ip daddr " : "ip saddr ");
		put_address(f, nr);
		if (shape == SHAPE_MIXED && nr % 3 == 0) {
			fprintf(f, "/30");
		}
		if (shape == SHAPE_LIST || (shape == SHAPE_MIXED && nr % 4 == 0)) {
			fprintf(f, " tcp dport %u", nr % 1000 + 1);
		}
		fprintf(f, shape == SHAPE_MIXED && nr % 7 == 0 ? " jump more\n" : " drop\n");
	}
	fprintf(f, "%sct state new tcp dport 80 accept\n}\n}\n",
	        shape == SHAPE_SET ? "ip saddr @s drop\n" : "");
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* A table of p->flows connections with free slots, under these rules; NULL = the three. */
static int start_table(struct case_table *t, const struct case_params *p, uint32_t free_slots,
                       const char *rules)
{
	const struct fixture_config cfg = { .flows_max = p->flows + free_slots,
		                            .shards_len = 1,
		                            .rules = rules };
	int err = case_table_init(t, p, &cfg);

	if (err == 0) {
		case_table_connect(t);
	}
	return err;
}

static void rules_stop(void *state)
{
	struct rules_case *s = state;

	if (s != NULL) {
		case_table_fini(&s->few);
		case_table_fini(&s->many);
		free(s);
	}
}

static void *established_start(const struct case_params *p)
{
	struct rules_case *s = calloc(1, sizeof(*s));
	char *text = rules_text(SHAPE_LIST);

	if (s != NULL) {
		s->p = *p;
	}
	if (s == NULL || text == NULL || start_table(&s->few, p, 0, NULL) != 0 ||
	    start_table(&s->many, p, 0, text) != 0) {
		rules_stop(s);
		s = NULL;
	}
	free(text);
	return s;
}

/* Returns nanoseconds per packet. */
static double run_stretch(struct case_table *t)
{
	struct driver *d = t->driver;

	(void)driver_take_ns(d, MEAN_ALL);
	for (uint32_t i = 0; i < STRETCH_LEN; i++) {
		uint32_t nr = random_below(&d->rng, t->p.flows);

		driver_put_data(d, nr, PAYLOAD_BYTES, &t->seq[nr]);
	}
	return driver_take_ns(d, MEAN_TRIMMED);
}

static uint64_t accepted(const struct rules_case *s)
{
	return driver_accepted(s->few.driver) + driver_accepted(s->many.driver);
}

/* Tables take turns in being first. */
static int established_run(void *state, double *value)
{
	struct rules_case *s = state;
	struct case_table *const table[2] = { &s->few, &s->many };
	uint32_t pairs = s->p.packets / STRETCH_LEN / 2 + 1;
	uint64_t before = accepted(s);

	pairs = pairs < PAIRS_MAX ? pairs : PAIRS_MAX;
	for (uint32_t i = 0; i < pairs; i++) {
		double ns[2];

		ns[i % 2] = run_stretch(table[i % 2]);
		ns[1 - i % 2] = run_stretch(table[1 - i % 2]);
		s->ratio[i] = ns[1] / ns[0];
	}
	*value = sample_quantile(s->ratio, pairs, 0.5);
	return case_expect("accepted as ESTABLISHED", accepted(s) - before,
	                   (uint64_t)pairs * 2 * STRETCH_LEN);
}

static void *open_start(const struct case_params *p, enum shape shape)
{
	struct rules_case *s = calloc(1, sizeof(*s));
	char *text = rules_text(shape);

	if (s != NULL) {
		s->p = *p;
		s->packets = p->packets;
		s->next = p->flows;
	}
	if (s == NULL || text == NULL || start_table(&s->many, p, s->packets, text) != 0) {
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

static void *open_address_start(const struct case_params *p)
{
	return open_start(p, SHAPE_ADDRESS);
}

static void *open_mixed_start(const struct case_params *p)
{
	return open_start(p, SHAPE_MIXED);
}

static void *open_set_start(const struct case_params *p)
{
	return open_start(p, SHAPE_SET);
}

static int open_run(void *state, double *value)
{
	struct rules_case *s = state;

	return case_table_open_timed(&s->many, &s->next, s->packets, value);
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

const struct case_ops case_rules_open_address = {
	.start = open_address_start,
	.run = open_run,
	.stop = rules_stop,
};

const struct case_ops case_rules_open_mixed = {
	.start = open_mixed_start,
	.run = open_run,
	.stop = rules_stop,
};

const struct case_ops case_rules_open_set = {
	.start = open_set_start,
	.run = open_run,
	.stop = rules_stop,
};

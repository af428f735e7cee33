/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named sets of many prefixes: how long a configuration takes to load whose set comes from a file,
 * and look-ups in random order, each timed by itself, through the rule `ip saddr @set drop`. The
 * figure of a look-up is the median and contains evaluating the rule and reading the clock.
 */
#include "engine_case.h"
#include "sample.h"
#include "ticks.h"
#include "traffic.h"

#include <finwall/bytes.h>
#include <finwall/config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOKUPS_MAX 100000

enum look_for {
	LOOK_HIT,
	LOOK_MISS,
};

struct sets {
	struct case_params p;
	char *list; /* the file of elements */
	size_t list_size;
	struct ruleset *rules;
	uint64_t rng;
	double ns[LOOKUPS_MAX];
};

/* Prefix nr of 2^24, /24 or /64, in no order. The first p.flows of them are in the set. */
static uint32_t scatter(uint32_t nr)
{
	return nr * UINT32_C(0x9e3779b1) & 0xffffff;
}

static void address_in(uint8_t family, uint32_t nr, uint32_t host, union ip_addr *out)
{
	uint32_t net = scatter(nr);

	memset(out, 0, sizeof(*out));
	if (family == 4) {
		store_be32(out->bytes, net << 8 | (host & 0xff));
		return;
	}
	store_be32(out->bytes, UINT32_C(0x2a000000) | net >> 4);
	store_be32(out->bytes + 4, net << 28 | (nr & 0xffff));
	store_be32(out->bytes + 12, host);
}

static int put_list(const struct case_params *p, FILE *f)
{
	for (uint32_t nr = 0; nr < p->flows; nr++) {
		union ip_addr a;

		address_in(p->family, nr, 0, &a);
		if (p->family == 4) {
			fprintf(f, "%u.%u.%u.0/24\n", a.bytes[0], a.bytes[1], a.bytes[2]);
		} else {
			fprintf(f, "%x:%x:%x:%x::/64\n", load_be16(a.bytes), load_be16(a.bytes + 2),
			        load_be16(a.bytes + 4), load_be16(a.bytes + 6));
		}
	}
	return ferror(f);
}

/* The configuration, and the file that it names. */
static char *read_file(void *ctx, const char *path, size_t *size)
{
	const struct sets *s = ctx;
	char *copy;

	if (strcmp(path, "list") != 0) {
		int len = asprintf(&copy,
		                   "table inet t {\n"
		                   "	set s { type ipv%u_addr; flags interval\n"
		                   "		elements-file \"list\" }\n"
		                   "	chain input {\n"
		                   "		type filter hook input priority filter\n"
		                   "		%s saddr @s drop\n"
		                   "	}\n"
		                   "}\n",
		                   s->p.family, s->p.family == 4 ? "ip" : "ip6");

		*size = len > 0 ? (size_t)len : 0;
		return len > 0 ? copy : NULL;
	}
	copy = malloc(s->list_size);
	if (copy != NULL) {
		memcpy(copy, s->list, s->list_size);
	}
	*size = s->list_size;
	return copy;
}

static struct ruleset *load(struct sets *s)
{
	const struct config_reader reader = { s, read_file };
	char *errors;
	struct config *c = config_load("rules", &reader, &errors);
	struct ruleset *rs;

	if (c == NULL) {
		fprintf(stderr, "finwall-bench: %s", errors == NULL ? "no memory\n" : errors);
		free(errors);
		return NULL;
	}
	rs = config_compile(c);
	config_free(c);
	return rs;
}

static void sets_stop(void *state)
{
	struct sets *s = state;

	if (s != NULL) {
		ruleset_free(s->rules);
		free(s->list);
		free(s);
	}
}

static void *load_start(const struct case_params *p)
{
	struct sets *s = calloc(1, sizeof(*s));
	FILE *f;
	int failed;

	if (s == NULL) {
		return NULL;
	}
	s->p = *p;
	s->rng = 1;
	f = open_memstream(&s->list, &s->list_size);
	failed = f == NULL || put_list(p, f);
	if (f != NULL) {
		failed |= fclose(f);
	}
	if (failed) {
		sets_stop(s);
		return NULL;
	}
	return s;
}

static int load_run(void *state, double *value)
{
	struct sets *s = state;
	uint64_t from = clock_ns();

	ruleset_free(s->rules);
	s->rules = load(s);
	*value = (double)(clock_ns() - from) / 1e6;
	return s->rules != NULL ? 0 : -ENOMEM;
}

static void *look_start(const struct case_params *p)
{
	struct sets *s = load_start(p);

	if (s == NULL) {
		return NULL;
	}
	s->rules = load(s);
	if (s->rules == NULL) {
		sets_stop(s);
		return NULL;
	}
	return s;
}

static int look_run(struct sets *s, enum look_for what, double *value)
{
	uint32_t len = s->p.packets < LOOKUPS_MAX ? s->p.packets : LOOKUPS_MAX;
	uint32_t dropped = 0;
	struct frame f = { .true_size = 100, .hook = HOOK_INPUT };
	struct pkt p = { .frame = &f, .depth = PKT_FULL, .l4_proto = 6 };
	struct rule_input in = { .pkt = &p, .state = CT_NEW };

	p.tuple.family = s->p.family;
	for (uint32_t i = 0; i < len; i++) {
		uint32_t nr = traffic_below(&s->rng, s->p.flows);
		struct rule_result out;
		uint64_t from;

		address_in(s->p.family, what == LOOK_HIT ? nr : s->p.flows + nr,
		           (uint32_t)traffic_random(&s->rng), &p.tuple.src);
		from = ticks_now();
		ruleset_eval(s->rules, NULL, CHAIN_INPUT, &in, &out);
		s->ns[i] = ticks_to_ns(ticks_now() - from);
		dropped += out.code == RULE_DROP;
	}
	*value = sample_quantile(s->ns, len, 0.5);
	if (dropped != (what == LOOK_HIT ? len : 0)) {
		return case_unexpected("found", dropped, what == LOOK_HIT ? len : 0);
	}
	return 0;
}

static int hit_run(void *state, double *value)
{
	return look_run(state, LOOK_HIT, value);
}

static int miss_run(void *state, double *value)
{
	return look_run(state, LOOK_MISS, value);
}

const struct case_ops case_set_load = {
	.start = load_start,
	.run = load_run,
	.stop = sets_stop,
};

const struct case_ops case_set_hit = {
	.start = look_start,
	.run = hit_run,
	.stop = sets_stop,
};

const struct case_ops case_set_miss = {
	.start = look_start,
	.run = miss_run,
	.stop = sets_stop,
};

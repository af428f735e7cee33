/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named sets of many prefixes: loading a configuration whose set comes from a file, and look-ups in
 * random order through the rule `ip saddr @set drop`. The result of look-ups is the median of
 * single ones and includes the evaluation of the rule and reading the timestamp counter.
 */
#include "clock.h"
#include "engine_case.h"
#include "random.h"
#include "rules.h"
#include "tsc.h"

#include <finwall/bytes.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sets {
	struct case_params p;
	char *list; /* the file of elements */
	size_t list_size;
	struct ruleset *rules;
	struct lookup_times times;
};

/* The network of prefix nr, one of 2^24, without order. The set has those below p.flows. */
static uint32_t scatter(uint32_t nr)
{
	return nr * UINT32_C(0x9e3779b1) & 0xffffff;
}

/* An address of prefix nr, a /24 or a /64. */
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

/* The reader of the configuration and of the file that it names. */
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

static int load(struct sets *s)
{
	const struct config_reader reader = { .ctx = s, .read = read_file };

	ruleset_free(s->rules);
	s->rules = rules_load(&reader);
	return s->rules != NULL ? 0 : -ENOMEM;
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

static void *sets_start(const struct case_params *p)
{
	struct sets *s = calloc(1, sizeof(*s));
	FILE *f;
	int failed;

	if (s == NULL) {
		return NULL;
	}
	s->p = *p;
	s->times.rng = 1;
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
	uint64_t from = clock_ns();
	int err = load(state);

	*value = (double)(clock_ns() - from) / 1e6;
	return err;
}

static void *lookup_start(const struct case_params *p)
{
	struct sets *s = sets_start(p);

	if (s != NULL && load(s) != 0) {
		sets_stop(s);
		return NULL;
	}
	return s;
}

static int lookup_run(struct sets *s, enum lookup what, double *value)
{
	uint32_t len = lookup_count(&s->p);
	uint32_t dropped = 0;
	struct frame f = { .true_size = 100, .hook = HOOK_INPUT };
	struct pkt p = {
		.frame = &f, .depth = PKT_FULL, .reach = PKT_REACH_MAX, .l4_proto = IPPROTO_NR_TCP
	};
	struct rule_input in = { .pkt = &p, .state = CT_NEW };

	p.tuple.family = s->p.family;
	for (uint32_t i = 0; i < len; i++) {
		uint32_t nr = lookup_random(&s->times, &s->p, what);
		struct rule_result out;
		uint64_t from;

		address_in(s->p.family, nr, (uint32_t)random_next(&s->times.rng), &p.tuple.src);
		from = tsc_now();
		ruleset_eval(s->rules, NULL, CHAIN_INPUT, &in, &out);
		s->times.ns[i] = tsc_to_ns(tsc_now() - from);
		dropped += out.code == RULE_DROP;
	}
	return lookup_result(&s->times, len, what, dropped, value);
}

static int hit_run(void *state, double *value)
{
	return lookup_run(state, LOOKUP_HIT, value);
}

static int miss_run(void *state, double *value)
{
	return lookup_run(state, LOOKUP_MISS, value);
}

const struct case_ops case_set_load = {
	.start = sets_start,
	.run = load_run,
	.stop = sets_stop,
};

const struct case_ops case_set_hit = {
	.start = lookup_start,
	.run = hit_run,
	.stop = sets_stop,
};

const struct case_ops case_set_miss = {
	.start = lookup_start,
	.run = miss_run,
	.stop = sets_stop,
};

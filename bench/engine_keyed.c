/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of concatenations: look-ups in random order through the rule `ip saddr . tcp dport @s drop`,
 * with and without intervals, and additions through `add @s { ... }`. The result of look-ups is the
 * median of single ones, as in engine_sets.c. And the longest look-up or addition while all
 * elements of a set expire and another thread removes them, as the daemon's main thread does.
 */
#include "clock.h"
#include "engine_case.h"
#include "random.h"
#include "rules.h"
#include "tsc.h"

#include "sets/keyed.h"

#include <finwall/bytes.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_S  3600
#define PORT_FIRST 1000 /* of the ports in an interval, and so many */
#define PORTS_LEN  1000

struct keyed {
	struct case_params p;
	struct ruleset *rules;
	struct frame frame;
	struct pkt pkt;
	uint32_t next; /* the first element that was never added */
	struct lookup_times times;
};

/* Element nr: an address and a port, without order. */
static void key_of(struct pkt *p, uint32_t nr)
{
	store_be32(p->tuple.src.bytes, nr * UINT32_C(0x9e3779b1));
	p->th_dport = (uint16_t)(nr * 7 + 1);
}

static char *rules_text(const struct case_params *p, bool has_intervals, bool has_timeouts)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL) {
		return NULL;
	}
	fprintf(f, "table inet t {\n set s { type ipv4_addr . inet_service; ");
	if (has_intervals) {
		fprintf(f, "flags interval; elements = { ");
		for (uint32_t nr = 0; nr < p->flows; nr++) {
			uint32_t net = nr * UINT32_C(0x9e3779b1) & 0xffffff00;

			fprintf(f, "%s%u.%u.%u.0/24 . %u-%u", nr > 0 ? ", " : "", net >> 24,
			        net >> 16 & 0xff, net >> 8 & 0xff, PORT_FIRST,
			        PORT_FIRST + PORTS_LEN - 1);
		}
		fprintf(f, " } }\n");
	} else {
		fprintf(f, "flags dynamic; size %u; ", p->flows + p->packets);
		if (has_timeouts) {
			fprintf(f, "flags timeout; timeout %us", TIMEOUT_S);
		}
		fprintf(f, " }\n");
	}
	fprintf(f,
	        " chain input { type filter hook input priority filter\n"
	        "  ip saddr . tcp dport @s drop }\n"
	        " chain output { type filter hook output priority filter\n"
	        "  %s }\n}\n",
	        has_intervals  ? "accept"
	        : has_timeouts ? "add @s { ip saddr . tcp dport counter } drop"
	                       : "add @s { ip saddr . tcp dport } drop");
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void keyed_stop(void *state)
{
	struct keyed *s = state;

	if (s != NULL) {
		ruleset_free(s->rules);
		free(s);
	}
}

static struct keyed *make(const struct case_params *p, bool has_intervals, bool has_timeouts)
{
	struct keyed *s = calloc(1, sizeof(*s));
	char *text = rules_text(p, has_intervals, has_timeouts);

	if (s != NULL && text != NULL) {
		s->p = *p;
		s->times.rng = 1;
		s->rules = rules_new(text);
	}
	free(text);
	if (s == NULL || s->rules == NULL) {
		keyed_stop(s);
		return NULL;
	}
	s->frame = (struct frame){ .true_size = 100, .hook = HOOK_INPUT };
	s->pkt = (struct pkt){ .frame = &s->frame,
		               .depth = PKT_FULL,
		               .reach = PKT_REACH_MAX,
		               .l4_proto = IPPROTO_NR_TCP };
	s->pkt.tuple.family = 4;
	return s;
}

static uint8_t evaluate(struct keyed *s, enum base_chain chain)
{
	const struct rule_input in = { .pkt = &s->pkt, .state = CT_NEW, .now = { NSEC_PER_SEC } };
	struct rule_result out;

	ruleset_eval(s->rules, NULL, chain, &in, &out);
	return out.code;
}

static void *fill_start(const struct case_params *p, bool has_timeouts)
{
	struct keyed *s = make(p, false, has_timeouts);

	for (; s != NULL && s->next < p->flows; s->next++) {
		key_of(&s->pkt, s->next);
		(void)evaluate(s, CHAIN_OUTPUT);
	}
	return s;
}

static void *exact_start(const struct case_params *p)
{
	return fill_start(p, false);
}

static void *timeout_start(const struct case_params *p)
{
	return fill_start(p, true);
}

static void *interval_start(const struct case_params *p)
{
	return make(p, true, false);
}

static int lookup_run(struct keyed *s, enum lookup what, bool has_intervals, double *value)
{
	uint32_t len = lookup_count(&s->p);
	uint32_t dropped = 0;

	for (uint32_t i = 0; i < len; i++) {
		uint32_t nr = lookup_random(&s->times, &s->p, what);
		uint64_t from;

		key_of(&s->pkt, nr);
		if (has_intervals) {
			s->pkt.th_dport = (uint16_t)(PORT_FIRST + nr % PORTS_LEN);
		}
		from = tsc_now();
		dropped += evaluate(s, CHAIN_INPUT) == RULE_DROP;
		s->times.ns[i] = tsc_to_ns(tsc_now() - from);
	}
	return lookup_result(&s->times, len, what, dropped, value);
}

static int exact_hit_run(void *state, double *value)
{
	return lookup_run(state, LOOKUP_HIT, false, value);
}

static int exact_miss_run(void *state, double *value)
{
	return lookup_run(state, LOOKUP_MISS, false, value);
}

static int interval_hit_run(void *state, double *value)
{
	return lookup_run(state, LOOKUP_HIT, true, value);
}

/* New elements in each run, as long as there is space. */
static int add_run(void *state, double *value)
{
	struct keyed *s = state;
	uint32_t len = s->p.packets / 16;
	uint32_t dropped = 0;
	uint64_t from = clock_ns();

	for (uint32_t i = 0; i < len; i++) {
		key_of(&s->pkt, s->next++);
		dropped += evaluate(s, CHAIN_OUTPUT) == RULE_DROP;
	}
	*value = (double)(clock_ns() - from) / len;
	return case_expect("added", dropped, len);
}

/* expiry */

struct sweeper {
	struct live_keyed *set;
	struct mono now;
	_Atomic bool is_over;
};

static struct rs_keyed *keyed_in(struct live_keyed *set)
{
	return rs_keyed_of(&set->set);
}

/* The daemon's timer deletes a sixteenth of a set at once: here without a pause between. */
static void *sweep(void *arg)
{
	struct sweeper *s = arg;
	struct rs_table *t = &keyed_in(s->set)->table;

	for (unsigned i = 0; i <= 16; i++) {
		rs_table_sweep(t, s->now, t->heads_mask / 16 + 1);
	}
	atomic_store(&s->is_over, true);
	return NULL;
}

static struct live_keyed *make_expiring(const struct case_params *p)
{
	static const struct rs_kit nothing;
	const struct keyed_shape shape = { .fields_len = 2,
		                           .has_state = true,
		                           .cap = p->flows + p->flows / 8,
		                           .kit = &nothing,
		                           .kits_len = 1 };
	const struct rs_new add = { .what = RS_CHANGE_ADD, .timeout_ns = NSEC_PER_SEC };
	const struct rs_touch touch = { .now = { 1 } };
	const struct keyed_list none = { 0 };
	enum keyed_problem problem;
	struct live_keyed *set = live_keyed_new(&shape, &none, &problem);

	if (set == NULL) {
		return NULL;
	}
	live_keyed_start(set, touch.now);
	for (uint32_t nr = 0; nr < p->flows; nr++) {
		const struct u128 key[2] = { { 0, nr * UINT32_C(0x9e3779b1) }, { 0, nr & 0xffff } };

		(void)rs_keyed_change(keyed_in(set), key, &add, &touch);
	}
	return set;
}

/* Look-ups and additions in turn while the elements expire. Returns the longest of them in ns. */
static double longest(struct sweeper *s, uint32_t flows, uint64_t *rng)
{
	const struct rs_new add = { .what = RS_CHANGE_UPDATE, .timeout_ns = NSEC_PER_SEC };
	const struct rs_touch touch = { .now = s->now };
	double longest_ns = 0;

	while (!atomic_load(&s->is_over)) {
		uint32_t nr = random_below(rng, flows);
		const struct u128 key[2] = { { 0, nr * UINT32_C(0x9e3779b1) }, { 0, nr & 0xffff } };
		uint64_t from = tsc_now();
		double ns;
		uint32_t found;

		if (nr % 64 == 0) {
			(void)rs_keyed_change(keyed_in(s->set), key, &add, &touch);
		} else {
			(void)rs_keyed_find(keyed_in(s->set), key, &touch, &found);
		}
		ns = tsc_to_ns(tsc_now() - from);
		longest_ns = ns > longest_ns ? ns : longest_ns;
	}
	return longest_ns;
}

static int expire_run(void *state, double *value)
{
	const struct case_params *p = state;
	struct sweeper s = { .set = make_expiring(p), .now = { 2 * NSEC_PER_SEC } };
	uint64_t rng = 1;
	pthread_t thread;
	uint64_t expired;

	if (s.set == NULL || pthread_create(&thread, NULL, sweep, &s) != 0) {
		live_keyed_put(s.set);
		return -ENOMEM;
	}
	*value = longest(&s, p->flows, &rng) / 1000;
	(void)pthread_join(thread, NULL);
	expired = atomic_load(&keyed_in(s.set)->table.expired);
	live_keyed_put(s.set);
	return case_expect("expired", expired, p->flows);
}

const struct case_ops case_keyed_hit = {
	.start = exact_start,
	.run = exact_hit_run,
	.stop = keyed_stop,
};

const struct case_ops case_keyed_miss = {
	.start = exact_start,
	.run = exact_miss_run,
	.stop = keyed_stop,
};

const struct case_ops case_keyed_interval = {
	.start = interval_start,
	.run = interval_hit_run,
	.stop = keyed_stop,
};

const struct case_ops case_keyed_timeout = {
	.start = timeout_start,
	.run = exact_hit_run,
	.stop = keyed_stop,
};

const struct case_ops case_keyed_add = {
	.start = timeout_start,
	.run = add_run,
	.stop = keyed_stop,
};

const struct case_ops case_keyed_expire = {
	.start = case_params_start,
	.run = expire_run,
	.stop = case_params_stop,
};

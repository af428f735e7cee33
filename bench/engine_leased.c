/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program of the kernel fast path: a segment of a random leased connection, timed by the kernel
 * (BPF_PROG_TEST_RUN). The engine has opened the connections and granted the leases.
 *
 * The time has the two clock readings of a run in it, some 30 ns.
 */
#include "bpf/lease_program.h"
#include "engine_case.h"

#include <finwall/lease_layout.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Segments of one run. */
#define SEGMENTS 20000

#define PAYLOAD_SIZE 64

struct leased {
	struct case_table table;
	struct lease_program *program;
	struct lease_map map;
	uint64_t rng;
	double ns[SEGMENTS];
};

bool case_leased_is_possible(void)
{
	return lease_program_is_built() && geteuid() == 0;
}

static void leased_stop(void *state)
{
	struct leased *s = state;

	if (s != NULL) {
		case_table_fini(&s->table);
		lease_program_free(s->program);
		free(s);
	}
}

static bool grant_all(struct leased *s)
{
	struct engine *e = s->table.fixture->engine;
	struct lease_usage u;

	engine_use_leases(e, &s->map);
	s->map.control->valid_until_ns = LEASE_ALWAYS;
	engine_set_lease_policy(e, &s->table.fixture->policy.tun, true);
	s->table.driver->worker.lease_generation = engine_lease_generation(e);
	case_table_connect(&s->table);
	engine_lease_usage(e, &u);
	/* A bucket of the index may be full. */
	if (u.held < s->table.p.flows - s->table.p.flows / 100) {
		(void)fprintf(stderr, "finwall-bench: %llu of %u connections leased\n",
		              (unsigned long long)u.held, s->table.p.flows);
		return false;
	}
	return true;
}

static void *leased_start(const struct case_params *p)
{
	const struct fixture_config cfg = { .flows_max = p->flows, .shards_len = 1 };
	struct leased *s = calloc(1, sizeof(*s));
	char why[LEASE_WHY_SIZE];

	if (s == NULL || case_table_init(&s->table, p, &cfg) != 0) {
		leased_stop(s);
		return NULL;
	}
	if (lease_program_load(p->flows, &s->program, why) != 0) {
		(void)fprintf(stderr, "finwall-bench: kernel fast path: %s\n", why);
		leased_stop(s);
		return NULL;
	}
	s->rng = 1;
	if (!lease_program_map(s->program, &s->map) || !grant_all(s)) {
		leased_stop(s);
		return NULL;
	}
	return s;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int leased_run(void *state, double *value)
{
	struct leased *s = state;
	uint8_t buf[TCP_GEN_COPY_SIZE];
	struct frame frame;
	uint32_t passed = 0;

	for (uint32_t i = 0; i < SEGMENTS; i++) {
		uint32_t nr = (uint32_t)(s->rng >> 33) % s->table.p.flows;
		const struct segment data = { s->rng >> 32 & 1, TCP_ACK, PAYLOAD_SIZE };
		uint32_t ns = 0;

		/* Knuth's linear congruential generator. */
		s->rng = s->rng * UINT64_C(6364136223846793005) + 1442695040888963407u;
		tcp_gen_segment(s->table.p.family, nr, &data, &s->table.seq[nr], buf, &frame);
		passed += lease_program_run(s->program, HOOK_FORWARD, buf, frame.true_size, 1,
		                            &ns) == 1;
		s->ns[i] = ns;
	}
	qsort(s->ns, SEGMENTS, sizeof(s->ns[0]), compare_doubles);
	*value = s->ns[SEGMENTS / 2];
	/* Some connections may have no lease. */
	return case_expect("hundredths accepted by the program",
	                   (passed + SEGMENTS / 100) / SEGMENTS, 1);
}

const struct case_ops case_leased = {
	.start = leased_start,
	.run = leased_run,
	.stop = leased_stop,
};

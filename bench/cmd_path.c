/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall-bench path: real packets between network namespaces, through each filter in turn.
 *
 * In each round every filter is started once and all kinds of traffic run through it, so that
 * compared values are measured within seconds of each other. Ratios are computed within a round.
 */
#include "bench.h"
#include "bpf/lease_program.h"
#include "clock.h"
#include "filter.h"
#include "progress.h"
#include "sample.h"
#include "testbed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WARM_NS       UINT64_C(150000000)
#define SETTLE_NS     UINT64_C(30000000)
#define SETTLE_MAX_NS UINT64_C(5000000000)

/* No queue is full at this rate, so CPU times per packet can be compared. */
#define PATH_PACED_PER_S 50000

#define RUNS_DFLT  5
#define RUNS_QUICK 2

/* What is measured of each filter. */
enum path_value {
	PATH_BULK,
	PATH_FLOOD,
	PATH_CONNECT,
	PATH_RTT50,
	PATH_RTT90,
	PATH_RTT99,
	PATH_RTT999,
	PATH_CPU,
	PATH_CPU_USER,
	PATH_CPU_KERNEL,
	PATH_VALUES_LEN,
};

/* The kinds of traffic, as --only names them. */
enum path_load {
	PATH_LOAD_BULK,
	PATH_LOAD_SMALL,
	PATH_LOAD_CONNECT,
	PATH_LOAD_RTT,
	PATH_LOAD_CPU,
	PATH_LOADS_LEN,
};

static const char *const load_ids[PATH_LOADS_LEN] = {
	[PATH_LOAD_BULK] = "bulk", [PATH_LOAD_SMALL] = "small", [PATH_LOAD_CONNECT] = "connect",
	[PATH_LOAD_RTT] = "rtt",   [PATH_LOAD_CPU] = "cpu",
};

static const struct {
	const char *id;
	const char *title;
	const char *unit;
	enum better better;
} values[PATH_VALUES_LEN] = {
	[PATH_BULK] = { "bulk", "bulk TCP, 4 connections", "Gbit/s", BETTER_HIGHER },
	[PATH_FLOOD] = { "small", "64-byte datagrams", "packets/s", BETTER_HIGHER },
	[PATH_CONNECT] = { "connect", "connect, request, response, close", "conn/s",
	                   BETTER_HIGHER },
	[PATH_RTT50] = { "rtt-p50", "TCP round trip, median", "us", BETTER_LOWER },
	[PATH_RTT90] = { "rtt-p90", "TCP round trip, 90 %", "us", BETTER_LOWER },
	[PATH_RTT99] = { "rtt-p99", "TCP round trip, 99 %", "us", BETTER_LOWER },
	[PATH_RTT999] = { "rtt-p99.9", "TCP round trip, 99.9 %", "us", BETTER_LOWER },
	[PATH_CPU] = { "cpu", "CPU time at 50 000 packets/s", "ns/packet", BETTER_LOWER },
	[PATH_CPU_USER] = { "cpu-user", "of it, in user space", "ns/packet", BETTER_LOWER },
	[PATH_CPU_KERNEL] = { "cpu-kernel", "of it, in the kernel", "ns/packet", BETTER_LOWER },
};

/* Ratios that are reported. */
static const struct {
	enum filter_kind what;
	enum filter_kind against;
} pairs[] = {
	{ FILTER_CONNTRACK, FILTER_NOTHING },      { FILTER_BARE, FILTER_NOTHING },
	{ FILTER_FINWALL1, FILTER_BARE },          { FILTER_FINWALL1, FILTER_CONNTRACK },
	{ FILTER_FINWALL_FAST, FILTER_CONNTRACK }, { FILTER_FINWALL_FAST, FILTER_FINWALL1 },
	{ FILTER_FINWALL2, FILTER_CONNTRACK },     { FILTER_BARE_SYN, FILTER_CONNTRACK },
	{ FILTER_FINWALL_FAST, FILTER_BARE_SYN },
};

#define PAIRS_LEN (sizeof(pairs) / sizeof(pairs[0]))

/* Values of one round; 0 = not measured. */
typedef double round_values[FILTERS_LEN][PATH_VALUES_LEN];

struct path {
	const struct bench_options *opt;
	struct testbed testbed;
	uint64_t run_ns;
	char finwalld[512];
	long value_nr[FILTERS_LEN][PATH_VALUES_LEN];
	long ratio_nr[PAIRS_LEN][PATH_VALUES_LEN];
	unsigned done;
	unsigned steps;
};

/* Waits until no datagram arrives any more: a flood leaves full queues. */
static void settle(struct path *p)
{
	uint64_t deadline_ns = clock_ns() + SETTLE_MAX_NS;
	uint64_t before;

	do {
		before = atomic_load(&p->testbed.counters->udp_datagrams);
		clock_sleep_ns(SETTLE_NS);
	} while (atomic_load(&p->testbed.counters->udp_datagrams) != before &&
	         clock_ns() < deadline_ns);
}

/* Measures the rate of arriving traffic, per second. */
static int measure_rate(struct path *p, enum load_kind kind, double *per_s)
{
	const _Atomic uint64_t *counter = load_counter(p->testbed.counters, kind);
	int err = testbed_start_client(&p->testbed, kind, 0);
	uint64_t from;
	uint64_t from_ns;

	if (err != 0) {
		return err;
	}
	clock_sleep_ns(WARM_NS);
	from = atomic_load(counter);
	from_ns = clock_ns();
	clock_sleep_ns(p->run_ns);
	/* On a busy machine nothing may have arrived yet. */
	while (atomic_load(counter) == from && clock_ns() - from_ns < SETTLE_MAX_NS) {
		clock_sleep_ns(SETTLE_NS);
	}
	*per_s = (double)(atomic_load(counter) - from) * 1e9 / (double)(clock_ns() - from_ns);
	return testbed_stop_client(&p->testbed);
}

static int measure_rtt(struct path *p, double *v)
{
	static double us[LOAD_TIMES_MAX];
	int err = testbed_start_client(&p->testbed, LOAD_PINGPONG, 0);
	size_t len;

	if (err == 0) {
		clock_sleep_ns(p->run_ns);
		err = testbed_stop_client(&p->testbed);
	}
	if (err != 0) {
		return err;
	}
	len = atomic_load(&p->testbed.counters->times_len);
	for (size_t i = 0; i < len; i++) {
		us[i] = p->testbed.counters->time_ns[i] / 1e3;
	}
	v[PATH_RTT50] = sample_quantile(us, len, 0.5);
	v[PATH_RTT90] = sample_quantile(us, len, 0.9);
	v[PATH_RTT99] = sample_quantile(us, len, 0.99);
	v[PATH_RTT999] = sample_quantile(us, len, 0.999);
	return 0;
}

static int measure_cpu(struct path *p, const struct filter *f, double *v)
{
	const _Atomic uint64_t *counter = load_counter(p->testbed.counters, LOAD_PACED);
	struct filter_cpu before;
	struct filter_cpu after;
	uint64_t packets;
	int err;

	if (filter_cpu(f, &before) != 0) {
		return 0; /* this filter has no process */
	}
	err = testbed_start_client(&p->testbed, LOAD_PACED, PATH_PACED_PER_S);
	if (err != 0) {
		return err;
	}
	clock_sleep_ns(WARM_NS);
	(void)filter_cpu(f, &before);
	packets = atomic_load(counter);
	clock_sleep_ns(p->run_ns);
	packets = atomic_load(counter) - packets;
	if (filter_cpu(f, &after) != 0) {
		fprintf(stderr, "finwall-bench: %s has ended\n", filter_title(f->kind));
		err = -ESRCH;
	} else if (packets > 0) {
		v[PATH_CPU] = (double)(after.total_ns - before.total_ns) / (double)packets;
		v[PATH_CPU_USER] = v[PATH_CPU] * after.user_share;
		v[PATH_CPU_KERNEL] = v[PATH_CPU] - v[PATH_CPU_USER];
	}
	return testbed_stop_client(&p->testbed) != 0 ? -EIO : err;
}

/* --only is a pattern of filters, as '*-fast', or of loads and filters, as 'bulk/finwalld-*' or
 * 'connect/@(bare|bare-syn)'. */
static bool load_is_wanted(const struct path *p, enum filter_kind kind, enum path_load load)
{
	const char *only = p->opt->only;
	char id[64];

	if (kind == FILTER_FINWALL_FAST && !lease_program_is_built()) {
		return false;
	}
	if (only == NULL || strchr(only, '/') == NULL) {
		return bench_wants(p->opt, filter_id(kind));
	}
	(void)snprintf(id, sizeof(id), "%s/%s", load_ids[load], filter_id(kind));
	return bench_wants(p->opt, id);
}

static bool is_wanted(const struct path *p, enum filter_kind kind)
{
	for (unsigned load = 0; load < PATH_LOADS_LEN; load++) {
		if (load_is_wanted(p, kind, (enum path_load)load)) {
			return true;
		}
	}
	return false;
}

static int measure_bulk(struct path *p, double *v)
{
	int err = measure_rate(p, LOAD_BULK, &v[PATH_BULK]);

	v[PATH_BULK] *= 8e-9;
	return err;
}

static int measure_small(struct path *p, double *v)
{
	int err = measure_rate(p, LOAD_FLOOD, &v[PATH_FLOOD]);

	settle(p);
	return err;
}

static int measure_filter(struct path *p, const struct filter *f, double *v)
{
	int err = 0;

	if (load_is_wanted(p, f->kind, PATH_LOAD_BULK)) {
		err = measure_bulk(p, v);
	}
	if (err == 0 && load_is_wanted(p, f->kind, PATH_LOAD_SMALL)) {
		err = measure_small(p, v);
	}
	if (err == 0 && load_is_wanted(p, f->kind, PATH_LOAD_CONNECT)) {
		err = measure_rate(p, LOAD_CONNECT, &v[PATH_CONNECT]);
	}
	if (err == 0 && load_is_wanted(p, f->kind, PATH_LOAD_RTT)) {
		err = measure_rtt(p, v);
	}
	if (err == 0 && load_is_wanted(p, f->kind, PATH_LOAD_CPU)) {
		err = measure_cpu(p, f, v);
	}
	return err;
}

/* Each round starts with another filter, so that the order has no effect. */
static int measure_round(struct path *p, unsigned round, round_values v)
{
	memset(v, 0, sizeof(round_values));
	for (unsigned i = 0; i < FILTERS_LEN; i++) {
		enum filter_kind kind = (round + i) % FILTERS_LEN;
		struct filter f;
		int err;

		if (!is_wanted(p, kind)) {
			continue;
		}
		progress_show(p->done++, p->steps, filter_title(kind));
		err = filter_start(&f, &p->testbed.net, kind, p->finwalld);
		if (err == 0) {
			err = measure_filter(p, &f, v[kind]);
		}
		filter_stop(&f);
		if (err != 0) {
			return err;
		}
	}
	return 0;
}

/* Adds the measures: of each value all filters, then the ratios. */
static int make_measures(struct path *p, struct report *r)
{
	for (unsigned i = 0; i < PATH_VALUES_LEN; i++) {
		struct measure m = { .better = values[i].better };

		for (unsigned k = 0; k < FILTERS_LEN; k++) {
			snprintf(m.id, sizeof(m.id), "path/%s/%s", values[i].id, filter_id(k));
			snprintf(m.title, sizeof(m.title), "%s: %s", values[i].title,
			         filter_title(k));
			snprintf(m.unit, sizeof(m.unit), "%s", values[i].unit);
			p->value_nr[k][i] = report_add(r, &m);
			if (p->value_nr[k][i] < 0) {
				return -ENOMEM;
			}
		}
		for (unsigned k = 0; k < PAIRS_LEN; k++) {
			snprintf(m.id, sizeof(m.id), "path/%s/%s:%s", values[i].id,
			         filter_id(pairs[k].what), filter_id(pairs[k].against));
			snprintf(m.title, sizeof(m.title), "%s: %s / %s", values[i].title,
			         filter_title(pairs[k].what), filter_title(pairs[k].against));
			snprintf(m.unit, sizeof(m.unit), "ratio");
			p->ratio_nr[k][i] = report_add(r, &m);
			if (p->ratio_nr[k][i] < 0) {
				return -ENOMEM;
			}
		}
	}
	return 0;
}

static int keep_round(const struct path *p, round_values v, struct report *r)
{
	int err = 0;

	for (unsigned i = 0; i < PATH_VALUES_LEN; i++) {
		for (unsigned k = 0; k < FILTERS_LEN && err == 0; k++) {
			if (v[k][i] > 0) {
				err = report_sample(r, p->value_nr[k][i], v[k][i]);
			}
		}
		for (unsigned k = 0; k < PAIRS_LEN && err == 0; k++) {
			double what = v[pairs[k].what][i];
			double against = v[pairs[k].against][i];

			if (what > 0 && against > 0) {
				err = report_sample(r, p->ratio_nr[k][i], what / against);
			}
		}
	}
	return err;
}

/* finwalld is in the directory of this program. */
static int find_finwalld(struct path *p)
{
	ssize_t len = readlink("/proc/self/exe", p->finwalld, sizeof(p->finwalld) - 16);
	char *slash;

	if (len <= 0) {
		return -errno;
	}
	p->finwalld[len] = '\0';
	slash = strrchr(p->finwalld, '/');
	strcpy(slash + 1, "finwalld");
	if (access(p->finwalld, X_OK) != 0) {
		fprintf(stderr, "finwall-bench: %s: %s\n", p->finwalld, strerror(errno));
		return -errno;
	}
	return 0;
}

enum bench_exit cmd_path(const struct bench_options *opt, struct report *report)
{
	struct path p = {
		.opt = opt,
		.run_ns = opt->quick ? 200000000u : 800000000u,
	};
	unsigned runs = bench_runs(opt, RUNS_DFLT, RUNS_QUICK);
	round_values v;
	int err;

	p.steps = runs * FILTERS_LEN;
	err = testbed_start(&p.testbed);
	if (err == 0) {
		err = find_finwalld(&p);
	}
	if (err == 0) {
		err = make_measures(&p, report);
	}
	for (unsigned i = 0; i < runs && err == 0; i++) {
		err = measure_round(&p, i, v);
		if (err == 0) {
			err = keep_round(&p, v, report);
		}
	}
	progress_end();
	testbed_stop(&p.testbed);
	return bench_exit_of(err);
}

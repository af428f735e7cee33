/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall-bench latency: delay of packets at fixed rates.
 *
 * The sender keeps to its schedule whatever happens to its packets, and the delay of a packet
 * counts from its scheduled time. A stall therefore shows in all packets that were due during it
 * (no coordinated omission). This end-to-end delay is measured for every filter. For finwalld the
 * worker's histograms add the parts: from receive until the verdicts are ready, from receive until
 * the kernel has processed the verdicts, and from the kernel's timestamp until then. To read these
 * histograms, the unchanged worker runs in a process of the benchmark.
 */
#include "bench.h"
#include "clock.h"
#include "filter.h"
#include "progress.h"
#include "testbed.h"
#include "worker_host.h"

#include "histogram.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOWS_MAX 100000

#define RUNS_DFLT  3
#define RUNS_QUICK 1

/* Datagrams of an earlier load may still arrive in this time. */
#define SETTLE_NS UINT64_C(100000000)

/* worker_host.h takes the place of finwalld with one queue. */
static const enum filter_kind filters[] = { FILTER_NOTHING, FILTER_CONNTRACK, FILTER_BARE,
	                                    FILTER_FINWALL1 };
static const uint32_t loads_per_s[] = { 10000, 50000, 100000 };

#define FILTERS_HERE (sizeof(filters) / sizeof(filters[0]))
#define LOADS_LEN    (sizeof(loads_per_s) / sizeof(loads_per_s[0]))

/* Quantiles that are reported of a distribution. */
static const struct {
	const char *id;
	uint32_t ppm;
} quantiles[] = {
	{ "p50", 500000 },
	{ "p90", 900000 },
	{ "p99", 990000 },
	{ "p99.9", 999000 },
};

#define QUANTILES_LEN (sizeof(quantiles) / sizeof(quantiles[0]))

/* Which part of the delay. */
enum latency_part {
	LATENCY_END,     /* scheduled time to arrival */
	LATENCY_DECIDE,  /* receive to verdicts ready */
	LATENCY_VERDICT, /* receive to return of the send */
	LATENCY_STAY,    /* kernel's timestamp to return of the send */
	LATENCY_PARTS_LEN,
};

static const struct {
	const char *id;
	const char *title;
} parts[LATENCY_PARTS_LEN] = {
	[LATENCY_END] = { "end-to-end", "end to end" },
	[LATENCY_DECIDE] = { "decide", "receive to verdicts ready" },
	[LATENCY_VERDICT] = { "verdict", "receive to verdicts sent" },
	[LATENCY_STAY] = { "stay", "kernel timestamp to verdicts sent" },
};

/* One rate through one filter: the sum of all runs, and the measures of single runs. */
struct cell {
	struct histogram sum[LATENCY_PARTS_LEN];
	long measure_nr[LATENCY_PARTS_LEN][QUANTILES_LEN];
	long lost_nr;
};

struct latency {
	const struct bench_options *opt;
	struct testbed testbed;
	uint64_t run_ns;
	unsigned done;
	unsigned steps;
	struct cell cell[FILTERS_HERE][LOADS_LEN];
};

static bool has(enum filter_kind kind, enum latency_part part)
{
	return part == LATENCY_END || kind == FILTER_FINWALL1;
}

static void name_measure(struct measure *m, enum filter_kind kind, uint32_t per_s,
                         enum latency_part part, const char *what)
{
	snprintf(m->id, sizeof(m->id), "latency/%uk/%s/%s/%s", per_s / 1000, filter_id(kind),
	         parts[part].id, what);
	snprintf(m->title, sizeof(m->title), "%u 000 packets/s, %s, %s: %s", per_s / 1000,
	         filter_title(kind), parts[part].title, what);
}

static int make_measures(struct latency *l, struct report *r)
{
	for (unsigned n = 0; n < LOADS_LEN * FILTERS_HERE; n++) {
		unsigned load = n / FILTERS_HERE;
		enum filter_kind kind = filters[n % FILTERS_HERE];
		struct cell *c = &l->cell[n % FILTERS_HERE][load];
		struct measure m = { .unit = "us", .better = BETTER_LOWER };

		for (unsigned w = 0; w < LATENCY_PARTS_LEN; w++) {
			for (unsigned q = 0; q < QUANTILES_LEN && has(kind, w); q++) {
				name_measure(&m, kind, loads_per_s[load], w, quantiles[q].id);
				c->measure_nr[w][q] = report_add(r, &m);
				if (c->measure_nr[w][q] < 0) {
					return -ENOMEM;
				}
			}
		}
		name_measure(&m, kind, loads_per_s[load], LATENCY_END, "lost");
		snprintf(m.unit, sizeof(m.unit), "%%");
		c->lost_nr = report_add(r, &m);
		if (c->lost_nr < 0) {
			return -ENOMEM;
		}
	}
	return 0;
}

/* Adds the results of one run. */
static int add_run(struct cell *c, enum filter_kind kind, struct histogram *run, struct report *r)
{
	int err = 0;

	for (unsigned w = 0; w < LATENCY_PARTS_LEN; w++) {
		if (!has(kind, w) || histogram_count(&run[w]) == 0) {
			continue;
		}
		for (unsigned q = 0; q < QUANTILES_LEN && err == 0; q++) {
			err = report_sample(r, c->measure_nr[w][q],
			                    (double)histogram_quantile(&run[w], quantiles[q].ppm) /
			                            1e3);
		}
		histogram_sum(&c->sum[w], &run[w]);
	}
	return err;
}

static void take_difference(struct histogram *now, const struct histogram *before,
                            struct histogram *out)
{
	histogram_subtract(now, before);
	histogram_sum(out, now);
}

/* Measures one rate through the running filter. host: NULL unless it is the hosted worker. */
static int measure_load(struct latency *l, struct cell *c, enum filter_kind kind, uint32_t per_s,
                        const struct worker_host *host, struct report *r)
{
	static struct histogram run[LATENCY_PARTS_LEN];
	static struct worker_times before;
	static struct worker_times after;
	struct load_counters *counters = l->testbed.counters;
	uint64_t sent = atomic_load(&counters->udp_sent);
	uint64_t len;
	int err;

	memset(run, 0, sizeof(run));
	if (host != NULL) {
		worker_host_read(host, &before);
	}
	err = testbed_start_client(&l->testbed, LOAD_PACED, per_s);
	if (err != 0) {
		return err;
	}
	clock_sleep_ns(l->run_ns);
	err = testbed_stop_client(&l->testbed);
	if (err != 0) {
		return err;
	}
	clock_sleep_ns(SETTLE_NS);
	len = atomic_load(&counters->times_len);
	for (uint64_t i = 0; i < len && i < LOAD_TIMES_MAX; i++) {
		histogram_add(&run[LATENCY_END], counters->time_ns[i], 1);
	}
	if (host != NULL) {
		worker_host_read(host, &after);
		take_difference(&after.decide, &before.decide, &run[LATENCY_DECIDE]);
		take_difference(&after.verdict, &before.verdict, &run[LATENCY_VERDICT]);
		take_difference(&after.stay, &before.stay, &run[LATENCY_STAY]);
	}
	sent = atomic_load(&counters->udp_sent) - sent;
	err = report_sample(r, c->lost_nr, 100 - 100 * (double)len / (double)sent);
	return err == 0 ? add_run(c, kind, run, r) : err;
}

static bool is_wanted(const struct latency *l, enum filter_kind kind, uint32_t per_s)
{
	char id[48];

	snprintf(id, sizeof(id), "%uk/%s", per_s / 1000, filter_id(kind));
	return bench_wants(l->opt, id);
}

static bool is_any_wanted(const struct latency *l, enum filter_kind kind)
{
	for (unsigned i = 0; i < LOADS_LEN; i++) {
		if (is_wanted(l, kind, loads_per_s[i])) {
			return true;
		}
	}
	return false;
}

static int measure_filter(struct latency *l, unsigned nr, struct report *r)
{
	static const struct worker_host_config hosted = { .flows_max = FLOWS_MAX };
	enum filter_kind kind = filters[nr];
	struct worker_host host = { 0 };
	struct filter f = { 0 };
	int err;

	if (!is_any_wanted(l, kind)) {
		return 0;
	}
	err = kind == FILTER_FINWALL1 ? worker_host_start(&host, &l->testbed.net, &hosted)
	                              : filter_start(&f, &l->testbed.net, kind, NULL);
	for (unsigned i = 0; i < LOADS_LEN && err == 0; i++) {
		if (!is_wanted(l, kind, loads_per_s[i])) {
			continue;
		}
		progress_show(l->done++, l->steps, filter_title(kind));
		err = measure_load(l, &l->cell[nr][i], kind, loads_per_s[i],
		                   kind == FILTER_FINWALL1 ? &host : NULL, r);
	}
	if (kind == FILTER_FINWALL1) {
		worker_host_stop(&host);
	} else {
		filter_stop(&f);
	}
	return err;
}

/* Adds a whole distribution, for charts. */
static int add_curve(const struct histogram *h, enum filter_kind kind, uint32_t per_s,
                     enum latency_part part, struct report *r)
{
	static const uint32_t ppm[] = { 0,      100000, 200000, 300000, 400000, 500000, 600000,
		                        700000, 800000, 900000, 950000, 975000, 990000, 995000,
		                        997500, 999000, 999500, 999750, 999900, 999990 };
	struct curve c = { .len = 0 };
	struct measure m;

	if (histogram_count(h) == 0) {
		return 0;
	}
	name_measure(&m, kind, per_s, part, "curve");
	memcpy(c.id, m.id, sizeof(c.id));
	snprintf(c.title, sizeof(c.title), "%s",
	         part == LATENCY_END ? filter_title(kind) : parts[part].title);
	for (size_t i = 0; i < sizeof(ppm) / sizeof(ppm[0]); i++) {
		c.point[c.len++] =
			(struct curve_point){ ppm[i] / 1e6,
			                      (double)histogram_quantile(h, ppm[i]) / 1e3 };
	}
	return report_curve(r, &c);
}

static int add_curves(const struct latency *l, struct report *r)
{
	int err = 0;

	for (unsigned load = 0; load < LOADS_LEN; load++) {
		for (unsigned f = 0; f < FILTERS_HERE; f++) {
			for (unsigned w = 0; w < LATENCY_PARTS_LEN && err == 0; w++) {
				err = add_curve(&l->cell[f][load].sum[w], filters[f],
				                loads_per_s[load], w, r);
			}
		}
	}
	return err;
}

enum bench_exit cmd_latency(const struct bench_options *opt, struct report *report)
{
	struct latency *l = aligned_alloc(64, (sizeof(*l) + 63) & ~(size_t)63);
	unsigned runs = bench_runs(opt, RUNS_DFLT, RUNS_QUICK);
	int err;

	if (l == NULL) {
		return BENCH_FAILED;
	}
	memset(l, 0, sizeof(*l));
	l->opt = opt;
	l->run_ns = opt->quick ? 300000000u : 1500000000u;
	l->steps = runs * FILTERS_HERE * LOADS_LEN;
	err = testbed_start(&l->testbed);
	if (err == 0) {
		err = make_measures(l, report);
	}
	for (unsigned i = 0; i < runs * FILTERS_HERE && err == 0; i++) {
		err = measure_filter(l, i % FILTERS_HERE, report);
	}
	if (err == 0) {
		err = add_curves(l, report);
	}
	progress_end();
	testbed_stop(&l->testbed);
	free(l);
	return bench_exit_of(err);
}

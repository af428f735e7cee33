/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall-bench stall: how long a packet may be held up by what else the daemon does.
 *
 * Packets come at a steady rate while a large table expires, is listed, saved, counted or deleted,
 * as the daemon's main thread does it. What counts is the time from a packet's receive until the
 * verdicts of its batch are ready, by the worker's own histogram: its longest, and how long all but
 * one in a thousand took. The longest includes whatever the machine did meanwhile; what the daemon
 * does comes back in every run, so of several runs the best is its own.
 */
#include "bench.h"
#include "load.h"
#include "progress.h"
#include "ticks.h"
#include "worker_host.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#define RUNS_DFLT  3
#define RUNS_QUICK 1

#define PER_S 10000

#define FLOWS_DFLT  1000000
#define FLOWS_QUICK 100000

/* For the packets' own connections. */
#define FLOWS_SPARE 1000

/* Work begins when the table is full and packets come; this is enough for a million to expire. */
#define RUN_NS (HOST_EXPIRE_NS + UINT64_C(3000000000))

/* And so much longer it is waited for. */
#define WORK_WAIT_NS UINT64_C(60000000000)
#define WORK_POLL_NS UINT64_C(100000000)

static const struct {
	const char *id;
	const char *title;
	enum host_work work;
	bool prefault;
} cases[] = {
	{ "quiet", "nothing else goes on", HOST_QUIET, true },
	{ "expire", "all connections expire", HOST_EXPIRE, true },
	{ "expire/untouched", "likewise, in memory not taken in advance", HOST_EXPIRE, false },
	{ "list", "all connections are listed over and over", HOST_LIST, true },
	{ "list/sparse", "likewise, after all have ended", HOST_LIST_SPARSE, true },
	{ "save", "all connections are saved over and over", HOST_SAVE, true },
	{ "stats", "everything is counted over and over", HOST_STATS, true },
	{ "flush", "all connections are deleted", HOST_FLUSH, true },
};

#define CASES_LEN (sizeof(cases) / sizeof(cases[0]))

struct stall_bench {
	const struct bench_options *opt;
	struct net_and_server ns;
	uint32_t flows;
	long longest_nr[CASES_LEN];
	long p999_nr[CASES_LEN];
};

static bool is_wanted(const struct stall_bench *b, size_t nr)
{
	return b->opt->only == NULL || fnmatch(b->opt->only, cases[nr].id, 0) == 0;
}

static int make_measures(struct stall_bench *b, struct report *r)
{
	for (size_t i = 0; i < CASES_LEN; i++) {
		struct measure m = { .unit = "us", .better = BETTER_LOWER };

		if (!is_wanted(b, i)) {
			continue;
		}
		snprintf(m.id, sizeof(m.id), "stall/%s/longest", cases[i].id);
		snprintf(m.title, sizeof(m.title), "longest decision while %s", cases[i].title);
		b->longest_nr[i] = report_add(r, &m);
		snprintf(m.id, sizeof(m.id), "stall/%s/p99.9", cases[i].id);
		snprintf(m.title, sizeof(m.title), "99.9 %% while %s", cases[i].title);
		b->p999_nr[i] = report_add(r, &m);
		if (b->longest_nr[i] < 0 || b->p999_nr[i] < 0) {
			return -ENOMEM;
		}
	}
	return 0;
}

/* Has enough of the work been done that was to be measured? */
static bool has_worked(const struct stall_bench *b, const struct worker_host *host,
                       enum host_work work)
{
	switch (work) {
	case HOST_QUIET:
		return true;
	case HOST_EXPIRE:
	case HOST_FLUSH:
		return worker_host_ended(host) >= b->flows / 2;
	default:
		return worker_host_turns(host) > 0;
	}
}

/* A busy machine may take its time. */
static int await_work(const struct stall_bench *b, const struct worker_host *host,
                      enum host_work work)
{
	uint64_t until_ns = clock_ns() + WORK_WAIT_NS;

	while (!has_worked(b, host, work)) {
		if (clock_ns() > until_ns) {
			fprintf(stderr, "finwall-bench: the work did not get done\n");
			return -ETIMEDOUT;
		}
		clock_sleep_ns(WORK_POLL_NS);
	}
	return 0;
}

static int measure_case(struct stall_bench *b, size_t nr, struct report *r)
{
	static struct worker_times times;
	const struct worker_host_config cfg = { .flows_max = b->flows + FLOWS_SPARE,
		                                .idle_flows = b->flows,
		                                .prefault = cases[nr].prefault,
		                                .work = cases[nr].work };
	struct worker_host host;
	int err = worker_host_start(&host, &b->ns.net, &cfg);

	if (err == 0) {
		err = load_start(&b->ns, LOAD_PACED, PER_S);
	}
	if (err == 0) {
		clock_sleep_ns(RUN_NS);
		err = await_work(b, &host, cases[nr].work);
	}
	if (b->ns.client > 0) {
		int stopped = load_stop(&b->ns);

		err = err == 0 ? stopped : err;
	}
	if (err == 0) {
		worker_host_read(&host, &times);
	}
	worker_host_stop(&host);
	if (err == 0) {
		err = report_sample(r, b->longest_nr[nr],
		                    (double)histogram_quantile(&times.decide, 1000000) / 1e3);
	}
	return err == 0 ? report_sample(r, b->p999_nr[nr],
	                                (double)histogram_quantile(&times.decide, 999000) / 1e3)
	                : err;
}

enum bench_exit cmd_stall(const struct bench_options *opt, struct report *report)
{
	struct stall_bench b = { .opt = opt };
	unsigned runs_dflt = opt->quick != 0 ? RUNS_QUICK : RUNS_DFLT;
	unsigned runs = opt->runs != 0 ? opt->runs : runs_dflt;
	uint32_t flows_dflt = opt->quick != 0 ? FLOWS_QUICK : FLOWS_DFLT;
	int err;

	b.flows = opt->flows_max != 0 ? opt->flows_max : flows_dflt;
	err = load_begin(&b.ns);
	if (err == 0) {
		err = make_measures(&b, report);
	}
	for (unsigned i = 0; i < runs * CASES_LEN && err == 0; i++) {
		if (is_wanted(&b, i % CASES_LEN)) {
			progress_show(i, runs * CASES_LEN, cases[i % CASES_LEN].title);
			err = measure_case(&b, i % CASES_LEN, report);
		}
	}
	progress_end();
	load_end(&b.ns);
	if (err == -EPERM) {
		return BENCH_RIGHTS;
	}
	return err == 0 ? BENCH_OK : BENCH_FAILED;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall-bench stall: the delay of packets by other work of the daemon.
 *
 * Packets arrive at a constant rate while a large table expires, is listed, saved, counted or
 * flushed, as the daemon's main thread does it. The worker's own histogram has the time from the
 * receive of a packet until the verdicts of its batch are ready; its maximum and its 99.9 %
 * quantile are reported. The maximum includes interruptions by the machine. The daemon's own delays
 * recur in every run, so the best of several runs shows them.
 */
#include "bench.h"
#include "clock.h"
#include "progress.h"
#include "testbed.h"
#include "worker_host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RUNS_DFLT  3
#define RUNS_QUICK 1

#define PER_S 10000

#define FLOWS_DFLT  1000000
#define FLOWS_QUICK 100000

/* Free slots for the connections of the packets. */
#define FLOWS_SPARE 1000

/* The background work starts after HOST_EXPIRE_NS; a million connections expire in the rest. */
#define RUN_NS (HOST_EXPIRE_NS + UINT64_C(3000000000))

/* On a slow machine the work may take so much longer. */
#define WORK_WAIT_NS UINT64_C(60000000000)
#define WORK_POLL_NS UINT64_C(100000000)

static const struct {
	const char *id;
	const char *title;
	enum host_work work;
	bool prefault;
} cases[] = {
	{ "quiet", "the daemon is otherwise idle", HOST_QUIET, true },
	{ "expire", "all connections expire", HOST_EXPIRE, true },
	{ "expire/untouched", "all connections expire, with page faults", HOST_EXPIRE, false },
	{ "list", "all connections are listed repeatedly", HOST_LIST, true },
	{ "list/sparse", "an emptied table is listed repeatedly", HOST_LIST_SPARSE, true },
	{ "save", "all connections are saved repeatedly", HOST_SAVE, true },
	{ "stats", "statistics are read repeatedly", HOST_STATS, true },
	{ "flush", "all connections are flushed", HOST_FLUSH, true },
};

#define CASES_LEN (sizeof(cases) / sizeof(cases[0]))

struct stall_bench {
	const struct bench_options *opt;
	struct testbed testbed;
	uint32_t flows;
	long longest_nr[CASES_LEN];
	long p999_nr[CASES_LEN];
};

static bool is_wanted(const struct stall_bench *b, size_t nr)
{
	return bench_wants(b->opt, cases[nr].id);
}

static int make_measures(struct stall_bench *b, struct report *r)
{
	for (size_t i = 0; i < CASES_LEN; i++) {
		struct measure m = { .unit = "us", .better = BETTER_LOWER };

		if (!is_wanted(b, i)) {
			continue;
		}
		snprintf(m.id, sizeof(m.id), "stall/%s/longest", cases[i].id);
		snprintf(m.title, sizeof(m.title), "longest time to a verdict while %s",
		         cases[i].title);
		b->longest_nr[i] = report_add(r, &m);
		snprintf(m.id, sizeof(m.id), "stall/%s/p99.9", cases[i].id);
		snprintf(m.title, sizeof(m.title), "99.9 %% of times to a verdict while %s",
		         cases[i].title);
		b->p999_nr[i] = report_add(r, &m);
		if (b->longest_nr[i] < 0 || b->p999_nr[i] < 0) {
			return -ENOMEM;
		}
	}
	return 0;
}

/* Whether enough of the work to be measured is done. */
static bool has_worked(const struct stall_bench *b, const struct worker_host *host,
                       enum host_work work)
{
	switch (work) {
	case HOST_QUIET:
		return true;
	case HOST_EXPIRE:
	case HOST_FLUSH:
		return worker_host_removed(host) >= b->flows / 2;
	default:
		return worker_host_rounds(host) > 0;
	}
}

static int await_work(const struct stall_bench *b, const struct worker_host *host,
                      enum host_work work)
{
	uint64_t deadline_ns = clock_ns() + WORK_WAIT_NS;

	while (!has_worked(b, host, work)) {
		if (clock_ns() > deadline_ns) {
			fprintf(stderr,
			        "finwall-bench: the background work did not finish in time\n");
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
	int err = worker_host_start(&host, &b->testbed.net, &cfg);

	if (err == 0) {
		err = testbed_start_client(&b->testbed, LOAD_PACED, PER_S);
	}
	if (err == 0) {
		clock_sleep_ns(RUN_NS);
		err = await_work(b, &host, cases[nr].work);
	}
	if (b->testbed.client > 0) {
		int stopped = testbed_stop_client(&b->testbed);

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
	unsigned runs = bench_runs(opt, RUNS_DFLT, RUNS_QUICK);
	uint32_t flows_dflt = opt->quick ? FLOWS_QUICK : FLOWS_DFLT;
	int err;

	b.flows = opt->flows_max != 0 ? opt->flows_max : flows_dflt;
	err = testbed_start(&b.testbed);
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
	testbed_stop(&b.testbed);
	return bench_exit_of(err);
}

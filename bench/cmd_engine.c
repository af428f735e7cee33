/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall-bench engine: generated packets through the whole engine, without a kernel.
 *
 * All cases are set up first, then measured in rounds, each case once a round. A disturbance of the
 * machine then affects one round of all cases, which the median ignores.
 */
#include "bench.h"
#include "engine_case.h"
#include "fixture.h"
#include "memory.h"
#include "progress.h"
#include "tsc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct engine_case {
	const char *id;
	const char *title;
	const char *unit;
	const struct case_ops *ops;
	double target;
	struct case_params p; /* packets: set from the options */
	/* while the command runs */
	void *state;
	long measure_nr;
};

#define K 1000u
#define M 1000000u

/* clang-format off */
static const struct engine_case plan[] = {
	{ "established/ipv4/1k",      "established data, 1 000 connections",              "ns/packet", &case_established, 40,  { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "established/ipv4/100k",    "established data, 100 000 connections",            "ns/packet", &case_established, 120, { 100 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "established/ipv4/1M",      "established data, 1 000 000 connections",          "ns/packet", &case_established, 170, { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "established/ipv4/10M",     "established data, 10 000 000 connections",         "ns/packet", &case_established, 250, { 10 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "established/ipv4/1",       "established data, one connection",                 "ns/packet", &case_established, 0,   { 1, 4, 1, 0, 0 }, NULL, 0 },
	{ "established/ipv6/1k",      "established data, IPv6, 1 000 connections",        "ns/packet", &case_established, 0,   { 1 * K, 6, 1, 0, 0 }, NULL, 0 },
	{ "established/ipv6/100k",    "established data, IPv6, 100 000 connections",      "ns/packet", &case_established, 0,   { 100 * K, 6, 1, 0, 0 }, NULL, 0 },
	{ "established/ipv6/1M",      "established data, IPv6, 1 000 000 connections",    "ns/packet", &case_established, 0,   { 1 * M, 6, 1, 0, 0 }, NULL, 0 },
	{ "established/ipv4/1k/2t",   "established data, two threads, 1 000",             "ns/packet", &case_established, 0,   { 1 * K, 4, 2, 0, 0 }, NULL, 0 },
	{ "established/ipv4/100k/2t", "established data, two threads, 100 000",           "ns/packet", &case_established, 0,   { 100 * K, 4, 2, 0, 0 }, NULL, 0 },
	{ "established/ipv4/1M/2t",   "established data, two threads, 1 000 000",         "ns/packet", &case_established, 0,   { 1 * M, 4, 2, 0, 0 }, NULL, 0 },
	{ "leased/1k",                "kernel fast path, 1 000 leases, cold",             "ns/packet", &case_leased,      0,   { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "leased/100k",              "kernel fast path, 100 000 leases, cold",           "ns/packet", &case_leased,      0,   { 100 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "leased/1M",                "kernel fast path, 1 000 000 leases, cold",         "ns/packet", &case_leased,      0,   { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "leased/ipv6/100k",         "kernel fast path, IPv6, 100 000 leases, cold",     "ns/packet", &case_leased,      0,   { 100 * K, 6, 1, 0, 0 }, NULL, 0 },
	{ "open/1k",                  "new connection, table of 1 000",                   "ns/packet", &case_open,        0,   { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "open/100k",                "new connection, table of 100 000",                 "ns/packet", &case_open,        0,   { 100 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "open/1M",                  "new connection, table of 1 000 000",               "ns/packet", &case_open,        350, { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "open/10M",                 "new connection, table of 10 000 000",              "ns/packet", &case_open,        0,   { 10 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "fill/1M",                  "1 000 000 new connections, page faults included",  "ns/packet", &case_fill,        0,   { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "churn/1k",                 "whole connection of 8 packets, 1 000 in TIME_WAIT",   "ns/connection", &case_churn, 0,  { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "churn/100k",               "whole connection of 8 packets, 100 000 in TIME_WAIT", "ns/connection", &case_churn, 0,  { 100 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "flood/1k",                 "SYN flood at a full table of 1 000",               "ns/packet", &case_flood,       0,   { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "flood/1M",                 "SYN flood at a full table of 1 000 000",           "ns/packet", &case_flood,       0,   { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "collide/blind",            "tuples that collide, without the key / random",    "ratio",     &case_collide_blind, 1.1, { 100 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "collide/keyed",            "tuples that collide, with the key / random",       "ratio",     &case_collide_keyed, 0, { 100 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "late/revive/1k",           "late FIN revives one of 1 000 remembered",         "ns/packet", &case_revive,      0,   { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "late/revive/1M",           "late FIN revives one of 1 000 000 remembered",     "ns/packet", &case_revive,      0,   { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "late/hit/1M",              "look-up among 1 000 000 remembered, cold cache, hit","ns",        &case_tombstone_hit,0,   { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "late/group/1M",            "look-up among 1 000 000 remembered, in a batch","ns",        &case_tombstone_batch,150, { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "late/miss/1M",             "look-up among 1 000 000 remembered, cold cache, miss","ns",        &case_tombstone_miss,0,   { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "memory/flow/1k",           "resident memory per connection, 1 000",            "bytes",     &case_memory_live, 0,   { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "memory/flow/1M",           "resident memory per connection, 1 000 000",        "bytes",     &case_memory_live, 192, { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "memory/remembered/1M",     "resident memory of 1 000 000 remembered connections","MiB",       &case_memory_remembered,0,   { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "stall/1k",                 "longest batch while 1 000 expire",                 "us",        &case_expire,      0,   { 1 * K, 4, 1, MEMORY_PREFAULTED, 0 }, NULL, 0 },
	{ "stall/1M",                 "longest batch while 1 000 000 expire",             "us",        &case_expire,      100, { 1 * M, 4, 1, MEMORY_PREFAULTED, 0 }, NULL, 0 },
	{ "stall/1M/untouched",       "longest batch while 1 000 000 expire, with page faults","us",        &case_expire,      100, { 1 * M, 4, 1, MEMORY_UNTOUCHED, 0 }, NULL, 0 },
	{ "set/ipv4/1M/hit",          "look-up in a set of 1 000 000 IPv4 prefixes, hit",   "ns",        &case_set_hit,     300, { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "set/ipv4/1M/miss",         "look-up in a set of 1 000 000 IPv4 prefixes, miss",  "ns",        &case_set_miss,    300, { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "set/ipv6/1M/hit",          "look-up in a set of 1 000 000 IPv6 prefixes, hit",   "ns",        &case_set_hit,     300, { 1 * M, 6, 1, 0, 0 }, NULL, 0 },
	{ "set/ipv6/1M/miss",         "look-up in a set of 1 000 000 IPv6 prefixes, miss",  "ns",        &case_set_miss,    300, { 1 * M, 6, 1, 0, 0 }, NULL, 0 },
	{ "set/ipv4/1k/hit",          "look-up in a set of 1 000 IPv4 prefixes, hit",       "ns",        &case_set_hit,     0,   { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "set/ipv6/1k/miss",         "look-up in a set of 1 000 IPv6 prefixes, miss",      "ns",        &case_set_miss,    0,   { 1 * K, 6, 1, 0, 0 }, NULL, 0 },
	{ "set/load/ipv4/1k",         "loading a file of 1 000 IPv4 prefixes",              "ms",        &case_set_load,    0,   { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "set/load/ipv4/1M",         "loading a file of 1 000 000 IPv4 prefixes",          "ms",        &case_set_load,    1000, { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "set/load/ipv6/1M",         "loading a file of 1 000 000 IPv6 prefixes",          "ms",        &case_set_load,    1000, { 1 * M, 6, 1, 0, 0 }, NULL, 0 },
	{ "keyed/1M/hit",             "look-up in 1 000 000 addresses . ports, hit",         "ns",        &case_keyed_hit,   300, { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "keyed/1M/miss",            "look-up in 1 000 000 addresses . ports, miss",        "ns",        &case_keyed_miss,  300, { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "keyed/timeouts/1M/hit",    "look-up in 1 000 000 with timeouts and counters, hit","ns",        &case_keyed_timeout,0,  { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "keyed/1k/hit",             "look-up in 1 000 addresses . ports, hit",             "ns",        &case_keyed_hit,   0,   { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "keyed/interval/1k/hit",    "look-up in 1 000 networks . port ranges, hit",        "ns",        &case_keyed_interval,0, { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "keyed/interval/1M/hit",    "look-up in 1 000 000 networks . port ranges, hit",    "ns",        &case_keyed_interval,0, { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "keyed/add/1M",             "packet adds to a set of 1 000 000 addresses . ports", "ns/packet", &case_keyed_add,   1000, { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "keyed/expire/1M",          "longest look-up or addition while 1 000 000 expire",  "us",        &case_keyed_expire, 100, { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "rules/established/10k",    "established data, 10 000 rules / 3 rules",           "ratio",     &case_rules_established, 1.03, { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "rules/open/10k/set",       "new connection, 10 000 addresses in a set",          "ns/packet", &case_rules_open_set, 0,  { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "rules/open/10k/address",   "new connection, 10 000 rules that differ in an address","ns/packet", &case_rules_open_address,500, { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "rules/open/10k/mixed",     "new connection, 10 000 mixed rules",                "ns/packet", &case_rules_open_mixed, 0, { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "rules/open/10k/list",      "new connection, 10 000 rules of address and port",   "ns/packet", &case_rules_open_list, 0, { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
};
/* clang-format on */

#define PLAN_LEN (sizeof(plan) / sizeof(plan[0]))

/* A live entry, a tombstone and the benchmark's own data. */
#define BYTES_PER_FLOW UINT64_C(256)

#define RUNS_DFLT    9
#define RUNS_QUICK   3
#define PACKETS_DFLT 500000

static bool is_wanted(const struct engine_case *c, const struct bench_options *opt)
{
	uint32_t flows_dflt = opt->quick ? 100 * K : 10 * M;
	uint32_t flows_max = opt->flows_max != 0 ? opt->flows_max : flows_dflt;

	if (c->ops == &case_leased && !case_leased_is_possible()) {
		return false;
	}
	return c->p.flows <= flows_max && bench_wants(opt, c->id);
}

/* Call it after the cases before this one have allocated their memory. */
static bool has_memory(const struct engine_case *c)
{
	if (c->p.flows * BYTES_PER_FLOW <= memory_available_bytes()) {
		return true;
	}
	fprintf(stderr, "finwall-bench: %s: skipped: not enough memory\n", c->id);
	return false;
}

/* Adds the measure of a case and sets the case up. */
static int start(struct engine_case *c, const struct bench_options *opt, struct report *report)
{
	struct measure m = { .target = c->target };

	snprintf(m.id, sizeof(m.id), "engine/%s", c->id);
	snprintf(m.title, sizeof(m.title), "%s", c->title);
	snprintf(m.unit, sizeof(m.unit), "%s", c->unit);
	c->measure_nr = report_add(report, &m);
	if (c->measure_nr < 0) {
		return (int)c->measure_nr;
	}
	c->p.packets = opt->packets != 0 ? opt->packets : PACKETS_DFLT;
	c->state = c->ops->start(&c->p);
	return c->state == NULL ? -ENOMEM : 0;
}

/*
 * Where the result follows from all runs together, it gets the measure's id, and the results of the
 * runs are kept as .../raw.
 */
static int conclude(struct engine_case *c, struct report *report)
{
	struct measure m = report->measure[c->measure_nr];
	long nr;

	if (c->ops->conclude == NULL) {
		return 0;
	}
	nr = report_add(report, &m);
	if (nr < 0) {
		return (int)nr;
	}
	snprintf(m.title, sizeof(m.title), "%s, single runs", c->title);
	snprintf(report->measure[c->measure_nr].id, sizeof(m.id), "engine/%s/raw", c->id);
	memcpy(report->measure[c->measure_nr].title, m.title, sizeof(m.title));
	report->measure[c->measure_nr].target = 0;
	return report_sample(report, nr, c->ops->conclude(c->state));
}

enum bench_exit cmd_engine(const struct bench_options *opt, struct report *report)
{
	struct engine_case cases[PLAN_LEN];
	size_t cases_len = 0;
	unsigned runs = bench_runs(opt, RUNS_DFLT, RUNS_QUICK);
	unsigned done = 0;
	int err = 0;

	fixture_accounts = opt->accounting;
	tsc_calibrate();
	for (size_t i = 0; i < PLAN_LEN && err == 0; i++) {
		if (is_wanted(&plan[i], opt) && has_memory(&plan[i])) {
			cases[cases_len] = plan[i];
			progress_show((unsigned)i, PLAN_LEN, plan[i].title);
			err = start(&cases[cases_len++], opt, report);
		}
	}
	for (unsigned run = 0; run < runs; run++) {
		for (size_t i = 0; i < cases_len && err == 0; i++) {
			double value;

			progress_show(done++, runs * (unsigned)cases_len, cases[i].title);
			err = cases[i].ops->run(cases[i].state, &value);
			if (err == 0) {
				err = report_sample(report, cases[i].measure_nr, value);
			}
			if (err != 0) {
				fprintf(stderr, "finwall-bench: %s: the run failed\n", cases[i].id);
			}
		}
	}
	for (size_t i = 0; i < cases_len; i++) {
		if (err == 0) {
			err = conclude(&cases[i], report);
		}
		if (cases[i].state != NULL) {
			cases[i].ops->stop(cases[i].state);
		}
	}
	progress_end();
	return err == 0 ? BENCH_OK : BENCH_FAILED;
}

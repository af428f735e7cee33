/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall-bench engine: packets from memory through the whole core, without a kernel.
 *
 * All cases are set up first; then each is measured once, again and again, in turn. So a noisy
 * minute of the machine falls on all of them, and the median forgets it.
 */
#include "bench.h"
#include "engine_case.h"
#include "memory.h"
#include "progress.h"
#include "ticks.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct engine_case {
	const char *id;
	const char *title;
	const char *unit;
	const struct case_ops *ops;
	double target;
	struct case_params p; /* packets 0: as the options say */
	/* while it runs */
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
	{ "open/1k",                  "new connection into 1 000",                        "ns/packet", &case_open,        0,   { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "open/100k",                "new connection into 100 000",                      "ns/packet", &case_open,        0,   { 100 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "open/1M",                  "new connection into 1 000 000",                    "ns/packet", &case_open,        350, { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "open/10M",                 "new connection into 10 000 000",                   "ns/packet", &case_open,        0,   { 10 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "fill/1M",                  "1 000 000 new connections into untouched memory",  "ns/packet", &case_fill,        0,   { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "churn/1k",                 "whole connection of 8 packets, 1 000 in TIME_WAIT",   "ns/connection", &case_churn, 0,  { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "churn/100k",               "whole connection of 8 packets, 100 000 in TIME_WAIT", "ns/connection", &case_churn, 0,  { 100 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "flood/1k",                 "SYN flood at a full table of 1 000",               "ns/packet", &case_flood,       0,   { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "flood/1M",                 "SYN flood at a full table of 1 000 000",           "ns/packet", &case_flood,       0,   { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "late/revive/1k",           "late FIN revives one of 1 000 remembered",         "ns/packet", &case_revive,      0,   { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "late/revive/1M",           "late FIN revives one of 1 000 000 remembered",     "ns/packet", &case_revive,      0,   { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "late/hit/1M",              "one cold look-up among 1 000 000 remembered, hit", "ns",        &case_recall_hit,  0,   { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "late/group/1M",            "one look-up among 1 000 000 remembered, in a batch","ns",        &case_recall_group,150, { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "late/miss/1M",             "one cold look-up among 1 000 000 remembered, miss","ns",        &case_recall_miss, 0,   { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "memory/flow/1k",           "real memory per connection, 1 000",                "bytes",     &case_flow_bytes,  0,   { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "memory/flow/1M",           "real memory per connection, 1 000 000",            "bytes",     &case_flow_bytes,  192, { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "memory/remembered/1M",     "real memory of 1 000 000 remembered connections",  "MiB",       &case_tomb_mib,    0,   { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "stall/1k",                 "longest batch while 1 000 expire",                 "us",        &case_stall,       0,   { 1 * K, 4, 1, MEMORY_TOUCHED, 0 }, NULL, 0 },
	{ "stall/1M",                 "longest batch while 1 000 000 expire",             "us",        &case_stall,       100, { 1 * M, 4, 1, MEMORY_TOUCHED, 0 }, NULL, 0 },
	{ "stall/1M/untouched",       "likewise, remembered in memory not used before",   "us",        &case_stall,       100, { 1 * M, 4, 1, MEMORY_UNTOUCHED, 0 }, NULL, 0 },
	{ "set/ipv4/1M/hit",          "look-up in a set of 1 000 000 IPv4 prefixes, hit",   "ns",        &case_set_hit,     300, { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "set/ipv4/1M/miss",         "look-up in a set of 1 000 000 IPv4 prefixes, miss",  "ns",        &case_set_miss,    300, { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "set/ipv6/1M/hit",          "look-up in a set of 1 000 000 IPv6 prefixes, hit",   "ns",        &case_set_hit,     300, { 1 * M, 6, 1, 0, 0 }, NULL, 0 },
	{ "set/ipv6/1M/miss",         "look-up in a set of 1 000 000 IPv6 prefixes, miss",  "ns",        &case_set_miss,    300, { 1 * M, 6, 1, 0, 0 }, NULL, 0 },
	{ "set/ipv4/1k/hit",          "look-up in a set of 1 000 IPv4 prefixes, hit",       "ns",        &case_set_hit,     0,   { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "set/ipv6/1k/miss",         "look-up in a set of 1 000 IPv6 prefixes, miss",      "ns",        &case_set_miss,    0,   { 1 * K, 6, 1, 0, 0 }, NULL, 0 },
	{ "set/load/ipv4/1k",         "loading a file of 1 000 IPv4 prefixes",              "ms",        &case_set_load,    0,   { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "set/load/ipv4/1M",         "loading a file of 1 000 000 IPv4 prefixes",          "ms",        &case_set_load,    1000, { 1 * M, 4, 1, 0, 0 }, NULL, 0 },
	{ "set/load/ipv6/1M",         "loading a file of 1 000 000 IPv6 prefixes",          "ms",        &case_set_load,    1000, { 1 * M, 6, 1, 0, 0 }, NULL, 0 },
	{ "rules/established/10k",    "established data, 10 000 rules : 3 rules",           "ratio",     &case_rules_established, 1.03, { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "rules/open/10k/set",       "new connection, 10 000 addresses in a set",          "ns/packet", &case_rules_open_set, 0,  { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
	{ "rules/open/10k/list",      "new connection past 10 000 rules",                   "ns/packet", &case_rules_open_list, 0, { 1 * K, 4, 1, 0, 0 }, NULL, 0 },
};
/* clang-format on */

#define PLAN_LEN (sizeof(plan) / sizeof(plan[0]))

/* A live and a remembered one, and what the bench keeps of it. */
#define BYTES_PER_FLOW UINT64_C(256)

#define RUNS_DFLT    9
#define RUNS_QUICK   3
#define PACKETS_DFLT 500000

int case_unexpected(const char *what, uint64_t is, uint64_t wanted)
{
	fprintf(stderr,
	        "finwall-bench: %llu packets or connections were %s, %llu should have been\n",
	        (unsigned long long)is, what, (unsigned long long)wanted);
	return -EPROTO;
}

static bool is_wanted(const struct engine_case *c, const struct bench_options *opt)
{
	uint32_t flows_dflt = opt->quick != 0 ? 100 * K : 10 * M;
	uint32_t flows_max = opt->flows_max != 0 ? opt->flows_max : flows_dflt;

	return c->p.flows <= flows_max && (opt->only == NULL || fnmatch(opt->only, c->id, 0) == 0);
}

/* Earlier cases have taken their memory when this is asked. */
static bool has_room(const struct engine_case *c)
{
	if (c->p.flows * BYTES_PER_FLOW <= memory_available_bytes()) {
		return true;
	}
	fprintf(stderr, "finwall-bench: %s: left out for want of memory\n", c->id);
	return false;
}

/* Makes its measure and sets it up. */
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

/* What is known only after the last run takes the place of what the runs said, which is kept beside
 * it. */
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
	snprintf(m.title, sizeof(m.title), "%s, machine's noise included", c->title);
	snprintf(report->measure[c->measure_nr].id, sizeof(m.id), "engine/%s/raw", c->id);
	memcpy(report->measure[c->measure_nr].title, m.title, sizeof(m.title));
	report->measure[c->measure_nr].target = 0;
	return report_sample(report, nr, c->ops->conclude(c->state));
}

enum bench_exit cmd_engine(const struct bench_options *opt, struct report *report)
{
	struct engine_case cases[PLAN_LEN];
	size_t cases_len = 0;
	unsigned runs_dflt = opt->quick != 0 ? RUNS_QUICK : RUNS_DFLT;
	unsigned runs = opt->runs != 0 ? opt->runs : runs_dflt;
	unsigned done = 0;
	int err = 0;

	ticks_calibrate();
	for (size_t i = 0; i < PLAN_LEN && err == 0; i++) {
		if (is_wanted(&plan[i], opt) && has_room(&plan[i])) {
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
				fprintf(stderr, "finwall-bench: %s: no result\n", cases[i].id);
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the subcommands of finwall-bench share.
 */
#ifndef FINWALL_BENCH_BENCH_H
#define FINWALL_BENCH_BENCH_H

#include "report.h"

#include <stdint.h>

/* Exit codes. */
enum bench_exit {
	BENCH_OK = 0,
	BENCH_WORSE = 1,   /* compare: something became worse */
	BENCH_USAGE = 2,   /* the command line */
	BENCH_FAILED = 3,  /* could not be measured */
	BENCH_RIGHTS = 77, /* rights are missing */
};

/* What can be said on the command line of every measuring subcommand. */
struct bench_options {
	const char *json_path; /* NULL = none */
	const char *html_path; /* NULL = none */
	const char *only;   /* a glob on what comes behind the subcommand in a name; NULL = all */
	unsigned runs;      /* 0 = as many as the subcommand thinks right */
	unsigned quick;     /* 1: smaller and shorter */
	uint32_t flows_max; /* engine: no case with more connections */
	uint32_t packets;   /* engine: in one run of a case */
};

/* Each adds its measures to the report. Returns an exit code. */
enum bench_exit cmd_engine(const struct bench_options *opt, struct report *report);
enum bench_exit cmd_path(const struct bench_options *opt, struct report *report);
enum bench_exit cmd_latency(const struct bench_options *opt, struct report *report);
enum bench_exit cmd_stall(const struct bench_options *opt, struct report *report);

/* Compares two files of results. threshold: by which share something may be worse. */
enum bench_exit cmd_compare(const char *before_path, const char *after_path, double threshold);

#endif

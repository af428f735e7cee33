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
	BENCH_RIGHTS = 77, /* not without rights that are missing */
};

/* What can be said on the command line of every measuring subcommand. */
struct bench_options {
	const char *json_path; /* NULL = none */
	const char *html_path; /* NULL = none */
	const char *only;      /* measures whose name contains this; NULL = all */
	unsigned runs;
	unsigned quick; /* 1: smaller and shorter */
	uint32_t flows_max;
	uint32_t packets;
};

/* Each adds its measures to the report. Returns an exit code. */
int cmd_engine(const struct bench_options *opt, struct report *report);

#endif

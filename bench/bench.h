/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The subcommands of finwall-bench and their options.
 */
#ifndef FINWALL_BENCH_BENCH_H
#define FINWALL_BENCH_BENCH_H

#include "report.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdint.h>

/* Exit codes. */
enum bench_exit {
	BENCH_OK = 0,
	BENCH_WORSE = 1,   /* compare: something became worse */
	BENCH_USAGE = 2,   /* invalid command line */
	BENCH_FAILED = 3,  /* the measurement, or reading or writing a file, failed */
	BENCH_RIGHTS = 77, /* not enough rights */
};

/* Options of the measuring subcommands. */
struct bench_options {
	const char *json_path; /* NULL = none */
	const char *html_path; /* NULL = none */
	const char *only;      /* a glob for ids without the subcommand; NULL = all */
	unsigned runs;         /* 0 = the subcommand's default */
	bool quick;            /* smaller and shorter */
	bool accounting;       /* packets and bytes of each connection are counted */
	uint32_t flows_max;    /* engine: skip cases with more connections; 0 = default */
	uint32_t packets;      /* engine: packets in one run of a case; 0 = default */
};

static inline unsigned bench_runs(const struct bench_options *opt, unsigned dflt, unsigned quick)
{
	if (opt->runs != 0) {
		return opt->runs;
	}
	return opt->quick ? quick : dflt;
}

/* Whether --only, if it is given, takes the id of a measure. */
static inline bool bench_wants(const struct bench_options *opt, const char *id)
{
	return opt->only == NULL || fnmatch(opt->only, id, FNM_EXTMATCH) == 0;
}

/* The exit code for an errno value. */
static inline enum bench_exit bench_exit_of(int err)
{
	if (err == -EPERM) {
		return BENCH_RIGHTS;
	}
	return err == 0 ? BENCH_OK : BENCH_FAILED;
}

/* Each measures and adds its measures to the report. */
enum bench_exit cmd_engine(const struct bench_options *opt, struct report *report);
enum bench_exit cmd_path(const struct bench_options *opt, struct report *report);
enum bench_exit cmd_latency(const struct bench_options *opt, struct report *report);
enum bench_exit cmd_stall(const struct bench_options *opt, struct report *report);

/* Compares two results files. threshold: the share by which a measure may be worse. */
enum bench_exit cmd_compare(const char *before_path, const char *after_path, double threshold);

#endif

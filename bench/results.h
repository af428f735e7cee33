/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Results as a file: JSON of a stable schema.
 *
 *	{ "schema": "finwall-bench/1",
 *	  "machine": { "cpu": "...", "kernel": "...", ..., "cpus": 2, "memory_bytes": 1 },
 *	  "results": [ { "id": "engine/open/1M", "title": "...", "unit": "ns/packet",
 *	                 "better": "lower"|"higher", "target": 350 (where there is one),
 *	                 "median": 1.0, "low": 1.0, "high": 1.0, "best": 1.0, "samples": [ 1.0 ] }
 *], "curves": [ { "id": "...", "title": "...", "points": [ [ quantile, us ] ] } ] }
 *
 * Names and ids stay; what is added later may be ignored.
 */
#ifndef FINWALL_BENCH_RESULTS_H
#define FINWALL_BENCH_RESULTS_H

#include "machine.h"
#include "report.h"

#define RESULTS_SCHEMA "finwall-bench/1"

/* Returns 0, or -errno, having said why. */
int results_write(const char *path, const struct report *r, const struct machine *m);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The results file: JSON with a stable schema.
 *
 *	{ "schema": "finwall-bench/1",
 *	  "machine": { "cpu": "...", "kernel": "...", ..., "cpus": 2, "memory_bytes": 1 },
 *	  "results": [ { "id": "engine/open/1M", "title": "...", "unit": "ns/packet",
 *	                 "better": "lower"|"higher", "target": 350 (optional),
 *	                 "median": 1.0, "low": 1.0, "high": 1.0, "best": 1.0, "samples": [ 1.0 ] }
 *                 ], "curves": [ { "id": "...", "title": "...", "points": [ [ quantile, us ] ] } ]
 *}
 *
 * Names and ids keep their meaning. Readers must ignore names that they do not know.
 */
#ifndef FINWALL_BENCH_RESULTS_H
#define FINWALL_BENCH_RESULTS_H

#include "machine.h"
#include "report.h"

#define RESULTS_SCHEMA "finwall-bench/1"

/* Returns 0, or -errno after an error message. */
int results_write(const char *path, const struct report *r, const struct machine *m);

#endif

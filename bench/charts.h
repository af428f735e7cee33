/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The charts of the HTML page: which measures, found by their ids, are in which chart, and in which
 * colour. A filter or a kind of packet has the same colour in all charts. Measures without samples
 * are left out, and a chart without measures is not written.
 */
#ifndef FINWALL_BENCH_CHARTS_H
#define FINWALL_BENCH_CHARTS_H

#include "report.h"

#include <stdio.h>

void charts_engine(FILE *to, const struct report *r);
void charts_path(FILE *to, const struct report *r);
void charts_latency(FILE *to, const struct report *r);
void charts_stall(FILE *to, const struct report *r);

#endif

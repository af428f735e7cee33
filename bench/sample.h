/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Few numbers measured again and again, and what may be said of them: median and quartiles, which
 * an interrupted run does not move. No means, no standard deviations: noise is not symmetric.
 */
#ifndef FINWALL_BENCH_SAMPLE_H
#define FINWALL_BENCH_SAMPLE_H

#include <stddef.h>

/* The q-quantile (0..1) of v[0..len), interpolated; sorts v. 0 when len is 0. */
double sample_quantile(double *v, size_t len, double q);

#endif

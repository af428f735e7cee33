/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statistics of a sample: quantiles, because a single disturbed run does not change them much. Mean
 * and standard deviation are not used: the noise is not symmetric.
 */
#ifndef FINWALL_BENCH_SAMPLE_H
#define FINWALL_BENCH_SAMPLE_H

#include <stddef.h>

/* Returns the q-quantile (0..1) of v[0..len), interpolated, or 0 when len is 0. Sorts v. */
double sample_quantile(double *v, size_t len, double q);

#endif

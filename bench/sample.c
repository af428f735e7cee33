/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Quantiles with linear interpolation.
 */
#include "sample.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	const double *x = a;
	const double *y = b;

	return (*x > *y) - (*x < *y);
}

double sample_quantile(double *v, size_t len, double q)
{
	double at;
	size_t below;

	if (len == 0) {
		return 0;
	}
	at = q * (double)(len - 1);
	below = (size_t)at;
	qsort(v, len, sizeof(*v), compare);
	if (below + 1 >= len) {
		return v[len - 1];
	}
	return v[below] + (at - (double)below) * (v[below + 1] - v[below]);
}

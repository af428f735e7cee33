/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two kinds of plots as inline SVG: lines over an axis, and bars with their spread. Knows nothing
 * of benchmarks. Colours come from the page's style sheet, classes s0 to s5.
 */
#ifndef FINWALL_BENCH_PLOT_H
#define FINWALL_BENCH_PLOT_H

#include <stddef.h>
#include <stdio.h>

#define PLOT_SERIES_MAX 6
#define PLOT_POINTS_MAX 64

enum plot_scale {
	PLOT_LINEAR,    /* from 0 */
	PLOT_LOG,       /* powers of ten */
	PLOT_QUANTILES, /* x is 1 / (1 - quantile), on a logarithmic axis, labelled in per cent */
};

struct plot_axis {
	const char *title;
	enum plot_scale scale;
};

struct plot_point {
	double x;
	double y;
	double low; /* spread of y; low == high: none is drawn */
	double high;
};

struct plot_series {
	const char *name;
	struct plot_point point[PLOT_POINTS_MAX];
	size_t len;
};

struct plot {
	const char *title;
	struct plot_axis x;
	struct plot_axis y;
	struct plot_series series[PLOT_SERIES_MAX];
	size_t len;
};

void plot_lines(FILE *to, const struct plot *p);

struct plot_bar {
	const char *name;
	double value;
	double low;
	double high;
	double target; /* a mark; 0 = none */
};

/* Bars from 0, one below the other. */
void plot_bars(FILE *to, const char *title, const char *unit, const struct plot_bar *bars,
               size_t len);

/* Text for HTML and SVG. */
void plot_escape(FILE *to, const char *text);

#endif

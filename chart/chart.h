/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Line charts and bar charts as SVG. Knows nothing of what is shown. The caller gives each series
 * its colour by name, so that one colour can have one meaning in all charts of a page.
 */
#ifndef FINWALL_CHART_CHART_H
#define FINWALL_CHART_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CHART_SERIES_MAX 16
#define CHART_POINTS_MAX 64

/* The first eight after Okabe and Ito: distinct for colour-blind readers. */
enum chart_colour {
	CHART_BLUE,
	CHART_VERMILLION,
	CHART_BLACK, /* white on a dark page */
	CHART_GREEN,
	CHART_PINK,
	CHART_ORANGE,
	CHART_SKY,
	CHART_GREY,
	CHART_BROWN,
	CHART_PURPLE,
	CHART_LAVENDER,
	CHART_OLIVE,
	CHART_TEAL,
	CHART_PLAIN, /* for bars whose colour has no meaning */
	CHART_COLOURS_LEN,
};

enum chart_scale {
	CHART_LINEAR,    /* from 0 */
	CHART_COUNT,     /* from 0, whole numbers */
	CHART_LOG,       /* powers of ten */
	CHART_QUANTILES, /* x is 1 / (1 - quantile), on a logarithmic axis, labelled in per cent */
	CHART_SECONDS,   /* a logarithmic axis, labelled 1s, 2m, 5h ... */
};

struct chart_axis {
	const char *title;
	enum chart_scale scale;
};

struct chart_point {
	double x;
	double y;
	double low; /* spread of y; low == high: none is drawn */
	double high;
};

struct chart_series {
	const char *name; /* in the legend; NULL = no entry */
	enum chart_colour colour;
	bool is_dashed;
	bool has_dots;
	double width; /* of the line, in pixels */
	struct chart_point point[CHART_POINTS_MAX];
	size_t len;
};

struct chart {
	const char *title;
	struct chart_axis x;
	struct chart_axis y;
	double plot_height; /* of the area inside the axes, in pixels; 0 = 300 */
	struct chart_series series[CHART_SERIES_MAX];
	size_t len;
};

struct chart_bar {
	const char *name;
	enum chart_colour colour;
	double value;
	double low;
	double high;
	double target; /* a mark; 0 = none */
};

/* Writes the style sheet that charts in a page need, without <style>. */
void chart_put_style(FILE *to);

/* Writes a line chart, as part of a page. */
void chart_put_lines(FILE *to, const struct chart *c);

/* Writes bars from 0, one below the other, as part of a page. */
void chart_put_bars(FILE *to, const char *title, const char *unit, const struct chart_bar *bars,
                    size_t len);

/*
 * Writes charts one below the other as an SVG file that needs no other file. One legend, that of
 * the first chart, serves all.
 */
void chart_put_file(FILE *to, const char *title, const struct chart *charts, size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scales of axes: the range that is shown, its ticks, and positions in it. Draws nothing.
 */
#ifndef FINWALL_CHART_SCALE_H
#define FINWALL_CHART_SCALE_H

#include "chart/chart.h"

#include <stddef.h>

struct scale_range {
	double from;
	double to;
	double step; /* between two ticks of a linear axis */
	enum chart_scale scale;
};

/* Extends a range to low and high. It begins as { INFINITY, 0 }. */
void scale_widen(struct scale_range *r, double low, double high);

/* Rounds a range to the ends of the axis, after the last scale_widen(). */
void scale_round(struct scale_range *r);

/* Returns the position of v in the range: 0 to 1. */
double scale_position(const struct scale_range *r, double v);

/* Returns the tick after v. The first tick is r->from. Not for CHART_SECONDS. */
double scale_next_tick(const struct scale_range *r, double v);

/* Formats a number in short: 1 500 000 as 1.5M. */
void scale_format(char *out, size_t out_size, double v);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linear axes have ticks at 1, 2 or 5 times a power of ten, logarithmic ones at powers of ten.
 */
#include "chart/scale.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

void scale_format(char *out, size_t out_size, double v)
{
	static const struct {
		double unit;
		const char *letter;
	} units[] = { { 1e9, "G" }, { 1e6, "M" }, { 1e3, "k" } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (fabs(v) >= units[i].unit) {
			snprintf(out, out_size, "%.3g%s", v / units[i].unit, units[i].letter);
			return;
		}
	}
	snprintf(out, out_size, "%.3g", v);
}

/* 1, 2 or 5 times a power of ten, not below v. */
static double round_up(double v)
{
	double power = pow(10, floor(log10(v)));
	double digit = v / power;

	if (digit <= 1) {
		return power;
	}
	if (digit <= 2) {
		return 2 * power;
	}
	return digit <= 5 ? 5 * power : 10 * power;
}

static bool is_log(enum chart_scale scale)
{
	return scale == CHART_LOG || scale == CHART_QUANTILES || scale == CHART_SECONDS;
}

void scale_widen(struct scale_range *r, double low, double high)
{
	r->from = fmin(r->from, low);
	r->to = fmax(r->to, high);
}

void scale_round(struct scale_range *r)
{
	switch (r->scale) {
	case CHART_SECONDS:
		r->from = fmax(r->from, 1e-3);
		r->to = fmax(r->to, r->from);
		break;
	case CHART_LOG:
	case CHART_QUANTILES:
		r->from = pow(10, floor(log10(fmax(r->from, 1e-3))));
		r->to = pow(10, ceil(log10(fmax(r->to, r->from * 10)) - 1e-3));
		break;
	case CHART_LINEAR:
	case CHART_COUNT:
		r->from = 0;
		r->step = r->to > 0 ? round_up(r->to / 4) : 1;
		if (r->scale == CHART_COUNT) {
			r->step = fmax(r->step, 1);
		}
		r->to = fmax(ceil(r->to / r->step - 1e-9), 1) * r->step;
		break;
	}
}

double scale_position(const struct scale_range *r, double v)
{
	if (r->to <= r->from) {
		return 0.5;
	}
	if (!is_log(r->scale)) {
		return (v - r->from) / (r->to - r->from);
	}
	return log10(fmax(v, r->from) / r->from) / log10(r->to / r->from);
}

double scale_next_tick(const struct scale_range *r, double v)
{
	return is_log(r->scale) ? v * 10 : v + r->step;
}

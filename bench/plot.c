/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drawing. All coordinates are those of the SVG's view box.
 */
#include "plot.h"

#include <math.h>
#include <stdbool.h>

#define WIDTH  720.0
#define HEIGHT 380.0
#define LEFT   64.0
#define RIGHT  28.0
#define TOP    34.0
#define BOTTOM 50.0

#define BAR_STEP  26.0
#define BAR_SIZE  16.0
#define BAR_LEFT  190.0
#define BAR_RIGHT 150.0

/* The legend: where there are no lines, high on the left, or low on the right where they rise. */
#define LEGEND_X     (LEFT + 14)
#define LEGEND_Y     (TOP + 16)
#define LEGEND_X_LOW (WIDTH - RIGHT - 260)
#define LEGEND_Y_LOW (HEIGHT - BOTTOM - 4 * LEGEND_STEP)
#define LEGEND_STEP  17.0

struct range {
	double from;
	double to;
	bool is_log;
};

static void draw_ticks(FILE *to, const struct plot_axis *a, const struct range *r, bool is_x);

void plot_escape(FILE *to, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '&':
			fputs("&amp;", to);
			break;
		case '"':
			fputs("&quot;", to);
			break;
		default:
			fputc(*text, to);
		}
	}
}

/* A number as people write it: 1 500 000 as 1.5M. */
static void print_short(FILE *to, double v)
{
	static const struct {
		double unit;
		const char *letter;
	} units[] = { { 1e9, "G" }, { 1e6, "M" }, { 1e3, "k" } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (fabs(v) >= units[i].unit) {
			fprintf(to, "%.3g%s", v / units[i].unit, units[i].letter);
			return;
		}
	}
	fprintf(to, "%.3g", v);
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

static struct range range_of(const struct plot *p, bool is_x)
{
	enum plot_scale scale = is_x ? p->x.scale : p->y.scale;
	struct range r = { .from = INFINITY, .to = 0, .is_log = scale != PLOT_LINEAR };

	for (size_t s = 0; s < p->len; s++) {
		for (size_t i = 0; i < p->series[s].len; i++) {
			const struct plot_point *at = &p->series[s].point[i];
			double low = is_x ? at->x : fmin(at->y, at->low);
			double high = is_x ? at->x : fmax(at->y, at->high);

			r.from = fmin(r.from, low);
			r.to = fmax(r.to, high);
		}
	}
	if (r.is_log) {
		r.from = pow(10, floor(log10(fmax(r.from, 1e-3))));
		r.to = pow(10, ceil(log10(fmax(r.to, r.from * 10)) - 1e-3));
	} else {
		r.from = 0;
		r.to = round_up(fmax(r.to, 1e-9));
	}
	return r;
}

/* Where v lies in a range: 0 to 1. */
static double share(const struct range *r, double v)
{
	if (!r->is_log) {
		return (v - r->from) / (r->to - r->from);
	}
	return log10(fmax(v, r->from) / r->from) / log10(r->to / r->from);
}

static double x_at(const struct range *r, double v)
{
	return LEFT + share(r, v) * (WIDTH - LEFT - RIGHT);
}

static double y_at(const struct range *r, double v)
{
	return HEIGHT - BOTTOM - share(r, v) * (HEIGHT - TOP - BOTTOM);
}

/* 1 / (1 - quantile) as the per cent it stands for. */
static void print_quantile(FILE *to, double v)
{
	int digits = (int)lround(log10(v)) - 2;

	fprintf(to, "%.*f %%", digits > 0 ? digits : 0, 100 * (1 - 1 / v));
}

static void draw_tick(FILE *to, const struct plot_axis *a, const struct range *r, bool is_x,
                      double v)
{
	double x = is_x ? x_at(r, v) : LEFT;
	double y = is_x ? HEIGHT - BOTTOM : y_at(r, v);

	fprintf(to, "<path class=\"grid\" d=\"M%.1f %.1f %c%.1f\"/>", x, y, is_x ? 'V' : 'H',
	        is_x ? TOP : WIDTH - RIGHT);
	fprintf(to, "<text class=\"tick\" text-anchor=\"%s\" x=\"%.1f\" y=\"%.1f\">",
	        is_x ? "middle" : "end", is_x ? x : x - 6, is_x ? y + 16 : y + 4);
	if (a->scale == PLOT_QUANTILES) {
		print_quantile(to, v);
	} else {
		print_short(to, v);
	}
	fputs("</text>\n", to);
}

static void draw_ticks(FILE *to, const struct plot_axis *a, const struct range *r, bool is_x)
{
	if (r->is_log) {
		for (double v = r->from; v <= r->to * 1.001; v *= 10) {
			draw_tick(to, a, r, is_x, v);
		}
		return;
	}
	for (unsigned i = 0; i <= 5; i++) {
		draw_tick(to, a, r, is_x, r->to * i / 5);
	}
}

static void draw_series(FILE *to, const struct plot_series *s, size_t nr, const struct range *rx,
                        const struct range *ry)
{
	fprintf(to, "<path class=\"line s%zu\" d=\"", nr);
	for (size_t i = 0; i < s->len; i++) {
		fprintf(to, "%c%.1f %.1f", i == 0 ? 'M' : 'L', x_at(rx, s->point[i].x),
		        y_at(ry, s->point[i].y));
	}
	fputs("\"/>", to);
	for (size_t i = 0; i < s->len; i++) {
		const struct plot_point *at = &s->point[i];
		double x = x_at(rx, at->x);

		if (at->low != at->high) {
			fprintf(to, "<path class=\"line s%zu\" d=\"M%.1f %.1fV%.1f\"/>", nr, x,
			        y_at(ry, at->low), y_at(ry, at->high));
		}
		fprintf(to, "<circle class=\"dot s%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>",
		        nr, x, y_at(ry, at->y));
		plot_escape(to, s->name);
		fprintf(to, ": %.4g</title></circle>", at->y);
	}
}

static void draw_legend(FILE *to, const struct plot *p, const struct range *ry)
{
	double x = ry->is_log ? LEGEND_X_LOW : LEGEND_X;
	double y = ry->is_log ? LEGEND_Y_LOW : LEGEND_Y;

	for (size_t i = 0; i < p->len; i++, y += LEGEND_STEP) {
		fprintf(to, "<path class=\"line s%zu\" d=\"M%.1f %.1fh18\"/>", i, x, y - 4);
		fprintf(to, "<text x=\"%.1f\" y=\"%.1f\">", x + 24, y);
		plot_escape(to, p->series[i].name);
		fputs("</text>\n", to);
	}
}

static void open_svg(FILE *to, const char *title, double height)
{
	fprintf(to, "<svg viewBox=\"0 0 %g %g\" role=\"img\"><title>", WIDTH, height);
	plot_escape(to, title);
	fputs("</title>\n<text class=\"head\" x=\"8\" y=\"20\">", to);
	plot_escape(to, title);
	fputs("</text>\n", to);
}

void plot_lines(FILE *to, const struct plot *p)
{
	struct range rx = range_of(p, true);
	struct range ry = range_of(p, false);

	open_svg(to, p->title, HEIGHT);
	draw_ticks(to, &p->x, &rx, true);
	draw_ticks(to, &p->y, &ry, false);
	fprintf(to, "<text class=\"tick\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">",
	        (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12);
	plot_escape(to, p->x.title);
	fprintf(to, "</text><text class=\"tick\" text-anchor=\"end\" x=\"%.1f\" y=\"20\">",
	        WIDTH - RIGHT);
	plot_escape(to, p->y.title);
	fputs("</text>\n", to);
	for (size_t i = 0; i < p->len; i++) {
		draw_series(to, &p->series[i], i, &rx, &ry);
	}
	draw_legend(to, p, &ry);
	fputs("</svg>\n", to);
}

static double bar_x(double v, double most)
{
	return BAR_LEFT + v / most * (WIDTH - BAR_LEFT - BAR_RIGHT);
}

static void draw_bar(FILE *to, const struct plot_bar *b, size_t nr, double most, const char *unit)
{
	double y = TOP + BAR_STEP * (double)nr;
	double mid = y + BAR_SIZE / 2;

	fprintf(to, "<text text-anchor=\"end\" x=\"%.1f\" y=\"%.1f\">", BAR_LEFT - 8, mid + 4);
	plot_escape(to, b->name);
	fprintf(to,
	        "</text><rect class=\"bar s%zu\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
	        "height=\"%g\"/>",
	        nr % PLOT_SERIES_MAX, BAR_LEFT, y, bar_x(b->value, most) - BAR_LEFT, BAR_SIZE);
	if (b->low != b->high) {
		fprintf(to,
		        "<path class=\"spread\" d=\"M%.1f %.1fH%.1fM%.1f %.1fv8M%.1f %.1fv8\"/>",
		        bar_x(b->low, most), mid, bar_x(b->high, most), bar_x(b->low, most),
		        mid - 4, bar_x(b->high, most), mid - 4);
	}
	if (b->target != 0) {
		fprintf(to, "<path class=\"goal\" d=\"M%.1f %.1fv%.1f\"/>", bar_x(b->target, most),
		        y - 3, BAR_SIZE + 6);
	}
	fprintf(to, "<text x=\"%.1f\" y=\"%.1f\">", WIDTH - BAR_RIGHT + 12, mid + 4);
	print_short(to, b->value);
	fputc(' ', to);
	plot_escape(to, unit);
	fputs("</text>\n", to);
}

void plot_bars(FILE *to, const char *title, const char *unit, const struct plot_bar *bars,
               size_t len)
{
	double most = 1e-9;

	for (size_t i = 0; i < len; i++) {
		most = fmax(most, fmax(bars[i].target, fmax(bars[i].value, bars[i].high)));
	}
	open_svg(to, title, TOP + BAR_STEP * (double)len + 8);
	for (size_t i = 0; i < len; i++) {
		draw_bar(to, &bars[i], i, most, unit);
	}
	fputs("</svg>\n", to);
}

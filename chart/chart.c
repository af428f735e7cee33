/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lays charts out: title, unit of y and legend above, then the plot area, the x axis below.
 */
#include "chart/chart.h"

#include "chart/scale.h"
#include "chart/svg.h"

#include <math.h>
#include <string.h>

#define WIDTH 720.0
#define LEFT  64.0
#define RIGHT 28.0

#define HEAD_Y      20.0
#define UNIT_Y      37.0
#define LEGEND_Y    56.0
#define LEGEND_STEP 17.0
#define ABOVE_PLOT  48.0 /* without a legend */
#define BELOW_PLOT  46.0
#define PLOT_HEIGHT 300.0

#define LEGEND_LINE 20.0 /* the sample of a line */
#define LEGEND_GAP  26.0
#define CHAR_WIDTH  7.0 /* a wide estimate at 12 pixels */

#define FILE_TITLE_HEIGHT 34.0

#define BAR_TOP   34.0
#define BAR_STEP  26.0
#define BAR_SIZE  16.0
#define BAR_LEFT  190.0
#define BAR_RIGHT 150.0

#define LABEL_MIN_GAP 44.0 /* between two labels of a time axis */

static const struct {
	const char *light;
	const char *dark;
} colours[CHART_COLOURS_LEN] = {
	[CHART_BLUE] = { "#0072b2", "#4aa8e0" },     [CHART_VERMILLION] = { "#d55e00", "#f08540" },
	[CHART_BLACK] = { "#000000", "#f0f0f0" },    [CHART_GREEN] = { "#009e73", "#3cc79b" },
	[CHART_PINK] = { "#cc79a7", "#e0a0c4" },     [CHART_ORANGE] = { "#e69f00", "#f0b840" },
	[CHART_SKY] = { "#56b4e9", "#8fd0f5" },      [CHART_GREY] = { "#8a8a8a", "#9a9a9a" },
	[CHART_BROWN] = { "#8c564b", "#b98a80" },    [CHART_PURPLE] = { "#5e2d91", "#a578d6" },
	[CHART_LAVENDER] = { "#b39ddb", "#d3c6f0" }, [CHART_OLIVE] = { "#8f8f00", "#c4c43a" },
	[CHART_TEAL] = { "#007c80", "#3db5b8" },     [CHART_PLAIN] = { "#9fb3c8", "#5f7790" },
};

/* Labels of a time axis. */
static const struct {
	double sec;
	const char *text;
} durations[] = {
	{ 1, "1s" },          { 2, "2s" },        { 5, "5s" },        { 10, "10s" },
	{ 20, "20s" },        { 30, "30s" },      { 60, "1m" },       { 120, "2m" },
	{ 300, "5m" },        { 600, "10m" },     { 1200, "20m" },    { 1800, "30m" },
	{ 3600, "1h" },       { 7200, "2h" },     { 14400, "4h" },    { 21600, "6h" },
	{ 43200, "12h" },     { 86400, "1d" },    { 172800, "2d" },   { 432000, "5d" },
	{ 864000, "10d" },    { 1728000, "20d" }, { 4320000, "50d" }, { 8640000, "100d" },
	{ 17280000, "200d" },
};

/* The position of a chart in the drawing. */
struct area {
	double top; /* of the plot area */
	double bottom;
	struct scale_range x;
	struct scale_range y;
};

static void put_palette(FILE *to, bool is_dark)
{
	for (size_t i = 0; i < CHART_COLOURS_LEN; i++) {
		const char *colour = is_dark ? colours[i].dark : colours[i].light;

		fprintf(to, "svg .c%zu{stroke:%s;fill:%s}", i, colour, colour);
	}
	fprintf(to,
	        "svg text{fill:%s}svg .dim{fill:%s}svg .grid{stroke:%s}svg .axis{stroke:%s}"
	        "svg .spread{stroke:%s}svg .target{stroke:%s}svg .paper{fill:%s}\n",
	        is_dark ? "#e6e8eb" : "#1b1f24", is_dark ? "#9aa3ad" : "#5a6470",
	        is_dark ? "#333a42" : "#d8dce2", is_dark ? "#9aa3ad" : "#444444",
	        is_dark ? "#e6e8eb" : "#1b1f24", is_dark ? "#ff8a80" : "#b3261e",
	        is_dark ? "#14171b" : "#ffffff");
}

void chart_put_style(FILE *to)
{
	put_palette(to, false);
	fputs("@media(prefers-color-scheme:dark){", to);
	put_palette(to, true);
	fputs("}svg{font:12px system-ui,sans-serif}svg .head{font-weight:600;font-size:13px}"
	      "svg .big{font-weight:600;font-size:16px}svg .line{fill:none}"
	      "svg .dashed{stroke-dasharray:7 5}svg .dot,svg .bar{stroke:none}"
	      "svg .spread{stroke-width:1.5}svg .target{stroke-width:2;stroke-dasharray:3 2}",
	      to);
}

static void find_ranges(const struct chart *c, struct area *a)
{
	a->x = (struct scale_range){ .from = INFINITY, .to = 0, .scale = c->x.scale };
	a->y = (struct scale_range){ .from = INFINITY, .to = 0, .scale = c->y.scale };
	for (size_t s = 0; s < c->len; s++) {
		for (size_t i = 0; i < c->series[s].len; i++) {
			const struct chart_point *at = &c->series[s].point[i];

			scale_widen(&a->x, at->x, at->x);
			scale_widen(&a->y, fmin(at->y, at->low), fmax(at->y, at->high));
		}
	}
	scale_round(&a->x);
	scale_round(&a->y);
}

static double x_at(const struct area *a, double v)
{
	return LEFT + scale_position(&a->x, v) * (WIDTH - LEFT - RIGHT);
}

static double y_at(const struct area *a, double v)
{
	return a->bottom - scale_position(&a->y, v) * (a->bottom - a->top);
}

static void draw_y_tick(FILE *to, const struct area *a, double v)
{
	double y = y_at(a, v);
	char text[32];

	scale_format(text, sizeof(text), v);
	svg_line(to, v <= a->y.from ? "axis" : "grid", 0, LEFT, y, WIDTH - RIGHT, y);
	svg_text(to, "dim", SVG_END, LEFT - 6, y + 4, text);
}

static void draw_x_tick(FILE *to, const struct area *a, double v, const char *text)
{
	double x = x_at(a, v);

	svg_line(to, "grid", 0, x, a->top, x, a->bottom + 5);
	svg_text(to, "dim", SVG_MIDDLE, x, a->bottom + 18, text);
}

/* Labels that are not too close to each other. */
static void draw_durations(FILE *to, const struct area *a)
{
	double last = -LABEL_MIN_GAP;

	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		double sec = durations[i].sec;

		if (sec >= a->x.from && sec <= a->x.to && x_at(a, sec) - last >= LABEL_MIN_GAP) {
			last = x_at(a, sec);
			draw_x_tick(to, a, sec, durations[i].text);
		}
	}
}

static void draw_axes(FILE *to, const struct chart *c, const struct area *a)
{
	for (double v = a->y.from; v <= a->y.to * 1.001; v = scale_next_tick(&a->y, v)) {
		draw_y_tick(to, a, v);
	}
	if (c->x.scale == CHART_SECONDS) {
		draw_durations(to, a);
	} else {
		for (double v = a->x.from; v <= a->x.to * 1.001; v = scale_next_tick(&a->x, v)) {
			char text[32];

			scale_format(text, sizeof(text), v);
			if (c->x.scale == CHART_QUANTILES) {
				int digits = (int)lround(log10(v)) - 2;

				snprintf(text, sizeof(text), "%.*f %%", digits > 0 ? digits : 0,
				         100 * (1 - 1 / v));
			}
			draw_x_tick(to, a, v, text);
		}
	}
	svg_text(to, "dim", SVG_MIDDLE, (LEFT + WIDTH - RIGHT) / 2, a->bottom + 36, c->x.title);
}

static void draw_series(FILE *to, const struct chart_series *s, const struct area *a)
{
	char class_name[32];
	char dot_class[32];

	snprintf(class_name, sizeof(class_name), "line c%u%s", (unsigned)s->colour,
	         s->is_dashed ? " dashed" : "");
	svg_polyline_begin(to, class_name, s->width);
	for (size_t i = 0; i < s->len; i++) {
		svg_polyline_to(to, x_at(a, s->point[i].x), y_at(a, s->point[i].y));
	}
	svg_polyline_end(to);
	snprintf(dot_class, sizeof(dot_class), "dot c%u", (unsigned)s->colour);
	for (size_t i = 0; i < s->len && s->has_dots; i++) {
		const struct chart_point *at = &s->point[i];
		double x = x_at(a, at->x);
		char tooltip[160];

		if (at->low != at->high) {
			svg_line(to, class_name, 0, x, y_at(a, at->low), x, y_at(a, at->high));
		}
		snprintf(tooltip, sizeof(tooltip), "%.120s: %.4g", s->name, at->y);
		svg_dot(to, dot_class, x, y_at(a, at->y), tooltip);
	}
}

/* Width of one entry of the legend: the longest name decides. */
static double legend_entry_width(const struct chart *c)
{
	size_t longest = 1;

	for (size_t i = 0; i < c->len; i++) {
		if (c->series[i].name != NULL && strlen(c->series[i].name) > longest) {
			longest = strlen(c->series[i].name);
		}
	}
	return LEGEND_GAP + CHAR_WIDTH * (double)longest + 20;
}

static size_t legend_columns(const struct chart *c)
{
	double columns = floor((WIDTH - LEFT - RIGHT) / legend_entry_width(c));

	return columns < 1 ? 1 : (size_t)columns;
}

static double legend_height(const struct chart *c)
{
	size_t entries = 0;

	for (size_t i = 0; i < c->len; i++) {
		entries += c->series[i].name != NULL;
	}
	return LEGEND_STEP * (double)((entries + legend_columns(c) - 1) / legend_columns(c));
}

/* y: the baseline of its first row. */
static void draw_legend(FILE *to, const struct chart *c, double y)
{
	size_t columns = legend_columns(c);
	double width = legend_entry_width(c);
	size_t nr = 0;

	for (size_t i = 0; i < c->len; i++) {
		const struct chart_series *s = &c->series[i];
		double x = LEFT + width * (double)(nr % columns);
		double row_y = y + LEGEND_STEP * (double)(nr / columns);
		char class_name[32];

		if (s->name == NULL) {
			continue;
		}
		snprintf(class_name, sizeof(class_name), "line c%u%s", (unsigned)s->colour,
		         s->is_dashed ? " dashed" : "");
		svg_line(to, class_name, s->width, x, row_y - 4, x + LEGEND_LINE, row_y - 4);
		svg_text(to, "name", SVG_START, x + LEGEND_GAP, row_y, s->name);
		nr++;
	}
}

static double plot_height(const struct chart *c)
{
	return c->plot_height > 0 ? c->plot_height : PLOT_HEIGHT;
}

/* Draws a chart without a legend; the plot area begins at plot_top. */
static void draw_chart(FILE *to, const struct chart *c, double head_y, double plot_top)
{
	struct area a = { .top = plot_top, .bottom = plot_top + plot_height(c) };

	find_ranges(c, &a);
	svg_text(to, "head", SVG_START, 8, head_y, c->title);
	svg_text(to, "dim", SVG_START, 8, head_y + UNIT_Y - HEAD_Y, c->y.title);
	draw_axes(to, c, &a);
	for (size_t i = 0; i < c->len; i++) {
		draw_series(to, &c->series[i], &a);
	}
}

void chart_put_lines(FILE *to, const struct chart *c)
{
	double top = ABOVE_PLOT + legend_height(c);

	svg_begin(to, SVG_INLINE, WIDTH, top + plot_height(c) + BELOW_PLOT, c->title);
	draw_legend(to, c, LEGEND_Y);
	draw_chart(to, c, HEAD_Y, top);
	svg_end(to);
}

void chart_put_file(FILE *to, const char *title, const struct chart *charts, size_t len)
{
	double top = FILE_TITLE_HEIGHT + legend_height(&charts[0]) + 4;
	double height = top;

	for (size_t i = 0; i < len; i++) {
		height += ABOVE_PLOT + plot_height(&charts[i]) + BELOW_PLOT;
	}
	svg_begin(to, SVG_FILE, WIDTH, height, title);
	fputs("<style>", to);
	chart_put_style(to);
	fputs("</style>\n", to);
	svg_rect(to, "paper", 0, 0, WIDTH, height);
	svg_text(to, "big", SVG_START, 8, 24, title);
	draw_legend(to, &charts[0], FILE_TITLE_HEIGHT + 12);
	for (size_t i = 0; i < len; i++) {
		draw_chart(to, &charts[i], top + HEAD_Y, top + ABOVE_PLOT);
		top += ABOVE_PLOT + plot_height(&charts[i]) + BELOW_PLOT;
	}
	svg_end(to);
}

static double bar_x(double v, double most)
{
	return BAR_LEFT + v / most * (WIDTH - BAR_LEFT - BAR_RIGHT);
}

static void draw_bar(FILE *to, const struct chart_bar *b, size_t nr, double most, const char *unit)
{
	double y = BAR_TOP + BAR_STEP * (double)nr;
	double mid = y + BAR_SIZE / 2;
	char class_name[32];
	char number[32];
	char text[64];

	snprintf(class_name, sizeof(class_name), "bar c%u", (unsigned)b->colour);
	svg_text(to, "name", SVG_END, BAR_LEFT - 8, mid + 4, b->name);
	svg_rect(to, class_name, BAR_LEFT, y, bar_x(b->value, most) - BAR_LEFT, BAR_SIZE);
	if (b->low != b->high) {
		double low = bar_x(b->low, most);
		double high = bar_x(b->high, most);

		svg_line(to, "spread", 0, low, mid, high, mid);
		svg_line(to, "spread", 0, low, mid - 4, low, mid + 4);
		svg_line(to, "spread", 0, high, mid - 4, high, mid + 4);
	}
	if (b->target != 0) {
		double x = bar_x(b->target, most);

		svg_line(to, "target", 0, x, y - 3, x, y + BAR_SIZE + 3);
	}
	scale_format(number, sizeof(number), b->value);
	snprintf(text, sizeof(text), "%s %.24s", number, unit);
	svg_text(to, "name", SVG_START, WIDTH - BAR_RIGHT + 12, mid + 4, text);
}

void chart_put_bars(FILE *to, const char *title, const char *unit, const struct chart_bar *bars,
                    size_t len)
{
	double most = 1e-9;

	for (size_t i = 0; i < len; i++) {
		most = fmax(most, fmax(bars[i].target, fmax(bars[i].value, bars[i].high)));
	}
	svg_begin(to, SVG_INLINE, WIDTH, BAR_TOP + BAR_STEP * (double)len + 8, title);
	svg_text(to, "head", SVG_START, 8, HEAD_Y, title);
	for (size_t i = 0; i < len; i++) {
		draw_bar(to, &bars[i], i, most, unit);
	}
	svg_end(to);
}

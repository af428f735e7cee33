/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sweep as a picture: three panels over one logarithmic time axis. Lines that lie on each other
 * stay visible, because each lane is drawn thinner than the one before.
 */
#include "replay/sweep.h"

#include <inttypes.h>
#include <math.h>

#define WIDTH         860
#define PANEL_HEIGHT  150
#define PANEL_GAP     46
#define PANELS_LEN    3
#define LEFT          84
#define RIGHT         24
#define TOP           78
#define BOTTOM        50
#define HEIGHT        (TOP + PANELS_LEN * PANEL_HEIGHT + (PANELS_LEN - 1) * PANEL_GAP + BOTTOM)
#define LABEL_MIN_GAP 44 /* between two labels of the time axis */

/* Colours that people who cannot tell red from green can tell apart (Okabe and Ito). */
static const char *const colours[REPLAY_LANES_MAX] = {
	"#d55e00", "#0072b2", "#000000", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999",
};

static const int64_t marks_sec[] = {
	1,      2,      5,      10,      20,      30,      60,       120,   300,
	600,    1200,   1800,   3600,    7200,    14400,   21600,    43200, 86400,
	172800, 432000, 864000, 1728000, 4320000, 8640000, 17280000,
};

/* One line of a panel. */
typedef uint64_t step_number(const struct sweep_step *step, size_t lane);

struct panel {
	const char *title;
	step_number *solid;
	step_number *dashed; /* NULL = none */
};

static void draw_head(const struct sweep *s, FILE *out);
static void draw_panel(const struct sweep *s, FILE *out, const struct panel *p, double top);
static void draw_time_axis(const struct sweep *s, FILE *out, double at);

static uint64_t hung(const struct sweep_step *step, size_t lane)
{
	return step->totals[lane].hung;
}

static uint64_t closed_well(const struct sweep_step *step, size_t lane)
{
	return step->totals[lane].saved + step->totals[lane].recovered;
}

static uint64_t flows(const struct sweep_step *step, size_t lane)
{
	return step->flows_peak[lane];
}

static uint64_t tombs(const struct sweep_step *step, size_t lane)
{
	return step->tombs_peak[lane];
}

static const struct panel panels[PANELS_LEN] = {
	{ "connections hung: a late close was dropped", hung, NULL },
	{ "connections closed late, and yet well", closed_well, NULL },
	{ "largest table: live flows (solid), remembered ones (dashed)", flows, tombs },
};

void sweep_plot(const struct sweep *s, FILE *out)
{
	double top = TOP;

	draw_head(s, out);
	for (size_t i = 0; i < PANELS_LEN; i++) {
		draw_panel(s, out, &panels[i], top);
		top += PANEL_HEIGHT + PANEL_GAP;
	}
	draw_time_axis(s, out, top - PANEL_GAP);
	fputs("</svg>\n", out);
}

/* Names come from the command line. */
static void put_escaped(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		default:
			fputc((unsigned char)*text >= ' ' && (unsigned char)*text < 0x7f ? *text
			                                                                 : '?',
			      out);
		}
	}
}

static double line_width(const struct sweep *s, size_t lane)
{
	double step = s->lanes_len > 4 ? 8.0 / (double)(s->lanes_len - 1) : 2.7;

	return 1.2 + step * (double)(s->lanes_len - 1 - lane);
}

/* Paper, title, and what colour is which lane. */
static void draw_head(const struct sweep *s, FILE *out)
{
	char name[64];
	double x = LEFT;

	fprintf(out,
	        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
	        "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n"
	        "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
	        "<text x=\"%d\" y=\"26\" font-size=\"16\" font-weight=\"bold\">",
	        WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT);
	fprintf(out, "What if %s were ...</text>\n",
	        replay_tunable_name(s->row, name, sizeof(name)));
	for (size_t i = 0; i < s->lanes_len; i++) {
		fprintf(out,
		        "<line x1=\"%.0f\" y1=\"44\" x2=\"%.0f\" y2=\"44\" stroke=\"%s\" "
		        "stroke-width=\"%.1f\"/>\n<text x=\"%.0f\" y=\"48\">",
		        x, x + 24, colours[i], line_width(s, i), x + 30);
		put_escaped(out, s->policies[i].name);
		fputs("</text>\n", out);
		x += (WIDTH - LEFT - RIGHT) / (s->lanes_len > 4 ? 8.0 : 4.0);
	}
}

static double x_of(const struct sweep *s, int64_t sec)
{
	double from = log((double)s->step[0].sec);
	double to = log((double)s->step[s->steps_len - 1].sec);
	double share = to > from ? (log((double)sec) - from) / (to - from) : 0.5;

	return LEFT + share * (WIDTH - LEFT - RIGHT);
}

/* The next of 1, 2, 5, 10, 20 ... that is not below n: a step for a scale. */
static uint64_t round_up(uint64_t n)
{
	uint64_t unit = 1;

	while (unit * 10 <= n) {
		unit *= 10;
	}
	if (n <= unit) {
		return unit;
	}
	if (n <= unit * 2) {
		return unit * 2;
	}
	return n <= unit * 5 ? unit * 5 : unit * 10;
}

/* True when there is nothing to show of a lane. */
static bool is_flat_zero(const struct sweep *s, step_number *number, size_t lane)
{
	for (size_t k = 0; k < s->steps_len; k++) {
		if (number(&s->step[k], lane) != 0) {
			return false;
		}
	}
	return true;
}

static uint64_t largest(const struct sweep *s, step_number *number)
{
	uint64_t max = 0;

	for (size_t k = 0; number != NULL && k < s->steps_len; k++) {
		for (size_t i = 0; i < s->lanes_len; i++) {
			uint64_t n = number(&s->step[k], i);

			max = n > max ? n : max;
		}
	}
	return max;
}

static void draw_line(const struct sweep *s, FILE *out, step_number *number, size_t lane,
                      double base, double per_unit, const char *style)
{
	fprintf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"%.1f\"%s points=\"",
	        colours[lane], line_width(s, lane), style);
	for (size_t k = 0; k < s->steps_len; k++) {
		fprintf(out, "%.1f,%.1f ", x_of(s, s->step[k].sec),
		        base - (double)number(&s->step[k], lane) * per_unit);
	}
	fputs("\"/>\n", out);
}

static void draw_panel(const struct sweep *s, FILE *out, const struct panel *p, double top)
{
	static const char dashes[] = " stroke-dasharray=\"7 5\"";
	double base = top + PANEL_HEIGHT;
	uint64_t solid = largest(s, p->solid);
	uint64_t dashed = largest(s, p->dashed);
	uint64_t max = solid > dashed ? solid : dashed;
	uint64_t step = round_up(max / 4 + (max % 4 != 0));
	uint64_t end = max == 0 ? step : (max + step - 1) / step * step;
	double per_unit = PANEL_HEIGHT / (double)end;

	fprintf(out, "<text x=\"%d\" y=\"%.0f\" font-weight=\"bold\">%s</text>\n", LEFT, top - 10,
	        p->title);
	for (uint64_t n = 0; n <= end; n += step) {
		double y = base - (double)n * per_unit;

		fprintf(out,
		        "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"%s\"/>\n"
		        "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%" PRIu64 "</text>\n",
		        LEFT, y, WIDTH - RIGHT, y, n == 0 ? "#444" : "#ddd", LEFT - 8, y + 4, n);
	}
	for (size_t i = 0; i < s->lanes_len; i++) {
		draw_line(s, out, p->solid, i, base, per_unit, "");
		if (p->dashed != NULL && !is_flat_zero(s, p->dashed, i)) {
			draw_line(s, out, p->dashed, i, base, per_unit, dashes);
		}
	}
}

static void draw_time_axis(const struct sweep *s, FILE *out, double at)
{
	double last = -LABEL_MIN_GAP;
	char text[64];

	for (size_t i = 0; i < sizeof(marks_sec) / sizeof(marks_sec[0]); i++) {
		double x;

		if (marks_sec[i] < s->step[0].sec || marks_sec[i] > s->step[s->steps_len - 1].sec) {
			continue;
		}
		x = x_of(s, marks_sec[i]);
		if (x - last < LABEL_MIN_GAP) {
			continue;
		}
		last = x;
		fprintf(out,
		        "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#444\"/>\n"
		        "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n",
		        x, at, x, at + 6, x, at + 22,
		        replay_duration_text(marks_sec[i], text, sizeof(text)));
	}
	fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", WIDTH - RIGHT,
	        at + 40, replay_tunable_name(s->row, text, sizeof(text)));
}

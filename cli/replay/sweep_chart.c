/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sweep as an SVG file: three charts over the same time axis, a line per policy.
 */
#include "replay/setting.h"
#include "replay/sweep.h"

#include "chart/chart.h"

#include <errno.h>
#include <stdlib.h>

#define CHARTS_LEN  3
#define PLOT_HEIGHT 150

/* finwall-bench's page has the kernel's tracker in vermillion and finwall in blue, too. */
static const enum chart_colour colours[REPLAY_POLICIES_MAX] = {
	CHART_VERMILLION, CHART_BLUE,   CHART_BLACK, CHART_GREEN,
	CHART_PINK,       CHART_ORANGE, CHART_SKY,   CHART_GREY,
};

/* A result of one step under policy i. */
typedef uint64_t step_number(const struct sweep_step *step, size_t i);

struct panel {
	const char *title;
	const char *unit;
	step_number *solid;
	step_number *dashed; /* NULL = none */
};

static uint64_t hung(const struct sweep_step *step, size_t i)
{
	return step->totals[i].hung;
}

static uint64_t closed_after_all(const struct sweep_step *step, size_t i)
{
	return step->totals[i].saved + step->totals[i].recovered;
}

static uint64_t flows(const struct sweep_step *step, size_t i)
{
	return step->flows_peak[i];
}

static uint64_t tombs(const struct sweep_step *step, size_t i)
{
	return step->tombs_peak[i];
}

static const struct panel panels[CHARTS_LEN] = {
	{ "Hung connections: a late close was dropped", "connections", hung, NULL },
	{ "Late closes that passed: saved and recovered", "connections", closed_after_all, NULL },
	{ "Largest table: live (solid) and remembered (dashed)", "entries", flows, tombs },
};

/* Lines that coincide stay visible because each is thinner than the one before. */
static double line_width(const struct sweep *s, size_t i)
{
	double step = s->policies_len > 4 ? 8.0 / (double)(s->policies_len - 1) : 2.7;

	return 1.2 + step * (double)(s->policies_len - 1 - i);
}

static bool is_all_zero(const struct sweep *s, step_number *number, size_t i)
{
	for (size_t k = 0; k < s->steps_len; k++) {
		if (number(&s->step[k], i) != 0) {
			return false;
		}
	}
	return true;
}

static void add_series(struct chart *c, const struct sweep *s, step_number *number, size_t i)
{
	struct chart_series *series = &c->series[c->len++];

	series->colour = colours[i];
	series->width = line_width(s, i);
	for (size_t k = 0; k < s->steps_len; k++) {
		double n = (double)number(&s->step[k], i);

		series->point[series->len++] =
			(struct chart_point){ (double)s->step[k].sec, n, n, n };
	}
}

static void fill_chart(struct chart *c, const struct sweep *s, const struct panel *p,
                       const char *setting)
{
	c->title = p->title;
	c->x = (struct chart_axis){ setting, CHART_SECONDS };
	c->y = (struct chart_axis){ p->unit, CHART_COUNT };
	c->plot_height = PLOT_HEIGHT;
	for (size_t i = 0; i < s->policies_len; i++) {
		add_series(c, s, p->solid, i);
		c->series[c->len - 1].name = s->policies[i].name;
		if (p->dashed != NULL && !is_all_zero(s, p->dashed, i)) {
			add_series(c, s, p->dashed, i);
			c->series[c->len - 1].is_dashed = true;
		}
	}
}

int sweep_put_chart(const struct sweep *s, FILE *out)
{
	struct chart *charts = calloc(CHARTS_LEN, sizeof(*charts));
	char setting[64];
	char title[96];

	if (charts == NULL) {
		return -ENOMEM;
	}
	setting_name(s->row, setting, sizeof(setting));
	snprintf(title, sizeof(title), "Sweep of %s", setting);
	for (size_t i = 0; i < CHARTS_LEN; i++) {
		fill_chart(&charts[i], s, &panels[i], setting);
	}
	chart_put_file(out, title, charts, CHARTS_LEN);
	free(charts);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From measures to series and bars.
 */
#include "charts.h"

#include "filter.h"

#include "chart/chart.h"

#include <stdlib.h>
#include <string.h>

#define LINE_WIDTH 2.0
#define BARS_MAX   24
#define NAME_SIZE  48

static const enum chart_colour filter_colours[FILTERS_LEN] = {
	[FILTER_NOTHING] = CHART_GREY,   [FILTER_CONNTRACK] = CHART_VERMILLION,
	[FILTER_BARE] = CHART_BLACK,     [FILTER_FINWALL1] = CHART_BLUE,
	[FILTER_FINWALL2] = CHART_SKY,   [FILTER_FINWALL_FAST] = CHART_TEAL,
	[FILTER_BARE_SYN] = CHART_BROWN,
};

/* Time per packet over the size of the table: one line per kind of packet. */
static const struct {
	const char *name;
	enum chart_colour colour;
	const char *id_head; /* the number of connections follows */
	const char *id_tail;
} scaling[] = {
	{ "established data, IPv4", CHART_GREEN, "engine/established/ipv4/", "" },
	{ "established data, IPv6", CHART_PINK, "engine/established/ipv6/", "" },
	{ "established data, two threads together", CHART_BROWN, "engine/established/ipv4/",
	  "/2t" },
	{ "new connection", CHART_ORANGE, "engine/open/", "" },
};

/* Numbers of connections as ids have them. */
static const struct {
	const char *id;
	double flows;
} sizes[] = { { "1", 1 }, { "1k", 1e3 }, { "100k", 1e5 }, { "1M", 1e6 }, { "10M", 1e7 } };

static const struct {
	const char *id;
	const char *title;
} rates[] = {
	{ "10k", "10 000 packets/s" },
	{ "50k", "50 000 packets/s" },
	{ "100k", "100 000 packets/s" },
};

/* Parts of the delay inside finwalld, beside the whole in the colour of finwalld. */
static const struct {
	const char *id;
	enum chart_colour colour;
} latency_parts[] = {
	{ "/end-to-end/", CHART_BLUE },
	{ "/decide/", CHART_PURPLE },
	{ "/verdict/", CHART_OLIVE },
	{ "/stay/", CHART_LAVENDER },
};

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static const struct measure *find(const struct report *r, const char *id)
{
	for (size_t i = 0; i < r->len; i++) {
		if (strcmp(r->measure[i].id, id) == 0 && r->measure[i].samples_len > 0) {
			return &r->measure[i];
		}
	}
	return NULL;
}

static bool ends_with(const char *text, const char *tail)
{
	size_t text_size = strlen(text);
	size_t tail_size = strlen(tail);

	return text_size >= tail_size && strcmp(text + text_size - tail_size, tail) == 0;
}

/* Names a bar: title and colour of a filter, or a part of the id in the plain colour. */
static void label_bar(struct chart_bar *bar, char name[NAME_SIZE], const char *id, size_t id_size)
{
	snprintf(name, NAME_SIZE, "%.*s", (int)id_size, id);
	bar->name = name;
	bar->colour = CHART_PLAIN;
	for (unsigned k = 0; k < FILTERS_LEN; k++) {
		if (strcmp(name, filter_id(k)) == 0) {
			bar->name = filter_title(k);
			bar->colour = filter_colours[k];
		}
	}
}

/* Bars of the measures whose id has this prefix and tail, except ratios (with a colon) and raw
 * ones. */
static void put_bars(FILE *to, const struct report *r, const char *prefix, const char *tail,
                     const char *title)
{
	struct chart_bar bars[BARS_MAX];
	char names[BARS_MAX][NAME_SIZE];
	const char *unit = "";
	size_t len = 0;

	for (size_t i = 0; i < r->len && len < BARS_MAX; i++) {
		const struct measure *m = &r->measure[i];
		const char *rest = m->id + strlen(prefix);

		if (strncmp(m->id, prefix, strlen(prefix)) != 0 || !ends_with(m->id, tail) ||
		    strchr(rest, ':') != NULL || strstr(rest, "/raw") != NULL ||
		    m->samples_len == 0) {
			continue;
		}
		unit = m->unit;
		bars[len] = (struct chart_bar){
			.value = m->median, .low = m->low, .high = m->high, .target = m->target
		};
		label_bar(&bars[len], names[len], rest, strlen(rest) - strlen(tail));
		len++;
	}
	if (len > 0) {
		chart_put_bars(to, title, unit, bars, len);
	}
}

/* The next series of a chart, or NULL when it is full. */
static struct chart_series *next_series(struct chart *c, const char *name, enum chart_colour colour)
{
	struct chart_series *s = &c->series[c->len];

	if (c->len == CHART_SERIES_MAX) {
		return NULL;
	}
	s->name = name;
	s->colour = colour;
	s->width = LINE_WIDTH;
	s->has_dots = true;
	s->len = 0;
	return s;
}

static void put_scaling(FILE *to, const struct report *r)
{
	struct chart *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		return;
	}
	c->title = "Time per packet by size of the table";
	c->x = (struct chart_axis){ "connections in the table", CHART_LOG };
	c->y = (struct chart_axis){ "ns per packet", CHART_LINEAR };
	for (size_t i = 0; i < LEN(scaling); i++) {
		struct chart_series *s = next_series(c, scaling[i].name, scaling[i].colour);

		for (size_t k = 0; k < LEN(sizes) && s != NULL; k++) {
			const struct measure *m;
			char id[96];

			snprintf(id, sizeof(id), "%s%s%s", scaling[i].id_head, sizes[k].id,
			         scaling[i].id_tail);
			m = find(r, id);
			if (m != NULL) {
				s->point[s->len++] =
					(struct chart_point){ sizes[k].flows, m->median, m->low,
					                      m->high };
			}
		}
		c->len += s != NULL && s->len > 0;
	}
	if (c->len > 0) {
		chart_put_lines(to, c);
	}
	free(c);
}

void charts_engine(FILE *to, const struct report *r)
{
	put_scaling(to, r);
	put_bars(to, r, "engine/late/", "", "Late closes");
	put_bars(to, r, "engine/flood/", "", "SYN flood at a full table");
	put_bars(to, r, "engine/churn/", "", "A whole connection of 8 packets");
	put_bars(to, r, "engine/stall/", "", "Longest batch while all connections expire");
	put_bars(to, r, "engine/memory/flow/", "", "Resident memory per connection");
}

void charts_path(FILE *to, const struct report *r)
{
	put_bars(to, r, "path/bulk/", "", "Bulk TCP, 4 connections");
	put_bars(to, r, "path/small/", "", "64-byte datagrams at the highest rate");
	put_bars(to, r, "path/connect/", "", "Connect, request, response, close");
	put_bars(to, r, "path/rtt-p50/", "", "TCP round trip, median");
	put_bars(to, r, "path/rtt-p99/", "", "TCP round trip, 99 %");
	put_bars(to, r, "path/cpu/", "", "CPU time of the filter's process at 50 000 packets/s");
	put_bars(to, r, "path/cpu-user/", "", "CPU time in user space at 50 000 packets/s");
}

/* The colour of a distribution by its id, or CHART_COLOURS_LEN when it is not part of the chart. */
static enum chart_colour curve_colour(const char *id, bool is_inside)
{
	for (size_t i = 0; i < LEN(latency_parts) && is_inside; i++) {
		if (strstr(id, "/finwalld-1/") != NULL && strstr(id, latency_parts[i].id) != NULL) {
			return latency_parts[i].colour;
		}
	}
	for (unsigned k = 0; k < FILTERS_LEN && !is_inside; k++) {
		char part[64];

		snprintf(part, sizeof(part), "/%s/end-to-end/", filter_id(k));
		if (strstr(id, part) != NULL) {
			return filter_colours[k];
		}
	}
	return CHART_COLOURS_LEN;
}

static void put_distributions(FILE *to, const struct report *r, size_t rate, bool is_inside)
{
	struct chart *c = calloc(1, sizeof(*c));
	char prefix[48];
	char title[96];

	if (c == NULL) {
		return;
	}
	snprintf(prefix, sizeof(prefix), "latency/%s/", rates[rate].id);
	snprintf(title, sizeof(title), "%s, %s", rates[rate].title,
	         is_inside ? "inside finwalld" : "end to end");
	c->title = title;
	c->x = (struct chart_axis){ "share of packets with at most this delay", CHART_QUANTILES };
	c->y = (struct chart_axis){ "microseconds", CHART_LOG };
	for (size_t i = 0; i < r->curves_len; i++) {
		const struct curve *curve = &r->curve[i];
		enum chart_colour colour = curve_colour(curve->id, is_inside);
		struct chart_series *s;

		if (strncmp(curve->id, prefix, strlen(prefix)) != 0 ||
		    colour == CHART_COLOURS_LEN) {
			continue;
		}
		s = next_series(c,
		                is_inside && strstr(curve->id, "/end-to-end/") != NULL
		                        ? "end to end"
		                        : curve->title,
		                colour);
		for (; s != NULL && s->len < curve->len && s->len < CHART_POINTS_MAX; s->len++) {
			const struct curve_point *at = &curve->point[s->len];

			s->point[s->len] = (struct chart_point){ 1 / (1 - at->quantile), at->us,
				                                 at->us, at->us };
		}
		c->len += s != NULL;
	}
	if (c->len > 0) {
		chart_put_lines(to, c);
	}
	free(c);
}

void charts_latency(FILE *to, const struct report *r)
{
	for (size_t i = 0; i < LEN(rates); i++) {
		put_distributions(to, r, i, false);
	}
	for (size_t i = 0; i < LEN(rates); i++) {
		put_distributions(to, r, i, true);
	}
}

void charts_stall(FILE *to, const struct report *r)
{
	put_bars(to, r, "stall/", "/longest", "Longest time to a verdict");
	put_bars(to, r, "stall/", "/p99.9", "99.9 % of times to a verdict");
}

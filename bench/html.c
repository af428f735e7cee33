/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page: which measures go into which plot is told here, by their ids. What was not measured is
 * left out.
 */
#include "html.h"

#include "plot.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char style[] =
	":root{color-scheme:light "
	"dark;--fg:#1b1f24;--dim:#667;--bg:#fff;--rule:#d8dce2;--s0:#2563b0;"
	"--s1:#c2571a;--s2:#2e8540;--s3:#8a3fa0;--s4:#a8871a;--s5:#0e8a8a;--bad:#b3261e}"
	"@media(prefers-color-scheme:dark){:root{--fg:#e6e8eb;--dim:#9aa3ad;--bg:#14171b;--rule:#"
	"333a42;"
	"--s0:#6aa5ee;--s1:#f0935a;--s2:#6cc37e;--s3:#c98ade;--s4:#d8ba55;--s5:#4fc4c4;--bad:#"
	"ff8a80}}"
	"body{font:15px/1.5 "
	"system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:76rem;"
	"margin:2rem auto;padding:0 1rem}"
	"h1{font-size:1.6rem;margin:0}h2{font-size:1.2rem;margin:2.2rem 0 .4rem;"
	"border-bottom:1px solid var(--rule)}p{max-width:52rem}"
	".plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(30rem,100%),1fr));"
	"gap:1rem 2rem}"
	"svg{width:100%;height:auto;font:12px system-ui,sans-serif}svg text{fill:var(--fg)}"
	"svg .tick{fill:var(--dim)}svg .head{font-weight:600;font-size:13px}"
	".grid{stroke:var(--rule);fill:none}.line{fill:none;stroke-width:2}.spread,.goal{fill:none;"
	"stroke:var(--fg);stroke-width:1.5}.goal{stroke:var(--bad);stroke-dasharray:3 2}"
	".s0{stroke:var(--s0);fill:var(--s0)}.s1{stroke:var(--s1);fill:var(--s1)}"
	".s2{stroke:var(--s2);fill:var(--s2)}.s3{stroke:var(--s3);fill:var(--s3)}"
	".s4{stroke:var(--s4);fill:var(--s4)}.s5{stroke:var(--s5);fill:var(--s5)}"
	"path.line{fill:none}rect.bar{stroke:none;opacity:.8}"
	"table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
	".wide{overflow-x:auto}td,th{padding:.15rem .7rem .15rem 0;text-align:left;"
	"border-bottom:1px solid var(--rule);vertical-align:top}td.n,th.n{text-align:right;"
	"white-space:nowrap}.missed{color:var(--bad);font-weight:600}.dim{color:var(--dim)}";

static const struct measure *find(const struct report *r, const char *id)
{
	for (size_t i = 0; i < r->len; i++) {
		if (strcmp(r->measure[i].id, id) == 0 && r->measure[i].samples_len > 0) {
			return &r->measure[i];
		}
	}
	return NULL;
}

static bool has_any(const struct report *r, const char *prefix)
{
	for (size_t i = 0; i < r->len; i++) {
		if (strncmp(r->measure[i].id, prefix, strlen(prefix)) == 0 &&
		    r->measure[i].samples_len > 0) {
			return true;
		}
	}
	return false;
}

static void cell(FILE *f, const char *text)
{
	fputs("<td>", f);
	plot_escape(f, text);
	fputs("</td>", f);
}

static void write_machine(FILE *f, const struct machine *m)
{
	const char *text;
	const char *name;

	fputs("<h2>The machine</h2><table>", f);
	for (unsigned i = 0; (name = machine_field(m, i, &text)) != NULL; i++) {
		fputs("<tr>", f);
		cell(f, name);
		cell(f, text);
		fputs("</tr>", f);
	}
	fprintf(f,
	        "<tr><td>processors</td><td>%u</td></tr><tr><td>memory</td><td>%llu MiB</td></tr>",
	        m->cpus, (unsigned long long)(m->memory_bytes >> 20));
	fputs("</table>\n", f);
}

static void write_row(FILE *f, const struct measure *m)
{
	bool met = m->better == BETTER_LOWER ? m->median <= m->target : m->median >= m->target;

	fputs("<tr>", f);
	cell(f, m->title);
	fprintf(f, "<td class=n>%.5g</td>", m->median);
	cell(f, m->unit);
	fprintf(f, "<td class=n>%.4g to %.4g</td><td class=n>%.5g</td><td class=n>%zu</td>", m->low,
	        m->high, m->best, m->samples_len);
	if (m->target != 0) {
		fprintf(f, "<td%s>%s %.4g: %s</td>", met ? "" : " class=missed",
		        m->better == BETTER_LOWER ? "&le;" : "&ge;", m->target,
		        met ? "met" : "missed");
	} else {
		fputs("<td></td>", f);
	}
	fputs("</tr>\n", f);
}

/* The measures whose id starts with prefix, or only those with a target. */
static void write_table(FILE *f, const struct report *r, const char *prefix, bool targets_only)
{
	fputs("<div class=wide><table><tr><th></th><th class=n>median</th><th></th>"
	      "<th class=n>quartiles</th><th class=n>best</th><th "
	      "class=n>runs</th><th>target</th></tr>",
	      f);
	for (size_t i = 0; i < r->len; i++) {
		const struct measure *m = &r->measure[i];

		if (strncmp(m->id, prefix, strlen(prefix)) == 0 && m->samples_len > 0 &&
		    (!targets_only || m->target != 0)) {
			write_row(f, m);
		}
	}
	fputs("</table></div>\n", f);
}

static void write_details(FILE *f, const struct report *r, const char *prefix)
{
	fputs("<details><summary>All figures</summary>", f);
	write_table(f, r, prefix, false);
	fputs("</details>", f);
}

/* Numbers of connections as ids spell them. */
static const struct {
	const char *id;
	double flows;
} sizes[] = { { "1", 1 }, { "1k", 1e3 }, { "100k", 1e5 }, { "1M", 1e6 }, { "10M", 1e7 } };

static void add_scaling(struct plot *p, const struct report *r, const char *name,
                        const char *id_format_head, const char *id_tail)
{
	struct plot_series *s = &p->series[p->len];

	s->name = name;
	s->len = 0;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct measure *m;
		char id[96];

		snprintf(id, sizeof(id), "%s%s%s", id_format_head, sizes[i].id, id_tail);
		m = find(r, id);
		if (m != NULL) {
			s->point[s->len++] =
				(struct plot_point){ sizes[i].flows, m->median, m->low, m->high };
		}
	}
	p->len += s->len > 0;
}

static void write_scaling(FILE *f, const struct report *r)
{
	struct plot *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		return;
	}
	p->title = "Time per packet as the table grows";
	p->x = (struct plot_axis){ "connections in the table", PLOT_LOG };
	p->y = (struct plot_axis){ "ns per packet", PLOT_LINEAR };
	add_scaling(p, r, "established data, IPv4", "engine/established/ipv4/", "");
	add_scaling(p, r, "established data, IPv6", "engine/established/ipv6/", "");
	add_scaling(p, r, "two threads, of their common rate", "engine/established/ipv4/", "/2t");
	add_scaling(p, r, "new connection", "engine/open/", "");
	if (p->len > 0) {
		plot_lines(f, p);
	}
	free(p);
}

#define BARS_MAX 24

/* Bars of all measures whose id starts with prefix; neither ratios (with a colon) nor raw ones. */
static void write_bars(FILE *f, const struct report *r, const char *prefix, const char *title)
{
	struct plot_bar bars[BARS_MAX];
	const char *unit = "";
	size_t len = 0;

	for (size_t i = 0; i < r->len && len < BARS_MAX; i++) {
		const struct measure *m = &r->measure[i];
		const char *name = m->id + strlen(prefix);

		if (strncmp(m->id, prefix, strlen(prefix)) == 0 && strchr(name, ':') == NULL &&
		    strstr(name, "/raw") == NULL && m->samples_len > 0) {
			unit = m->unit;
			bars[len++] =
				(struct plot_bar){ name, m->median, m->low, m->high, m->target };
		}
	}
	if (len > 0) {
		plot_bars(f, title, unit, bars, len);
	}
}

static void write_latency(FILE *f, const struct report *r, const char *load, const char *where,
                          const char *title)
{
	struct plot *p = calloc(1, sizeof(*p));
	char prefix[64];

	if (p == NULL) {
		return;
	}
	p->title = title;
	p->x = (struct plot_axis){ "share of packets that took no longer", PLOT_QUANTILES };
	p->y = (struct plot_axis){ "microseconds", PLOT_LOG };
	snprintf(prefix, sizeof(prefix), "latency/%s/", load);
	for (size_t i = 0; i < r->curves_len && p->len < PLOT_SERIES_MAX; i++) {
		const struct curve *c = &r->curve[i];
		struct plot_series *s = &p->series[p->len];

		if (strncmp(c->id, prefix, strlen(prefix)) != 0 || strstr(c->id, where) == NULL) {
			continue;
		}
		s->name = c->title;
		for (s->len = 0; s->len < c->len && s->len < PLOT_POINTS_MAX; s->len++) {
			const struct curve_point *at = &c->point[s->len];

			s->point[s->len] = (struct plot_point){ 1 / (1 - at->quantile), at->us,
				                                at->us, at->us };
		}
		p->len++;
	}
	if (p->len > 0) {
		plot_lines(f, p);
	}
	free(p);
}

static void write_engine(FILE *f, const struct report *r)
{
	if (!has_any(r, "engine/")) {
		return;
	}
	fputs("<h2>Engine</h2><p>Packets from memory, in batches of 32, through decoding, table, "
	      "tracking and three rules; no kernel. Random connection, random direction, valid "
	      "sequence numbers; every packet of established data must be accepted as ESTABLISHED "
	      "or the run does not count. Making the packets is not in the time. Vertical strokes "
	      "are quartiles.</p><div class=plots>",
	      f);
	write_scaling(f, r);
	write_bars(f, r, "engine/late/", "Late closes");
	write_bars(f, r, "engine/flood/", "SYN flood at a full table");
	write_bars(f, r, "engine/churn/", "A whole connection of 8 packets");
	write_bars(f, r, "engine/stall/", "Longest batch while all connections expire");
	write_bars(f, r, "engine/memory/flow/", "Real memory per connection");
	fputs("</div>", f);
	write_details(f, r, "engine/");
}

static void write_path(FILE *f, const struct report *r)
{
	if (!has_any(r, "path/")) {
		return;
	}
	fputs("<h2>Path</h2><p>Real packets between network namespaces, forwarded through the one "
	      "in "
	      "the middle. Everything is measured in turn within each round; ratios are taken "
	      "within "
	      "a round. The bare loop accepts every packet unseen: no user-space filter can do "
	      "better.</p><div class=plots>",
	      f);
	write_bars(f, r, "path/bulk/", "Bulk TCP, 4 connections");
	write_bars(f, r, "path/small/", "64-byte datagrams, as fast as they go");
	write_bars(f, r, "path/connect/", "Connect, request, answer, close");
	write_bars(f, r, "path/rtt-p50/", "TCP round trip, median");
	write_bars(f, r, "path/rtt-p99/", "TCP round trip, 99 %");
	write_bars(f, r, "path/cpu/", "Processor time of the filter's process, paced load");
	write_bars(f, r, "path/cpu-user/", "Of it, the program's own");
	fputs("</div>", f);
	write_details(f, r, "path/");
}

static void write_latencies(FILE *f, const struct report *r)
{
	if (!has_any(r, "latency/")) {
		return;
	}
	fputs("<h2>Latency</h2><p>64-byte datagrams by a fixed schedule; each one's time counts "
	      "from "
	      "the instant at which it was to be sent, so a stall is felt by all that fell into "
	      "it.</p><div class=plots>",
	      f);
	write_latency(f, r, "10k", "end-to-end", "10 000 packets/s, end to end");
	write_latency(f, r, "50k", "end-to-end", "50 000 packets/s, end to end");
	write_latency(f, r, "100k", "end-to-end", "100 000 packets/s, end to end");
	write_latency(f, r, "10k", "finwalld-1", "10 000 packets/s, inside finwalld");
	write_latency(f, r, "50k", "finwalld-1", "50 000 packets/s, inside finwalld");
	write_latency(f, r, "100k", "finwalld-1", "100 000 packets/s, inside finwalld");
	fputs("</div>", f);
	write_details(f, r, "latency/");
}

int html_write(const char *path, const struct report *r, const struct machine *m)
{
	FILE *f = fopen(path, "we");
	int err = 0;

	if (f == NULL) {
		err = -errno;
		fprintf(stderr, "finwall-bench: %s: %s\n", path, strerror(-err));
		return err;
	}
	fprintf(f,
	        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
	        "content=\"width=device-width\"><title>finwall-bench</title><style>%s</style>\n"
	        "<h1>finwall-bench</h1><p class=dim>%s, measured %s</p>\n",
	        style, m->version, m->date);
	if (has_any(r, "engine/")) {
		fputs("<h2>Targets</h2>", f);
		write_table(f, r, "", true);
	}
	write_engine(f, r);
	write_path(f, r);
	write_latencies(f, r);
	write_machine(f, m);
	fputs("</html>\n", f);
	if (ferror(f) != 0 || fclose(f) != 0) {
		fprintf(stderr, "finwall-bench: %s: cannot write\n", path);
		return -EIO;
	}
	return 0;
}

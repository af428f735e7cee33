/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page: targets, a section per subcommand, the machine.
 */
#include "html.h"

#include "charts.h"

#include "chart/chart.h"
#include "chart/svg.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char style[] =
	":root{color-scheme:light dark;--fg:#1b1f24;--dim:#5a6470;--bg:#fff;--rule:#d8dce2;"
	"--bad:#b3261e}"
	"@media(prefers-color-scheme:dark){:root{--fg:#e6e8eb;--dim:#9aa3ad;--bg:#14171b;"
	"--rule:#333a42;--bad:#ff8a80}}"
	"body{font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);"
	"max-width:76rem;margin:2rem auto;padding:0 1rem}"
	"h1{font-size:1.6rem;margin:0}h2{font-size:1.2rem;margin:2.2rem 0 .4rem;"
	"border-bottom:1px solid var(--rule)}p{max-width:52rem}"
	".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(30rem,100%),1fr));"
	"gap:1rem 2rem}"
	"svg{width:100%;height:auto}"
	"table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
	".wide{overflow-x:auto}td,th{padding:.15rem .7rem .15rem 0;text-align:left;"
	"border-bottom:1px solid var(--rule);vertical-align:top}td.n,th.n{text-align:right;"
	"white-space:nowrap}.missed{color:var(--bad);font-weight:600}p.dim{color:var(--dim)}";

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
	svg_escape(f, text);
	fputs("</td>", f);
}

static void write_machine(FILE *f, const struct machine *m)
{
	const char *text;
	const char *name;

	fputs("<h2>Machine</h2><table>", f);
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

/* A target is met by the median. */
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

/* The table of one section, closed at first. */
static void write_details(FILE *f, const struct report *r, const char *prefix)
{
	fputs("<details><summary>All results</summary>", f);
	write_table(f, r, prefix, false);
	fputs("</details>", f);
}

/* The part of the page for one subcommand. */
struct section {
	const char *title;
	const char *prefix; /* of its measures' ids */
	const char *text;
	void (*put_charts)(FILE *to, const struct report *r);
};

static const struct section sections[] = {
	{ "Engine", "engine/",
	  "Generated packets in batches of 32 through decoding, table, tracking and three rules, "
	  "without a kernel. Connection and direction are random, sequence numbers are valid. A "
	  "run "
	  "in which a packet of established data is not accepted as ESTABLISHED has no result. The "
	  "time to generate packets is not included. Vertical lines connect the quartiles.",
	  charts_engine },
	{ "Path", "path/",
	  "Real packets between network namespaces, forwarded by the one in the middle. In each "
	  "round all filters are measured in turn; ratios are computed within a round. The bare "
	  "loop accepts every packet without reading it, so it is the upper limit for a filter in "
	  "user space.",
	  charts_path },
	{ "Latency", "latency/",
	  "64-byte datagrams by a fixed schedule. The delay of a datagram counts from its "
	  "scheduled "
	  "time, so a stall shows in all datagrams that were due during it.",
	  charts_latency },
	{ "Stall", "stall/",
	  "Time from the receive of a packet until its verdict is ready, at 10 000 packets/s, "
	  "while "
	  "the daemon does other work on a large table.",
	  charts_stall },
};

static void write_section(FILE *f, const struct report *r, const struct section *s)
{
	if (!has_any(r, s->prefix)) {
		return;
	}
	fprintf(f, "<h2>%s</h2><p>%s</p><div class=charts>", s->title, s->text);
	s->put_charts(f, r);
	fputs("</div>", f);
	write_details(f, r, s->prefix);
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
	fputs("<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
	      "content=\"width=device-width\"><title>finwall-bench</title><style>",
	      f);
	fputs(style, f);
	chart_put_style(f);
	fprintf(f, "</style>\n<h1>finwall-bench</h1><p class=dim>%s, measured %s</p>\n", m->version,
	        m->date);
	if (has_any(r, "engine/")) {
		fputs("<h2>Targets</h2>", f);
		write_table(f, r, "", true);
	}
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		write_section(f, r, &sections[i]);
	}
	write_machine(f, m);
	fputs("</html>\n", f);
	if (ferror(f) != 0 || fclose(f) != 0) {
		fprintf(stderr, "finwall-bench: %s: cannot write\n", path);
		return -EIO;
	}
	return 0;
}

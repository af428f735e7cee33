/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements of sets from text in bulk: see load.h.
 */
#include "load.h"

#include "element.h"

#include <stdio.h>
#include <string.h>

/* lists */

/* A position with the address of its line's first column, so that columns need no counting. */
struct place {
	const char *at;
	const char *line_begin;
	uint32_t line;
};

/* Skips blanks, line ends and comments. */
static void skip_space(struct place *p, const char *end)
{
	for (; p->at < end; p->at++) {
		if (*p->at == '\n') {
			p->line++;
			p->line_begin = p->at + 1;
		} else if (*p->at == '#') {
			const char *nl = memchr(p->at, '\n', (size_t)(end - p->at));

			p->at = (nl != NULL ? nl : end) - 1;
		} else if (*p->at != ' ' && *p->at != '\t' && *p->at != '\r') {
			return;
		}
	}
}

/* Reads an element and its comma. Returns false when it is the last, or not a plain one. */
static bool read_element(struct place *p, const char *end, const struct dtype *type,
                         struct interval *out)
{
	struct place next;

	skip_space(p, end);
	p->at = element_scan(type, p->at, (size_t)(end - p->at), out);
	if (p->at == NULL) {
		return false;
	}
	skip_space(p, end);
	if (p->at == end || *p->at != ',') {
		return false;
	}
	p->at++;
	next = *p;
	skip_space(&next, end);
	return next.at < end && *next.at != '}';
}

bool load_list(struct arena *a, const struct dtype *type, struct load_text *t,
               struct interval_list *out)
{
	const char *from = t->at;
	size_t first_col = t->loc.col;
	struct place p = { from, from, t->loc.line };
	struct interval i;

	while (out->len < SET_LEN_MAX && read_element(&p, t->end, type, &i)) {
		size_t col = (size_t)(p.at - p.line_begin) + (p.line_begin == from ? first_col : 1);

		interval_list_add(a, out, &i);
		t->at = p.at;
		t->loc.line = p.line;
		t->loc.col = loc_col(col);
	}
	return t->at != from;
}

/* files */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Finds the element in a line: without comment, and blanks around it. Returns its size. */
static size_t trim(const char **line, size_t size)
{
	const char *at = *line;
	const char *end = at;

	while (end < *line + size && *end != '#' && *end != ';') {
		end++;
	}
	while (at < end && is_blank(*at)) {
		at++;
	}
	while (end > at && is_blank(end[-1])) {
		end--;
	}
	*line = at;
	return (size_t)(end - at);
}

/* Returns false when the report ends the reading. */
static bool read_line(struct arena *a, const struct dtype *type, struct loc loc, const char *line,
                      size_t size, struct interval_list *out, const struct load_report *report)
{
	const char *at = line;
	size_t element_size = trim(&at, size);
	struct interval i;
	char problem[512];

	if (element_size == 0) {
		return true;
	}
	if (element_read(type, at, element_size, &i, problem, sizeof(problem)) != NULL) {
		loc.col = loc_col((size_t)(at - line) + 1);
		return report->fn(report->ctx, loc, problem);
	}
	interval_list_add(a, out, &i);
	return true;
}

void load_lines(struct arena *a, const struct dtype *type, struct load_text t,
                struct interval_list *out, const struct load_report *report)
{
	bool goes_on = true;

	while (t.at < t.end && goes_on) {
		const char *nl = memchr(t.at, '\n', (size_t)(t.end - t.at));
		const char *line_end = nl != NULL ? nl : t.end;

		if (out->len == SET_LEN_MAX) {
			char problem[96];

			snprintf(problem, sizeof(problem),
			         "the set is too large, expected at most %u elements", SET_LEN_MAX);
			(void)report->fn(report->ctx, t.loc, problem);
			return;
		}
		goes_on = read_line(a, type, t.loc, t.at, (size_t)(line_end - t.at), out, report);
		t.at = nl != NULL ? nl + 1 : t.end;
		t.loc.line++;
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements of a set from a file of their own: one a line, as block lists are published. Blank lines
 * and comments, which begin with # or ;, are skipped.
 */
#include "elements.h"
#include "parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* "dir/file" relative to the file that names it. */
static const char *full_path(struct parser *p, struct loc loc, const char *name)
{
	const char *from = ((const char **)p->config->files.items)[loc.file];
	const char *slash = strrchr(from, '/');
	struct text full = { .arena = &p->config->arena };
	int dir_size = slash != NULL && name[0] != '/' ? (int)(slash - from) + 1 : 0;

	text_add(&full, "%.*s%s", dir_size, from, name);
	return full.at;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* What of a line is the element: without comment, and blanks around it. */
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

static void read_line(struct parser *p, struct loc loc, const char *line, size_t size)
{
	struct config *c = p->config;
	struct set *s = p->set;
	const char *at = line;
	size_t left = trim(&at, size);
	struct interval i;
	char problem[512];

	if (left == 0) {
		return;
	}
	if (element_read(s->type, at, left, &i, problem, sizeof(problem)) != NULL) {
		size_t col = (size_t)(at - line) + 1;

		loc.col = (uint16_t)(col < UINT16_MAX ? col : UINT16_MAX);
		config_error(c, loc, "%s", problem);
	} else {
		elements_add(&c->reading, s->filed, &i);
	}
}

static void read_lines(struct parser *p, struct loc loc, const char *bytes, size_t size)
{
	const char *at = bytes;
	const char *end = bytes + size;

	while (at < end && p->config->errors_len < ERRORS_MAX) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		const char *line_end = nl != NULL ? nl : end;

		if (p->set->filed->len == VALUE_LEN_MAX) {
			config_error(p->config, loc,
			             "the set is too large, expected at most %u elements",
			             VALUE_LEN_MAX);
			return;
		}
		read_line(p, loc, at, (size_t)(line_end - at));
		at = line_end + 1;
		loc.line++;
	}
}

void set_file_read(struct parser *p, struct loc loc, const char *name)
{
	struct config *c = p->config;
	struct set *s = p->set;
	const char *path;
	size_t size = 0;

	if (s->type == NULL || s->type->bits == 0) {
		config_error(c, loc, "elements from a file %s, expected %s",
		             s->type == NULL ? "before their type" : "cannot be interface names",
		             s->type == NULL ? "`type` or `typeof` first" : "elements = { ... }");
		return;
	}
	if (c->files.len == FILES_MAX) {
		config_error(c, loc, "too many files, expected at most %d", FILES_MAX);
		return;
	}
	path = full_path(p, loc, name);
	p->loading = p->reader->read(p->reader->ctx, path, &size);
	if (p->loading == NULL) {
		config_error(c, loc, "cannot read \"%s\" (%s), expected a readable file", path,
		             strerror(errno));
		return;
	}
	*(const char **)vec_add(&c->arena, &c->files, sizeof(char *)) = path;
	*(const char **)vec_add(&c->arena, &s->files, sizeof(char *)) = path;
	read_lines(p, (struct loc){ 1, 1, (uint16_t)(c->files.len - 1) }, p->loading, size);
	free(p->loading);
	p->loading = NULL;
}

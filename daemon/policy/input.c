/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a configuration: see input.h.
 */
#include "input.h"

#include "sets/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILE_SIZE_MAX (1u << 30)

/* The text of the next file that was read ahead, if it is this one; otherwise NULL. */
static char *take_kept(struct inputs *in, const char *path, size_t *size)
{
	struct kept_file *f = in->next_kept;
	char *text;

	while (f != NULL && f->owner != NULL && f->owner->is_blank) {
		f = f->next;
	}
	in->next_kept = f;
	if (f == NULL || strcmp(f->path, path) != 0) {
		return NULL;
	}
	in->next_kept = f->next;
	text = f->text;
	f->text = NULL;
	*size = f->size;
	return text;
}

/* Reads a file and adds it to the configuration's. Returns malloc'd text, or NULL after an error.
 */
static char *read_file(struct inputs *in, const char *path, struct loc loc, size_t *size)
{
	struct config *c = in->config;
	char *text;

	*(const char **)vec_add(&c->arena, &c->files, sizeof(char *)) = path;
	text = take_kept(in, path, size);
	if (text == NULL) {
		text = in->reader->read(in->reader->ctx, path, size);
	}
	if (text == NULL || *size > FILE_SIZE_MAX) {
		config_error(c, loc, "cannot read \"%s\" (%s), expected a readable file", path,
		             text == NULL ? strerror(errno) : "larger than 1 GiB");
		free(text);
		text = NULL;
	}
	return text;
}

/* Whether one more file may be open. Reports if not. */
static bool check_len(const struct inputs *in, struct loc loc)
{
	if (in->len < INCLUDE_DEPTH_MAX && in->config->files.len < FILES_MAX) {
		return true;
	}
	config_error(in->config, loc,
	             "too many includes, expected at most %d within each other and "
	             "%d in all",
	             INCLUDE_DEPTH_MAX, FILES_MAX);
	return false;
}

/* Puts a text on the stack: that of the last file of the configuration. */
static void push(struct inputs *in, const char *path, size_t dir_size, char *text, size_t size)
{
	struct config *c = in->config;

	in->stack[in->len++] = (struct input){
		.path = path,
		.dir = arena_text(&c->arena, path, dir_size),
		.text = text,
		.given = text,
		.used = text,
		.end = text + size,
		.loc = { 1, 1, (uint16_t)(c->files.len - 1) },
	};
}

bool input_open(struct inputs *in, const char *path, struct loc loc)
{
	const char *slash = strrchr(path, '/');
	const size_t dir_size = slash != NULL ? (size_t)(slash - path) + 1 : 0;
	size_t size = 0;
	char *text;

	if (!check_len(in, loc)) {
		return false;
	}
	path = arena_text(&in->config->arena, path, strlen(path));
	text = read_file(in, path, loc, &size);
	if (text == NULL) {
		return false;
	}
	push(in, path, dir_size, text, size);
	return true;
}

/* "dir/file" relative to the file that names it, in the arena. */
static const char *relative_path(struct inputs *in, const char *path)
{
	struct text full = { .arena = &in->config->arena };

	text_add(&full, "%s%s", path[0] == '/' ? "" : in->stack[in->len - 1].dir, path);
	return full.at;
}

static void write_include(void *ctx, const char *path)
{
	text_add(ctx, "include \"%s\"\n", path);
}

/* The files that a pattern names become a text with an include of each. */
static bool include_pattern(struct inputs *in, const char *pattern, struct loc loc)
{
	struct config *c = in->config;
	struct text list = { .arena = &c->reading };
	char *text;

	if (!check_len(in, loc)) {
		return false;
	}
	text_add(&list, "\n");
	if (in->reader->find == NULL || !in->reader->find(pattern, write_include, &list)) {
		config_error(c, loc, "cannot search \"%s\" (%s), expected a readable directory",
		             pattern, strerror(in->reader->find == NULL ? ENOENT : errno));
		return false;
	}
	text = strdup(list.at);
	if (text == NULL) {
		arena_fail(&c->arena);
	}
	*(const char **)vec_add(&c->arena, &c->files, sizeof(char *)) = pattern;
	push(in, pattern, 0, text, list.size);
	return true;
}

bool input_include(struct inputs *in, const char *path, struct loc loc)
{
	const char *full = relative_path(in, path);

	if (strpbrk(path, "*?[") != NULL) {
		return include_pattern(in, full, loc);
	}
	for (unsigned i = 0; i < in->len; i++) {
		if (strcmp(in->stack[i].path, full) == 0) {
			config_error(in->config, loc,
			             "\"%s\" includes itself, expected a file that "
			             "does not",
			             path);
			return false;
		}
	}
	return input_open(in, full, loc);
}

void input_close(struct inputs *in)
{
	free(in->stack[--in->len].text);
}

void input_fini(struct inputs *in)
{
	while (in->len > 0) {
		input_close(in);
	}
	for (struct kept_file *f = in->kept; f != NULL; f = f->next) {
		free(f->text);
	}
	in->kept = NULL;
	free(in->elements);
	in->elements = NULL;
}

size_t input_read(struct inputs *in, char *buf, size_t size)
{
	struct input *top = &in->stack[in->len - 1];
	size_t left = (size_t)(top->end - top->given);
	size_t given = 0;

	size = size < left ? size : left;
	while (given < size) {
		char c = top->given[given++];

		if (c == '{' || c == ',') {
			break;
		}
	}
	memcpy(buf, top->given, given);
	top->given += given;
	return given;
}

struct loc input_token(struct inputs *in, size_t size)
{
	struct input *top = &in->stack[in->len - 1];
	struct loc loc = top->loc;

	top->loc.col = loc_col(loc.col + size);
	top->used += size;
	return loc;
}

void input_shorten(struct inputs *in, struct loc loc, size_t token_size, size_t size)
{
	struct input *top = &in->stack[in->len - 1];

	top->loc = loc;
	top->loc.col = loc_col(loc.col + size);
	top->used -= token_size - size;
}

void input_next_line(struct inputs *in)
{
	struct loc *loc = &in->stack[in->len - 1].loc;

	loc->line++;
	loc->col = 1;
}

bool input_elements(struct inputs *in, const struct dtype *type, struct interval_list *out)
{
	struct input *top = &in->stack[in->len - 1];
	struct load_text t = { top->used, top->end, top->loc };

	if (top->used != top->given || !load_list(&in->config->reading, type, &t, out)) {
		return false;
	}
	top->used = top->given = t.at;
	top->loc = t.loc;
	return true;
}

static bool report_element(void *ctx, struct loc loc, const char *problem)
{
	struct config *c = ctx;

	config_error(c, loc, "%s", problem);
	return c->errors_len <= ERRORS_MAX; /* not for each line of a large file of another kind */
}

void input_element_file(struct inputs *in, struct set *s, struct loc loc, const char *name)
{
	struct config *c = in->config;
	struct load_report report = { report_element, c };
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
	path = relative_path(in, name);
	in->elements = read_file(in, path, loc, &size);
	if (in->elements == NULL) {
		return;
	}
	*(const char **)vec_add(&c->arena, &s->files, sizeof(char *)) = path;
	load_lines(&c->reading, s->type,
	           (struct load_text){ in->elements,
	                               in->elements + size,
	                               { 1, 1, (uint16_t)(c->files.len - 1) } },
	           &s->filed, &report);
	free(in->elements);
	in->elements = NULL;
}

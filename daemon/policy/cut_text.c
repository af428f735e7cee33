/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of a configuration as a row of words: see cut_text.h. An include statement is where the
 * scanner would find one: at the beginning of a statement.
 */
#include "cut_text.h"

#include <ctype.h>
#include <string.h>

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr("_.-\\/$*", c) != NULL);
}

static void push_place(struct cut_text *t, struct kept_file *f)
{
	t->stack[t->len++] = (struct cut_place){ f, f->text, f->text + f->size, 1 };
	t->is_at_statement = true;
}

/* Reads the file, puts it on the stack. */
static void push(struct cut_text *t, const char *path)
{
	struct config *c = t->in->config;
	struct kept_file *f;
	size_t size = 0;
	char *text;

	if (t->len == INCLUDE_DEPTH_MAX || t->files_len == FILES_MAX) {
		return;
	}
	for (unsigned i = 0; i < t->len; i++) {
		if (strcmp(t->stack[i].file->path, path) == 0) {
			return;
		}
	}
	f = arena_alloc(&c->reading, sizeof(*f));
	text = t->in->reader->read(t->in->reader->ctx, path, &size);
	if (text == NULL) {
		return;
	}
	*f = (struct kept_file){
		.path = arena_text(&c->reading, path, strlen(path)),
		.text = text,
		.size = size,
		.owner = t->owner,
	};
	*t->kept_end = f;
	t->kept_end = &f->next;
	t->files_len++;
	push_place(t, f);
}

void cut_open(struct cut_text *t, const char *path)
{
	push(t, path);
}

static void add_span(struct cut_text *t, char *end, bool is_include)
{
	struct cut_span *s;

	if (t->spans == NULL || end == t->span_start) {
		return;
	}
	s = vec_add(&t->in->config->reading, t->spans, sizeof(*s));
	*s = (struct cut_span){ t->span_start, (size_t)(end - t->span_start), is_include, NULL };
}

static void write_include(void *ctx, const char *path)
{
	text_add(ctx, "include \"%s\"\n", path);
}

/* The files of a pattern become a text with an include of each, as in input.c. */
static void push_pattern(struct cut_text *t, const char *pattern)
{
	struct arena *a = &t->in->config->reading;
	struct kept_file *f = arena_alloc(a, sizeof(*f));
	struct text list = { .arena = a };

	text_add(&list, "\n");
	if (t->len < INCLUDE_DEPTH_MAX && t->in->reader->find != NULL &&
	    t->in->reader->find(pattern, write_include, &list)) {
		*f = (struct kept_file){ .path = "", .text = list.at, .size = list.size };
		push_place(t, f);
	}
}

/* Handles the include of a path of so many bytes, whose statement is from..end. */
static void include(struct cut_text *t, char *from, char *end, const char *path, size_t path_size)
{
	struct cut_place *top = &t->stack[t->len - 1];
	struct arena *a = &t->in->config->reading;
	const char *slash = strrchr(top->file->path, '/');
	int dir_size = slash != NULL ? (int)(slash + 1 - top->file->path) : 0;
	struct text full = { .arena = a };
	unsigned len = t->len;

	text_add(&full, "%.*s%.*s", path[0] == '/' ? 0 : dir_size, top->file->path, (int)path_size,
	         path);
	add_span(t, from, false);
	t->span_start = from;
	add_span(t, end, true);
	t->span_start = end;
	top->at = end;
	if (t->spans == NULL && t->owner != NULL) {
		*(struct cut_span *)vec_add(a, &t->includes, sizeof(struct cut_span)) =
			(struct cut_span){ from, (size_t)(end - from), true, t->owner };
	}
	if (strpbrk(full.at + (path[0] == '/' ? 0 : dir_size), "*?[") != NULL) {
		push_pattern(t, full.at);
	} else {
		push(t, full.at);
	}
	if (t->len > len) {
		t->span_start = t->stack[len].at;
	}
}

/* The text at p, a word of an include statement: its path, or NULL for anything else. */
static const char *include_path(const struct cut_place *top, const char *p, size_t *size,
                                char **end)
{
	const char *from = p + strlen("include");
	const char *q = from;

	while (q < top->end && (*q == ' ' || *q == '\t')) {
		q++;
	}
	if (q == from || q == top->end || *q != '"') {
		return NULL;
	}
	from = ++q;
	while (q < top->end && *q != '"' && *q != '\n' && *q != '\0') {
		q++;
	}
	if (q == top->end || *q != '"') {
		return NULL;
	}
	*size = (size_t)(q - from);
	*end = top->at + (q + 1 - top->at);
	return from;
}

/* The file on top has ended: the text goes on in the one that includes it. */
static void pop(struct cut_text *t)
{
	add_span(t, t->stack[t->len - 1].end, false);
	t->len--;
	t->span_start = t->stack[t->len - 1].at;
}

/* Skips spaces, comments and continued lines. */
static void skip(struct cut_place *top)
{
	while (top->at < top->end) {
		if (*top->at == '#') {
			char *nl = memchr(top->at, '\n', (size_t)(top->end - top->at));

			top->at = nl != NULL ? nl : top->end;
		} else if (*top->at == '\\' && top->at + 1 < top->end && top->at[1] == '\n') {
			top->at += 2;
			top->line++;
		} else if (*top->at == ' ' || *top->at == '\t' || *top->at == '\r') {
			top->at++;
		} else {
			return;
		}
	}
}

static void found(struct cut_text *t, enum cut_token token, char *at, size_t size)
{
	t->token = token;
	t->at = at;
	t->size = size;
	t->is_at_statement = token == CUT_SEPARATOR || token == CUT_OPEN;
}

static void read_word(struct cut_text *t, struct cut_place *top)
{
	char *from = top->at;

	while (top->at < top->end && is_word(*top->at)) {
		top->at++;
	}
	found(t, CUT_WORD, from, (size_t)(top->at - from));
}

/* A quoted text ends with its line at the latest. */
static void read_string(struct cut_text *t, struct cut_place *top)
{
	char *from = ++top->at;

	while (top->at < top->end && *top->at != '"' && *top->at != '\n') {
		top->at++;
	}
	found(t, CUT_STRING, from, (size_t)(top->at - from));
	top->at += top->at < top->end && *top->at == '"';
}

static void read_other(struct cut_text *t, struct cut_place *top)
{
	char c = *top->at++;

	top->line += c == '\n';
	found(t,
	      c == '\n' || c == ';' ? CUT_SEPARATOR
	      : c == '{'            ? CUT_OPEN
	      : c == '}'            ? CUT_CLOSE
	                            : CUT_OTHER,
	      top->at - 1, 1);
}

void cut_next(struct cut_text *t)
{
	for (;;) {
		struct cut_place *top = &t->stack[t->len - 1];
		bool was_at_statement = t->is_at_statement;
		const char *path;
		size_t path_size;
		char *end;

		skip(top);
		if (top->at == top->end) {
			if (t->len == 1) {
				found(t, CUT_END, top->at, 0);
				return;
			}
			pop(t);
			/* the end of a file ends its last statement */
			top = &t->stack[t->len - 1];
			found(t, CUT_SEPARATOR, top->at, 0);
			return;
		}
		t->line = top->line;
		t->path = top->file->path;
		if (*top->at == '"') {
			read_string(t, top);
		} else if (is_word(*top->at)) {
			read_word(t, top);
		} else {
			read_other(t, top);
		}
		if (!was_at_statement || !cut_is(t, "include")) {
			return;
		}
		path = include_path(top, t->at, &path_size, &end);
		if (path == NULL) {
			return;
		}
		include(t, t->at, end, path, path_size);
	}
}

bool cut_is(const struct cut_text *t, const char *word)
{
	return t->token == CUT_WORD && t->size == strlen(word) && memcmp(t->at, word, t->size) == 0;
}

void cut_begin(struct cut_text *t, struct vec *spans)
{
	t->spans = spans;
	t->span_start = t->token == CUT_STRING ? t->at - 1 : t->at;
}

void cut_end(struct cut_text *t, enum cut_how how)
{
	add_span(t, how == CUT_THROUGH ? t->stack[t->len - 1].at : t->at, false);
	t->spans = NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The elements of sets in a file: see sets_text.h.
 */
#include "sets_text.h"

#include "io/state_file.h"
#include "load.h"
#include "sets/named_set.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parts of named_set_walk() in a step. */
#define STEP_PARTS 8

#define HEADER_FORMAT "finwall sets 1 %019" PRId64 " %08" PRIx32 " %010" PRIu32 " %016" PRIx64

struct sets_text {
	char *text;
	size_t size;
	size_t cap;
	bool has_no_memory;
	/* where it is */
	const struct config *config; /* NULL = nowhere */
	const struct named_set *set;
	struct named_set_cursor at;
	bool has_begun; /* the set's first line is there */
};

struct sets_text *sets_text_new(void)
{
	return calloc(1, sizeof(struct sets_text));
}

void sets_text_free(struct sets_text *t)
{
	if (t != NULL) {
		free(t->text);
		free(t);
	}
}

static void add(struct sets_text *t, const char *begin, const char *text)
{
	size_t begin_size = strlen(begin);
	size_t size = strlen(text);

	if (t->cap - t->size < begin_size + size + 1) {
		size_t cap = t->cap * 2 + begin_size + size + 4096;
		char *more = realloc(t->text, cap);

		if (more == NULL) {
			t->has_no_memory = true;
			return;
		}
		t->text = more;
		t->cap = cap;
	}
	memcpy(t->text + t->size, begin, begin_size);
	memcpy(t->text + t->size + begin_size, text, size);
	t->size += begin_size + size;
	t->text[t->size++] = '\n';
}

static void add_element(void *ctx, const char *element)
{
	struct sets_text *t = ctx;

	if (!t->has_begun) {
		struct named_set_info info;
		char name[512];

		named_set_info(t->set, &info);
		(void)snprintf(name, sizeof(name), "%s %s %s", info.family, info.table, info.name);
		add(t, "set ", name);
		t->has_begun = true;
	}
	add(t, "\t", element);
}

bool sets_text_step(struct sets_text *t, const struct config *c, struct mono now)
{
	if (t->config != c) {
		t->config = c;
		t->set = named_set_next(c, NULL);
		t->at = (struct named_set_cursor){ 0 };
		t->has_begun = false;
		t->size = 0;
	}
	for (unsigned parts = 0; t->set != NULL && parts < STEP_PARTS; parts++) {
		if (!named_set_walk_saved(t->set, now, &t->at, add_element, t)) {
			t->set = named_set_next(c, t->set);
			t->at = (struct named_set_cursor){ 0 };
			t->has_begun = false;
		}
	}
	return t->set == NULL;
}

/* FNV-1a: against damage, not against people. */
static uint64_t sum_of(const char *text, size_t size)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < size; i++) {
		sum = (sum ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	}
	return sum;
}

static bool is_file(const char *path)
{
	struct state_view view;

	if (state_view_open(path, &view) != 0) {
		return false;
	}
	state_view_close(&view);
	return true;
}

static int write_file(const struct sets_text *t, const char *path, struct wall_time wall)
{
	char header[SETS_TEXT_HEADER_SIZE + 1];
	struct state_file *f;
	int len;
	int err = state_file_begin(path, SETS_TEXT_HEADER_SIZE, &f);

	if (err != 0) {
		return err;
	}
	err = t->size != 0 ? state_file_add(f, (const uint8_t *)t->text, t->size) : 0;
	if (err != 0) {
		state_file_abort(f);
		return err;
	}
	memset(header, ' ', sizeof(header));
	len = snprintf(header, sizeof(header), HEADER_FORMAT, (int64_t)wall.wall_ns, wall.boot_id,
	               wall.boot_s, sum_of(t->text, t->size));
	header[len] = ' ';
	header[SETS_TEXT_HEADER_SIZE - 1] = '\n';
	return state_file_commit(f, (const uint8_t *)header);
}

int sets_text_write(const struct sets_text *t, const char *path, struct wall_time wall)
{
	char *own;
	int err = 0;

	if (t == NULL || t->has_no_memory || asprintf(&own, "%s" SETS_TEXT_ENDING, path) < 0) {
		return -ENOMEM;
	}
	if (t->size != 0 || is_file(own)) {
		err = write_file(t, own, wall);
	}
	free(own);
	return err;
}

/* A load. */
struct loading {
	const struct config *config;
	struct mono now;
	int64_t down_ns;
	struct named_set *set; /* of the lines; NULL = the configuration has none */
	struct sets_loaded *out;
};

/* "inet filter blocked" */
static void begin_set(struct loading *l, char *name)
{
	char problem[NAMED_SET_PROBLEM_SIZE];
	char *last = strrchr(name, ' ');

	l->set = NULL;
	if (last != NULL) {
		*last = '\0';
		l->set = named_set_find(l->config, name, last + 1, problem);
	}
}

static void load_line(struct loading *l, char *line)
{
	if (strncmp(line, "set ", 4) == 0) {
		begin_set(l, line + 4);
	} else if (line[0] == '\t' && l->set != NULL &&
	           named_set_restore(l->set, l->now, line + 1, l->down_ns)) {
		l->out->elements++;
	} else {
		l->out->left_out++;
	}
}

static bool read_header(const struct state_view *v, struct snapshot_header *h)
{
	char header[SETS_TEXT_HEADER_SIZE + 1];
	uint64_t sum;

	if (v->size < SETS_TEXT_HEADER_SIZE) {
		return false;
	}
	memcpy(header, v->bytes, SETS_TEXT_HEADER_SIZE);
	header[SETS_TEXT_HEADER_SIZE] = '\0';
	return sscanf(header, "finwall sets 1 %" SCNd64 " %" SCNx32 " %" SCNu32 " %" SCNx64,
	              &h->saved_wall_ns, &h->boot_id, &h->boot_s, &sum) == 4 &&
	       sum == sum_of((const char *)v->bytes + SETS_TEXT_HEADER_SIZE,
	                     v->size - SETS_TEXT_HEADER_SIZE);
}

int sets_text_load(const char *path, const struct config *c, struct mono now, struct wall_time wall,
                   struct sets_loaded *out)
{
	struct loading l = { .config = c, .now = now, .out = out };
	struct snapshot_header header = { 0 };
	struct state_view view;
	char *own;
	char *end;
	int err;

	*out = (struct sets_loaded){ 0 };
	if (asprintf(&own, "%s" SETS_TEXT_ENDING, path) < 0) {
		return -ENOMEM;
	}
	err = state_view_open(own, &view);
	free(own);
	if (err != 0) {
		return err;
	}
	out->is_invalid = !read_header(&view, &header);
	if (!out->is_invalid) {
		l.down_ns = state_time_down(&header, &wall);
		end = (char *)view.bytes + view.size;
		for (char *line = (char *)view.bytes + SETS_TEXT_HEADER_SIZE; line < end;) {
			char *nl = memchr(line, '\n', (size_t)(end - line));

			if (nl == NULL) {
				break;
			}
			*nl = '\0';
			load_line(&l, line);
			line = nl + 1;
		}
	}
	state_view_close(&view);
	return 0;
}

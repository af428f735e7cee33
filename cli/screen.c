/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wrapped lines. See screen.h.
 *
 * Columns are separated by two blanks or more. The continuation of a line begins below the last
 * column that begins in the left two thirds, so that a text beside numbers stays a column. A line
 * without columns is continued four blanks to the right of its beginning.
 */
#include "screen.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <unistd.h>

#define WIDTH_MIN   20u /* a narrower terminal wraps by itself */
#define INDENT_LEN  4u
#define LINE_LENGTH ((size_t)65536) /* a longer line is written in parts */

struct screen {
	FILE *to;
	unsigned width;
	char *line; /* the unfinished line */
	size_t used;
	size_t size;
};

static unsigned width_of(int fd);
static ssize_t screen_write(void *cookie, const char *bytes, size_t size);
static int screen_free(void *cookie);
static bool add(struct screen *s, const char *bytes, size_t size);
static size_t columns(const char *text, size_t size);
static size_t find_indent(const char *line, size_t size, unsigned width);
static size_t find_break(const char *text, size_t size, size_t width);

unsigned screen_width(void)
{
	return width_of(STDOUT_FILENO);
}

FILE *screen_open(FILE *to)
{
	const cookie_io_functions_t io = { .write = screen_write, .close = screen_free };
	unsigned width = width_of(fileno(to));
	struct screen *s = width > 0 ? calloc(1, sizeof(*s)) : NULL;
	FILE *screen;

	if (s == NULL) {
		return to;
	}
	s->to = to;
	s->width = width;
	screen = fopencookie(s, "w", io);
	if (screen == NULL) {
		free(s);
		return to;
	}
	/* In order with what others write to the terminal. */
	(void)setvbuf(screen, NULL, _IOLBF, 0);
	return screen;
}

void screen_close(FILE *screen)
{
	if (screen != stdout && screen != stderr) {
		(void)fclose(screen);
	}
}

void screen_error(const char *fmt, ...)
{
	FILE *screen = screen_open(stderr);
	va_list args;

	va_start(args, fmt);
	vfprintf(screen, fmt, args);
	va_end(args);
	screen_close(screen);
}

void screen_wrap(const char *line, size_t size, unsigned width, FILE *to)
{
	size_t indent = 0;

	while (columns(line, size) > width - indent) {
		size_t taken = find_break(line, size, width - indent);
		size_t next = taken;

		if (taken == size) {
			break;
		}
		while (taken > 0 && line[taken - 1] == ' ') {
			taken--;
		}
		while (next < size && line[next] == ' ') {
			next++;
		}
		fprintf(to, "%*s%.*s\n", (int)indent, "", (int)taken, line);
		if (indent == 0) {
			indent = find_indent(line, size, width);
		}
		line += next;
		size -= next;
	}
	fprintf(to, "%*s%.*s\n", (int)indent, "", (int)size, line);
}

static unsigned width_of(int fd)
{
	struct winsize ws;

	if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &ws) < 0 || ws.ws_col < WIDTH_MIN) {
		return 0;
	}
	return ws.ws_col;
}

static ssize_t screen_write(void *cookie, const char *bytes, size_t size)
{
	struct screen *s = cookie;
	size_t at = 0;

	while (at < size) {
		const char *end = memchr(bytes + at, '\n', size - at);
		size_t part = end != NULL ? (size_t)(end - bytes) - at : size - at;

		if (!add(s, bytes + at, part)) {
			return 0;
		}
		at += part + (end != NULL);
		if (end != NULL || s->used >= LINE_LENGTH) {
			screen_wrap(s->line != NULL ? s->line : "", s->used, s->width, s->to);
			s->used = 0;
		}
	}
	return fflush(s->to) == 0 ? (ssize_t)size : 0;
}

static int screen_free(void *cookie)
{
	struct screen *s = cookie;
	FILE *to = s->to;

	if (s->used > 0) {
		fwrite(s->line, 1, s->used, to);
	}
	free(s->line);
	free(s);
	return fflush(to);
}

static bool add(struct screen *s, const char *bytes, size_t size)
{
	if (s->used + size > s->size) {
		char *line = realloc(s->line, s->used + size + BUFSIZ);

		if (line == NULL) {
			return false;
		}
		s->line = line;
		s->size = s->used + size + BUFSIZ;
	}
	if (size > 0) {
		memcpy(s->line + s->used, bytes, size);
	}
	s->used += size;
	return true;
}

/* Bytes that continue a UTF-8 character take no column. */
static bool takes_column(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static size_t columns(const char *text, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++) {
		n += takes_column(text[i]);
	}
	return n;
}

static size_t find_indent(const char *line, size_t size, unsigned width)
{
	size_t indent = 0;
	size_t column = 0;

	while (indent < size && line[indent] == ' ') {
		indent++;
	}
	/* a line that is indented as a whole has its own left edge */
	indent = indent < width / 3 ? indent + INDENT_LEN : indent;
	for (size_t i = 0; i < size && column <= width * 2 / 3; i++) {
		if (column > 2 && line[i] != ' ' && line[i - 1] == ' ' && line[i - 2] == ' ') {
			indent = column;
		}
		column += takes_column(line[i]);
	}
	return indent < width / 3 * 2 ? indent : INDENT_LEN;
}

/*
 * Returns where to break: the last blank within width columns, else the first one after them, else
 * size. Blanks at the beginning are no place to break.
 */
static size_t find_break(const char *text, size_t size, size_t width)
{
	size_t found = size;
	size_t column = 0;
	size_t i = 0;

	while (i < size && text[i] == ' ') {
		i++;
		column++;
	}
	for (; i < size; i++) {
		if (text[i] == ' ' && (column <= width || found == size)) {
			found = i;
		}
		if (column > width && found != size) {
			break;
		}
		column += takes_column(text[i]);
	}
	return found;
}

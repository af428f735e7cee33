/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages about lines, malloc'd text and arrays. See convert.h.
 */
#include "iptables/convert.h"

#include <stdarg.h>
#include <stdlib.h>

char *convert_text(const char *fmt, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	return n < 0 ? NULL : text;
}

bool convert_grow(void **array, size_t len, size_t *size, size_t element)
{
	size_t new_size = *size == 0 ? 8 : *size * 2;
	void *bigger;

	if (len < *size) {
		return true;
	}
	bigger = realloc(*array, new_size * element);
	if (bigger == NULL) {
		return false;
	}
	*array = bigger;
	*size = new_size;
	return true;
}

static void print_message(const struct convert *cv, const char *file, unsigned line,
                          const char *what, const char *fmt, va_list args)
{
	fprintf(cv->messages, "%s:%u: %s", file, line, what);
	vfprintf(cv->messages, fmt, args);
	fputc('\n', cv->messages);
}

void convert_problem(struct convert *cv, const char *file, unsigned line, const char *fmt, ...)
{
	va_list args;

	cv->problems++;
	cv->unsafe++;
	va_start(args, fmt);
	print_message(cv, file, line, "", fmt, args);
	va_end(args);
}

void convert_left_out(struct convert *cv, const char *file, unsigned line, const char *fmt, ...)
{
	va_list args;

	cv->problems++;
	va_start(args, fmt);
	print_message(cv, file, line, "", fmt, args);
	va_end(args);
}

void convert_note(struct convert *cv, const char *file, unsigned line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_message(cv, file, line, "note: ", fmt, args);
	va_end(args);
}

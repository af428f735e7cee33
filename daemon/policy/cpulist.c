/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of processors: numbers and ranges, with commas between them.
 */
#include <finwall/cpulist.h>

#include <stdbool.h>

struct span {
	unsigned first;
	unsigned last;
};

/* Reads a number below CPULIST_MAX and moves on behind it. */
static bool read_cpu(const char **at, unsigned *out)
{
	unsigned n = 0;
	const char *s = *at;

	while (*s >= '0' && *s <= '9' && n < CPULIST_MAX) {
		n = n * 10 + (unsigned)(*s++ - '0');
	}
	if (s == *at || n >= CPULIST_MAX) {
		return false;
	}
	*at = s;
	*out = n;
	return true;
}

/* Reads "3" or "3-5" and the comma behind it, which something must follow. */
static bool read_span(const char **at, struct span *out)
{
	if (!read_cpu(at, &out->first)) {
		return false;
	}
	out->last = out->first;
	if (**at == '-') {
		++*at;
		if (!read_cpu(at, &out->last) || out->last < out->first) {
			return false;
		}
	}
	if (**at == ',') {
		++*at;
		return **at != '\0';
	}
	return **at == '\0';
}

unsigned cpulist_len(const char *list)
{
	struct span span;
	unsigned len = 0;

	do {
		if (!read_span(&list, &span)) {
			return 0;
		}
		len += span.last - span.first + 1;
	} while (*list != '\0');
	return len;
}

unsigned cpulist_at(const char *list, unsigned nr)
{
	struct span span = { 0, 0 };

	while (*list != '\0' && read_span(&list, &span) && nr > span.last - span.first) {
		nr -= span.last - span.first + 1;
	}
	return span.first + nr;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU lists: numbers and ranges, separated by commas.
 */
#include "text/cpulist.h"
#include "text/num.h"

#include <stdbool.h>
#include <string.h>

struct span {
	unsigned first;
	unsigned last;
};

/* Reads a number below CPULIST_MAX and moves *at behind it. */
static bool read_cpu(const char **at, unsigned *out)
{
	uint64_t n;
	const char *behind = scan_decimal(*at, *at + strlen(*at), CPULIST_MAX - 1, &n);

	if (behind == NULL) {
		return false;
	}
	*at = behind;
	*out = (unsigned)n;
	return true;
}

/* Reads "3" or "3-5" and the comma behind it, if another one follows. */
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

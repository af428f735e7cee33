/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers in text: see num.h. One scanner for digits of any base; all else is units.
 */
#include "text/num.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

struct unit {
	const char *text;
	int64_t factor;
};

/* The value of a digit, or UINT_MAX. */
static unsigned digit_value(char c)
{
	char lower = (char)(c | 0x20);

	if (c >= '0' && c <= '9') {
		return (unsigned)(c - '0');
	}
	return lower >= 'a' && lower <= 'f' ? (unsigned)(lower - 'a') + 10 : UINT_MAX;
}

static const char *scan_digits(const char *at, const char *end, unsigned base, uint64_t max,
                               uint64_t *out)
{
	const char *from = at;
	uint64_t n = 0;

	for (; at < end && digit_value(*at) < base; at++) {
		if (__builtin_mul_overflow(n, base, &n) ||
		    __builtin_add_overflow(n, digit_value(*at), &n)) {
			return NULL;
		}
	}
	*out = n;
	return at != from && n <= max ? at : NULL;
}

const char *scan_decimal(const char *at, const char *end, uint64_t max, uint64_t *out)
{
	return scan_digits(at, end, 10, max, out);
}

const char *scan_hex(const char *at, const char *end, uint64_t max, uint64_t *out)
{
	return scan_digits(at, end, 16, max, out);
}

static bool has_hex_prefix(const char *at, const char *end)
{
	return end - at > 2 && at[0] == '0' && (at[1] | 0x20) == 'x';
}

const char *scan_number(const char *at, const char *end, uint64_t max, uint64_t *out)
{
	if (has_hex_prefix(at, end)) {
		return scan_hex(at + 2, end, max, out);
	}
	return scan_decimal(at, end, max, out);
}

bool text_number_n(const char *text, size_t size, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t n;

	if (scan_decimal(text, text + size, max, &n) != text + size || n < min) {
		return false;
	}
	*out = n;
	return true;
}

bool text_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	return text_number_n(text, strlen(text), min, max, out);
}

bool text_number_c(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	const char *end = text + strlen(text);
	const char *at;
	uint64_t n;

	if (text[0] == '0' && !has_hex_prefix(text, end)) {
		at = scan_digits(text, end, 8, max, &n);
	} else {
		at = scan_number(text, end, max, &n);
	}
	if (at != end || n < min) {
		return false;
	}
	*out = n;
	return true;
}

bool text_port(const char *text, uint16_t *out)
{
	uint64_t n;

	if (!text_number(text, 0, UINT16_MAX, &n)) {
		return false;
	}
	*out = (uint16_t)n;
	return true;
}

bool text_fraction(const char *text, const char *unit, double min, double max, double *out)
{
	const char *end = text + strlen(text);
	const char *at;
	uint64_t n;
	double v;

	at = scan_decimal(text, end, UINT64_MAX, &n);
	if (at == NULL) {
		return false;
	}
	v = (double)n;
	if (*at == '.') {
		double place = 0.1;
		const char *from = ++at;

		for (; *at >= '0' && *at <= '9'; at++, place /= 10) {
			v += place * (*at - '0');
		}
		if (at == from) {
			return false;
		}
	}
	if (at != end && (unit == NULL || strcmp(at, unit) != 0)) {
		return false;
	}
	if (v < min || v > max) {
		return false;
	}
	*out = v;
	return true;
}

/* The unit that the text begins with, or NULL. */
static const struct unit *unit_find(const struct unit *units, const char *at, const char *end)
{
	for (const struct unit *u = units; u->text != NULL; u++) {
		size_t size = strlen(u->text);

		if ((size_t)(end - at) >= size && memcmp(at, u->text, size) == 0) {
			return u;
		}
	}
	return NULL;
}

/* Reads one number and its unit, and moves *at behind it. Returns 0/-EINVAL/-ERANGE. */
static int read_with_unit(const char **at, const char *end, const struct unit *units,
                          enum text_unit unit, int64_t *out)
{
	const struct unit *u;
	const char *digits = *at;
	uint64_t n;
	int64_t factor = 1;

	while (*at < end && **at >= '0' && **at <= '9') {
		++*at;
	}
	if (*at == digits) {
		return -EINVAL;
	}
	if (*at < end) {
		u = unit_find(units, *at, end);
		if (u == NULL) {
			return -EINVAL;
		}
		factor = u->factor;
		*at += strlen(u->text);
	} else if (unit == TEXT_UNIT_REQUIRED) {
		return -EINVAL;
	}
	if (scan_decimal(digits, end, INT64_MAX, &n) == NULL ||
	    __builtin_mul_overflow((int64_t)n, factor, out)) {
		return -ERANGE;
	}
	return 0;
}

/* A single number and its unit. */
static int read_one(const char *text, size_t size, const struct unit *units, enum text_unit unit,
                    int64_t *out)
{
	const char *at = text;
	int64_t n;
	int err = read_with_unit(&at, text + size, units, unit, &n);

	if (at != text + size) {
		return -EINVAL;
	}
	if (err == 0) {
		*out = n;
	}
	return err;
}

int text_duration(const char *text, size_t size, enum text_unit unit, int64_t *sec)
{
	static const struct unit units[] = { { "w", 604800 }, { "d", 86400 }, { "h", 3600 },
		                             { "m", 60 },     { "s", 1 },     { NULL, 0 } };
	const char *at = text;
	const char *end = text + size;
	int64_t sum = 0;
	int64_t n;
	int err;

	do {
		err = read_with_unit(&at, end, units, unit, &n);
		if (err != 0) {
			return err;
		}
		if (__builtin_add_overflow(sum, n, &sum)) {
			return -ERANGE;
		}
		unit = TEXT_UNIT_REQUIRED;
	} while (at < end);
	*sec = sum;
	return 0;
}

int text_quantity(const char *text, size_t size, enum text_unit unit, int64_t *out)
{
	static const struct unit units[] = {
		{ "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 }, { NULL, 0 }
	};

	return read_one(text, size, units, unit, out);
}

int text_microseconds(const char *text, size_t size, enum text_unit unit, int64_t *us)
{
	static const struct unit units[] = { { "us", 1 }, { NULL, 0 } };

	return read_one(text, size, units, unit, us);
}

bool text_duration_ms(const char *text, size_t size, uint64_t *ms)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = {
		{ "ms", 1 }, { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }
	};
	const char *end = text + size;

	*ms = 0;
	while (text < end) {
		uint64_t n;
		size_t i = 0;

		text = scan_decimal(text, end, UINT32_MAX, &n);
		if (text == NULL) {
			return false;
		}
		for (; i < sizeof(units) / sizeof(units[0]); i++) {
			const size_t unit_size = strlen(units[i].unit);

			if ((size_t)(end - text) >= unit_size &&
			    memcmp(text, units[i].unit, unit_size) == 0) {
				text += unit_size;
				break;
			}
		}
		if (i == sizeof(units) / sizeof(units[0]) ||
		    n > (DURATION_MAX_MS - *ms) / units[i].ms) {
			return false;
		}
		*ms += n * units[i].ms;
	}
	return size != 0;
}

bool text_mark(const char *text, uint32_t *mark, uint32_t *mask)
{
	const char *end = text + strlen(text);
	const char *slash = strchr(text, '/');
	uint64_t value;
	uint64_t bits = UINT32_MAX;

	if (scan_number(text, slash != NULL ? slash : end, UINT32_MAX, &value) !=
	    (slash != NULL ? slash : end)) {
		return false;
	}
	if (slash != NULL && scan_number(slash + 1, end, UINT32_MAX, &bits) != end) {
		return false;
	}
	*mark = (uint32_t)(value & bits);
	*mask = (uint32_t)bits;
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements of sets as text: see element.h.
 */
#include "element.h"

#include "text/addr.h"
#include "text/num.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* One value, no prefix and no range. */
static const char *scan_value(const struct dtype *type, const char *at, const char *end,
                              struct u128 *out)
{
	if (type == &dtype_ip4) {
		return scan_ip4(at, end, out);
	}
	if (type == &dtype_ip6) {
		return scan_ip6(at, end, out);
	}
	out->hi = 0;
	if (type == &dtype_ether) {
		return scan_ether(at, end, &out->lo);
	}
	if (!type->takes_numbers || type->bits == 0) {
		return NULL;
	}
	return scan_number(at, end, u128_max(type->bits).lo, &out->lo);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && is_blank(*at)) {
		at++;
	}
	return at;
}

const char *element_scan(const struct dtype *type, const char *text, size_t size,
                         struct interval *out)
{
	const char *end = text + size;
	const char *at = scan_value(type, text, end, &out->lo);
	bool is_addr = type == &dtype_ip4 || type == &dtype_ip6;
	const char *dash;

	if (at == NULL) {
		return NULL;
	}
	out->hi = out->lo;
	if (is_addr && at < end && *at == '/') {
		uint64_t prefix_len;

		at = scan_decimal(at + 1, end, type->bits, &prefix_len);
		if (at == NULL) {
			return NULL;
		}
		*out = interval_of_prefix(out->lo, type->bits, (unsigned)prefix_len);
		return at;
	}
	dash = skip_blanks(at, end);
	if (dash == end || *dash != '-') {
		return at;
	}
	dash = skip_blanks(dash + 1, end);
	at = scan_value(type, dash, end, &out->hi);
	return at != NULL && u128_cmp(out->lo, out->hi) <= 0 ? at : NULL;
}

const char *element_read(const struct dtype *type, const char *text, size_t size,
                         struct interval *out, char *problem, size_t problem_size)
{
	int shown = size < 64 ? (int)size : 64;
	const char *dash = memchr(text, '-', size);
	uint32_t word;

	if (element_scan(type, text, size, out) == text + size) {
		return NULL;
	}
	if (dtype_word(type, text, size, &word)) {
		out->lo = out->hi = (struct u128){ 0, word };
		return NULL;
	}
	if (dash != NULL && element_scan(type, text, (size_t)(dash - text), out) != NULL &&
	    element_scan(type, dash + 1, size - (size_t)(dash + 1 - text), out) != NULL) {
		snprintf(problem, problem_size,
		         "the range %.*s is reversed, expected the smaller value first", shown,
		         text);
		return problem;
	}
	snprintf(problem, problem_size, "\"%.*s\" is not valid here, expected %s", shown, text,
	         type->want);
	return problem;
}

/* Printing. */

static void print_value(struct u128 v, const struct dtype *type, char out[ADDR_TEXT_SIZE])
{
	const char *word = type->prints_symbols ? symbol_word(type->symbols, v.lo) : NULL;

	if (type == &dtype_ip4) {
		ip_text_u128(4, v, out);
	} else if (type == &dtype_ip6) {
		ip_text_u128(6, v, out);
	} else if (type == &dtype_ether) {
		ether_text(v.lo, out);
	} else if (word != NULL) {
		snprintf(out, ADDR_TEXT_SIZE, "%s", word);
	} else {
		snprintf(out, ADDR_TEXT_SIZE, type->prints_hex ? "0x%08" PRIx64 : "%" PRIu64, v.lo);
	}
}

void element_text(const struct dtype *type, const struct interval *i, char out[ELEMENT_TEXT_SIZE])
{
	bool is_addr = type == &dtype_ip4 || type == &dtype_ip6;
	int prefix_len;
	char lo[ADDR_TEXT_SIZE];
	char hi[ADDR_TEXT_SIZE];

	print_value(i->lo, type, lo);
	if (u128_cmp(i->lo, i->hi) == 0) {
		snprintf(out, ELEMENT_TEXT_SIZE, "%s", lo);
		return;
	}
	prefix_len = is_addr ? interval_prefix_len(i, type->bits) : -1;
	if (prefix_len >= 0) {
		snprintf(out, ELEMENT_TEXT_SIZE, "%s/%d", lo, prefix_len);
	} else {
		print_value(i->hi, type, hi);
		/* words may have a "-" of their own */
		snprintf(out, ELEMENT_TEXT_SIZE, type->prints_symbols ? "%s - %s" : "%s-%s", lo,
		         hi);
	}
}

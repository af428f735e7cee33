/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements in bulk: see elements.h. A million of them have to be read in a fraction of a second, so
 * addresses are read by hand, and sorting goes by digits (least significant first) and leaves out
 * the digits that are the same in all.
 */
#include "elements.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <finwall/text_addr.h>
#include <finwall/text_num.h>

void elements_add(struct arena *a, struct elements *e, const struct interval *i)
{
	uint32_t at = e->len % ELEMENTS_BLOCK_LEN;

	if (at == 0) {
		struct elements_block *b = arena_alloc(a, sizeof(*b));

		if (e->last != NULL) {
			e->last->next = b;
		} else {
			e->first = b;
		}
		e->last = b;
	}
	e->last->at[at] = *i;
	e->len++;
}

struct elements elements_keep(struct arena *a, const struct elements *e)
{
	struct elements kept = { 0 };

	for (const struct elements_block *b = e->first; b != NULL; b = b->next) {
		for (uint32_t i = 0; i < ELEMENTS_BLOCK_LEN && kept.len < e->len; i++) {
			elements_add(a, &kept, &b->at[i]);
		}
	}
	return kept;
}

void elements_copy(const struct elements *e, struct interval *out)
{
	uint32_t left = e->len;

	for (const struct elements_block *b = e->first; b != NULL; b = b->next) {
		uint32_t len = left < ELEMENTS_BLOCK_LEN ? left : ELEMENTS_BLOCK_LEN;

		memcpy(out, b->at, len * sizeof(*out));
		out += len;
		left -= len;
	}
}

#define DIGITS      16
#define DIGIT_SIZES 256

static unsigned digit_of(const struct interval *i, unsigned digit)
{
	uint64_t half = digit < 8 ? i->lo.lo : i->lo.hi;

	return half >> (digit % 8 * 8) & 0xff;
}

static void sort_by_digit(const struct interval *from, size_t len, unsigned digit,
                          const size_t count[DIGIT_SIZES], struct interval *to)
{
	size_t at[DIGIT_SIZES];
	size_t sum = 0;

	for (unsigned d = 0; d < DIGIT_SIZES; d++) {
		at[d] = sum;
		sum += count[d];
	}
	for (size_t n = 0; n < len; n++) {
		to[at[digit_of(&from[n], digit)]++] = from[n];
	}
}

static bool is_sorted(const struct interval *i, size_t len)
{
	for (size_t n = 1; n < len; n++) {
		if (u128_cmp(i[n - 1].lo, i[n].lo) > 0) {
			return false;
		}
	}
	return true;
}

void intervals_sort(struct interval *i, size_t len, struct interval *spare)
{
	struct interval *from = i;
	struct interval *to = spare;

	if (is_sorted(i, len)) {
		return;
	}
	for (unsigned digit = 0; digit < DIGITS; digit++) {
		size_t count[DIGIT_SIZES] = { 0 };
		struct interval *swap = to;

		for (size_t n = 0; n < len; n++) {
			count[digit_of(&from[n], digit)]++;
		}
		if (count[digit_of(&from[0], digit)] == len) {
			continue;
		}
		sort_by_digit(from, len, digit, count, to);
		to = from;
		from = swap;
	}
	if (from != i) {
		memcpy(i, from, len * sizeof(*i));
	}
}

size_t intervals_join(struct interval *i, size_t len, enum join what)
{
	size_t out = 0;

	if (len == 0) {
		return 0;
	}
	for (size_t in = 1; in < len; in++) {
		struct u128 end = i[out].hi;

		if (what == JOIN_TOUCHING && !u128_is_max(end)) {
			end = u128_inc(end);
		}
		if (u128_cmp(i[in].lo, end) <= 0) {
			if (u128_cmp(i[in].hi, i[out].hi) > 0) {
				i[out].hi = i[in].hi;
			}
			continue;
		}
		i[++out] = i[in];
	}
	return out + 1;
}

/* Reading. Each returns where it ends, or NULL. */

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
	if (!type->takes_numbers || type->bits == 0) {
		return NULL;
	}
	out->hi = 0;
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

static bool is_word(const struct symbol *s, const char *text, size_t size)
{
	return strlen(s->word) == size && memcmp(s->word, text, size) == 0;
}

const char *element_read(const struct dtype *type, const char *text, size_t size,
                         struct interval *out, char *problem, size_t problem_size)
{
	int shown = size < 64 ? (int)size : 64;
	const char *dash = memchr(text, '-', size);

	if (element_scan(type, text, size, out) == text + size) {
		return NULL;
	}
	for (const struct symbol *s = type->symbols; s != NULL && s->word != NULL; s++) {
		if (is_word(s, text, size)) {
			out->lo = out->hi = (struct u128){ 0, s->value };
			return NULL;
		}
	}
	if (dash != NULL && element_scan(type, text, (size_t)(dash - text), out) != NULL &&
	    element_scan(type, dash + 1, size - (size_t)(dash + 1 - text), out) != NULL) {
		snprintf(problem, problem_size,
		         "the range %.*s runs backwards, expected the smaller value first", shown,
		         text);
		return problem;
	}
	snprintf(problem, problem_size, "\"%.*s\" does not fit here, expected %s", shown, text,
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

void element_print(struct text *t, const struct dtype *type, const struct interval *i)
{
	char out[ELEMENT_TEXT_SIZE];

	element_text(type, i, out);
	text_add(t, "%s", out);
}

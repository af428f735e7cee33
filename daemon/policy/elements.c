/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements in bulk: see elements.h. A million of them have to be read in a fraction of a second, so
 * addresses are read by hand, and sorting goes by digits (least significant first) and leaves out
 * the digits that are the same in all.
 */
#include "elements.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <finwall/bytes.h>

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
		bool is_last = end.hi == UINT64_MAX && end.lo == UINT64_MAX;

		if (what == JOIN_TOUCHING && !is_last) {
			end.hi += end.lo == UINT64_MAX;
			end.lo++;
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

static const char *scan_number(const char *at, const char *end, uint64_t max, uint64_t *out)
{
	const char *from = at;
	uint64_t n = 0;

	while (at < end && *at >= '0' && *at <= '9' && at - from < 10) {
		n = n * 10 + (uint64_t)(*at++ - '0');
	}
	*out = n;
	return at != from && n <= max && (at == end || *at < '0' || *at > '9') ? at : NULL;
}

static const char *scan_ip4(const char *at, const char *end, struct u128 *out)
{
	uint32_t addr = 0;

	for (unsigned i = 0; i < 4; i++) {
		const char *from = at;
		uint64_t byte;

		if (i > 0 && (at == end || *at != '.')) {
			return NULL;
		}
		from = at += i > 0;
		at = scan_number(at, end, 255, &byte);
		if (at == NULL || (*from == '0' && at - from > 1)) {
			return NULL;
		}
		addr = addr << 8 | (uint32_t)byte;
	}
	*out = (struct u128){ 0, addr };
	return at;
}

static bool is_ip6_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
	       c == ':' || c == '.';
}

static const char *scan_ip6(const char *at, const char *end, struct u128 *out)
{
	char buf[INET6_ADDRSTRLEN];
	uint8_t b[16];
	size_t len = 0;

	while (at < end && is_ip6_char(*at) && len < sizeof(buf) - 1) {
		buf[len++] = *at++;
	}
	buf[len] = '\0';
	if (inet_pton(AF_INET6, buf, b) != 1) {
		return NULL;
	}
	out->hi = (uint64_t)load_be32(b) << 32 | load_be32(b + 4);
	out->lo = (uint64_t)load_be32(b + 8) << 32 | load_be32(b + 12);
	return at;
}

static const char *scan_hex(const char *at, const char *end, uint64_t max, uint64_t *out)
{
	const char *from = at;
	uint64_t n = 0;

	for (; at < end && at - from < 8; at++) {
		char c = (char)(*at | 0x20);

		if (*at >= '0' && *at <= '9') {
			n = n << 4 | (uint64_t)(*at - '0');
		} else if (c >= 'a' && c <= 'f') {
			n = n << 4 | (uint64_t)(c - 'a' + 10);
		} else {
			break;
		}
	}
	*out = n;
	return at != from && n <= max ? at : NULL;
}

/* One value, no prefix and no range. */
static const char *scan_value(const struct dtype *type, const char *at, const char *end,
                              struct u128 *out)
{
	uint64_t max = type->bits < 64 ? (UINT64_C(1) << type->bits) - 1 : UINT64_MAX;

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
	if (end - at > 2 && at[0] == '0' && (at[1] | 0x20) == 'x') {
		return scan_hex(at + 2, end, max, &out->lo);
	}
	return scan_number(at, end, max, &out->lo);
}

/* All host bits from the prefix length on. */
static struct u128 host_bits(unsigned bits, unsigned prefix_len)
{
	unsigned host = bits - prefix_len;

	if (host == 128) {
		return (struct u128){ UINT64_MAX, UINT64_MAX };
	}
	if (host > 64) {
		return (struct u128){ (UINT64_C(1) << (host - 64)) - 1, UINT64_MAX };
	}
	return (struct u128){ 0, host == 64 ? UINT64_MAX : (UINT64_C(1) << host) - 1 };
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
		struct u128 host;
		uint64_t prefix_len;

		at = scan_number(at + 1, end, type->bits, &prefix_len);
		if (at == NULL) {
			return NULL;
		}
		host = host_bits(type->bits, (unsigned)prefix_len);
		out->lo = (struct u128){ out->lo.hi & ~host.hi, out->lo.lo & ~host.lo };
		out->hi = (struct u128){ out->lo.hi | host.hi, out->lo.lo | host.lo };
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

static void print_value(struct u128 v, const struct dtype *type, char *out, size_t size)
{
	const char *word = type->prints_symbols ? symbol_word(type->symbols, v.lo) : NULL;
	uint8_t b[16];

	if (type == &dtype_ip4) {
		store_be32(b, (uint32_t)v.lo);
		inet_ntop(AF_INET, b, out, (socklen_t)size);
	} else if (type == &dtype_ip6) {
		store_be32(b, (uint32_t)(v.hi >> 32));
		store_be32(b + 4, (uint32_t)v.hi);
		store_be32(b + 8, (uint32_t)(v.lo >> 32));
		store_be32(b + 12, (uint32_t)v.lo);
		inet_ntop(AF_INET6, b, out, (socklen_t)size);
	} else if (word != NULL) {
		snprintf(out, size, "%s", word);
	} else {
		snprintf(out, size, type->prints_hex ? "0x%08" PRIx64 : "%" PRIu64, v.lo);
	}
}

/* The length of the prefix that the interval is, or -1. */
static int prefix_of(const struct dtype *type, const struct interval *i)
{
	for (unsigned len = 0; len <= type->bits; len++) {
		struct u128 host = host_bits(type->bits, len);

		if ((i->lo.hi & host.hi) == 0 && (i->lo.lo & host.lo) == 0 &&
		    i->hi.hi == (i->lo.hi | host.hi) && i->hi.lo == (i->lo.lo | host.lo)) {
			return (int)len;
		}
	}
	return -1;
}

void element_text(const struct dtype *type, const struct interval *i, char out[ELEMENT_TEXT_SIZE])
{
	bool is_addr = type == &dtype_ip4 || type == &dtype_ip6;
	int prefix_len;
	char lo[INET6_ADDRSTRLEN];
	char hi[INET6_ADDRSTRLEN];

	print_value(i->lo, type, lo, sizeof(lo));
	if (u128_cmp(i->lo, i->hi) == 0) {
		snprintf(out, ELEMENT_TEXT_SIZE, "%s", lo);
		return;
	}
	prefix_len = is_addr ? prefix_of(type, i) : -1;
	if (prefix_len >= 0) {
		snprintf(out, ELEMENT_TEXT_SIZE, "%s/%d", lo, prefix_len);
	} else {
		print_value(i->hi, type, hi, sizeof(hi));
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

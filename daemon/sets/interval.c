/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many intervals: see interval.h. A million of them are sorted in a fraction of a second: a radix
 * sort, least significant byte first, that skips the bytes that are the same in all.
 */
#include "interval.h"

#include <string.h>

void interval_list_add(struct arena *a, struct interval_list *l, const struct interval *i)
{
	uint32_t at = l->len % INTERVAL_BLOCK_LEN;

	if (at == 0) {
		struct interval_block *b = arena_alloc(a, sizeof(*b));

		if (l->last != NULL) {
			l->last->next = b;
		} else {
			l->first = b;
		}
		l->last = b;
	}
	l->last->at[at] = *i;
	l->len++;
}

struct interval_list interval_list_clone(struct arena *a, const struct interval_list *l)
{
	struct interval_list kept = { 0 };

	for (const struct interval_block *b = l->first; b != NULL; b = b->next) {
		for (uint32_t i = 0; i < INTERVAL_BLOCK_LEN && kept.len < l->len; i++) {
			interval_list_add(a, &kept, &b->at[i]);
		}
	}
	return kept;
}

static struct interval *list_at(const struct interval_list *l, uint32_t nr)
{
	struct interval_block *b = l->first;

	for (uint32_t left = nr; left >= INTERVAL_BLOCK_LEN; left -= INTERVAL_BLOCK_LEN) {
		b = b->next;
	}
	return &b->at[nr % INTERVAL_BLOCK_LEN];
}

/* The last one takes the place of it. */
static void take_out(struct interval_list *l, struct interval *at)
{
	*at = *list_at(l, l->len - 1);
	l->len--;
	if (l->len % INTERVAL_BLOCK_LEN == 0) {
		struct interval_block *b = l->first;

		/* the last block is empty now */
		while (l->len != 0 && b->next != l->last) {
			b = b->next;
		}
		*l = l->len != 0 ? (struct interval_list){ l->first, b, l->len }
		                 : (struct interval_list){ 0 };
	}
}

/* The first one that fits i. */
static struct interval *find_fit(const struct interval_list *l, const struct interval *i,
                                 bool (*fits)(const struct interval *, const struct interval *))
{
	uint32_t left = l->len;

	for (struct interval_block *b = l->first; b != NULL && left != 0; b = b->next) {
		uint32_t len = left < INTERVAL_BLOCK_LEN ? left : INTERVAL_BLOCK_LEN;

		for (uint32_t n = 0; n < len; n++) {
			if (fits(&b->at[n], i)) {
				return &b->at[n];
			}
		}
		left -= len;
	}
	return NULL;
}

bool interval_list_remove(struct interval_list *l, const struct interval *i)
{
	struct interval *at = find_fit(l, i, interval_is_equal);

	if (at != NULL) {
		take_out(l, at);
	}
	return at != NULL;
}

bool interval_list_cut(struct arena *a, struct interval_list *l, const struct interval *i)
{
	struct interval *at = find_fit(l, i, interval_contains);
	struct interval whole;

	if (at == NULL) {
		return false;
	}
	whole = *at;
	take_out(l, at);
	if (u128_cmp(whole.lo, i->lo) < 0) {
		interval_list_add(a, l, &(struct interval){ whole.lo, u128_dec(i->lo) });
	}
	if (u128_cmp(i->hi, whole.hi) < 0) {
		interval_list_add(a, l, &(struct interval){ u128_inc(i->hi), whole.hi });
	}
	return true;
}

void interval_list_copy(const struct interval_list *l, struct interval *out)
{
	uint32_t left = l->len;

	for (const struct interval_block *b = l->first; b != NULL; b = b->next) {
		uint32_t len = left < INTERVAL_BLOCK_LEN ? left : INTERVAL_BLOCK_LEN;

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

void intervals_sort(struct interval *i, size_t len, struct interval *scratch)
{
	struct interval *from = i;
	struct interval *to = scratch;

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

		if (what == JOIN_ADJACENT && !u128_is_max(end)) {
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

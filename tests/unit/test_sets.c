/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements of sets: as text, in bulk from lists and files with their positions, sorted and joined.
 * Trees and changes of sets are tested by tests/model/model_sets.c and test_named_set.c.
 */
#include "sets/element.h"
#include "sets/live_set.h"
#include "sets/load.h"

#include "suite.h"

/* element.h */

static const struct {
	const struct dtype *type;
	const char *text;
	const char *canonical; /* NULL: not an element */
} elements[] = {
	{ &dtype_ip4, "10.0.0.1", "10.0.0.1" },
	{ &dtype_ip4, "10.0.0.9/29", "10.0.0.8/29" },
	{ &dtype_ip4, "10.0.0.0-10.0.0.255", "10.0.0.0/24" },
	{ &dtype_ip4, "10.0.0.1 - 10.0.0.3", "10.0.0.1-10.0.0.3" },
	{ &dtype_ip4, "10.0.0.3-10.0.0.1", NULL },
	{ &dtype_ip4, "10.0.0.1/33", NULL },
	{ &dtype_ip4, "10.0.0.1 x", NULL },
	{ &dtype_ip4, "2001:db8::1", NULL },
	{ &dtype_ip4, "5", NULL },
	{ &dtype_ip6, "2001:DB8::1", "2001:db8::1" },
	{ &dtype_ip6, "2001:db8::/32", "2001:db8::/32" },
	{ &dtype_ip6, "10.0.0.1", NULL },
	{ &dtype_port, "22", "22" },
	{ &dtype_port, "ssh", "22" },
	{ &dtype_port, "0x16", "22" },
	{ &dtype_port, "1024-65535", "1024-65535" },
	{ &dtype_port, "65536", NULL },
	{ &dtype_port, "sshd", NULL },
	{ &dtype_mark, "16", "0x00000010" },
	{ &dtype_mark, "4294967296", NULL },
	{ &dtype_proto, "6", "tcp" },
	{ &dtype_proto, "tcp", "tcp" },
};

START_TEST(elements_are_read_and_printed)
{
	for (size_t i = 0; i < ARRAY_LEN(elements); i++) {
		const char *text = elements[i].text;
		struct interval in;
		char problem[512] = "";
		char out[ELEMENT_TEXT_SIZE];
		const char *wrong = element_read(elements[i].type, text, strlen(text), &in, problem,
		                                 sizeof(problem));

		ck_assert_msg((wrong == NULL) == (elements[i].canonical != NULL), "\"%s\": %s",
		              text, problem);
		if (wrong == NULL) {
			element_text(elements[i].type, &in, out);
			ck_assert_str_eq(out, elements[i].canonical);
		} else {
			ck_assert_ptr_nonnull(strstr(problem, ", expected "));
		}
	}
}
END_TEST

/* load.h: each test runs in an arena */

static struct arena arena;

static void with_arena(void (*fn)(void *ctx))
{
	ck_assert(arena_run(&arena, fn, NULL));
	arena_fini(&arena);
}

static struct load_text text_of(const char *text)
{
	return (struct load_text){ text, text + strlen(text), { 3, 10, 1 } };
}

static uint64_t element_at(const struct interval_list *l, uint32_t nr)
{
	ck_assert_uint_lt(nr, l->len);
	return l->first->at[nr].lo.lo;
}

static void read_list(void *ctx)
{
	static const struct {
		const char *text;
		uint32_t len;  /* elements that are read */
		uint32_t line; /* the position behind them */
		uint16_t col;
		const char *rest;
	} lists[] = {
		{ " 1, 2, 3 }", 2, 3, 16, " 3 }" },
		{ "1,\n 2,\n3 }", 2, 4, 4, "\n3 }" },
		{ "1, # one\n\t2, 3 }", 2, 4, 4, " 3 }" },
		{ "1 }", 0, 3, 10, "1 }" },
		{ "1, }", 0, 3, 10, "1, }" },
		{ "1, ssh, 2 }", 1, 3, 12, " ssh, 2 }" },
		{ "1, $v, 2 }", 1, 3, 12, " $v, 2 }" },
		{ "1, 65536, 2 }", 1, 3, 12, " 65536, 2 }" },
		{ "1, 2", 1, 3, 12, " 2" },
		{ "1,", 0, 3, 10, "1," },
		{ "1,,2 }", 1, 3, 12, ",2 }" },
		{ "1-5, 7 - 9, 1 }", 2, 3, 21, " 1 }" },
		{ "", 0, 3, 10, "" },
	};

	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct load_text t = text_of(lists[i].text);
		struct interval_list l = { 0 };

		ck_assert_msg(load_list(&arena, &dtype_port, &t, &l) == (lists[i].len != 0),
		              "\"%s\"", lists[i].text);
		ck_assert_msg(l.len == lists[i].len, "\"%s\": %u", lists[i].text, l.len);
		ck_assert_str_eq(t.at, lists[i].rest);
		ck_assert_uint_eq(t.loc.line, lists[i].line);
		ck_assert_uint_eq(t.loc.col, lists[i].col);
		ck_assert_uint_eq(t.loc.file, 1);
	}
}

START_TEST(lists_are_read_up_to_their_last_element)
{
	with_arena(read_list);
}
END_TEST

struct reports {
	struct loc loc[8];
	unsigned len;
	unsigned max;
};

static bool report(void *ctx, struct loc loc, const char *problem)
{
	struct reports *r = ctx;

	ck_assert_ptr_nonnull(strstr(problem, ", expected "));
	r->loc[r->len++] = loc;
	return r->len < r->max;
}

static void read_lines(void *ctx)
{
	const char *text = "# a list\n"
			   "10.0.0.1\n"
			   "\n"
			   "  10.0.0.2\t; two\r\n"
			   "   10.0.0.256\n"
			   "10.0.0.3 # three\n"
			   "nonsense\n"
			   "10.0.0.4";
	struct reports reports = { .max = 8 };
	const struct load_report to = { report, &reports };
	struct load_text t = { text, text + strlen(text), { 1, 1, 2 } };
	struct interval_list l = { 0 };

	(void)ctx;
	load_lines(&arena, &dtype_ip4, t, &l, &to);
	ck_assert_uint_eq(l.len, 4);
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(element_at(&l, i), 0x0a000001 + i);
	}
	ck_assert_uint_eq(reports.len, 2);
	ck_assert_uint_eq(reports.loc[0].line, 5);
	ck_assert_uint_eq(reports.loc[0].col, 4);
	ck_assert_uint_eq(reports.loc[1].line, 7);
	ck_assert_uint_eq(reports.loc[1].col, 1);
	ck_assert_uint_eq(reports.loc[1].file, 2);
	/* the report can end the reading */
	reports = (struct reports){ .max = 1 };
	l = (struct interval_list){ 0 };
	load_lines(&arena, &dtype_ip4, t, &l, &to);
	ck_assert_uint_eq(reports.len, 1);
	ck_assert_uint_eq(l.len, 2);
}

START_TEST(files_have_one_element_a_line)
{
	with_arena(read_lines);
}
END_TEST

/* interval.h */

static const struct u128 top = { UINT64_MAX, UINT64_MAX };

START_TEST(overlapping_intervals_are_joined)
{
	const struct interval from[] = {
		{ { 0, 1 }, { 0, 3 } }, { { 0, 2 }, { 0, 2 } }, { { 0, 4 }, { 0, 6 } },
		{ { 0, 6 }, { 0, 9 } }, { { 5, 0 }, top },      { { 7, 7 }, top },
	};
	struct interval i[ARRAY_LEN(from)];

	memcpy(i, from, sizeof(from));
	ck_assert_uint_eq(intervals_join(i, ARRAY_LEN(from), JOIN_OVERLAPPING), 3);
	ck_assert(interval_is_equal(&i[0], &(struct interval){ { 0, 1 }, { 0, 3 } }));
	ck_assert(interval_is_equal(&i[1], &(struct interval){ { 0, 4 }, { 0, 9 } }));
	ck_assert(interval_is_equal(&i[2], &(struct interval){ { 5, 0 }, top }));
	memcpy(i, from, sizeof(from));
	ck_assert_uint_eq(intervals_join(i, ARRAY_LEN(from), JOIN_ADJACENT), 2);
	ck_assert(interval_is_equal(&i[0], &(struct interval){ { 0, 1 }, { 0, 9 } }));
	ck_assert_uint_eq(intervals_join(i, 0, JOIN_ADJACENT), 0);
}
END_TEST

/* Values of which many differ in one byte only, whichever it is. */
static struct u128 mixed(uint64_t n)
{
	uint64_t bits = (n % 200 + 1) << (n % 8 * 8);

	return n % 3 == 0 ? (struct u128){ bits, 0 } : (struct u128){ 0, bits };
}

START_TEST(intervals_are_sorted_by_their_lower_end)
{
	enum { LEN = 5000 };
	struct interval *i = calloc(2 * LEN, sizeof(*i));
	uint64_t sum = 0;

	for (uint64_t n = 0; n < LEN; n++) {
		i[n].lo = mixed(n);
		i[n].hi = (struct u128){ n, 0 };
		sum += n;
	}
	intervals_sort(i, LEN, i + LEN);
	for (size_t n = 0; n < LEN; n++) {
		/* the upper end has come along */
		ck_assert_int_eq(u128_cmp(i[n].lo, mixed(i[n].hi.hi)), 0);
		ck_assert(n == 0 || u128_cmp(i[n - 1].lo, i[n].lo) <= 0);
		sum -= i[n].hi.hi;
	}
	ck_assert_uint_eq(sum, 0);
	free(i);
}
END_TEST

static void fill_list(void *ctx)
{
	struct interval_list a = { 0 };
	struct interval_list b;
	struct live_set *s;
	struct interval *out = calloc(3 * INTERVAL_BLOCK_LEN, sizeof(*out));
	uint32_t len = 2 * INTERVAL_BLOCK_LEN + 7;

	(void)ctx;
	for (uint32_t n = 0; n < len; n++) {
		interval_list_add(&arena, &a, &(struct interval){ { 0, n * 2 }, { 0, n * 2 } });
	}
	b = interval_list_clone(&arena, &a);
	ck_assert_uint_eq(b.len, len);
	interval_list_copy(&b, out);
	for (uint32_t n = 0; n < len; n++) {
		ck_assert_uint_eq(out[n].lo.lo, n * 2);
	}
	/* the same elements twice are each there once */
	s = live_set_make(false, &a, &b, JOIN_ADJACENT);
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(rs_set_tree(&s->set)->len, len);
	ck_assert(rs_set_has32(&s->set, 2 * (len - 1)));
	ck_assert(!rs_set_has32(&s->set, 1));
	ck_assert_ptr_eq(live_set_get(s), s);
	live_set_put(s);
	ck_assert(rs_set_has32(&s->set, 0));
	live_set_put(s);
	live_set_put(NULL);
	free(out);
}

START_TEST(lists_grow_and_become_sets)
{
	with_arena(fill_list);
}
END_TEST

SUITE_MAIN("sets", elements_are_read_and_printed, lists_are_read_up_to_their_last_element,
           files_have_one_element_a_line, overlapping_intervals_are_joined,
           intervals_are_sorted_by_their_lower_end, lists_grow_and_become_sets)

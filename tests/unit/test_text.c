/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readers of numbers, CPU lists and addresses in text, and the arithmetic of prefixes.
 */
#include "text/addr.h"
#include "text/cpulist.h"
#include "text/num.h"

#include "suite.h"

#include <errno.h>

#define UNTOUCHED 4711

/* numbers */

static const struct {
	const char *text;
	uint64_t min;
	uint64_t max;
	bool decimal; /* text_number() takes it */
	bool c;       /* text_number_c() takes it */
	uint64_t number;
	uint64_t number_c;
} numbers[] = {
	{ "0", 0, 10, true, true, 0, 0 },
	{ "10", 0, 10, true, true, 10, 10 },
	{ "11", 0, 10, false, false, 0, 0 },
	{ "4", 5, 10, false, false, 0, 0 },
	{ "010", 0, 10, true, true, 10, 8 },
	{ "0x10", 0, 100, false, true, 0, 16 },
	{ "0X1f", 0, 100, false, true, 0, 31 },
	{ "09", 0, 100, true, false, 9, 0 },
	{ "", 0, 10, false, false, 0, 0 },
	{ "x", 0, 10, false, false, 0, 0 },
	{ "0x", 0, 10, false, false, 0, 0 },
	{ "-1", 0, UINT64_MAX, false, false, 0, 0 },
	{ "+1", 0, 10, false, false, 0, 0 },
	{ " 1", 0, 10, false, false, 0, 0 },
	{ "1 ", 0, 10, false, false, 0, 0 },
	{ "1a", 0, 10, false, false, 0, 0 },
	{ "18446744073709551615", 0, UINT64_MAX, true, true, UINT64_MAX, UINT64_MAX },
	{ "18446744073709551616", 0, UINT64_MAX, false, false, 0, 0 },
	{ "99999999999999999999999", 0, UINT64_MAX, false, false, 0, 0 },
};

START_TEST(numbers_within_bounds)
{
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const char *text = numbers[i].text;
		uint64_t n = UNTOUCHED;

		ck_assert_msg(text_number(text, numbers[i].min, numbers[i].max, &n) ==
		                      numbers[i].decimal,
		              "\"%s\"", text);
		ck_assert_uint_eq(n, numbers[i].decimal ? numbers[i].number : UNTOUCHED);
		n = UNTOUCHED;
		ck_assert_msg(text_number_c(text, numbers[i].min, numbers[i].max, &n) ==
		                      numbers[i].c,
		              "\"%s\" in C", text);
		ck_assert_uint_eq(n, numbers[i].c ? numbers[i].number_c : UNTOUCHED);
	}
}
END_TEST

START_TEST(scanners_stop_behind_the_digits)
{
	const char *text = "123abc";
	const char *end = text + 6;
	uint64_t n;

	ck_assert_ptr_eq(scan_decimal(text, end, 999, &n), text + 3);
	ck_assert_uint_eq(n, 123);
	ck_assert_ptr_eq(scan_hex(text, end, UINT32_MAX, &n), end);
	ck_assert_uint_eq(n, 0x123abc);
	ck_assert_ptr_eq(scan_number(text, end, 999, &n), text + 3);
	ck_assert_ptr_eq(scan_decimal(text, text + 2, 999, &n), text + 2);
	ck_assert_uint_eq(n, 12);
	ck_assert_ptr_null(scan_decimal(text, end, 122, &n));
	ck_assert_ptr_null(scan_decimal(text, text, 999, &n));
	/* "0x" without a digit: the number is 0, and x is left */
	text = "0xg";
	ck_assert_ptr_null(scan_number(text, text + 3, 999, &n));
	ck_assert_ptr_eq(scan_number(text, text + 2, 999, &n), text + 1);
}
END_TEST

START_TEST(ports)
{
	uint16_t port = UNTOUCHED;

	ck_assert(!text_port("65536", &port));
	ck_assert(!text_port("http", &port));
	ck_assert(!text_port("", &port));
	ck_assert_uint_eq(port, UNTOUCHED);
	ck_assert(text_port("65535", &port));
	ck_assert_uint_eq(port, 65535);
	ck_assert(text_port("0", &port));
	ck_assert_uint_eq(port, 0);
}
END_TEST

START_TEST(fractions)
{
	double v = UNTOUCHED;

	ck_assert(!text_fraction("", "%", 0, 1000, &v));
	ck_assert(!text_fraction("%", "%", 0, 1000, &v));
	ck_assert(!text_fraction("1.", "%", 0, 1000, &v));
	ck_assert(!text_fraction("-1", "%", 0, 1000, &v));
	ck_assert(!text_fraction("1e3", "%", 0, 1000, &v));
	ck_assert(!text_fraction("nan", "%", 0, 1000, &v));
	ck_assert(!text_fraction("5%", NULL, 0, 1000, &v));
	ck_assert(!text_fraction("5%%", "%", 0, 1000, &v));
	ck_assert(!text_fraction("1000.5", "%", 0, 1000, &v));
	ck_assert_double_eq(v, UNTOUCHED);
	ck_assert(text_fraction("5", NULL, 0, 1000, &v));
	ck_assert_double_eq(v, 5);
	ck_assert(text_fraction("2.25%", "%", 0, 1000, &v));
	ck_assert_double_eq_tol(v, 2.25, 1e-12);
}
END_TEST

static const struct {
	const char *text;
	int with_unit; /* outcome where a unit is required */
	int without;   /* where it is optional */
	int64_t sec;
} durations[] = {
	{ "90s", 0, 0, 90 },
	{ "1d12h", 0, 0, 129600 },
	{ "2w", 0, 0, 1209600 },
	{ "1m1m", 0, 0, 120 },
	{ "90", -EINVAL, 0, 90 },
	{ "1m30", -EINVAL, -EINVAL, 0 },
	{ "", -EINVAL, -EINVAL, 0 },
	{ "s", -EINVAL, -EINVAL, 0 },
	{ "1x", -EINVAL, -EINVAL, 0 },
	{ "1ms", -EINVAL, -EINVAL, 0 },
	{ "-1s", -EINVAL, -EINVAL, 0 },
	{ "1 s", -EINVAL, -EINVAL, 0 },
	{ "9223372036854775807s", 0, 0, INT64_MAX },
	{ "9223372036854775808s", -ERANGE, -ERANGE, 0 },
	{ "9223372036854775807s1s", -ERANGE, -ERANGE, 0 },
	{ "99999999999999999999s", -ERANGE, -ERANGE, 0 },
	{ "9223372036854775807w", -ERANGE, -ERANGE, 0 },
};

START_TEST(durations_have_units)
{
	for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
		const char *text = durations[i].text;
		int64_t sec = UNTOUCHED;

		ck_assert_msg(text_duration(text, strlen(text), TEXT_UNIT_REQUIRED, &sec) ==
		                      durations[i].with_unit,
		              "\"%s\"", text);
		ck_assert_int_eq(sec, durations[i].with_unit == 0 ? durations[i].sec : UNTOUCHED);
		sec = UNTOUCHED;
		ck_assert_msg(text_duration(text, strlen(text), TEXT_UNIT_OPTIONAL, &sec) ==
		                      durations[i].without,
		              "\"%s\"", text);
		ck_assert_int_eq(sec, durations[i].without == 0 ? durations[i].sec : UNTOUCHED);
	}
}
END_TEST

START_TEST(quantities_and_microseconds)
{
	int64_t n = UNTOUCHED;

	ck_assert_int_eq(text_quantity("64", 2, TEXT_UNIT_REQUIRED, &n), -EINVAL);
	ck_assert_int_eq(text_quantity("64k", 3, TEXT_UNIT_REQUIRED, &n), -EINVAL);
	ck_assert_int_eq(text_quantity("64KK", 4, TEXT_UNIT_REQUIRED, &n), -EINVAL);
	ck_assert_int_eq(text_quantity("1K1K", 4, TEXT_UNIT_REQUIRED, &n), -EINVAL);
	ck_assert_int_eq(text_quantity("9223372036854775807K", 20, TEXT_UNIT_REQUIRED, &n),
	                 -ERANGE);
	ck_assert_int_eq(n, UNTOUCHED);
	ck_assert_int_eq(text_quantity("64K", 3, TEXT_UNIT_REQUIRED, &n), 0);
	ck_assert_int_eq(n, 65536);
	ck_assert_int_eq(text_quantity("1G", 2, TEXT_UNIT_OPTIONAL, &n), 0);
	ck_assert_int_eq(n, 1 << 30);
	ck_assert_int_eq(text_microseconds("50us", 4, TEXT_UNIT_REQUIRED, &n), 0);
	ck_assert_int_eq(n, 50);
	ck_assert_int_eq(text_microseconds("50s", 3, TEXT_UNIT_REQUIRED, &n), -EINVAL);
	ck_assert_int_eq(text_microseconds("50usx", 5, TEXT_UNIT_REQUIRED, &n), -EINVAL);
}
END_TEST

START_TEST(cpu_lists)
{
	static const char *const none[] = { "",       ",",          "1,",  ",1",  "1-",
		                            "-1",     "3-2",        "a",   "1;2", "1024",
		                            "0-1024", "4294967296", "1 ,2" };

	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		ck_assert_msg(cpulist_len(none[i]) == 0, "\"%s\"", none[i]);
	}
	ck_assert_uint_eq(cpulist_len("0-1023"), 1024);
	ck_assert_uint_eq(cpulist_len("0-3,6"), 5);
	ck_assert_uint_eq(cpulist_at("0-3,6", 3), 3);
	ck_assert_uint_eq(cpulist_at("0-3,6", 4), 6);
	ck_assert_uint_eq(cpulist_at("7,2", 1), 2);
}
END_TEST

/* addresses */

static const struct {
	const char *text;
	bool is_prefix; /* text_prefix() takes it; text_addr() where bits are all */
	uint8_t family;
	uint8_t bits;
	const char *first; /* of its addresses */
	const char *last;
} addrs[] = {
	{ "192.0.2.1", true, 4, 32, "192.0.2.1", "192.0.2.1" },
	{ "192.0.2.77/24", true, 4, 24, "192.0.2.0", "192.0.2.255" },
	{ "0.0.0.0/0", true, 4, 0, "0.0.0.0", "255.255.255.255" },
	{ "10.0.0.1/31", true, 4, 31, "10.0.0.0", "10.0.0.1" },
	{ "2001:db8::1", true, 6, 128, "2001:db8::1", "2001:db8::1" },
	{ "2001:db8:ffff::/33", true, 6, 33,
	  "2001:db8:8000::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ "2001:db8::1/64", true, 6, 64, "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff" },
	{ "2001:db8::ff/127", true, 6, 127, "2001:db8::fe", "2001:db8::ff" },
	{ "::/0", true, 6, 0, "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ "::ffff:192.0.2.1", true, 6, 128, "::ffff:192.0.2.1", "::ffff:192.0.2.1" },
	{ "192.0.2.1/33", false, 0, 0, NULL, NULL },
	{ "192.0.2.1/", false, 0, 0, NULL, NULL },
	{ "192.0.2.1/-1", false, 0, 0, NULL, NULL },
	{ "192.0.2.1/24/24", false, 0, 0, NULL, NULL },
	{ "2001:db8::/129", false, 0, 0, NULL, NULL },
	{ "192.0.2.01", false, 0, 0, NULL, NULL },
	{ "192.0.2.256", false, 0, 0, NULL, NULL },
	{ "192.0.2", false, 0, 0, NULL, NULL },
	{ "192.0.2.", false, 0, 0, NULL, NULL },
	{ "192.0.2.1.1", false, 0, 0, NULL, NULL },
	{ " 192.0.2.1", false, 0, 0, NULL, NULL },
	{ "192.0.2.1 ", false, 0, 0, NULL, NULL },
	{ "2001:db8:::1", false, 0, 0, NULL, NULL },
	{ "1:2:3:4:5:6:7:8:9", false, 0, 0, NULL, NULL },
	{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", false, 0, 0, NULL, NULL },
	{ "example.org", false, 0, 0, NULL, NULL },
	{ "", false, 0, 0, NULL, NULL },
	{ "/24", false, 0, 0, NULL, NULL },
};

START_TEST(addresses_and_prefixes)
{
	for (size_t i = 0; i < ARRAY_LEN(addrs); i++) {
		const char *text = addrs[i].text;
		struct text_addr a = { .bits = 99 };
		bool is_whole = addrs[i].is_prefix && strchr(text, '/') == NULL;
		char out[ADDR_TEXT_SIZE];
		struct interval in;

		ck_assert_msg(text_addr(text, strlen(text), &a) == is_whole, "\"%s\"", text);
		ck_assert_msg(text_prefix(text, strlen(text), &a) == addrs[i].is_prefix, "\"%s\"",
		              text);
		if (!addrs[i].is_prefix) {
			ck_assert_uint_eq(a.bits, 99);
			continue;
		}
		ck_assert_uint_eq(a.family, addrs[i].family);
		ck_assert_uint_eq(a.bits, addrs[i].bits);
		in = text_addr_interval(&a);
		ck_assert_str_eq(ip_text_u128(a.family, in.lo, out), addrs[i].first);
		ck_assert_str_eq(ip_text_u128(a.family, in.hi, out), addrs[i].last);
		ck_assert_int_eq(interval_prefix_len(&in, addr_bits(a.family)), a.bits);
	}
}
END_TEST

START_TEST(address_bytes_are_network_order)
{
	static const uint8_t want4[16] = { 192, 0, 2, 1 };
	static const uint8_t want6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	struct text_addr a;
	char out[ADDR_TEXT_SIZE];

	ck_assert(text_addr("192.0.2.1", 9, &a));
	ck_assert_mem_eq(a.bytes, want4, 16);
	ck_assert_str_eq(ip_text(4, a.bytes, out), "192.0.2.1");
	ck_assert(text_addr("2001:db8::1", 11, &a));
	ck_assert_mem_eq(a.bytes, want6, 16);
	ck_assert_str_eq(ip_text(6, a.bytes, out), "2001:db8::1");
}
END_TEST

START_TEST(netmasks)
{
	uint8_t bits = 99;

	ck_assert(!text_netmask("255.0.255.0", 11, 4, &bits));
	ck_assert(!text_netmask("0.0.0.255", 9, 4, &bits));
	ck_assert(!text_netmask("33", 2, 4, &bits));
	ck_assert(!text_netmask("ffff::", 6, 4, &bits));
	ck_assert(!text_netmask("255.255.255.0", 13, 6, &bits));
	ck_assert(!text_netmask("", 0, 4, &bits));
	ck_assert_uint_eq(bits, 99);
	ck_assert(text_netmask("24", 2, 4, &bits));
	ck_assert_uint_eq(bits, 24);
	ck_assert(text_netmask("255.255.255.0", 13, 4, &bits));
	ck_assert_uint_eq(bits, 24);
	ck_assert(text_netmask("255.255.255.255", 15, 4, &bits));
	ck_assert_uint_eq(bits, 32);
	ck_assert(text_netmask("0.0.0.0", 7, 4, &bits));
	ck_assert_uint_eq(bits, 0);
	ck_assert(text_netmask("ffff:fff0::", 11, 6, &bits));
	ck_assert_uint_eq(bits, 28);
	ck_assert(text_netmask("128", 3, 6, &bits));
	ck_assert_uint_eq(bits, 128);
}
END_TEST

START_TEST(ranges_of_addresses)
{
	static const char *const none[] = { "192.0.2.9-192.0.2.1",  "192.0.2.1-",
		                            "-192.0.2.1",           "192.0.2.1-2001:db8::",
		                            "192.0.2.1-192.0.2.1-", "192.0.2.0/24-192.0.2.9" };
	struct text_addr lo = { .bits = 99 };
	struct text_addr hi = { .bits = 99 };
	char out[ADDR_TEXT_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		ck_assert_msg(!text_addr_range(none[i], strlen(none[i]), &lo, &hi), "\"%s\"",
		              none[i]);
	}
	ck_assert_uint_eq(lo.bits, 99);
	ck_assert_uint_eq(hi.bits, 99);
	ck_assert(text_addr_range("192.0.2.1-192.0.2.9", 19, &lo, &hi));
	ck_assert_str_eq(ip_text(lo.family, lo.bytes, out), "192.0.2.1");
	ck_assert_str_eq(ip_text(hi.family, hi.bytes, out), "192.0.2.9");
	ck_assert(text_addr_range("2001:db8::1", 11, &lo, &hi));
	ck_assert_mem_eq(&lo, &hi, sizeof(lo));
}
END_TEST

static const struct {
	const char *text;
	const char *addr; /* NULL: refused */
	int port;         /* -1: none */
} endpoints[] = {
	{ "192.0.2.1:80", "192.0.2.1", 80 },
	{ "192.0.2.1", "192.0.2.1", -1 },
	{ "[2001:db8::1]:443", "2001:db8::1", 443 },
	{ "[2001:db8::1]", "2001:db8::1", -1 },
	{ "2001:db8::1", "2001:db8::1", -1 },
	{ "2001:db8::1:80", "2001:db8::1:80", -1 },
	{ "192.0.2.1:", NULL, 0 },
	{ "192.0.2.1:65536", NULL, 0 },
	{ "192.0.2.1:http", NULL, 0 },
	{ "[192.0.2.1]:80", NULL, 0 },
	{ "[2001:db8::1", NULL, 0 },
	{ "[2001:db8::1]80", NULL, 0 },
	{ "[2001:db8::1]:", NULL, 0 },
	{ "[]:80", NULL, 0 },
	{ ":80", NULL, 0 },
	{ "", NULL, 0 },
};

START_TEST(endpoints_have_ports)
{
	for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
		const char *text = endpoints[i].text;
		struct text_endpoint e = { .port = UNTOUCHED };
		char out[ADDR_TEXT_SIZE];

		ck_assert_msg(text_endpoint(text, strlen(text), &e) == (endpoints[i].addr != NULL),
		              "\"%s\"", text);
		if (endpoints[i].addr == NULL) {
			ck_assert_uint_eq(e.port, UNTOUCHED);
			continue;
		}
		ck_assert_str_eq(ip_text(e.addr.family, e.addr.bytes, out), endpoints[i].addr);
		ck_assert_int_eq(e.has_port, endpoints[i].port >= 0);
		ck_assert_int_eq(e.port, endpoints[i].port >= 0 ? endpoints[i].port : 0);
	}
}
END_TEST

/* arithmetic */

START_TEST(values_of_128_bits)
{
	struct u128 top = { UINT64_MAX, UINT64_MAX };
	struct u128 half = { 0, UINT64_MAX };

	ck_assert(u128_is_max(top));
	ck_assert(!u128_is_max(half));
	ck_assert_int_eq(u128_cmp(u128_inc(half), (struct u128){ 1, 0 }), 0);
	ck_assert_int_eq(u128_cmp(u128_dec((struct u128){ 1, 0 }), half), 0);
	ck_assert_int_eq(u128_cmp(u128_inc(top), (struct u128){ 0, 0 }), 0);
	ck_assert_int_lt(u128_cmp(half, (struct u128){ 1, 0 }), 0);
	ck_assert_int_gt(u128_cmp((struct u128){ 1, 1 }, (struct u128){ 1, 0 }), 0);
	ck_assert(u128_is_le(half, (struct u128){ 1, 0 }));
	ck_assert(!u128_is_le((struct u128){ 1, 0 }, half));
	ck_assert(u128_is_le(half, half));
	ck_assert(!u128_is_le((struct u128){ 1, 1 }, (struct u128){ 1, 0 }));
	for (unsigned bits = 0; bits <= 128; bits++) {
		struct u128 max = u128_max(bits);
		unsigned set = (unsigned)__builtin_popcountll(max.hi) +
		               (unsigned)__builtin_popcountll(max.lo);
		struct u128 next = u128_inc(max);

		/* bits ones, all of them at the lower end */
		ck_assert_uint_eq(set, bits);
		ck_assert((next.hi & max.hi) == 0 && (next.lo & max.lo) == 0);
	}
}
END_TEST

START_TEST(intervals_that_are_no_prefix)
{
	struct interval i = { { 0, 1 }, { 0, 2 } };

	ck_assert_int_eq(interval_prefix_len(&i, 32), -1);
	i = (struct interval){ { 0, 1 }, { 0, 4 } };
	ck_assert_int_eq(interval_prefix_len(&i, 32), -1);
	i = (struct interval){ { 0, 4 }, { 0, 6 } };
	ck_assert_int_eq(interval_prefix_len(&i, 32), -1);
	i = (struct interval){ { 0, 4 }, { 0, 7 } };
	ck_assert_int_eq(interval_prefix_len(&i, 32), 30);
	i = (struct interval){ { 0, 0 }, { 1, UINT64_MAX } };
	ck_assert_int_eq(interval_prefix_len(&i, 128), 63);
	i = (struct interval){ { 0, 5 }, { 1, UINT64_MAX } };
	ck_assert_int_eq(interval_prefix_len(&i, 128), -1);
	ck_assert(interval_contains(&i, &(struct interval){ { 0, 5 }, { 1, 0 } }));
	ck_assert(!interval_contains(&i, &(struct interval){ { 0, 4 }, { 1, 0 } }));
	ck_assert(!interval_contains(&i, &(struct interval){ { 0, 5 }, { 2, 0 } }));
	ck_assert(interval_is_equal(&i, &i));
	ck_assert(!interval_is_equal(&i, &(struct interval){ { 0, 5 }, { 1, 0 } }));
}
END_TEST

SUITE_MAIN("text", numbers_within_bounds, scanners_stop_behind_the_digits, ports, fractions,
           durations_have_units, quantities_and_microseconds, cpu_lists, addresses_and_prefixes,
           address_bytes_are_network_order, netmasks, ranges_of_addresses, endpoints_have_ports,
           values_of_128_bits, intervals_that_are_no_prefix)

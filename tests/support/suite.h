/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main() of a unit test: runs a list of Check tests as one suite. Contains nothing of finwall.
 */
#ifndef FINWALL_TESTS_SUITE_H
#define FINWALL_TESTS_SUITE_H

#include <check.h>

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Adds tests and fixtures to a test case. SUITE_PART defines one for a list of tests. */
typedef void suite_part_fn(TCase *tc);

/* Runs the parts as one suite, one test case each. Returns the exit status of the program. */
static inline int suite_run(const char *name, suite_part_fn *const *parts, size_t parts_len)
{
	Suite *s = suite_create(name);
	SRunner *sr;
	int failed;

	for (size_t i = 0; i < parts_len; i++) {
		TCase *tc = tcase_create(name);

		tcase_set_timeout(tc, 300); /* an emulated machine is slow */
		parts[i](tc);
		suite_add_tcase(s, tc);
	}
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* SUITE_PART(pkt_icmp_tests, a_test, another_test): the function pkt_icmp_tests adds these tests.
 */
#define SUITE_PART(part, ...)                                                                      \
	void part(TCase *tc)                                                                       \
	{                                                                                          \
		const TTest *const tests[] = { __VA_ARGS__ };                                      \
                                                                                                   \
		for (size_t i = 0; i < ARRAY_LEN(tests); i++) {                                    \
			tcase_add_test(tc, tests[i]);                                              \
		}                                                                                  \
	}

/* SUITE_MAIN_PARTS("pkt", pkt_decode_tests, pkt_icmp_tests): main() of a suite of several parts. */
#define SUITE_MAIN_PARTS(name, ...)                                                                \
	int main(void)                                                                             \
	{                                                                                          \
		suite_part_fn *const parts[] = { __VA_ARGS__ };                                    \
                                                                                                   \
		return suite_run(name, parts, ARRAY_LEN(parts));                                   \
	}

/* SUITE_MAIN("wheel", a_test, another_test): main() of a suite in one file. */
#define SUITE_MAIN(name, ...)                                                                      \
	static SUITE_PART(suite_only_part, __VA_ARGS__) SUITE_MAIN_PARTS(name, suite_only_part)

#endif

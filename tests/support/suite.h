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

/* Returns what main() should. tests[i] come from START_TEST. */
static inline int suite_run(const char *name, const TTest *const *tests, size_t tests_len)
{
	Suite *s = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 60);
	for (size_t i = 0; i < tests_len; i++) {
		tcase_add_test(tc, tests[i]);
	}
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* SUITE_MAIN("wheel", a_test, another_test) */
#define SUITE_MAIN(name, ...)                                                                      \
	int main(void)                                                                             \
	{                                                                                          \
		const TTest *const tests[] = { __VA_ARGS__ };                                      \
                                                                                                   \
		return suite_run(name, tests, ARRAY_LEN(tests));                                   \
	}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of functions in a child process: their result comes back, and a crash, an endless loop or
 * too much memory ends the child only.
 */
#include "generation.h"
#include "io/isolate.h"

#include "suite.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct isolate_limits limits = { .time_s = 60, .memory_bytes = (size_t)64 << 20 };

static int return_text(void *ctx, char **text)
{
	*text = strdup(ctx);
	return 7;
}

static int return_long_text(void *ctx, char **text)
{
	*text = malloc(3 << 20);
	memset(*text, 'x', 3 << 20);
	(*text)[(3 << 20) - 1] = '\0';
	(void)ctx;
	return 0;
}

static int crash(void *ctx, char **text)
{
	(void)ctx;
	(void)text;
	(void)signal(SIGSEGV, SIG_DFL);
	(void)raise(SIGSEGV);
	return 0;
}

static int loop(void *ctx, char **text)
{
	(void)ctx;
	(void)text;
	for (;;) {
		(void)usleep(1000);
	}
	return 0;
}

static int allocate(void *ctx, char **text)
{
	(void)ctx;
	(void)text;
	return malloc((size_t)256 << 20) == NULL ? 1 : 0;
}

START_TEST(status_and_text_come_back)
{
	struct isolate_result r;
	char text[] = "one\ntwo\n";

	ck_assert_int_eq(isolate_run(return_text, text, &limits, &r), 0);
	ck_assert_int_eq(r.status, 7);
	ck_assert_int_eq(r.by_signal, 0);
	ck_assert(!r.is_late);
	ck_assert_str_eq(r.text, text);
	free(r.text);
	ck_assert_int_eq(isolate_run(return_long_text, NULL, &limits, &r), 0);
	ck_assert_int_eq(r.status, 0);
	ck_assert_uint_gt(strlen(r.text), 1 << 19);
	ck_assert_uint_le(strlen(r.text), 1 << 20);
	free(r.text);
}
END_TEST

START_TEST(a_crash_ends_the_child_only)
{
	struct isolate_result r;

	ck_assert_int_eq(isolate_run(crash, NULL, &limits, &r), 0);
	ck_assert_int_eq(r.status, -1);
	ck_assert_int_eq(r.by_signal, SIGSEGV);
	ck_assert_str_eq(r.text, "");
	free(r.text);
}
END_TEST

START_TEST(time_is_limited)
{
	const struct isolate_limits short_time = { .time_s = 1, .memory_bytes = (size_t)64 << 20 };
	struct isolate_result r;

	ck_assert_int_eq(isolate_run(loop, NULL, &short_time, &r), 0);
	ck_assert(r.is_late);
	ck_assert_int_eq(r.by_signal, SIGKILL);
	free(r.text);
}
END_TEST

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* Whether this kernel limits address space: an emulator of user mode does not. */
static bool kernel_limits_memory(void)
{
	const size_t size = (size_t)256 << 20;
	const struct rlimit limit = { .rlim_cur = size / 4, .rlim_max = size / 4 };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		_exit(setrlimit(RLIMIT_AS, &limit) == 0 &&
		      mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		              MAP_FAILED);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}
#endif

/* Sanitizers reserve address space without end: then there is no limit. */
START_TEST(memory_is_limited)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	int want = 0;
#else
	int want = kernel_limits_memory() ? 1 : 0;
#endif
	struct isolate_result r;

	ck_assert_int_eq(isolate_run(allocate, NULL, &limits, &r), 0);
	ck_assert_int_eq(r.status, want);
	free(r.text);
}
END_TEST

static char path[64];

static void write_config(const char *text)
{
	FILE *f;

	(void)snprintf(path, sizeof(path), "/tmp/finwall-test-isolate.%d", (int)getpid());
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	(void)fputs(text, f);
	(void)fclose(f);
}

START_TEST(a_configuration_is_checked_in_a_child)
{
	char *errors;

	write_config("settings { queue { num 3; count 1 } }\n");
	ck_assert_int_eq(generation_check(path, 1, &errors), 0);
	ck_assert_ptr_null(errors);
	write_config("settings { nonsense }\n");
	ck_assert_int_eq(generation_check(path, 1, &errors), -EINVAL);
	ck_assert_ptr_nonnull(strstr(errors, ":1:21: "));
	free(errors);
	(void)unlink(path);
	ck_assert_int_eq(generation_check(path, 1, &errors), -EINVAL);
	ck_assert_ptr_nonnull(strstr(errors, "No such file"));
	free(errors);
}
END_TEST

SUITE_MAIN("isolate", status_and_text_come_back, a_crash_ends_the_child_only, time_is_limited,
           memory_is_limited, a_configuration_is_checked_in_a_child)

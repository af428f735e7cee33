/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the system-call modules that need no privileges: files, memory, the service manager's
 * protocol.
 */
#include "io/clock.h"
#include "io/file.h"
#include "io/mem.h"
#include "io/notify.h"
#include "suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char dir[] = "/tmp/finwall-test-io.XXXXXX";

static void make_dir(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void remove_dir(void)
{
	(void)rmdir(dir);
}

static char *path_of(const char *name)
{
	char *path = NULL;

	ck_assert_int_gt(asprintf(&path, "%s/%s", dir, name), 0);
	return path;
}

/* Sizes around the points where the buffer grows. */
START_TEST(a_file_is_read_whole)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 100000 };
	char *path = path_of("file");
	size_t size = sizes[_i];
	FILE *f = fopen(path, "w");
	char *got;
	size_t got_size = 99;

	for (size_t i = 0; i < size; i++) {
		(void)fputc((int)(i * 7 & 0xff), f);
	}
	ck_assert_int_eq(fclose(f), 0);
	got = file_reader.read(file_reader.ctx, path, &got_size);
	(void)unlink(path);
	ck_assert_ptr_nonnull(got);
	ck_assert_uint_eq(got_size, size);
	for (size_t i = 0; i < size; i++) {
		ck_assert_uint_eq((uint8_t)got[i], i * 7 & 0xff);
	}
	free(got);
	free(path);
}
END_TEST

START_TEST(unreadable_files_are_errors)
{
	char *path = path_of("none");
	size_t size;

	errno = 0;
	ck_assert_ptr_null(file_reader.read(file_reader.ctx, path, &size));
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_ptr_null(file_reader.read(file_reader.ctx, dir, &size));
	ck_assert_int_eq(errno, EISDIR);
	ck_assert_ptr_null(file_reader.read(file_reader.ctx, "/dev/zero", &size));
	ck_assert_int_eq(errno, EFBIG);
	free(path);
}
END_TEST

/* Calls notify() and returns what the service manager received. */
static const char *notified_by(void (*notify)(void))
{
	static char text[512];
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char *path = path_of("notify");
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ssize_t size;

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	(void)setenv("NOTIFY_SOCKET", path, 1);
	notify();
	size = recv(fd, text, sizeof(text) - 1, 0);
	text[size < 0 ? 0 : size] = '\0';
	(void)close(fd);
	(void)unlink(path);
	free(path);
	return text;
}

static void send_ready(void)
{
	notify_ready("Filtering");
}

static void send_reloading(void)
{
	notify_reloading((struct mono){ sec_to_ns(5) + 1999 });
}

static void send_stopping(void)
{
	notify_stopping("Bye");
}

START_TEST(messages_to_the_service_manager_are_exact)
{
	ck_assert_str_eq(notified_by(send_ready), "READY=1\nSTATUS=Filtering");
	ck_assert_str_eq(notified_by(send_reloading), "RELOADING=1\nMONOTONIC_USEC=5000001");
	ck_assert_str_eq(notified_by(send_stopping), "STOPPING=1\nSTATUS=Bye");
	ck_assert_str_eq(notified_by(notify_watchdog), "WATCHDOG=1");
}
END_TEST

/* No socket set, nobody listens, or an invalid address: the call has no effect. */
START_TEST(without_a_service_manager_nothing_happens)
{
	char long_path[300];

	(void)unsetenv("NOTIFY_SOCKET");
	notify_ready("x");
	(void)setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	notify_ready("x");
	(void)setenv("NOTIFY_SOCKET", "@", 1);
	notify_ready("x");
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	(void)setenv("NOTIFY_SOCKET", long_path, 1);
	notify_ready("x");
}
END_TEST

START_TEST(the_watchdog_interval_is_read_from_the_environment)
{
	char pid[32];

	(void)unsetenv("WATCHDOG_USEC");
	ck_assert_int_eq(notify_watchdog_ns(), 0);
	(void)setenv("WATCHDOG_USEC", "3000000", 1);
	(void)unsetenv("WATCHDOG_PID");
	ck_assert_int_eq(notify_watchdog_ns(), sec_to_ns(3));
	(void)setenv("WATCHDOG_PID", "1", 1);
	ck_assert_int_eq(notify_watchdog_ns(), 0);
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	(void)setenv("WATCHDOG_PID", pid, 1);
	ck_assert_int_eq(notify_watchdog_ns(), sec_to_ns(3));
	(void)setenv("WATCHDOG_USEC", "-1", 1);
	ck_assert_int_eq(notify_watchdog_ns(), 0);
	(void)setenv("WATCHDOG_USEC", "soon", 1);
	ck_assert_int_eq(notify_watchdog_ns(), 0);
}
END_TEST

START_TEST(memory_is_zeroed_and_the_clock_is_monotonic)
{
	size_t size = (size_t)1 << 32;
	uint8_t *mem = mem_map(size);
	struct mono before = clock_now();
	uint64_t a = 0;
	uint64_t b = 0;

	ck_assert_ptr_nonnull(mem);
	ck_assert_uint_eq(mem[size - 1], 0);
	mem[size / 2] = 1;
	mem_unmap(mem, size);
	mem_unmap(NULL, 0);
	ck_assert_int_eq(mem_random(&a, sizeof(a)), 0);
	ck_assert_int_eq(mem_random(&b, sizeof(b)), 0);
	ck_assert_uint_ne(a, b);
	ck_assert_int_ge(mono_diff(clock_now(), before), 0);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_unchecked_fixture(tc, make_dir, remove_dir);
	tcase_add_loop_test(tc, a_file_is_read_whole, 0, 6);
	tcase_add_test(tc, unreadable_files_are_errors);
	tcase_add_test(tc, messages_to_the_service_manager_are_exact);
	tcase_add_test(tc, without_a_service_manager_nothing_happens);
	tcase_add_test(tc, the_watchdog_interval_is_read_from_the_environment);
	tcase_add_test(tc, memory_is_zeroed_and_the_clock_is_monotonic);
}

SUITE_MAIN_PARTS("io", add_tests)

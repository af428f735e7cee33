/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the log's writer: no call waits for the reader of the log, lines are complete and in
 * order, and dropped lines are counted.
 */
#include "io/clock.h"
#include "io/log_out.h"
#include "io/record_file.h"

#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* More lines than the buffer and a pipe take. */
#define LINES_LEN 20000

static int ends[2];

static struct log_out *open_log(void)
{
	struct log_out *o;

	ck_assert_int_eq(pipe(ends), 0);
	o = log_out_new(ends[1], "finwalld: ");
	ck_assert_ptr_nonnull(o);
	return o;
}

static void put_line(struct log_out *o, unsigned nr)
{
	char line[64];
	int size = snprintf(line, sizeof(line), "line %u of a log that nobody reads\n", nr);

	(void)log_out_put(o, line, (size_t)size);
}

/* Reads whole lines until the number of lines and dropped lines is LINES_LEN; checks the order. */
static uint64_t read_lines(void)
{
	FILE *f = fdopen(ends[0], "r");
	uint64_t seen = 0;
	uint64_t dropped = 0;
	unsigned after = 0;
	char line[256];

	ck_assert_ptr_nonnull(f);
	while (seen + dropped < LINES_LEN && fgets(line, sizeof(line), f) != NULL) {
		uint64_t more;
		unsigned nr;

		if (sscanf(line, "finwalld: %" SCNu64 " log lines dropped", &more) == 1) {
			dropped += more;
			continue;
		}
		ck_assert_int_eq(sscanf(line, "line %u of a log that nobody reads", &nr), 1);
		ck_assert_uint_ge(nr, after);
		after = nr + 1;
		seen++;
	}
	(void)fclose(f);
	ck_assert_uint_eq(seen + dropped, LINES_LEN);
	return dropped;
}

/* has_thread 0: before the thread is started. */
START_TEST(a_log_that_nobody_reads_delays_nobody)
{
	struct log_out *o = open_log();
	struct mono start = clock_now();

	if (_i == 1) {
		ck_assert_int_eq(log_out_start(o), 0);
	}
	for (unsigned nr = 0; nr < LINES_LEN; nr++) {
		put_line(o, nr);
	}
	ck_assert_int_lt(mono_diff(clock_now(), start), sec_to_ns(20));
	if (_i == 0) {
		ck_assert_int_eq(log_out_start(o), 0);
	}
	ck_assert_uint_gt(read_lines(), 0);
	log_out_free(o);
	(void)close(ends[1]);
}
END_TEST

START_TEST(the_end_waits_for_a_reader_but_not_for_long)
{
	struct log_out *o = open_log();
	struct mono start;

	ck_assert_int_eq(log_out_start(o), 0);
	for (unsigned nr = 0; nr < LINES_LEN; nr++) {
		put_line(o, nr);
	}
	start = clock_now();
	log_out_free(o);
	ck_assert_int_ge(mono_diff(clock_now(), start), sec_to_ns(1));
	ck_assert_int_lt(mono_diff(clock_now(), start), sec_to_ns(20));
}
END_TEST

/* All lines are written before the end, also through a descriptor that does not block. */
START_TEST(a_log_that_is_read_loses_nothing)
{
	struct log_out *o = open_log();
	pid_t reader;
	int status;

	ck_assert_int_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	reader = fork();
	ck_assert_int_ge(reader, 0);
	if (reader == 0) {
		(void)close(ends[1]);
		_exit(read_lines() == 0 ? 0 : 1);
	}
	ck_assert_int_eq(log_out_start(o), 0);
	for (unsigned nr = 0; nr < LINES_LEN; nr++) {
		put_line(o, nr);
		if (nr % 100 == 99) {
			(void)usleep(2000);
		}
	}
	log_out_free(o);
	(void)close(ends[1]);
	ck_assert_int_eq(waitpid(reader, &status, 0), reader);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* Left behind, the thread writes everything, then closes. */
START_TEST(a_log_that_is_left_is_written_and_closed)
{
	struct log_out *o;
	struct mono start = clock_now();
	size_t size = 0;
	char bytes[4096];
	ssize_t n;

	ck_assert_int_eq(pipe(ends), 0);
	o = log_out_new(ends[1], NULL);
	ck_assert_ptr_nonnull(o);
	ck_assert_int_eq(log_out_start(o), 0);
	memset(bytes, 'x', sizeof(bytes));
	/* more than a pipe takes */
	for (unsigned i = 0; i < 50; i++) {
		ck_assert(log_out_put(o, bytes, sizeof(bytes)));
	}
	ck_assert(!log_out_close(o, false));
	ck_assert_int_lt(mono_diff(clock_now(), start), sec_to_ns(1));
	ck_assert_uint_eq(log_out_left(), 1);
	while ((n = read(ends[0], bytes, sizeof(bytes))) > 0) {
		size += (size_t)n;
	}
	ck_assert_int_eq(n, 0);
	ck_assert_uint_eq(size, 50 * sizeof(bytes));
	while (log_out_left() != 0) {
		(void)usleep(1000);
	}
	(void)close(ends[0]);
}
END_TEST

/* With a reader and without one. */
START_TEST(a_fifo_is_no_file_of_records)
{
	char dir[] = "/tmp/finwall-test-XXXXXX";
	struct record_file *f = NULL;
	char path[64];
	int reader;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/fifo", dir);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(record_file_open(path, NULL, 0, 1000, &f), -EINVAL);
	reader = open(path, O_RDONLY | O_NONBLOCK);
	ck_assert_int_ge(reader, 0);
	ck_assert_int_eq(record_file_open(path, NULL, 0, 1000, &f), -EINVAL);
	ck_assert_ptr_null(f);
	(void)close(reader);
	(void)unlink(path);
	(void)rmdir(dir);
}
END_TEST

/* Each file has whole records, and begins with the head. */
START_TEST(a_full_file_is_followed_by_another)
{
	char dir[] = "/tmp/finwall-test-XXXXXX";
	struct record_file *f = NULL;
	char older[64];
	char path[64];
	struct stat st;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/file", dir);
	(void)snprintf(older, sizeof(older), "%s/file.1", dir);
	ck_assert_int_eq(record_file_open(path, "head", 4, 100, &f), 0);
	for (unsigned i = 0; i < 5; i++) {
		record_file_put(f, "a record of 32 bytes in the file", 32);
	}
	ck_assert_uint_eq(record_file_dropped(f), 0);
	record_file_close(f);
	ck_assert_int_eq(stat(older, &st), 0);
	ck_assert_int_eq(st.st_size, 100);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 4 + 2 * 32);
	(void)unlink(path);
	(void)unlink(older);
	(void)rmdir(dir);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_loop_test(tc, a_log_that_nobody_reads_delays_nobody, 0, 2);
	tcase_add_test(tc, the_end_waits_for_a_reader_but_not_for_long);
	tcase_add_test(tc, a_log_that_is_read_loses_nothing);
	tcase_add_test(tc, a_log_that_is_left_is_written_and_closed);
	tcase_add_test(tc, a_fifo_is_no_file_of_records);
	tcase_add_test(tc, a_full_file_is_followed_by_another);
}

SUITE_MAIN_PARTS("log", add_tests)

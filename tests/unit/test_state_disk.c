/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of saved state on a disk that hangs: a program of its own, because it replaces fsync(2). */
#include "io/clock.h"
#include "io/log.h"
#include "state/state.h"

#include "config_text.h"
#include "test_state.h"

#include <stdatomic.h>
#include <sys/syscall.h>

static _Atomic int disk_hangs;
static _Atomic int is_syncing;

/* In place of the C library's: hangs as a failing disk does. */
int fsync(int fd)
{
	is_syncing = 1;
	while (disk_hangs != 0) {
		(void)usleep(1000);
	}
	return (int)syscall(SYS_fsync, fd);
}

/* The main loop goes on meanwhile; the final save waits for the disk, and is complete. */
START_TEST(a_disk_that_hangs_does_not_block_the_main_loop)
{
	struct world w;
	struct world to;
	char text[512];
	struct config *config;
	char *errors = NULL;
	struct state state = { 0 };
	struct mono start = clock_now();
	int64_t longest_ns = 0;

	(void)snprintf(text, sizeof(text), "settings { state { file %s; interval 1s } }\n", path);
	config = config_text_load("test", text, &errors);
	ck_assert_ptr_nonnull(config);
	world_init(&w, 64, 64, 1);
	add_flow(&w, 1, 100000);
	state.log = log_new();
	state.engine = w.engine;
	state.worker = w.worker;
	state.saved = mono_add(start, -sec_to_ns(10));
	disk_hangs = 1;
	while (is_syncing == 0 || mono_diff(clock_now(), start) < sec_to_ns(1)) {
		struct mono before = clock_now();
		int64_t took_ns;

		state_tick(&state, config, before);
		took_ns = mono_diff(clock_now(), before);
		longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
		ck_assert_int_lt(mono_diff(before, start), sec_to_ns(30));
		(void)usleep(10000);
	}
	ck_assert_int_lt(longest_ns, sec_to_ns(1));
	ck_assert(!exists(path));
	disk_hangs = 0;
	while (!exists(path)) {
		ck_assert_int_lt(mono_diff(clock_now(), start), sec_to_ns(30));
		(void)usleep(10000);
	}
	add_flow(&w, 2, 100000);
	state_stop(&state, config);
	config_free(config);
	log_free(state.log);
	world_init(&to, 64, 64, 1);
	ck_assert_uint_eq(load(&to, 1, GAP_NOTHING).flows, 2);
	world_fini(&w);
	world_fini(&to);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, make_dir, remove_dir);
	tcase_add_test(tc, a_disk_that_hangs_does_not_block_the_main_loop);
}

SUITE_MAIN_PARTS("state_disk", add_tests)

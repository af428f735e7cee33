/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of saved state in real files: one table is saved, another one loads it. A file is complete
 * or absent, and a damaged file is refused. A disk that hangs: test_state_disk.c.
 */
#include "io/state_file.h"

#include "test_state.h"

#include <errno.h>
#include <limits.h>

/* Several shards and more than one chunk, loaded into a world of another size. */
START_TEST(saved_state_is_loaded)
{
	struct world from;
	struct world to;
	struct state_loaded taken;
	struct flow f;
	struct stat st;

	world_init(&from, 4096, 4096, 8);
	world_init(&to, 2048, 4096, 1);
	world_pass(&to, sec_to_ns(777));
	for (uint32_t nr = 1; nr <= 1000; nr++) {
		add_flow(&from, nr, 500);
		add_tomb(&from, 10000 + nr, 50);
	}
	save(&from, SAVE_FINAL);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert(!exists(beside(".new")));
	taken = load(&to, 100, GAP_NOTHING);
	ck_assert_int_eq(taken.result, SNAPSHOT_OK);
	ck_assert_int_eq(taken.down_ns, sec_to_ns(100));
	ck_assert_uint_eq(taken.flows, 1000);
	ck_assert_uint_eq(taken.tombs, 1000);
	ck_assert_uint_eq(taken.left_out, 0);
	ck_assert_uint_eq(usage_flows(&to), 1000);
	ck_assert_uint_eq(usage_tombs(&to), 1000);
	ck_assert(find(&to, 7, &f));
	ck_assert_int_eq(mono_diff(f.deadline, to.now), sec_to_ns(400));
	ck_assert_uint_eq(f.conn.tcp.seen[DIR_ORIG].maxwin_bytes, 600);
	world_fini(&from);
	world_fini(&to);
}
END_TEST

/* A flow that expired meanwhile becomes a tombstone, exactly from its deadline on. */
START_TEST(time_passes_while_the_daemon_is_stopped)
{
	struct world from;
	struct world to;
	struct state_loaded taken;
	struct flow f;

	world_init(&from, 64, 64, 2);
	world_init(&to, 64, 64, 2);
	add_flow(&from, 1, 100);
	add_flow(&from, 2, 101);
	save(&from, SAVE_FINAL);
	taken = load(&to, 100, GAP_NOTHING);
	ck_assert_uint_eq(taken.flows, 1);
	ck_assert_uint_eq(taken.tombs, 1);
	ck_assert(!find(&to, 1, &f));
	ck_assert(find(&to, 2, &f));
	ck_assert_int_eq(mono_diff(f.deadline, to.now), sec_to_ns(1));
	world_fini(&from);
	world_fini(&to);
}
END_TEST

START_TEST(a_clock_set_back_counts_as_no_time)
{
	struct world from;
	struct world to;
	struct state_loaded taken;
	struct flow f;

	world_init(&from, 64, 64, 1);
	world_init(&to, 64, 64, 1);
	add_flow(&from, 1, 100);
	save(&from, SAVE_FINAL);
	taken = load(&to, -5000, GAP_NOTHING);
	ck_assert_int_eq(taken.down_ns, 0);
	ck_assert(find(&to, 1, &f));
	ck_assert_int_eq(mono_diff(f.deadline, to.now), sec_to_ns(100));
	world_fini(&from);
	world_fini(&to);
}
END_TEST

START_TEST(connections_are_loaded_before_unanswered_entries)
{
	struct world from;
	struct world to;
	struct state_loaded taken;
	struct flow f;

	world_init(&from, 128, 64, 1);
	world_init(&to, 64, 64, 1);
	for (uint32_t nr = 1; nr <= 60; nr++) {
		f = flows_tcp(nr);
		f.deadline = mono_add(from.now, sec_to_ns(100));
		f.status &= (uint8_t)~FLOW_ASSURED;
		ck_assert(engine_import_flow(from.engine, from.worker, &f, from.now));
	}
	for (uint32_t nr = 61; nr <= 100; nr++) {
		add_flow(&from, nr, 100);
	}
	save(&from, SAVE_FINAL);
	taken = load(&to, 1, GAP_NOTHING);
	ck_assert_uint_eq(taken.flows, 64);
	ck_assert_uint_eq(taken.left_out, 36);
	for (uint32_t nr = 61; nr <= 100; nr++) {
		ck_assert(find(&to, nr, &f));
	}
	world_fini(&from);
	world_fini(&to);
}
END_TEST

static int64_t down_after(struct world *to, uint32_t boot_id, int64_t wall_s, int64_t boot_s)
{
	struct wall_time wall = { .wall_ns = WALL_NS + (uint64_t)sec_to_ns(wall_s),
		                  .boot_s = (uint32_t)(BOOT_S + boot_s),
		                  .boot_id = boot_id };
	struct state_loaded taken;

	ck_assert_int_eq(
		state_load(path, to->engine, to->worker, GAP_NOTHING, to->now, wall, &taken), 0);
	return taken.down_ns / NSEC_PER_SEC;
}

START_TEST(a_clock_that_was_set_does_not_count)
{
	struct world from;
	struct world to;

	world_init(&from, 64, 64, 1);
	world_init(&to, 64, 64, 1);
	add_flow(&from, 1, 100);
	save(&from, SAVE_FINAL);
	ck_assert_int_eq(down_after(&to, 7, 10, 10), 10);
	ck_assert_int_eq(down_after(&to, 7, 300000000, 10), 10);
	ck_assert_int_eq(down_after(&to, 7, -300000000, 10), 10);
	/* Another boot, or an unknown one: the wall clock decides. */
	ck_assert_int_eq(down_after(&to, 8, 300, 10), 300);
	ck_assert_int_eq(down_after(&to, 0, 300, 10), 300);
	ck_assert_int_eq(down_after(&to, 7, 300, -10), 300);
	world_fini(&from);
	world_fini(&to);
}
END_TEST

/* The reader's monotonic clock may be earlier than all times in the file. */
START_TEST(state_is_loaded_after_a_reboot)
{
	struct world from;
	struct world to;
	struct state_loaded taken;

	world_init(&from, 64, 64, 1);
	world_init(&to, 64, 64, 1);
	to.now = (struct mono){ sec_to_ns(5) };
	add_flow(&from, 1, 86400);
	add_flow(&from, 2, 10);
	add_tomb(&from, 3, 9000);
	save(&from, SAVE_FINAL);
	taken = load(&to, 50000, GAP_NOTHING);
	ck_assert_uint_eq(taken.flows, 1);
	ck_assert_uint_eq(taken.tombs, 2);
	world_fini(&from);
	world_fini(&to);
}
END_TEST

/*
 * Section 7.7: after a gap in which packets may have passed, the windows are kept but not enforced,
 * live and remembered ones.
 */
START_TEST(windows_are_not_enforced_after_a_gap)
{
	static const struct {
		enum save_kind kind;
		enum load_gap gap;
		enum knowledge known;
	} cases[] = {
		{ SAVE_FINAL, GAP_NOTHING, KNOWN_EXACT },
		{ SAVE_FINAL, GAP_PACKETS, KNOWN_GAP },
		{ SAVE_PERIODIC, GAP_NOTHING, KNOWN_GAP },
		{ SAVE_PERIODIC, GAP_PACKETS, KNOWN_GAP },
	};
	struct tomb_info t;
	struct engine_cursor cur = { 0 };
	struct world from;
	struct world to;
	struct flow f = flows_tcp(2);

	world_init(&from, 64, 64, 1);
	world_init(&to, 64, 64, 1);
	add_flow(&from, 1, 100);
	f.conn.tcp.state = TCP_FIN_WAIT;
	f.deadline = mono_add(from.now, sec_to_ns(100));
	ck_assert(engine_import_flow(from.engine, from.worker, &f, from.now));
	add_tomb(&from, 3, 10);
	save(&from, cases[_i].kind);
	(void)load(&to, 1, cases[_i].gap);
	for (unsigned d = 0; d < 2; d++) {
		ck_assert(find(&to, 1, &f));
		ck_assert_uint_eq(f.conn.tcp.seen[d].maxwin_bytes, 600);
		ck_assert_uint_eq((f.conn.tcp.flags[d] & TCP_SIDE_LIBERAL) != 0,
		                  cases[_i].known == KNOWN_GAP);
		ck_assert_uint_eq(status_knowledge(f.status), cases[_i].known);
		ck_assert(find(&to, 2, &f));
		ck_assert_uint_eq(f.conn.tcp.seen[d].maxwin_bytes, 600);
		ck_assert_uint_eq(status_knowledge(f.status), cases[_i].known);
	}
	while (engine_list_tombs(to.engine, &cur, to.now, &t, 1) == 0) {
		ck_assert(!engine_list_is_over(to.engine, &cur));
	}
	ck_assert_uint_eq(status_knowledge(t.status), cases[_i].known);
	ck_assert_uint_eq(t.conn.seen[0].maxwin_bytes, 600);
	world_fini(&from);
	world_fini(&to);
}
END_TEST

/*
 * A final save is final for its first reader only: after that reader was killed, the second one
 * treats it as an ordinary save.
 */
START_TEST(a_final_save_is_final_only_once)
{
	struct world from;
	struct world to;
	struct world third;
	struct flow f;

	world_init(&from, 64, 64, 1);
	world_init(&to, 64, 64, 1);
	world_init(&third, 64, 64, 1);
	add_flow(&from, 1, 100);
	save(&from, SAVE_FINAL);
	(void)load(&to, 1, GAP_NOTHING);
	ck_assert(find(&to, 1, &f));
	ck_assert_uint_eq(f.conn.tcp.seen[DIR_ORIG].maxwin_bytes, 600);
	ck_assert_int_eq(load(&third, 1, GAP_NOTHING).result, SNAPSHOT_OK);
	ck_assert(find(&third, 1, &f));
	ck_assert_uint_eq(status_knowledge(f.status), KNOWN_GAP);
	world_fini(&from);
	world_fini(&to);
	world_fini(&third);
}
END_TEST

/* A graveyard of four: the four that expired last stay, in any order of expiry and in any shard. */
START_TEST(the_oldest_tombstones_are_overwritten_first)
{
	struct engine_cursor cur = { 0 };
	struct world from;
	struct world to;
	struct tomb_info t;
	unsigned len = 0;

	world_init(&from, 64, 64, 8);
	world_init(&to, 64, 4, 1);
	for (uint32_t nr = 1; nr <= 6; nr++) {
		add_tomb(&from, nr, 1000 - 10 * (int64_t)nr);
	}
	add_flow(&from, 7, 5);  /* expires 95 s before the load */
	add_flow(&from, 8, 50); /* expires 50 s before the load */
	save(&from, SAVE_FINAL);
	(void)load(&to, 100, GAP_NOTHING);
	while (!engine_list_is_over(to.engine, &cur)) {
		static const uint32_t order[] = { 5, 6, 7, 8 };
		struct flowkey key;

		if (engine_list_tombs(to.engine, &cur, to.now, &t, 1) == 0) {
			continue;
		}
		ck_assert_uint_lt(len, 4);
		key = flows_key(order[len++]);
		ck_assert(flowkey_equal(&t.key, &key));
	}
	ck_assert_uint_eq(len, 4);
	world_fini(&from);
	world_fini(&to);
}
END_TEST

/* Flows are written before tombstones: a flow that expires in between counts once. */
START_TEST(a_flow_that_expires_during_the_save_counts_once)
{
	struct world from;
	struct world to;
	struct state_loaded taken;
	struct state_save *s;

	world_init(&from, 64, 64, 1);
	world_init(&to, 64, 64, 1);
	add_flow(&from, 1, 10);
	add_flow(&from, 2, 1000);
	ck_assert_int_eq(state_save_begin(path, SAVE_PERIODIC, from.now, WALL, &s), 0);
	ck_assert_int_eq(state_save_step(s, from.engine, from.now, 1), SAVE_CONTINUES);
	world_pass(&from, sec_to_ns(20));
	world_tick(&from);
	ck_assert_uint_eq(usage_tombs(&from), 1);
	ck_assert_int_eq(state_save_step(s, from.engine, from.now, UINT_MAX), SAVE_DONE);
	taken = load(&to, 5, GAP_NOTHING);
	ck_assert_int_eq(taken.result, SNAPSHOT_OK);
	ck_assert_uint_eq(usage_flows(&to), 2);
	ck_assert_uint_eq(usage_tombs(&to), 0);
	world_fini(&from);
	world_fini(&to);
}
END_TEST

/* Revived behind the list of live ones, before that of tombstones. */
START_TEST(a_connection_revived_during_the_save_is_in_it)
{
	struct build fin = build_default(4, IPPROTO_NR_TCP);
	struct build back = fin;
	struct world from;
	struct world to;
	struct state_loaded taken;
	struct state_save *s;
	struct tomb_info tomb;
	struct flow f;

	world_init(&from, 64, 64, 1);
	world_init(&to, 64, 64, 1);
	add_flow(&from, 1, 1000);
	build_reverse(&back);
	fin.win = back.win = 10000;
	fin.flags = TCP_SYN;
	fin.seq = 1000;
	(void)world_send(&from, &fin, HOOK_INPUT);
	back.flags = TCP_SYN | TCP_ACK;
	back.seq = 5000;
	back.ack = 1001;
	(void)world_send(&from, &back, HOOK_OUTPUT);
	fin.flags = TCP_ACK;
	fin.seq = 1001;
	fin.ack = 5001;
	(void)world_send(&from, &fin, HOOK_INPUT);
	ck_assert(world_flow(&from, &fin, &f));
	ck_assert(engine_delete(from.engine, from.worker, &f.key, from.now, DELETE_REMEMBER));
	ck_assert_int_eq(state_save_begin(path, SAVE_PERIODIC, from.now, WALL, &s), 0);
	ck_assert_int_eq(state_save_step(s, from.engine, from.now, 1), SAVE_CONTINUES);
	fin.flags = TCP_FIN | TCP_ACK;
	ck_assert_uint_eq(world_send(&from, &fin, HOOK_INPUT).reason, REASON_LATE_REVIVED);
	ck_assert_uint_eq(usage_tombs(&from), 0);
	ck_assert_int_eq(state_save_step(s, from.engine, from.now, UINT_MAX), SAVE_DONE);
	taken = load(&to, 5, GAP_NOTHING);
	ck_assert_int_eq(taken.result, SNAPSHOT_OK);
	ck_assert_uint_eq(usage_flows(&to), 1);
	ck_assert(world_tomb(&to, &fin, &tomb));
	ck_assert_uint_eq(tomb.conn.state, TCP_FIN_WAIT);
	world_fini(&from);
	world_fini(&to);
}
END_TEST

/* Every byte changed and every length truncated: nothing is loaded, nothing crashes. */
START_TEST(damage_at_any_byte_is_refused)
{
	struct world from;
	struct world to;
	struct state_view whole;
	uint8_t *copy;

	world_init(&from, 16, 16, 1);
	world_init(&to, 16, 16, 1);
	add_flow(&from, 1, 100);
	add_flow(&from, 2, 100);
	add_tomb(&from, 3, 100);
	save(&from, SAVE_FINAL);
	ck_assert_int_eq(state_view_open(path, &whole), 0);
	ck_assert_uint_eq(whole.size, SNAPSHOT_HEADER_SIZE + 3 * SNAPSHOT_RECORD_SIZE);
	copy = malloc(whole.size);
	ck_assert_ptr_nonnull(copy);
	for (size_t i = 0; i < whole.size; i++) {
		static const uint8_t flips[] = { 0x01, 0x80, 0xff };

		for (unsigned f = 0; f < sizeof(flips); f++) {
			memcpy(copy, whole.bytes, whole.size);
			copy[i] ^= flips[f];
			put_file(copy, whole.size);
			ck_assert_int_ne(load(&to, 1, GAP_NOTHING).result, SNAPSHOT_OK);
		}
		put_file(whole.bytes, i);
		ck_assert_int_ne(load(&to, 1, GAP_NOTHING).result, SNAPSHOT_OK);
	}
	ck_assert_uint_eq(usage_flows(&to) + usage_tombs(&to), 0);
	put_file(whole.bytes, whole.size);
	ck_assert_int_eq(load(&to, 1, GAP_NOTHING).result, SNAPSHOT_OK);
	ck_assert_uint_eq(usage_flows(&to), 2);
	free(copy);
	state_view_close(&whole);
	world_fini(&from);
	world_fini(&to);
}
END_TEST

static void expect_text(const char *want)
{
	struct state_view v;

	ck_assert_int_eq(state_view_open(path, &v), 0);
	ck_assert_uint_eq(v.size, strlen(want));
	ck_assert_mem_eq(v.bytes, want, v.size);
	state_view_close(&v);
}

/* Until the commit the old file stays, whatever happens to the new one. */
START_TEST(a_file_is_replaced_atomically)
{
	struct state_file *f;
	struct state_view old;

	put_text("old");
	put_text("old");
	ck_assert_int_eq(state_file_begin(path, 2, &f), 0);
	ck_assert_int_eq(state_file_add(f, (const uint8_t *)"body", 4), 0);
	expect_text("old");
	state_file_abort(f);
	expect_text("old");
	ck_assert(!exists(beside(".new")));

	ck_assert_int_eq(state_view_open(path, &old), 0);
	ck_assert_int_eq(state_file_begin(path, 2, &f), 0);
	ck_assert_int_eq(state_file_add(f, (const uint8_t *)"body", 4), 0);
	ck_assert_int_eq(state_file_commit(f, (const uint8_t *)"H:"), 0);
	expect_text("H:body");
	ck_assert_mem_eq(old.bytes, "old", 3);
	state_view_close(&old);
}
END_TEST

/* The file of a killed writer is deleted; the file of a concurrent writer stays. */
START_TEST(temporary_files_of_other_writers_are_handled)
{
	struct state_file *mine;
	struct state_file *theirs;

	put_text("old");
	ck_assert_int_eq(symlink("/nonexistent/x", beside(".new")), 0);
	ck_assert_int_eq(state_file_begin(path, 0, &mine), 0);
	ck_assert_int_eq(state_file_begin(path, 0, &theirs), 0);
	ck_assert_int_eq(state_file_add(mine, (const uint8_t *)"mine", 4), 0);
	ck_assert_int_eq(state_file_commit(mine, NULL), -EBUSY);
	expect_text("old");
	ck_assert(exists(beside(".new")));
	ck_assert_int_eq(state_file_add(theirs, (const uint8_t *)"theirs", 6), 0);
	ck_assert_int_eq(state_file_commit(theirs, NULL), 0);
	expect_text("theirs");
}
END_TEST

START_TEST(invalid_paths_are_errors)
{
	struct state_file *f;
	struct state_view v;
	char *deep = NULL;

	ck_assert_int_gt(asprintf(&deep, "%s/a/b/state", dir), 0);
	ck_assert_int_eq(state_file_begin(deep, 0, &f), -ENOENT);
	free(deep);
	ck_assert_int_eq(state_file_begin("/dev/full/x", 0, &f), -ENOTDIR);
	ck_assert_int_eq(state_view_open(beside(".none"), &v), -ENOENT);
	ck_assert_int_eq(state_view_open(dir, &v), -EINVAL);
	ck_assert_int_eq(state_view_open("/dev/zero", &v), -EINVAL);
	put_text("x");
	ck_assert_int_eq(state_file_rename_bad(path), 0);
	ck_assert(!exists(path));
	ck_assert(exists(beside(".bad")));
	ck_assert_int_eq(state_file_rename_bad(path), -ENOENT);
}
END_TEST

/*
 * The save is aborted, or another process deletes the new file before it is complete: the old file
 * stays.
 */
START_TEST(a_failed_save_keeps_the_old_file)
{
	struct world from;
	struct state_save *s;
	struct state_file *f;

	world_init(&from, 64, 64, 1);
	add_flow(&from, 1, 10);
	save(&from, SAVE_FINAL);
	ck_assert_int_eq(state_save_begin(path, SAVE_FINAL, from.now, WALL, &s), 0);
	state_save_abort(s);
	state_save_abort(NULL);
	state_file_abort(NULL);
	ck_assert_int_eq(state_file_begin(path, 0, &f), 0);
	ck_assert_int_eq(unlink(beside(".new")), 0);
	ck_assert_int_eq(state_file_commit(f, NULL), -EBUSY);
	ck_assert(exists(path));
	world_fini(&from);
}
END_TEST

/* A UDP stream of 500 days, and a record that only another version could have written. */
START_TEST(an_odd_record_leaves_the_others)
{
	struct world from;
	struct world to;
	struct state_view v;
	struct snapshot_header h;
	struct state_loaded taken;
	struct flow f = flows_tcp(9);
	uint8_t *odd;

	world_init(&from, 64, 64, 1);
	world_init(&to, 64, 64, 1);
	world_pass(&from, sec_to_ns(INT64_C(500) * 86400));
	add_flow(&from, 1, 100);
	f.key.proto = IPPROTO_NR_UDP;
	f.conn.udp.stream_from = mono_add(from.now, -sec_to_ns(INT64_C(500) * 86400));
	f.deadline = mono_add(from.now, sec_to_ns(100));
	ck_assert(engine_import_flow(from.engine, from.worker, &f, from.now));
	add_flow(&from, 2, 100);
	add_tomb(&from, 3, 100);
	save(&from, SAVE_FINAL);
	taken = load(&to, 1, GAP_NOTHING);
	ck_assert_int_eq(taken.result, SNAPSHOT_OK);
	ck_assert_uint_eq(taken.flows, 3);
	ck_assert_uint_eq(taken.tombs, 1);
	ck_assert_uint_eq(taken.invalid, 0);
	world_fini(&to);

	/* The same file, with an invalid first record under a correct checksum. */
	ck_assert_int_eq(state_view_open(path, &v), 0);
	ck_assert_int_eq(snapshot_check(v.bytes, v.size, &h), SNAPSHOT_OK);
	odd = v.bytes + SNAPSHOT_HEADER_SIZE;
	odd[2] = 0xff;
	h.records_sum = 0;
	for (unsigned i = 0; i < 4; i++) {
		h.records_sum = snapshot_sum(h.records_sum, odd + i * SNAPSHOT_RECORD_SIZE);
	}
	snapshot_write_header(&h, v.bytes);
	put_file(v.bytes, v.size);
	state_view_close(&v);
	world_init(&to, 64, 64, 1);
	taken = load(&to, 1, GAP_NOTHING);
	ck_assert_int_eq(taken.result, SNAPSHOT_OK);
	ck_assert_uint_eq(taken.flows, 2);
	ck_assert_uint_eq(taken.tombs, 1);
	ck_assert_uint_eq(taken.invalid, 1);
	world_fini(&from);
	world_fini(&to);
}
END_TEST

/* The file cannot be written: a start before this one may have used it already. */
START_TEST(a_final_save_that_cannot_be_marked_is_not_final)
{
	struct world from;
	struct world to;
	struct flow f;

	world_init(&from, 64, 64, 1);
	world_init(&to, 64, 64, 1);
	add_flow(&from, 1, 100);
	save(&from, SAVE_FINAL);
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_int_eq(chmod(path, 0444), 0);
	if (geteuid() == 0) {
		ck_assert_int_eq(seteuid(65534), 0);
	}
	ck_assert_int_eq(load(&to, 1, GAP_NOTHING).result, SNAPSHOT_OK);
	if (getuid() == 0) {
		ck_assert_int_eq(seteuid(0), 0);
	}
	ck_assert(find(&to, 1, &f));
	ck_assert_uint_eq(status_knowledge(f.status), KNOWN_GAP);
	world_fini(&from);
	world_fini(&to);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, make_dir, remove_dir);
	tcase_add_test(tc, saved_state_is_loaded);
	tcase_add_test(tc, time_passes_while_the_daemon_is_stopped);
	tcase_add_test(tc, a_clock_set_back_counts_as_no_time);
	tcase_add_test(tc, a_clock_that_was_set_does_not_count);
	tcase_add_test(tc, connections_are_loaded_before_unanswered_entries);
	tcase_add_test(tc, state_is_loaded_after_a_reboot);
	tcase_add_loop_test(tc, windows_are_not_enforced_after_a_gap, 0, 4);
	tcase_add_test(tc, a_final_save_is_final_only_once);
	tcase_add_test(tc, the_oldest_tombstones_are_overwritten_first);
	tcase_add_test(tc, a_connection_revived_during_the_save_is_in_it);
	tcase_add_test(tc, a_flow_that_expires_during_the_save_counts_once);
	tcase_add_test(tc, damage_at_any_byte_is_refused);
	tcase_add_test(tc, a_file_is_replaced_atomically);
	tcase_add_test(tc, temporary_files_of_other_writers_are_handled);
	tcase_add_test(tc, invalid_paths_are_errors);
	tcase_add_test(tc, a_failed_save_keeps_the_old_file);
	tcase_add_test(tc, an_odd_record_leaves_the_others);
	tcase_add_test(tc, a_final_save_that_cannot_be_marked_is_not_final);
}

SUITE_MAIN_PARTS("state", add_tests)

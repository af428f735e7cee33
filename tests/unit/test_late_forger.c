/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a persistent forger can bring about: segments of one side without end against a connection
 * whose windows are unknown, and attempts to undo the deletion of a connection
 * (doc/late-close.md). The client has sent up to 1101, the server up to 5201.
 */
#include "test_engine.h"

#include <finwall/ruleset_layout.h>

static unsigned sent_len;

static enum raw_result note_raw(void *ctx, const struct raw_request *req)
{
	(void)ctx;
	(void)req;
	sent_len++;
	return RAW_SENT;
}

static void start(void)
{
	setup();
	w.policy.tun.tcp_loose = 0;
	w.worker->sink.raw = note_raw;
	sent_len = 0;
}

/* Seen from the start. */
static void see(void)
{
	tcp(&c2s, S, 1000, 0, 0);
	tcp(&s2c, S | A, 5000, 1001, 0);
	tcp(&c2s, A, 1001, 5001, 100);
	tcp(&s2c, A, 5001, 1101, 200);
	tcp(&c2s, A, 1101, 5201, 0);
	ck_assert(world_flow(&w, &c2s, &flow));
}

/* As state/import_conntrack.c makes it: no windows. */
static struct flow unknown_flow(void)
{
	struct flow f;

	see();
	f = flow;
	f.status = status_with_knowledge(f.status, KNOWN_NOTHING);
	memset(f.conn.tcp.seen, 0, sizeof(f.conn.tcp.seen));
	f.conn.tcp.flags[0] = TCP_SIDE_LIBERAL;
	f.conn.tcp.flags[1] = TCP_SIDE_LIBERAL;
	f.conn.tcp.last_class = SEG_NONE;
	return f;
}

static bool import(struct flow *f)
{
	f->deadline = mono_add(w.now, w.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED]);
	return engine_import_flow(w.engine, w.worker, f, w.now);
}

static void expire_any(void)
{
	ck_assert(world_flow(&w, &c2s, &flow));
	world_pass(&w, mono_diff(flow.deadline, w.now) + NSEC_PER_SEC / 10);
	world_tick(&w);
	ck_assert(!world_flow(&w, &c2s, &flow));
}

static void remember_unknown(void)
{
	struct flow f;

	start();
	f = unknown_flow();
	start();
	ck_assert(import(&f));
	expire_any();
	ck_assert(world_tomb(&w, &c2s, &tomb));
	ck_assert_uint_eq(status_knowledge(tomb.status), KNOWN_NOTHING);
}

static void delete_it(enum engine_delete_mode mode)
{
	struct flowkey key;

	if (world_flow(&w, &c2s, &flow)) {
		key = flow.key;
	} else {
		ck_assert(world_tomb(&w, &c2s, &tomb));
		key = tomb.key;
	}
	ck_assert(engine_delete(w.engine, w.worker, &key, w.now, mode));
}

static void ck_is_deleted(void)
{
	ck_assert(world_tomb(&w, &c2s, &tomb));
	ck_assert_uint_eq(tomb.cause, TOMB_DELETED);
}

/* --- a flood of forged segments --- */

#define FORGED_PER_SEC 100

/*
 * Forged segments in the name of side x, for a little more than a second. The other end answers
 * those that reach it with its own numbers.
 */
static void flood(struct build *x, unsigned flags, uint32_t *seed)
{
	struct build *y = x == &c2s ? &s2c : &c2s;

	for (unsigned i = 0; i < FORGED_PER_SEC + 37; i++) {
		*seed = *seed * 1664525 + 1013904223;
		tcp(x, flags, *seed | 1u << 31, *seed ^ 0x5a5a5a5a, 0);
		if (d.verdict == VERDICT_ACCEPT && (flags & R) == 0) {
			tcp(y, A, y == &c2s ? 1101 : 5201, y == &c2s ? 5201 : 1101, 0);
		}
		world_pass(&w, NSEC_PER_SEC / FORGED_PER_SEC);
	}
}

/* The close of x, whose FIN is sent again, after twice the time each time, if it is lost. */
static bool closes_in_flood(struct build *x, struct build *forged, unsigned forged_flags)
{
	struct build *y = x == &c2s ? &s2c : &c2s;
	uint32_t xs = x == &c2s ? 1101 : 5201;
	uint32_t ys = x == &c2s ? 5201 : 1101;
	uint32_t seed = 1;

	flood(forged, forged_flags, &seed);
	for (unsigned try = 0; try < 6; try++) {
		tcp(x, F | A, xs, ys, 0);
		if (d.verdict == VERDICT_ACCEPT) {
			tcp(y, A, ys, xs + 1, 0);
			if (d.verdict == VERDICT_ACCEPT) {
				return world_flow(&w, &c2s, &flow);
			}
		}
		for (unsigned i = 0; i < 1u << try; i++) {
			flood(forged, forged_flags, &seed);
		}
	}
	return false;
}

START_TEST(forged_segments_do_not_hold_up_a_true_close)
{
	static const unsigned flags[] = { F | A, A, R };

	for (unsigned i = 0; i < ARRAY_LEN(flags); i++) {
		for (unsigned by_server = 0; by_server < 2; by_server++) {
			struct build *x = by_server ? &s2c : &c2s;

			remember_unknown();
			ck_assert(closes_in_flood(x, &c2s, flags[i]));
			remember_unknown();
			ck_assert(closes_in_flood(x, &s2c, flags[i]));
		}
	}
}
END_TEST

START_TEST(each_side_passes_one_unproved_segment_a_second)
{
	unsigned passed = 0;
	uint32_t seed = 7;

	remember_unknown();
	for (unsigned i = 0; i < 1000; i++) {
		struct build *x = (i & 1) != 0 ? &s2c : &c2s;

		seed = seed * 1664525 + 1013904223;
		tcp(x, (i & 2) != 0 ? F | A : A, seed, seed ^ 0x12345678, 0);
		passed += d.verdict == VERDICT_ACCEPT;
		world_pass(&w, NSEC_PER_SEC / 100);
	}
	/* 10 seconds. */
	ck_assert_uint_le(passed, 20);
	ck_assert_uint_ge(passed, 18);
	/* Nor the same again and again, as a load. */
	passed = 0;
	world_pass(&w, sec_to_ns(1));
	for (unsigned i = 0; i < 1000; i++) {
		tcp(&c2s, F | A, 5, 6, 0);
		passed += d.verdict == VERDICT_ACCEPT;
		world_pass(&w, NSEC_PER_SEC / 1000);
	}
	ck_assert_uint_le(passed, 11);
}
END_TEST

/* --- deleted connections --- */

/* Its ends are still open; the client opens again with the same ports. */
START_TEST(ports_of_a_deleted_connection_can_be_used_again)
{
	start();
	w.policy.tun.tcp_loose = 1;
	see();
	delete_it(DELETE_END);
	tcp(&c2s, S, 90000, 0, 0);
	ck_passes(CT_NEW, REASON_TCP_OPEN);
	/* The server's challenge ACK, and nothing else of the old connection. */
	tcp(&s2c, A, 5201, 1101, 1);
	ck_invalid(REASON_LATE_DELETED);
	tcp(&c2s, A, 1101, 5201, 0);
	ck_invalid(REASON_LATE_DELETED);
	tcp(&s2c, A, 5201, 1101, 0);
	ck_assert_uint_eq(d.verdict, VERDICT_ACCEPT);
	ck_is_deleted();
	tcp(&c2s, R, 1101, 0, 0);
	ck_assert_uint_eq(d.verdict, VERDICT_ACCEPT);
	ck_is_deleted();
	tcp(&c2s, S, 90000, 0, 0);
	ck_assert_uint_eq(d.verdict, VERDICT_ACCEPT);
	tcp(&s2c, S | A, 70000, 90001, 0);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	tcp(&c2s, A, 90001, 70001, 0);
	ck_assert_uint_eq(d.status & FLOW_ASSURED, FLOW_ASSURED);
	ck_assert(!world_tomb(&w, &c2s, &tomb));
}
END_TEST

/* The kernel's tracker still has it. */
START_TEST(an_import_does_not_bring_back_a_deleted_connection)
{
	struct flow f;

	start();
	f = unknown_flow();
	start();
	w.policy.tun.tcp_loose = 1;
	ck_assert(import(&f));
	delete_it(DELETE_END);
	ck_is_deleted();
	ck_assert(!import(&f));
	ck_assert(!world_flow(&w, &c2s, &flow));
	tcp(&c2s, A, 1101, 5201, 10);
	ck_invalid(REASON_LATE_DELETED);
}
END_TEST

/* Other tombstones stay beside the import, and serve it. */
START_TEST(an_import_keeps_the_tombstone_beside_it)
{
	struct flow f;

	start();
	f = unknown_flow();
	expire_any();
	ck_assert(import(&f));
	tcp(&c2s, R, 0xdeadbeef, 0, 0);
	tcp(&c2s, F | A, 1101, 5201, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
	ck_assert_uint_eq(status_knowledge(d.status), KNOWN_EXACT);
}
END_TEST

/* Deleted while the state was saved: the file has the flow too. */
START_TEST(a_saved_flow_does_not_end_a_deletion)
{
	struct tomb_info saved;
	struct flow f;

	start();
	see();
	f = flow;
	delete_it(DELETE_END);
	ck_is_deleted();
	saved = tomb;
	start();
	w.policy.tun.tcp_loose = 1;
	ck_assert(import(&f));
	saved.ended = w.now;
	ck_assert(engine_import_tomb(w.engine, w.worker, &saved, w.now));
	ck_assert(!world_flow(&w, &c2s, &flow));
	tcp(&c2s, A, 1101, 5201, 10);
	ck_invalid(REASON_LATE_DELETED);
}
END_TEST

/* Unknown windows, deleted, and a SYN beside it when the state was saved. */
START_TEST(a_loaded_syn_does_not_end_a_deletion)
{
	struct tomb_info saved;
	struct flow f;

	remember_unknown();
	delete_it(DELETE_END);
	tcp(&c2s, S, 90000, 0, 0);
	ck_assert(world_flow(&w, &c2s, &flow));
	f = flow;
	ck_is_deleted();
	saved = tomb;
	start();
	ck_assert(import(&f));
	saved.ended = w.now;
	ck_assert(engine_import_tomb(w.engine, w.worker, &saved, w.now));
	tcp(&c2s, F | A, 1101, 5201, 0);
	ck_invalid(REASON_LATE_DELETED);
	tcp(&s2c, A, 5201, 1101, 9);
	ck_invalid(REASON_LATE_DELETED);
}
END_TEST

/* A half-closed connection is deleted; then others are opened and closed to replace it. */
START_TEST(closing_connections_do_not_replace_a_deleted_one)
{
	start();
	setup_with(4, IPPROTO_NR_TCP, 400, 100, 1);
	see();
	tcp(&c2s, F | A, 1101, 5201, 0);
	tcp(&s2c, A, 5201, 1102, 0);
	delete_it(DELETE_END);
	ck_is_deleted();
	/* Open connections of others fill the graveyard. */
	for (unsigned i = 0; i < 99; i++) {
		c2s.src.bytes[1] = (uint8_t)(1 + i);
		s2c.dst = c2s.src;
		see();
	}
	ck_assert(engine_flush(w.engine, w.worker, w.now, DELETE_REMEMBER) == 99);
	c2s.src.bytes[1] = 0;
	s2c.dst = c2s.src;
	ck_is_deleted();
	for (unsigned i = 0; i < 200; i++) {
		c2s.sport = (uint16_t)(1000 + i);
		s2c.dport = c2s.sport;
		world_pass(&w, sec_to_ns(1));
		see();
		tcp(&c2s, F | A, 1101, 5201, 0);
		delete_it(DELETE_REMEMBER);
	}
	c2s.sport = 40000;
	s2c.dport = 40000;
	ck_is_deleted();
	c2s = build_default(4, IPPROTO_NR_TCP);
}
END_TEST

/* --- openings beside a memory --- */

/* After a gap the tracker accepts any SYN+ACK. */
START_TEST(after_a_gap_only_the_answer_to_a_syn_proves_it)
{
	for (unsigned deleted = 0; deleted < 2; deleted++) {
		start();
		see();
		if (deleted) {
			delete_it(DELETE_END);
		} else {
			expire_any();
		}
		tcp(&c2s, S, 90000, 0, 0);
		ck_passes(CT_NEW, REASON_TCP_OPEN);
		engine_note_gap(w.engine);
		tcp(&s2c, S | A, 0xdeadbeef, 0xcafe, 0);
		ck_assert(world_tomb(&w, &c2s, &tomb));
	}
}
END_TEST

/* The windows of a forged SYN+ACK stay, and are not taken for those of the true one. */
START_TEST(after_a_gap_a_forged_syn_ack_teaches_no_windows)
{
	start();
	tcp(&c2s, S, 1000, 0, 0);
	engine_note_gap(w.engine);
	tcp(&s2c, S, 0xdeadbeef, 0, 0);
	tcp(&c2s, S, 1000, 0, 0);
	tcp(&s2c, S | A, 5000, 1001, 0);
	tcp(&c2s, A, 1001, 5001, 100);
	tcp(&s2c, A, 5001, 1101, 200);
	tcp(&c2s, A, 1101, 5201, 0);
	ck_assert_uint_eq(d.status & FLOW_ASSURED, FLOW_ASSURED);
	expire_any();
	tcp(&s2c, F | A, 5201, 1101, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
}
END_TEST

/* The windows are exact and not enforced: two forged FINs make it TIME_WAIT, a SYN replaces it. */
START_TEST(a_forged_close_and_a_forged_syn_end_no_memory)
{
	struct flow f;

	start();
	f = unknown_flow();
	start();
	ck_assert(import(&f));
	tcp(&c2s, A, 1101, 5201, 0);
	tcp(&s2c, A, 5201, 1101, 0);
	ck_assert_uint_eq(status_knowledge(d.status), KNOWN_EXACT);
	tcp(&c2s, F | A, 0xdeadbeef, 0xcafe, 0);
	tcp(&c2s, F | A, 0xbeef, 0xfeed, 0);
	tcp(&c2s, A, 0xbeef, 0xfeed, 0);
	ck_assert_uint_eq(d.tcp_state, TCP_TIME_WAIT);
	tcp(&c2s, S, 90000, 0, 0);
	ck_passes(CT_NEW, REASON_TCP_REOPEN);
	ck_assert(world_tomb(&w, &c2s, &tomb));
	tcp(&s2c, F | A, 5201, 1101, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
}
END_TEST

/* A true segment that comes too soon is picked up. Its entry may be evicted while not ASSURED. */
START_TEST(a_pickup_that_may_be_evicted_ends_no_memory)
{
	remember_unknown();
	w.policy.tun.tcp_loose = 1;
	tcp(&s2c, A, 0xdeadbeef, 0xcafe, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_UNPROVED);
	tcp(&s2c, A, 5201, 1101, 10);
	ck_passes(CT_NEW, REASON_TCP_PICKUP);
	tcp(&c2s, A, 1101, 5211, 0);
	ck_assert_uint_eq(d.status & FLOW_ASSURED, 0);
	ck_assert(world_tomb(&w, &c2s, &tomb));
	tcp(&s2c, A, 5211, 1101, 0);
	tcp(&c2s, A, 1101, 5211, 0);
	ck_assert_uint_eq(d.status & FLOW_ASSURED, FLOW_ASSURED);
	ck_assert(!world_tomb(&w, &c2s, &tomb));
}
END_TEST

/* Its deadline has passed, and no tick has found it. */
START_TEST(an_entry_past_its_deadline_is_saved)
{
	struct engine_cursor cur = { 0, 0 };
	struct flow saved;

	start();
	see();
	world_pass(&w, mono_diff(flow.deadline, w.now));
	ck_assert(!world_flow(&w, &c2s, &flow));
	ck_assert(!world_tomb(&w, &c2s, &tomb));
	ck_assert_uint_eq(engine_list_saved(w.engine, &cur, w.now, &saved, 1), 1);
	start();
	world_pass(&w, mono_diff(saved.deadline, w.now));
	ck_assert(engine_import_flow(w.engine, w.worker, &saved, w.now));
	ck_assert(world_tomb(&w, &c2s, &tomb));
}
END_TEST

/* --- the late policy `reject` beside a live entry --- */

START_TEST(reject_is_the_same_beside_a_live_entry)
{
	start();
	w.policy.tun.late_close = LATE_REJECT;
	see();
	expire_any();
	tcp(&c2s, S, 90000, 0, 0);
	/* It fits neither: no RST. */
	tcp(&c2s, F | A, 0xdeadbeef, 5201, 0);
	ck_assert_uint_eq(d.verdict, VERDICT_DROP);
	ck_assert_uint_eq(sent_len, 0);
	/* It fits the older connection: both ends are reset, and it is dropped as such. */
	tcp(&s2c, F | A, 5201, 1101, 0);
	ck_assert_uint_eq(d.verdict, VERDICT_DROP);
	ck_assert_uint_eq(d.reason, REASON_LATE_REJECTED);
	ck_assert_uint_eq(sent_len, 2);
}
END_TEST

/* An answer that rules drop does not reach the opener, who may be a forger. */
START_TEST(a_dropped_answer_ends_no_memory)
{
	for (unsigned deleted = 0; deleted < 2; deleted++) {
		start();
		see();
		if (deleted) {
			delete_it(DELETE_END);
		} else {
			expire_any();
		}
		tcp(&c2s, S, 90000, 0, 0);
		ck_passes(CT_NEW, REASON_TCP_OPEN);
		world_accept(&w, ACCEPT_STATE(CT_NEW));
		tcp(&s2c, S | A, 70000, 90001, 0);
		ck_assert_uint_eq(d.state, CT_ESTABLISHED);
		ck_assert_uint_eq(d.verdict, VERDICT_DROP);
		ck_assert(world_tomb(&w, &c2s, &tomb));
		ck_assert_uint_eq(tomb.cause == TOMB_DELETED, deleted);
		world_accept(&w, ACCEPT_ALL & ~ACCEPT_STATE(CT_INVALID));
		tcp(&s2c, F | A, 5201, 1101, 0);
		if (deleted) {
			ck_assert_uint_eq(d.reason, REASON_LATE_DELETED);
		} else {
			ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
		}
	}
}
END_TEST

/*
 * A connection that was picked up beside the tombstone of an older one, and that an old segment
 * displaces, may be the one that is open.
 */
START_TEST(a_displaced_connection_is_remembered)
{
	start();
	see();
	expire_any();
	w.policy.tun.tcp_loose = 1;
	tcp(&c2s, A, 500000, 600000, 10);
	ck_passes(CT_NEW, REASON_TCP_PICKUP);
	tcp(&s2c, A, 600000, 500010, 0);
	/* They have agreed while it could still be evicted. Then both send at once. */
	tcp(&c2s, A, 500010, 600000, 10);
	tcp(&s2c, A, 600000, 500010, 10);
	ck_assert_uint_eq(d.status & FLOW_ASSURED, FLOW_ASSURED);
	ck_assert(world_tomb(&w, &c2s, &tomb));
	ck_assert_uint_eq(tomb.conn.seen[DIR_REPLY].end, 5201);
	tcp(&s2c, F | A, 5201, 1101, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
	ck_assert(world_tomb(&w, &c2s, &tomb));
	ck_assert_uint_eq(tomb.cause, TOMB_EVICTED);
	ck_assert_uint_ne(tomb.conn.seen[DIR_REPLY].end, 5201);
	tcp(&c2s, F | A, 1101, 5202, 0);
	tcp(&s2c, A, 5202, 1102, 0);
	ck_assert_uint_eq(d.tcp_state, TCP_TIME_WAIT);
	expire_any();
	tcp(&s2c, F | A, 600010, 500020, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_UNPROVED);
	tcp(&c2s, A, 500020, 600011, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_RESURRECTED);
}
END_TEST

SUITE_MAIN("late_forger", forged_segments_do_not_hold_up_a_true_close,
           each_side_passes_one_unproved_segment_a_second,
           ports_of_a_deleted_connection_can_be_used_again,
           an_import_does_not_bring_back_a_deleted_connection,
           an_import_keeps_the_tombstone_beside_it, a_saved_flow_does_not_end_a_deletion,
           a_loaded_syn_does_not_end_a_deletion, closing_connections_do_not_replace_a_deleted_one,
           after_a_gap_only_the_answer_to_a_syn_proves_it,
           after_a_gap_a_forged_syn_ack_teaches_no_windows,
           a_forged_close_and_a_forged_syn_end_no_memory,
           a_pickup_that_may_be_evicted_ends_no_memory, an_entry_past_its_deadline_is_saved,
           reject_is_the_same_beside_a_live_entry, a_dropped_answer_ends_no_memory,
           a_displaced_connection_is_remembered)

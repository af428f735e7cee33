/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nobody has proved changes no memory: connections whose windows are unknown, learnt or from
 * before a gap, and forged openings beside a remembered connection (doc/late-close.md, "What is
 * known"). The client has sent up to 1101, the server up to 5201.
 */
#include "test_engine.h"

#include <finwall/ruleset_layout.h>

#define SENT_MAX 16

static struct raw_request sent[SENT_MAX];
static unsigned sent_len;

static enum raw_result note_raw(void *ctx, const struct raw_request *req)
{
	(void)ctx;
	ck_assert_uint_lt(sent_len, SENT_MAX);
	sent[sent_len++] = *req;
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
}

static void import(struct flow *f)
{
	f->deadline = mono_add(w.now, w.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED]);
	ck_assert(engine_import_flow(w.engine, w.worker, f, w.now));
}

/* As state/import_conntrack.c makes it: no windows. */
static void import_unknown(void)
{
	start();
	see();
	ck_assert(world_flow(&w, &c2s, &flow));
	start();
	flow.status = status_with_knowledge(flow.status, KNOWN_NOTHING);
	memset(flow.conn.tcp.seen, 0, sizeof(flow.conn.tcp.seen));
	flow.conn.tcp.flags[0] = TCP_SIDE_LIBERAL;
	flow.conn.tcp.flags[1] = TCP_SIDE_LIBERAL;
	flow.conn.tcp.last_class = SEG_NONE;
	import(&flow);
}

/* As state/load.c makes it after kill -9. */
static void import_after_gap(void)
{
	start();
	see();
	ck_assert(world_flow(&w, &c2s, &flow));
	start();
	flow.status = status_with_knowledge(flow.status, KNOWN_GAP);
	flow.conn.tcp.flags[0] |= TCP_SIDE_LIBERAL;
	flow.conn.tcp.flags[1] |= TCP_SIDE_LIBERAL;
	import(&flow);
}

static void expire_any(void)
{
	ck_assert(world_flow(&w, &c2s, &flow));
	world_pass(&w, mono_diff(flow.deadline, w.now) + NSEC_PER_SEC / 10);
	world_tick(&w);
	ck_assert(!world_flow(&w, &c2s, &flow));
}

static void ck_remembered(enum knowledge known)
{
	ck_assert(world_tomb(&w, &c2s, &tomb));
	ck_assert_uint_eq(status_knowledge(tomb.status), known);
}

/* The whole close, from x: each segment passes, and at the end the entry is in TIME_WAIT. */
static void ck_close_from(struct build *x, enum reason first)
{
	struct build *y = x == &c2s ? &s2c : &c2s;
	uint32_t xs = x == &c2s ? 1101 : 5201;
	uint32_t ys = x == &c2s ? 5201 : 1101;

	tcp(x, F | A, xs, ys, 0);
	ck_passes(CT_ESTABLISHED, first);
	tcp(y, A, ys, xs + 1, 0);
	ck_passes(CT_ESTABLISHED,
	          first == REASON_LATE_UNPROVED ? REASON_LATE_RESURRECTED : REASON_TCP_TRACKED);
	ck_assert_uint_eq(d.tcp_state, TCP_CLOSE_WAIT);
	tcp(y, F | A, ys, xs + 1, 0);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	tcp(x, A, xs + 1, ys + 1, 0);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	ck_assert_uint_eq(d.tcp_state, TCP_TIME_WAIT);
	ck_assert(!world_tomb(&w, &c2s, &tomb));
}

/* --- windows unknown --- */

START_TEST(unknown_windows_are_not_learnt_from_a_late_segment)
{
	static const unsigned flags[] = { F | A, R, R | A, A };

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		import_unknown();
		expire_any();
		ck_remembered(KNOWN_NOTHING);
		tcp(&c2s, flags[i], 0xdeadbeef, 0xcafe, 0);
		ck_passes(CT_ESTABLISHED, REASON_LATE_UNPROVED);
		ck_assert(!world_flow(&w, &c2s, &flow));
		/* One of the other side, and not another one within a second. */
		tcp(&s2c, flags[i], 0xbeef, 0xfeed, 0);
		ck_passes(CT_ESTABLISHED, REASON_LATE_UNPROVED);
		tcp(&s2c, flags[i], 55, 66, 0);
		ck_assert_uint_eq(d.verdict, VERDICT_DROP);
		tcp(&c2s, flags[i], 77, 88, 0);
		ck_assert_uint_eq(d.verdict, VERDICT_DROP);
		ck_assert_uint_eq(d.reason,
		                  flags[i] == A ? REASON_TCP_NO_PICKUP : REASON_LATE_RATE);
		ck_remembered(KNOWN_NOTHING);
		/* The ends are still able to close. */
		world_pass(&w, sec_to_ns(1));
		ck_close_from(&s2c, REASON_LATE_UNPROVED);
	}
}
END_TEST

START_TEST(an_exact_answer_revives_a_connection_with_unknown_windows)
{
	import_unknown();
	expire_any();
	ck_close_from(&c2s, REASON_LATE_UNPROVED);
	import_unknown();
	expire_any();
	ck_close_from(&s2c, REASON_LATE_UNPROVED);
	/* Data, without `loose` and without a pickup. */
	import_unknown();
	expire_any();
	tcp(&c2s, A, 1101, 5201, 10);
	ck_passes(CT_ESTABLISHED, REASON_LATE_UNPROVED);
	tcp(&s2c, A, 5201, 1111, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_RESURRECTED);
	ck_assert_uint_eq(status_knowledge(d.status), KNOWN_EXACT);
	/* Both at once. */
	import_unknown();
	expire_any();
	tcp(&c2s, F | A, 1101, 5201, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_UNPROVED);
	tcp(&s2c, F | A, 5201, 1101, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
	tcp(&c2s, A, 1102, 5202, 0);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	tcp(&s2c, A, 5202, 1102, 0);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	ck_assert_uint_eq(d.tcp_state, TCP_TIME_WAIT);
}
END_TEST

/* The server answers a forged segment with its own numbers. */
START_TEST(an_answer_that_does_not_fit_proves_nothing)
{
	import_unknown();
	expire_any();
	tcp(&c2s, F | A, 0xdeadbeef, 0xcafe, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_UNPROVED);
	tcp(&s2c, A, 5201, 1101, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_UNPROVED);
	tcp(&s2c, A, 0xcafe, 1101, 0);
	ck_invalid(REASON_TCP_NO_PICKUP);
	tcp(&s2c, A, 5201, 0xdeadbef0, 0);
	ck_invalid(REASON_TCP_NO_PICKUP);
	ck_remembered(KNOWN_NOTHING);
	/* An end without the connection sends a RST, which must reach the sender. */
	tcp(&s2c, R, 0xcafe, 0, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_UNPROVED);
	ck_remembered(KNOWN_NOTHING);
}
END_TEST

START_TEST(the_setting_refuses_what_is_not_proved)
{
	import_unknown();
	w.policy.tun.unknown_windows = UNKNOWN_WINDOWS_REFUSE;
	expire_any();
	tcp(&c2s, F | A, 1101, 5201, 0);
	ck_invalid(REASON_LATE_NOT_PROVED);
	tcp(&s2c, R, 5201, 0, 0);
	ck_invalid(REASON_LATE_NOT_PROVED);
	tcp(&s2c, A, 5201, 1101, 5);
	ck_invalid(REASON_TCP_NO_PICKUP);
	ck_remembered(KNOWN_NOTHING);
}
END_TEST

/* Rules that drop the segment leave nothing behind. */
START_TEST(an_unproved_segment_that_is_dropped_is_not_noted)
{
	import_unknown();
	expire_any();
	world_accept(&w, 0);
	tcp(&c2s, F | A, 1101, 5201, 0);
	ck_assert_uint_eq(d.verdict, VERDICT_DROP);
	world_accept(&w, ACCEPT_ALL & ~ACCEPT_STATE(CT_INVALID));
	tcp(&s2c, A, 5201, 1102, 0);
	ck_assert_uint_eq(d.reason, REASON_LATE_UNPROVED);
	ck_remembered(KNOWN_NOTHING);
}
END_TEST

START_TEST(one_side_alone_proves_nothing)
{
	for (unsigned by_server = 0; by_server < 2; by_server++) {
		import_unknown();
		if (by_server) {
			tcp(&s2c, A, 5201, 1101, 0);
		} else {
			tcp(&c2s, A, 1101, 5201, 0);
		}
		expire_any();
		ck_remembered(KNOWN_NOTHING);
		tcp(&c2s, F | A, 0xdeadbeef, 5201, 0);
		ck_passes(CT_ESTABLISHED, REASON_LATE_UNPROVED);
		ck_assert(!world_flow(&w, &c2s, &flow));
		world_pass(&w, sec_to_ns(1));
		ck_close_from(by_server ? &s2c : &c2s, REASON_LATE_UNPROVED);
	}
}
END_TEST

START_TEST(both_sides_together_prove_the_windows)
{
	import_unknown();
	tcp(&c2s, A, 1101, 5201, 0);
	tcp(&s2c, A, 5201, 1101, 0);
	ck_assert_uint_eq(status_knowledge(d.status), KNOWN_EXACT);
	expire_any();
	ck_remembered(KNOWN_EXACT);
	tcp(&c2s, F | A, 0xdeadbeef, 5201, 0);
	ck_invalid(REASON_LATE_WINDOW);
	tcp(&s2c, R, 0, 0, 0);
	ck_invalid(REASON_LATE_RST);
	ck_close_from(&c2s, REASON_LATE_REVIVED);
	/* A keepalive and its answer do too. */
	import_unknown();
	tcp(&c2s, A, 1100, 5201, 0);
	tcp(&s2c, A, 5201, 1101, 0);
	ck_assert_uint_eq(status_knowledge(d.status), KNOWN_EXACT);
	expire_any();
	tcp(&s2c, R, 5201, 0, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
}
END_TEST

/* As in the kernel a RST of any number closes the live entry; it ends no memory. */
START_TEST(a_rst_against_unknown_windows_ends_no_memory)
{
	import_unknown();
	tcp(&c2s, R, 0xdeadbeef, 0, 0);
	ck_assert_uint_eq(d.tcp_state, TCP_CLOSE);
	expire_any();
	ck_remembered(KNOWN_NOTHING);
	ck_close_from(&c2s, REASON_LATE_UNPROVED);
	/* Nor does a SYN that then replaces the entry. */
	import_unknown();
	tcp(&c2s, R, 0xdeadbeef, 0, 0);
	tcp(&c2s, S, 90000, 0, 0);
	ck_passes(CT_NEW, REASON_TCP_REOPEN);
	ck_remembered(KNOWN_NOTHING);
	expire_any();
	ck_close_from(&s2c, REASON_LATE_UNPROVED);
	/* Nor do forged FINs of both sides. */
	import_unknown();
	tcp(&c2s, F | A, 0xdeadbeef, 0, 0);
	tcp(&s2c, F | A, 0xbeef, 0, 0);
	tcp(&c2s, A, 5, 6, 0);
	ck_assert_uint_eq(d.tcp_state, TCP_TIME_WAIT);
	expire_any();
	ck_remembered(KNOWN_NOTHING);
	ck_close_from(&s2c, REASON_LATE_UNPROVED);
	/* A close on which both sides agree is the end. */
	import_unknown();
	ck_close_from(&c2s, REASON_TCP_TRACKED);
	expire_any();
	ck_assert(!world_tomb(&w, &c2s, &tomb));
}
END_TEST

START_TEST(reset_at_expiry_probes_where_the_windows_are_unknown)
{
	import_unknown();
	w.policy.tun.on_idle = IDLE_RESET;
	w.policy.tun.probe_count = 1;
	w.policy.tun.probe_interval_ns = sec_to_ns(10);
	world_pass(&w, w.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED] + NSEC_PER_SEC / 10);
	world_tick(&w);
	ck_assert_uint_eq(sent_len, 2);
	ck_assert_uint_eq(sent[0].kind, RAW_KEEPALIVE);
	ck_assert_uint_eq(sent[1].kind, RAW_KEEPALIVE);
	/* No answer: remembered, and no RST with a number that is made up. */
	expire_any();
	ck_assert_uint_eq(sent_len, 2);
	ck_remembered(KNOWN_NOTHING);
	/* Answers: exact, and reset at the next expiry. */
	import_unknown();
	w.policy.tun.on_idle = IDLE_RESET;
	world_pass(&w, w.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED] + NSEC_PER_SEC / 10);
	world_tick(&w);
	tcp(&c2s, A, 1101, 5201, 0);
	tcp(&s2c, A, 5201, 1101, 0);
	sent_len = 0;
	expire_any();
	ck_assert_uint_eq(sent_len, 2);
	ck_assert_uint_eq(sent[0].kind, RAW_RESET);
	ck_assert_uint_eq(sent[0].seq, 5201);
	ck_assert_uint_eq(sent[1].kind, RAW_RESET);
	ck_assert_uint_eq(sent[1].seq, 1101);
	ck_assert(!world_tomb(&w, &c2s, &tomb));
}
END_TEST

START_TEST(the_setting_probe_sends_keepalives_before_it_remembers)
{
	import_unknown();
	w.policy.tun.unknown_windows = UNKNOWN_WINDOWS_PROBE;
	world_pass(&w, w.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED] + NSEC_PER_SEC / 10);
	world_tick(&w);
	ck_assert_uint_eq(sent_len, 2);
	tcp(&s2c, A, 5201, 1101, 0);
	tcp(&c2s, A, 1101, 5201, 0);
	expire_any();
	ck_remembered(KNOWN_EXACT);
	/* Known windows need no question. */
	ck_assert_uint_eq(sent_len, 2);
}
END_TEST

/* --- after a gap --- */

START_TEST(after_a_gap_the_old_windows_serve)
{
	import_after_gap();
	expire_any();
	ck_remembered(KNOWN_GAP);
	tcp(&c2s, F | A, 0xdeadbeef, 5201, 0);
	ck_invalid(REASON_LATE_WINDOW);
	/* Before what the other side has acknowledged, by more than its window. */
	tcp(&c2s, F | A, 1101 - 20000, 5201, 0);
	ck_invalid(REASON_LATE_WINDOW);
	tcp(&s2c, R, 5200, 0, 0);
	ck_invalid(REASON_LATE_RST);
	/* Farther than LATE_MOVED_MAX, together. */
	tcp(&c2s, F | A, 1101 + (1u << 29), 5202 + (1u << 29), 0);
	ck_invalid(REASON_LATE_WINDOW);
	ck_close_from(&c2s, REASON_LATE_REVIVED);
	import_after_gap();
	expire_any();
	tcp(&s2c, R, 5201, 0, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
}
END_TEST

/* One forged segment of a side must not replace the old windows. */
START_TEST(a_segment_after_a_gap_does_not_replace_the_old_windows)
{
	import_after_gap();
	tcp(&c2s, A, 0xdeadbeef, 0xcafe, 10);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	tcp(&c2s, R, 0xdeadbeef, 0, 0);
	expire_any();
	ck_remembered(KNOWN_GAP);
	ck_close_from(&s2c, REASON_LATE_REVIVED);
}
END_TEST

/* 30 MB moved unseen. */
START_TEST(a_connection_that_moved_during_a_gap_closes)
{
	uint32_t moved = 30u << 20;

	import_after_gap();
	expire_any();
	tcp(&s2c, F | A, 5201 + moved, 1101 + 500, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_UNPROVED);
	ck_assert(!world_flow(&w, &c2s, &flow));
	tcp(&c2s, A, 1101 + 500, 5201 + moved + 1, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_RESURRECTED);
	ck_assert_uint_eq(d.tcp_state, TCP_CLOSE_WAIT);
	import_after_gap();
	expire_any();
	tcp(&c2s, R, 1101 + moved, 0, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_UNPROVED);
	ck_remembered(KNOWN_GAP);
	/* Live, the two sides agree on what is right now. */
	import_after_gap();
	tcp(&s2c, A, 5201 + moved, 1101, 100);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	tcp(&c2s, A, 1101, 5301 + moved, 0);
	ck_assert_uint_eq(status_knowledge(d.status), KNOWN_EXACT);
	expire_any();
	tcp(&s2c, F | A, 5201, 1101, 0);
	ck_invalid(REASON_LATE_WINDOW);
	tcp(&s2c, F | A, 5301 + moved, 1101, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
}
END_TEST

/* --- openings beside a memory --- */

static void remember(void)
{
	start();
	w.policy.tun.tcp_loose = 1;
	see();
	expire_any();
	ck_remembered(KNOWN_EXACT);
}

START_TEST(a_forged_syn_ends_no_memory)
{
	for (unsigned by_server = 0; by_server < 2; by_server++) {
		struct build *x = by_server ? &s2c : &c2s;

		/* While the SYN has its entry, and after that. */
		remember();
		tcp(&c2s, S, 90000, 0, 0);
		ck_passes(CT_NEW, REASON_TCP_OPEN);
		ck_close_from(x, REASON_LATE_REVIVED);
		remember();
		tcp(&c2s, S, 90000, 0, 0);
		expire_any();
		ck_close_from(x, REASON_LATE_REVIVED);
		/* The RST of either end too. */
		remember();
		tcp(x, S, 90000, 0, 0);
		tcp(x, R, by_server ? 5201 : 1101, 0, 0);
		ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
	}
}
END_TEST

/* The server answers the forged SYN with a challenge ACK: proof that the old connection lives. */
START_TEST(a_challenge_ack_revives_the_old_connection)
{
	remember();
	tcp(&c2s, S, 90000, 0, 0);
	tcp(&s2c, A, 5201, 1101, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_RESURRECTED);
	ck_assert_uint_eq(d.tcp_state, TCP_ESTABLISHED);
	ck_assert_uint_eq(world_event(&w, EVENT_FLOW_DISPLACED), 1);
	ck_close_from(&c2s, REASON_TCP_TRACKED);
	/* A client that has really started again resets the old connection and opens a new one. */
	remember();
	tcp(&c2s, S, 90000, 0, 0);
	tcp(&s2c, A, 5201, 1101, 0);
	tcp(&c2s, R, 1101, 0, 0);
	ck_assert_uint_eq(d.tcp_state, TCP_CLOSE);
	tcp(&c2s, S, 90000, 0, 0);
	ck_passes(CT_NEW, REASON_TCP_REOPEN);
	tcp(&s2c, S | A, 70000, 90001, 0);
	tcp(&c2s, A, 90001, 70001, 0);
	ck_assert_uint_eq(d.status & FLOW_ASSURED, FLOW_ASSURED);
	ck_assert(!world_tomb(&w, &c2s, &tomb));
}
END_TEST

/* Rules that refuse the revival leave the new entry and the tombstone alone. */
START_TEST(a_refused_revival_displaces_nothing)
{
	remember();
	tcp(&c2s, S, 90000, 0, 0);
	world_accept(&w, ACCEPT_STATE(CT_NEW));
	tcp(&c2s, F | A, 1101, 5201, 0);
	ck_decision(CT_ESTABLISHED, REASON_LATE_REVIVED, VERDICT_DROP);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_uint_eq(flow.conn.tcp.state, TCP_SYN_SENT);
	ck_remembered(KNOWN_EXACT);
}
END_TEST

START_TEST(a_forged_syn_beside_unknown_windows_ends_no_memory)
{
	import_unknown();
	expire_any();
	tcp(&c2s, S, 90000, 0, 0);
	ck_passes(CT_NEW, REASON_TCP_OPEN);
	ck_close_from(&c2s, REASON_LATE_UNPROVED);
}
END_TEST

/* A new SYN does not let segments of a deleted connection pass. */
START_TEST(a_syn_does_not_reopen_a_deleted_connection)
{
	start();
	see();
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert(engine_delete(w.engine, w.worker, &flow.key, w.now, DELETE_END));
	tcp(&c2s, S, 90000, 0, 0);
	ck_passes(CT_NEW, REASON_TCP_OPEN);
	tcp(&s2c, A, 5201, 1101, 100);
	ck_invalid(REASON_LATE_DELETED);
	tcp(&s2c, F | A, 5201, 1101, 0);
	ck_invalid(REASON_LATE_DELETED);
	tcp(&s2c, S | A, 70000, 90001, 0);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	tcp(&c2s, A, 90001, 70001, 0);
	ck_assert_uint_eq(d.tcp_state, TCP_ESTABLISHED);
	ck_assert(!world_tomb(&w, &c2s, &tomb));
}
END_TEST

/* Two forged ACKs are picked up, and the server answers each with its own numbers. */
START_TEST(a_forged_pickup_ends_no_memory)
{
	for (unsigned by_server = 0; by_server < 2; by_server++) {
		struct build *x = by_server ? &s2c : &c2s;

		for (unsigned alive = 0; alive < 2; alive++) {
			remember();
			w.policy.tun.resurrect = alive;
			tcp(&c2s, A, 0xdeadbeef, 0xcafe, 10);
			ck_passes(CT_NEW, REASON_TCP_PICKUP);
			w.policy.tun.resurrect = 0;
			tcp(&s2c, A, 5201, 1101, 0);
			tcp(&c2s, A, 0xdeadbef9, 0xcafe, 10);
			tcp(&s2c, A, 5201, 1101, 0);
			ck_assert_uint_eq(d.status & FLOW_ASSURED, FLOW_ASSURED);
			ck_remembered(KNOWN_EXACT);
			if (!alive) {
				expire_any();
				ck_remembered(KNOWN_EXACT);
			}
			ck_close_from(x, REASON_LATE_REVIVED);
		}
	}
}
END_TEST

/* A duplicate from long ago comes first, then the connection itself. */
START_TEST(a_stale_copy_ends_no_memory)
{
	remember();
	tcp(&s2c, A, 5201 - 6000000, 1101, 100);
	ck_passes(CT_NEW, REASON_TCP_PICKUP);
	tcp(&c2s, A, 1101, 5201, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_RESURRECTED);
	expire_any();
	ck_close_from(&s2c, REASON_LATE_REVIVED);
}
END_TEST

START_TEST(a_rejected_packet_hides_no_memory)
{
	static const struct rs_insn reject[] = { { .op = RS_VERDICT, .a = RULE_REJECT, .b = 0 } };
	const struct rs_insn *accept = NULL;

	for (unsigned i = 0; i < 2; i++) {
		struct build *x = i == 0 ? &c2s : &s2c;

		remember();
		accept = w.policy.rules->code;
		w.policy.rules->code = reject;
		tcp(x, i == 0 ? S : A, 90000, 0, 0);
		ck_assert_uint_eq(d.verdict, VERDICT_REJECT);
		w.policy.rules->code = accept;
		ck_close_from(x, REASON_LATE_REVIVED);
	}
}
END_TEST

/* --- pickups --- */

/* 500 kB in flight when the connection is picked up; no window scale is known. */
static void pick_up_in_flight(void)
{
	start();
	w.policy.tun.tcp_loose = 1;
	tcp(&c2s, A, 1101, 5201 - 500000, 0);
	ck_passes(CT_NEW, REASON_TCP_PICKUP);
	tcp(&s2c, A, 4201, 1101, 1000);
	tcp(&c2s, A, 1101, 5201 - 400000, 0);
	tcp(&c2s, A, 1101, 5201 - 200000, 0);
}

START_TEST(a_pickup_is_known_when_both_sides_agree)
{
	for (unsigned by_server = 0; by_server < 2; by_server++) {
		struct build *x = by_server ? &s2c : &c2s;

		pick_up_in_flight();
		tcp(&c2s, A, 1101, 5201, 0);
		expire_any();
		ck_remembered(KNOWN_EXACT);
		tcp(&c2s, F | A, 1101 + 500000, 5201, 0);
		ck_invalid(REASON_LATE_WINDOW);
		ck_close_from(x, REASON_LATE_REVIVED);
		pick_up_in_flight();
		tcp(&c2s, A, 1101, 5201, 0);
		expire_any();
		tcp(x, R, (by_server ? 5201 : 1101) + 1, 0, 0);
		ck_invalid(REASON_LATE_RST);
		tcp(x, R, by_server ? 5201 : 1101, 0, 0);
		ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
	}
	/* Never in agreement: nothing is known. */
	pick_up_in_flight();
	expire_any();
	ck_remembered(KNOWN_NOTHING);
	ck_close_from(&c2s, REASON_LATE_UNPROVED);
}
END_TEST

/* After agreement a forged segment moves nothing. */
START_TEST(a_forged_segment_does_not_undo_an_agreement)
{
	pick_up_in_flight();
	tcp(&c2s, A, 1101, 5201, 0);
	tcp(&c2s, A, 0xdeadbeef, 0xcafe, 10);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	expire_any();
	ck_remembered(KNOWN_GAP);
	ck_close_from(&c2s, REASON_LATE_REVIVED);
}
END_TEST

/* What is saved has the windows on which the sides agreed. */
START_TEST(a_saved_pickup_has_the_windows_of_the_agreement)
{
	struct engine_cursor cur = { 0 };
	struct flow saved;

	pick_up_in_flight();
	tcp(&c2s, A, 1101, 5201, 0);
	while (engine_list_saved(w.engine, &cur, w.now, &saved, 1) == 0) {
		ck_assert(!engine_list_is_over(w.engine, &cur));
	}
	ck_assert_uint_eq(status_knowledge(saved.status), KNOWN_EXACT);
	ck_assert_uint_eq(saved.conn.tcp.seen[DIR_ORIG].end, 1101);
	ck_assert_uint_eq(saved.conn.tcp.seen[DIR_REPLY].end, 5201);
	/* The tracker's own stay as the kernel's are. */
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_uint_eq(status_knowledge(flow.status), KNOWN_LEARNT);
}
END_TEST

SUITE_MAIN("late_unproved", unknown_windows_are_not_learnt_from_a_late_segment,
           an_exact_answer_revives_a_connection_with_unknown_windows,
           an_answer_that_does_not_fit_proves_nothing, the_setting_refuses_what_is_not_proved,
           an_unproved_segment_that_is_dropped_is_not_noted, one_side_alone_proves_nothing,
           both_sides_together_prove_the_windows, a_rst_against_unknown_windows_ends_no_memory,
           reset_at_expiry_probes_where_the_windows_are_unknown,
           the_setting_probe_sends_keepalives_before_it_remembers,
           after_a_gap_the_old_windows_serve,
           a_segment_after_a_gap_does_not_replace_the_old_windows,
           a_connection_that_moved_during_a_gap_closes, a_forged_syn_ends_no_memory,
           a_challenge_ack_revives_the_old_connection, a_refused_revival_displaces_nothing,
           a_syn_does_not_reopen_a_deleted_connection,
           a_forged_syn_beside_unknown_windows_ends_no_memory, a_forged_pickup_ends_no_memory,
           a_stale_copy_ends_no_memory, a_rejected_packet_hides_no_memory,
           a_pickup_is_known_when_both_sides_agree, a_forged_segment_does_not_undo_an_agreement,
           a_saved_pickup_has_the_windows_of_the_agreement)

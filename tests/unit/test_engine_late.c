/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Late close: the late policies, tombstones and their guards (doc/late-close.md). The attacks on it
 * are in test_late_attack.c.
 */
#include "test_engine.h"

START_TEST(strict_decides_as_the_kernel)
{
	setup();
	w.policy.tun.late_close = LATE_STRICT;
	establish();
	expire();
	tcp(&c2s, F | A, 1001, 5001, 0);
	ck_invalid(REASON_LATE_STRICT);
	tcp(&s2c, R, 5001, 0, 0);
	ck_invalid(REASON_LATE_STRICT);
	ck_assert(world_tomb(&w, &c2s, &tomb));
	ck_assert_uint_eq(w.late_events, 2);
	ck_assert_uint_eq(w.last_late.policy, LATE_STRICT);
	ck_assert_uint_eq(w.last_late.verdict, VERDICT_DROP);
}
END_TEST

START_TEST(a_late_fin_of_a_remembered_connection_revives_it)
{
	for (unsigned by_server = 0; by_server < 2; by_server++) {
		struct build *x = by_server ? &s2c : &c2s;
		struct build *y = by_server ? &c2s : &s2c;
		uint32_t xs = by_server ? 5001 : 1001;
		uint32_t ys = by_server ? 1001 : 5001;

		setup();
		establish();
		expire();
		ck_assert(world_tomb(&w, &c2s, &tomb));
		ck_assert_uint_eq(tomb.cause, TOMB_IDLE);
		world_pass(&w, sec_to_ns(3600));
		tcp(x, F | A, xs, ys, 0);
		ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
		ck_assert_uint_eq(d.dir, by_server ? DIR_REPLY : DIR_ORIG);
		ck_assert_uint_eq(d.tcp_state, TCP_FIN_WAIT);
		ck_assert_uint_eq(d.status & FLOW_REVIVED, FLOW_REVIVED);
		ck_assert(!world_tomb(&w, &c2s, &tomb));
		ck_assert(world_flow(&w, &c2s, &flow));
		ck_assert_int_eq(mono_diff(flow.deadline, w.now), sec_to_ns(120));
		ck_assert_uint_eq(w.late_events, 1);
		ck_assert_uint_eq(w.last_late.has_tomb, 1);
		ck_assert_int_eq(w.last_late.gone_ns, sec_to_ns(3600));
		ck_assert_int_eq(w.last_late.seq_distance, 0);
		ck_assert_uint_eq(w.last_late.tcp_state, TCP_ESTABLISHED);
		/* The whole close handshake passes in both directions. */
		tcp(y, A, ys, xs + 1, 0);
		ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
		tcp(y, F | A, ys, xs + 1, 0);
		ck_assert_uint_eq(d.tcp_state, TCP_LAST_ACK);
		tcp(x, A, xs + 1, ys + 1, 0);
		ck_assert_uint_eq(d.tcp_state, TCP_TIME_WAIT);
		ck_assert_uint_eq(world_event(&w, EVENT_FLOW_REVIVED), 1);
	}
}
END_TEST

/* No tick runs between expiry and the late segment. */
START_TEST(a_late_fin_before_a_tick_revives)
{
	setup();
	establish();
	world_pass(&w, w.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED]);
	tcp(&c2s, F | A, 1001, 5001, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
}
END_TEST

START_TEST(a_late_rst_must_have_the_exact_number)
{
	static const int32_t off[] = { 1, -1, 2, 100, -100, 9999, 1000000, INT32_MIN };

	setup();
	establish();
	expire();
	for (size_t i = 0; i < ARRAY_LEN(off); i++) {
		tcp(&s2c, R, 5001 + (uint32_t)off[i], 0, 0);
		ck_invalid(REASON_LATE_RST);
		tcp(&c2s, R | A, 1001 + (uint32_t)off[i], 5001, 0);
		ck_invalid(REASON_LATE_RST);
	}
	ck_assert_int_eq(w.last_late.seq_distance, INT32_MIN);
	ck_assert(world_tomb(&w, &c2s, &tomb));
	tcp(&s2c, R, 5001, 0, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
	ck_assert_uint_eq(d.tcp_state, TCP_CLOSE);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_int_eq(mono_diff(flow.deadline, w.now), sec_to_ns(10));
}
END_TEST

START_TEST(forged_fins_are_refused)
{
	static const struct {
		uint32_t seq;
		uint32_t ack;
	} forged[] = {
		{ 1001 + 20000, 5001 }, /* beyond the window */
		{ 1001 - 20000, 5001 }, /* before the window */
		{ 1001, 5002 },         /* acknowledges data that was never sent */
		{ 1001, 5001 - 70000 }, /* acknowledges too far back */
		{ 0xdeadbeef, 0xcafe }, /* arbitrary numbers */
	};

	setup();
	establish();
	expire();
	for (size_t i = 0; i < ARRAY_LEN(forged); i++) {
		tcp(&c2s, F | A, forged[i].seq, forged[i].ack, 0);
		ck_invalid(REASON_LATE_WINDOW);
		ck_assert(world_tomb(&w, &c2s, &tomb));
		ck_assert(!world_flow(&w, &c2s, &flow));
	}
	tcp(&c2s, F | A, 1001, 5001, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
}
END_TEST

/* The settings be-liberal and pickup do not let forged segments revive a tombstone. */
START_TEST(leniency_does_not_apply_to_tombstones)
{
	setup();
	w.policy.tun.tcp_be_liberal = 1;
	w.policy.tun.tcp_ignore_invalid_rst = 1;
	establish();
	expire();
	tcp(&c2s, F | A, 0xdeadbeef, 0xcafe, 0);
	ck_invalid(REASON_LATE_WINDOW);
	tcp(&c2s, R, 0xdeadbeef, 0, 0);
	ck_invalid(REASON_LATE_RST);
}
END_TEST

START_TEST(late_closes_of_unknown_connections_are_refused)
{
	setup();
	tcp(&c2s, F | A, 1001, 5001, 0);
	ck_invalid(REASON_LATE_UNKNOWN);
	tcp(&s2c, R, 5001, 0, 0);
	ck_invalid(REASON_LATE_UNKNOWN);
	ck_assert_uint_eq(w.last_late.has_tomb, 0);
	/* A connection that is not ASSURED is not remembered. */
	tcp(&c2s, S, 1000, 0, 0);
	tcp(&s2c, S | A, 5000, 1001, 0);
	world_pass(&w, sec_to_ns(60));
	world_tick(&w);
	tcp(&c2s, F | A, 1001, 5001, 0);
	ck_invalid(REASON_LATE_UNKNOWN);
	/* A connection that closed before it expired is not remembered. */
	establish();
	tcp(&s2c, R, 5001, 0, 0);
	world_pass(&w, sec_to_ns(10));
	world_tick(&w);
	tcp(&c2s, F | A, 1001, 5001, 0);
	ck_invalid(REASON_LATE_UNKNOWN);
}
END_TEST

START_TEST(tombstones_age_out)
{
	setup();
	w.policy.tun.remember_ns = sec_to_ns(100);
	establish();
	expire();
	world_pass(&w, sec_to_ns(99) - 1);
	ck_assert(world_tomb(&w, &c2s, &tomb));
	world_pass(&w, sec_to_ns(2));
	tcp(&c2s, F | A, 1001, 5001, 0);
	ck_invalid(REASON_LATE_UNKNOWN);
	ck_assert(!world_tomb(&w, &c2s, &tomb));
	establish();
	expire();
	world_pass(&w, sec_to_ns(102));
	world_tick(&w);
	ck_assert(!world_tomb(&w, &c2s, &tomb));
	ck_assert_uint_eq(world_event(&w, EVENT_TOMB_EXPIRED), 2);
}
END_TEST

START_TEST(a_syn_and_its_answer_delete_the_tombstone)
{
	setup();
	establish();
	expire();
	/* A SYN that the rules drop does not delete it. */
	world_accept(&w, ACCEPT_STATE(CT_ESTABLISHED));
	tcp(&c2s, S, 70000, 0, 0);
	ck_assert_uint_eq(d.verdict, VERDICT_DROP);
	ck_assert(world_tomb(&w, &c2s, &tomb));
	world_accept(&w, ACCEPT_ALL);
	tcp(&c2s, S, 70000, 0, 0);
	ck_passes(CT_NEW, REASON_TCP_OPEN);
	/* Anybody can forge a SYN: only the answer to it proves that the old connection is over. */
	ck_assert(world_tomb(&w, &c2s, &tomb));
	tcp(&s2c, S | A, 9000, 70001, 0);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	ck_assert(!world_tomb(&w, &c2s, &tomb));
	ck_assert_uint_eq(world_event(&w, EVENT_TOMB_REPLACED), 1);
}
END_TEST

/* A late close that the rules drop changes nothing. */
START_TEST(a_dropped_late_close_revives_nothing)
{
	setup();
	establish();
	expire();
	world_accept(&w, ACCEPT_STATE(CT_NEW));
	tcp(&c2s, F | A, 1001, 5001, 0);
	ck_decision(CT_ESTABLISHED, REASON_LATE_REVIVED, VERDICT_DROP);
	ck_assert(!world_flow(&w, &c2s, &flow));
	ck_assert(world_tomb(&w, &c2s, &tomb));
	ck_assert_uint_eq(w.last_late.verdict, VERDICT_DROP);
}
END_TEST

START_TEST(late_data_revives_with_resurrect)
{
	setup();
	establish();
	expire();
	tcp(&s2c, A, 5001, 1001, 100);
	ck_passes(CT_ESTABLISHED, REASON_LATE_RESURRECTED);
	ck_assert_uint_eq(d.tcp_state, TCP_ESTABLISHED);
	ck_assert_uint_eq(d.dir, DIR_REPLY);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_uint_eq(flow.status & FLOW_ASSURED, FLOW_ASSURED);
	/* The entry has its saved windows. */
	tcp(&c2s, A, 1001 + 500000, 5101, 0);
	ck_assert_uint_eq(d.state, CT_INVALID);
	tcp(&c2s, A, 1001, 5101, 0);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
}
END_TEST

START_TEST(without_resurrection_loose_decides)
{
	setup();
	w.policy.tun.resurrect = 0;
	establish();
	expire();
	tcp(&c2s, A, 1001, 5001, 100);
	ck_passes(CT_NEW, REASON_TCP_PICKUP);
	setup();
	w.policy.tun.resurrect = 0;
	w.policy.tun.tcp_loose = 0;
	establish();
	expire();
	tcp(&c2s, A, 1001, 5001, 100);
	ck_invalid(REASON_TCP_NO_PICKUP);
}
END_TEST

START_TEST(forget_leaves_no_tombstone)
{
	setup();
	w.policy.tun.on_idle = IDLE_FORGET;
	establish();
	expire();
	ck_assert(!world_tomb(&w, &c2s, &tomb));
	tcp(&c2s, F | A, 1001, 5001, 0);
	ck_invalid(REASON_LATE_UNKNOWN);
	/* No place for tombstones has the same effect. */
	setup_with(4, IPPROTO_NR_TCP, 10, 0, 1);
	establish();
	expire();
	tcp(&c2s, F | A, 1001, 5001, 0);
	ck_invalid(REASON_LATE_UNKNOWN);
}
END_TEST

START_TEST(policy_pickup_inserts_a_flow)
{
	setup();
	w.policy.tun.late_close = LATE_PICKUP;
	tcp(&c2s, F | A, 1001, 5001, 0);
	ck_passes(CT_LATE, REASON_LATE_PICKUP);
	ck_assert_uint_eq(d.tcp_state, TCP_FIN_WAIT);
	tcp(&s2c, A, 5001, 1002, 0);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	tcp(&s2c, F | A, 5001, 1002, 0);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	tcp(&c2s, A, 1002, 5002, 0);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	ck_assert_uint_eq(d.tcp_state, TCP_TIME_WAIT);
	c2s.sport = s2c.dport = 41000;
	tcp(&c2s, R, 1001, 0, 0);
	ck_passes(CT_LATE, REASON_LATE_PICKUP);
	ck_assert_uint_eq(d.tcp_state, TCP_CLOSE);
	/* Only if the rules accept it. */
	c2s.sport = s2c.dport = 42000;
	world_accept(&w, ACCEPT_STATE(CT_ESTABLISHED) | ACCEPT_STATE(CT_NEW));
	tcp(&c2s, F | A, 1001, 5001, 0);
	ck_decision(CT_LATE, REASON_LATE_PICKUP, VERDICT_DROP);
	ck_assert(!world_flow(&w, &c2s, &flow));
}
END_TEST

START_TEST(policy_lenient_accepts_without_an_entry)
{
	setup();
	w.policy.tun.late_close = LATE_LENIENT;
	w.policy.tun.late_rate = 5;
	tcp(&c2s, F | A, 1001, 5001, 1);
	ck_invalid(REASON_LATE_PAYLOAD);
	for (unsigned i = 0; i < 5; i++) {
		tcp(&c2s, F | A, 1001, 5001, 0);
		ck_passes(CT_LATE, REASON_LATE_LENIENT);
		ck_assert(!world_flow(&w, &c2s, &flow));
	}
	tcp(&c2s, R, 1001, 0, 0);
	ck_invalid(REASON_LATE_RATE);
	world_pass(&w, NSEC_PER_SEC);
	for (unsigned i = 0; i < 5; i++) {
		tcp(&c2s, R, 1001, 0, 0);
		ck_passes(CT_LATE, REASON_LATE_LENIENT);
	}
	tcp(&c2s, R, 1001, 0, 0);
	ck_invalid(REASON_LATE_RATE);
}
END_TEST

/* Guard 1: illegal sets of flags reach no late policy. */
START_TEST(illegal_flags_reach_no_policy)
{
	static const uint8_t illegal[] = { 0, F, S | F, F | R, TCP_URG, F | TCP_PSH | TCP_URG };

	setup();
	w.policy.tun.late_close = LATE_PICKUP;
	for (size_t i = 0; i < ARRAY_LEN(illegal); i++) {
		tcp(&c2s, illegal[i], 1001, 5001, 0);
		ck_invalid(REASON_TCP_FLAGS);
	}
	ck_assert_uint_eq(w.late_events, 0);
}
END_TEST

/* Guard 2: the default is to verify the checksums of SYN, FIN and RST. */
START_TEST(a_late_close_with_a_wrong_checksum_is_refused)
{
	uint8_t data[BUILD_MAX];
	struct frame f;

	setup();
	establish();
	expire();
	c2s.flags = F | A;
	f = build_frame(data, build_packet(&c2s, data));
	data[36] ^= 1;
	engine_batch(w.engine, w.worker, w.now, &f, 1, &d);
	ck_invalid(REASON_TCP_CHECKSUM);
	ck_assert_uint_eq(w.late_events, 0);
}
END_TEST

/* Lets the entry expire, whatever its state. */
static void expire_live(void)
{
	ck_assert(world_flow(&w, &c2s, &flow));
	world_pass(&w, mono_diff(flow.deadline, w.now) + NSEC_PER_SEC / 10);
	world_tick(&w);
}

/*
 * A client that sends its FIN twice and stays half-closed: the kernel's array takes the second FIN
 * for that of the server, and is in TIME_WAIT after the next ACK.
 */
START_TEST(a_repeated_fin_leaves_the_other_side_open)
{
	setup();
	establish();
	tcp(&c2s, F | A, 1001, 5001, 0);
	tcp(&s2c, A, 5001, 1001, 0);
	tcp(&c2s, F | A, 1001, 5001, 0);
	tcp(&s2c, A, 5001, 1002, 0);
	ck_assert_uint_eq(d.tcp_state, TCP_TIME_WAIT);
	expire_live();
	ck_assert(world_tomb(&w, &c2s, &tomb));
	ck_assert_uint_eq(tomb.conn.state, TCP_CLOSE_WAIT);
	tcp(&s2c, A, 5001, 1002, 100);
	ck_passes(CT_ESTABLISHED, REASON_LATE_RESURRECTED);
	tcp(&c2s, A, 1002, 5101, 0);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	expire_live();
	tcp(&s2c, F | A, 5101, 1002, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
	tcp(&c2s, A, 1002, 5102, 0);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	ck_assert_uint_eq(d.tcp_state, TCP_TIME_WAIT);
	/* Now both have closed. */
	expire_live();
	ck_assert(!world_tomb(&w, &c2s, &tomb));
}
END_TEST

/* After a FIN the array takes a RST with any number for the end. */
START_TEST(a_forged_rst_after_a_fin_ends_no_memory)
{
	setup();
	establish();
	tcp(&c2s, F | A, 1001, 5001, 0);
	tcp(&s2c, A, 5001, 1002, 0);
	tcp(&c2s, R, 0xdeadbeef, 0, 0);
	ck_assert_uint_eq(d.tcp_state, TCP_CLOSE);
	expire_live();
	ck_assert(world_tomb(&w, &c2s, &tomb));
	ck_assert_uint_eq(tomb.conn.state, TCP_CLOSE_WAIT);
	tcp(&s2c, A, 5001, 1002, 100);
	ck_passes(CT_ESTABLISHED, REASON_LATE_RESURRECTED);
	/* The exact number ends it. */
	tcp(&c2s, R, 1002, 0, 0);
	ck_assert_uint_eq(d.tcp_state, TCP_CLOSE);
	expire_live();
	ck_assert(!world_tomb(&w, &c2s, &tomb));
}
END_TEST

/* A FIN that a host forges within the window is never acknowledged. */
START_TEST(a_forged_fin_ends_no_memory)
{
	setup();
	establish();
	tcp(&c2s, F | A, 1501, 5001, 0);
	tcp(&s2c, F | A, 5001, 1001, 0);
	tcp(&c2s, A, 1001, 5002, 0);
	ck_assert_uint_eq(d.tcp_state, TCP_TIME_WAIT);
	expire_live();
	ck_assert(world_tomb(&w, &c2s, &tomb));
	tcp(&c2s, A, 1001, 5002, 100);
	ck_passes(CT_ESTABLISHED, REASON_LATE_RESURRECTED);
}
END_TEST

START_TEST(a_closed_connection_is_not_remembered)
{
	setup();
	establish();
	tcp(&c2s, F | A, 1001, 5001, 0);
	tcp(&s2c, F | A, 5001, 1002, 0);
	tcp(&c2s, A, 1002, 5002, 0);
	ck_assert_uint_eq(d.tcp_state, TCP_TIME_WAIT);
	expire_live();
	ck_assert(!world_tomb(&w, &c2s, &tomb));
	/* Unread data: a RST behind data that is not acknowledged yet. */
	setup();
	establish();
	tcp(&c2s, F | A, 1001, 5001, 50);
	tcp(&c2s, R, 1052, 0, 0);
	ck_assert_uint_eq(d.tcp_state, TCP_CLOSE);
	expire_live();
	ck_assert(!world_tomb(&w, &c2s, &tomb));
}
END_TEST

static void delete_it(enum engine_delete_mode mode)
{
	struct engine_cursor cur = { 0, 0 };
	struct flow live;

	ck_assert_uint_eq(engine_list_flows(w.engine, &cur, w.now, &live, 1), 1);
	ck_assert(engine_delete(w.engine, w.worker, &live.key, w.now, mode));
}

/* Nothing of it passes, from either end; a rule that accepts NEW picks nothing up. */
static void ck_is_ended(void)
{
	tcp(&c2s, A, 1001, 5001, 100);
	ck_invalid(REASON_LATE_DELETED);
	tcp(&s2c, A, 5001, 1001, 100);
	ck_invalid(REASON_LATE_DELETED);
	tcp(&c2s, F | A, 1001, 5001, 0);
	ck_invalid(REASON_LATE_DELETED);
	tcp(&s2c, R, 5001, 0, 0);
	ck_invalid(REASON_LATE_DELETED);
}

START_TEST(a_deleted_connection_is_over)
{
	setup();
	establish();
	delete_it(DELETE_END);
	ck_assert(world_tomb(&w, &c2s, &tomb));
	ck_assert_uint_eq(tomb.cause, TOMB_DELETED);
	ck_is_ended();
	w.policy.tun.late_close = LATE_PICKUP;
	ck_is_ended();
	w.policy.tun.late_close = LATE_LENIENT;
	ck_is_ended();
	w.policy.tun.late_close = LATE_REMEMBERED;
	/* A SYN that the rules refuse changes nothing; a new connection is one. */
	world_accept(&w, ACCEPT_ALL & ~(ACCEPT_STATE(CT_NEW) | ACCEPT_STATE(CT_INVALID)));
	tcp(&c2s, S, 90000, 0, 0);
	ck_is_ended();
	world_accept(&w, ACCEPT_ALL & ~ACCEPT_STATE(CT_INVALID));
	establish();
	tcp(&c2s, A, 1001, 5001, 100);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
}
END_TEST

/* Before the handshake is complete, picked up, and half-closed. */
START_TEST(a_connection_in_any_state_can_be_deleted)
{
	setup();
	tcp(&c2s, S, 1000, 0, 0);
	tcp(&s2c, S | A, 5000, 1001, 0);
	delete_it(DELETE_END);
	ck_is_ended();
	setup();
	tcp(&c2s, A, 1001, 5001, 10);
	ck_passes(CT_NEW, REASON_TCP_PICKUP);
	delete_it(DELETE_END);
	ck_is_ended();
	setup();
	establish();
	tcp(&c2s, F | A, 1001, 5001, 0);
	delete_it(DELETE_END);
	ck_is_ended();
}
END_TEST

START_TEST(a_remembered_connection_can_be_deleted)
{
	struct flowkey key;

	setup();
	establish();
	expire();
	ck_assert(world_tomb(&w, &c2s, &tomb));
	key = tomb.key;
	ck_assert(!engine_delete(w.engine, w.worker, &key, w.now, DELETE_REMEMBER));
	ck_assert(engine_delete(w.engine, w.worker, &key, w.now, DELETE_END));
	ck_assert(!engine_delete(w.engine, w.worker, &key, w.now, DELETE_END));
	ck_is_ended();
	ck_assert(engine_delete(w.engine, w.worker, &key, w.now, DELETE_FORGET));
	ck_assert(!world_tomb(&w, &c2s, &tomb));
	tcp(&c2s, A, 1001, 5001, 100);
	ck_passes(CT_NEW, REASON_TCP_PICKUP);
}
END_TEST

START_TEST(a_flush_ends_live_and_remembered_connections)
{
	setup();
	establish();
	expire();
	ck_assert_uint_eq(engine_flush(w.engine, w.worker, w.now, DELETE_END), 0);
	ck_is_ended();
	setup();
	establish();
	ck_assert_uint_eq(engine_flush(w.engine, w.worker, w.now, DELETE_END), 1);
	ck_is_ended();
	setup();
	establish();
	ck_assert_uint_eq(engine_flush(w.engine, w.worker, w.now, DELETE_REMEMBER), 1);
	tcp(&c2s, F | A, 1001, 5001, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
}
END_TEST

SUITE_PART(engine_late_tests, strict_decides_as_the_kernel,
           a_late_fin_of_a_remembered_connection_revives_it, a_late_fin_before_a_tick_revives,
           a_late_rst_must_have_the_exact_number, forged_fins_are_refused,
           leniency_does_not_apply_to_tombstones, late_closes_of_unknown_connections_are_refused,
           tombstones_age_out, a_syn_and_its_answer_delete_the_tombstone,
           a_dropped_late_close_revives_nothing, late_data_revives_with_resurrect,
           without_resurrection_loose_decides, forget_leaves_no_tombstone,
           policy_pickup_inserts_a_flow, policy_lenient_accepts_without_an_entry,
           illegal_flags_reach_no_policy, a_late_close_with_a_wrong_checksum_is_refused,
           a_repeated_fin_leaves_the_other_side_open, a_forged_rst_after_a_fin_ends_no_memory,
           a_forged_fin_ends_no_memory, a_closed_connection_is_not_remembered,
           a_deleted_connection_is_over, a_connection_in_any_state_can_be_deleted,
           a_remembered_connection_can_be_deleted, a_flush_ends_live_and_remembered_connections)

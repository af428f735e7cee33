/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the TCP tracker, rule by rule (doc/tcp-tracking.md, sections 5 to 8; the comments give
 * the section numbers). Each rule has a case; tests/model/model_tcp.c covers the combinations.
 * This file has the first segment and the states.
 */
#include "test_tcp_track.h"

/* --- 5: the first segment --- */

START_TEST(the_handshake_opens_a_connection)
{
	seg_conn_init(&c);
	a(S, 1000, 0, 0, 10000);
	ck_accept(TCP_SYN_SENT);
	ck_assert_int_eq(c.state, CT_NEW);
	ck_left(120);
	ck_assert_uint_eq(c.t.seen[0].end, 1001);
	ck_assert_uint_eq(c.t.seen[0].maxend, 1001);
	ck_assert_uint_eq(c.t.seen[0].maxwin_bytes, 10000);
	b(S | A, 5000, 1001, 0, 20000);
	ck_result(TRACK_ACCEPT, REASON_TCP_TRACKED, TCP_SYN_RECV);
	ck_assert_int_eq(c.state, CT_ESTABLISHED);
	ck_assert_uint_eq(c.status, FLOW_SEEN_REPLY);
	ck_left(60);
	a(A, 1001, 5001, 0, 10000);
	ck_result(TRACK_ACCEPT, REASON_TCP_TRACKED, TCP_ESTABLISHED);
	ck_assert_int_eq(c.state, CT_ESTABLISHED);
	ck_assert_uint_eq(c.status, FLOW_SEEN_REPLY | FLOW_ASSURED);
	ck_left(432000);
}
END_TEST

START_TEST(a_syn_with_window_0_counts_as_window_1)
{
	seg_conn_init(&c);
	a(S, 1000, 0, 0, 0);
	ck_assert_uint_eq(c.t.seen[0].maxwin_bytes, 1);
}
END_TEST

START_TEST(a_syn_ack_fin_or_rst_opens_nothing)
{
	static const unsigned flags[] = { S | A, F | A, R, R | A };

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		seg_conn_init(&c);
		a(flags[i], 1000, 1, 0, 1000);
		ck_assert_int_eq(c.verdict, TRACK_INVALID);
		ck_assert(!c.exists);
	}
	seg_conn_init(&c);
	a(S | A, 1000, 1, 0, 1000);
	ck_assert_int_eq(c.fx.reason, REASON_TCP_NO_ENTRY);
}
END_TEST

START_TEST(with_loose_an_ack_picks_up_liberally)
{
	seg_conn_init(&c);
	a(A, 1000, 7000, 100, 500);
	ck_accept(TCP_ESTABLISHED);
	ck_assert_int_eq(c.state, CT_NEW);
	ck_assert_uint_eq(c.t.seen[0].end, 1100);
	ck_assert_uint_eq(c.t.seen[0].maxend, 1600);
	ck_assert_uint_eq(c.t.flags[0], TCP_SIDE_SACK | TCP_SIDE_LIBERAL);
	ck_assert_uint_eq(c.t.flags[1], TCP_SIDE_SACK | TCP_SIDE_LIBERAL);
	ck_left(300);
}
END_TEST

START_TEST(without_loose_an_ack_opens_nothing)
{
	seg_conn_init(&c);
	c.tun.tcp_loose = 0;
	a(A, 1000, 7000, 0, 500);
	ck_assert_int_eq(c.verdict, TRACK_INVALID);
	ck_assert_int_eq(c.fx.reason, REASON_TCP_NO_PICKUP);
	ck_assert(!c.exists);
}
END_TEST

/* Section 8: a pickup becomes ASSURED by the packet after the first reply, from either end. */
START_TEST(a_pickup_is_assured_one_packet_after_the_reply)
{
	for (unsigned from_b = 0; from_b < 2; from_b++) {
		seg_conn_init(&c);
		a(A, 1000, 7000, 0, 500);
		a(A, 1000, 7000, 0, 500);
		ck_assert_uint_eq(c.status, 0);
		ck_left(300);
		b(A, 7000, 1000, 0, 500);
		ck_assert_uint_eq(c.status, FLOW_SEEN_REPLY);
		if (from_b) {
			b(A, 7000, 1000, 0, 500);
		} else {
			a(A, 1000, 7000, 0, 500);
		}
		ck_assert_uint_eq(c.status, FLOW_SEEN_REPLY | FLOW_ASSURED);
	}
}
END_TEST

/* --- 6: states --- */

START_TEST(a_repeated_syn_does_not_refresh)
{
	seg_conn_init(&c);
	a(S, 1000, 0, 0, 10000);
	pass_time(50);
	a(S, 1000, 0, 0, 10000);
	ck_accept(TCP_SYN_SENT);
	ck_assert_int_eq(c.state, CT_NEW);
	ck_left(70);
	/* An entry has expired at its deadline, exactly. */
	pass_time(70);
	b(S | A, 5000, 1001, 0, 10000);
	ck_assert_int_eq(c.verdict, TRACK_INVALID);
	ck_assert(!c.exists);
}
END_TEST

START_TEST(the_opener_closes_first)
{
	establish();
	a(F | A, 1001, 5001, 0, 10000);
	ck_accept(TCP_FIN_WAIT);
	ck_left(120);
	ck_assert_uint_eq(c.t.flags[0] & TCP_SIDE_CLOSE_INIT, TCP_SIDE_CLOSE_INIT);
	ck_assert_uint_eq(c.t.flags[1] & TCP_SIDE_CLOSE_INIT, 0);
	b(A, 5001, 1002, 0, 10000);
	ck_accept(TCP_CLOSE_WAIT);
	ck_left(60);
	b(F | A, 5001, 1002, 0, 10000);
	ck_accept(TCP_LAST_ACK);
	ck_left(30);
	a(A, 1002, 5002, 0, 10000);
	ck_accept(TCP_TIME_WAIT);
	ck_left(120);
	/* The table allows an ACK and a FIN in TIME_WAIT. */
	b(F | A, 5001, 1002, 0, 10000);
	ck_accept(TCP_TIME_WAIT);
}
END_TEST

/* Section 4: the table knows neither which end sent the FIN nor what an ACK acknowledges. */
START_TEST(an_ack_of_the_closing_end_changes_the_state_too)
{
	establish();
	a(F | A, 1001, 5001, 0, 10000);
	a(A, 1002, 5001, 0, 10000);
	ck_accept(TCP_CLOSE_WAIT);
	establish();
	a(F | A, 1001, 5001, 0, 10000);
	a(F | A, 1001, 5001, 0, 10000);
	ck_accept(TCP_LAST_ACK);
}
END_TEST

START_TEST(a_simultaneous_open_is_tracked)
{
	seg_conn_init(&c);
	a(S, 1000, 0, 0, 10000);
	b(S, 5000, 0, 0, 10000);
	ck_accept(TCP_SYN_SENT2);
	ck_left(120);
	a(S | A, 1000, 5001, 0, 10000);
	ck_accept(TCP_SYN_RECV);
	b(S | A, 5000, 1001, 0, 10000);
	ck_assert_int_eq(c.verdict, TRACK_IGNORE);
	b(A, 5001, 1001, 0, 10000);
	ck_accept(TCP_ESTABLISHED);
}
END_TEST

/* Section 6.1: a SYN replaces a connection that has closed. */
START_TEST(a_syn_in_time_wait_reopens)
{
	establish();
	a(F | A, 1001, 5001, 0, 10000);
	b(F | A, 5001, 1002, 0, 10000);
	a(A, 1002, 5002, 0, 10000);
	ck_accept(TCP_TIME_WAIT);
	a(S, 90000, 0, 0, 10000);
	ck_assert_uint_eq(c.repeats, 1);
	ck_accept(TCP_SYN_SENT);
	ck_assert_int_eq(c.state, CT_NEW);
	ck_assert_uint_eq(c.t.seen[0].end, 90001);
}
END_TEST

START_TEST(a_syn_of_the_server_in_time_wait_swaps_the_directions)
{
	establish();
	a(F | A, 1001, 5001, 0, 10000);
	b(F | A, 5001, 1002, 0, 10000);
	a(A, 1002, 5002, 0, 10000);
	b(S, 90000, 0, 0, 10000);
	ck_assert_uint_eq(c.repeats, 1);
	ck_accept(TCP_SYN_SENT);
	ck_assert_int_eq(c.state, CT_NEW);
	ck_assert_int_eq(c.orig, END_B);
}
END_TEST

START_TEST(a_syn_after_the_own_rst_reopens_and_after_the_peers_is_ignored)
{
	establish();
	a(R, 1001, 0, 0, 0);
	ck_accept(TCP_CLOSE);
	ck_left(10);
	a(S, 90000, 0, 0, 10000);
	ck_assert_uint_eq(c.repeats, 1);
	ck_accept(TCP_SYN_SENT);
	establish();
	b(R, 5001, 0, 0, 0);
	ck_accept(TCP_CLOSE);
	a(S, 90000, 0, 0, 10000);
	ck_result(TRACK_IGNORE, REASON_TCP_IGNORED, TCP_CLOSE);
	ck_assert_int_eq(c.state, CT_ESTABLISHED);
	/* The old entry stays until the answer confirms the SYN. */
	b(S | A, 200000, 90001, 0, 10000);
	ck_accept(TCP_SYN_RECV);
	a(A, 90001, 200001, 0, 10000);
	ck_accept(TCP_ESTABLISHED);
}
END_TEST

/* Section 6.2 */
START_TEST(an_ignored_syn_takes_effect_when_it_is_answered)
{
	static const uint8_t o[] = { 4, 2, 3, 3, 5, 0, 0, 0 };

	establish();
	pass_time(100);
	opts(END_A, S, 70000, 0, 4000, o, sizeof(o));
	ck_result(TRACK_IGNORE, REASON_TCP_IGNORED, TCP_ESTABLISHED);
	ck_left(432000 - 100);
	/* The answer to another SYN is ignored as well. */
	b(S | A, 80000, 70002, 0, 3000);
	ck_result(TRACK_IGNORE, REASON_TCP_IGNORED, TCP_ESTABLISHED);
	opts(END_A, S, 70000, 0, 4000, o, sizeof(o));
	opts(END_B, S | A, 80000, 70001, 3000, o, sizeof(o));
	ck_accept(TCP_SYN_RECV);
	ck_left(60);
	ck_assert_uint_eq(c.t.seen[0].end, 70001);
	ck_assert_uint_eq(c.t.seen[0].maxwin_bytes, 4000);
	ck_assert_uint_eq(c.t.seen[1].end, 80001);
	ck_assert_uint_eq(c.t.scale[0], 5);
	ck_assert_uint_eq(c.t.scale[1], 5);
	a(A, 70001, 80001, 0, 100);
	ck_accept(TCP_ESTABLISHED);
}
END_TEST

/*
 * Sections 6.2 and 6.4: a SYN that passed in LAST_ACK is answered by a challenge ACK, which must
 * not close the connection.
 */
START_TEST(a_challenge_ack_in_last_ack_is_ignored)
{
	establish();
	a(F | A, 1001, 5001, 0, 10000);
	b(F | A, 5001, 1002, 0, 10000);
	ck_accept(TCP_LAST_ACK);
	a(S, 70000, 0, 0, 10000);
	ck_assert_int_eq(c.verdict, TRACK_IGNORE);
	b(A, 5002, 1002, 0, 10000);
	ck_result(TRACK_IGNORE, REASON_TCP_CHALLENGE, TCP_LAST_ACK);
	/* Only once. */
	b(A, 5002, 1002, 0, 10000);
	ck_accept(TCP_TIME_WAIT);
}
END_TEST

/* Sections 6.6 and 4: the RST that answers a challenge ACK in SYN_SENT. */
START_TEST(a_rst_that_answers_a_challenge_ack_is_accepted)
{
	seg_conn_init(&c);
	a(S, 1000, 0, 0, 10000);
	b(A, 5000, 777, 0, 10000);
	ck_result(TRACK_IGNORE, REASON_TCP_IGNORED, TCP_SYN_SENT);
	ck_assert_uint_eq(c.status, FLOW_SEEN_REPLY);
	a(R, 777, 0, 0, 0);
	ck_accept(TCP_CLOSE);
}
END_TEST

/* Section 17.1 */
START_TEST(ignored_replies_count_as_replies)
{
	seg_conn_init(&c);
	a(S, 1000, 0, 0, 10000);
	b(A, 5000, 777, 0, 10000);
	ck_assert_int_eq(c.verdict, TRACK_IGNORE);
	ck_assert_int_eq(c.state, CT_ESTABLISHED);
	ck_assert_uint_eq(c.status, FLOW_SEEN_REPLY);
	ck_left(120);
}
END_TEST

START_TEST(illegal_segments_of_a_state_are_refused)
{
	seg_conn_init(&c);
	a(S, 1000, 0, 0, 10000);
	pass_time(1);
	a(F | A, 1001, 0, 0, 10000);
	ck_result(TRACK_INVALID, REASON_TCP_STATE, TCP_SYN_SENT);
	ck_left(119);
	a(A, 1001, 5001, 0, 10000);
	ck_result(TRACK_INVALID, REASON_TCP_STATE, TCP_SYN_SENT);
	establish();
	b(S, 9000, 0, 0, 100);
	ck_result(TRACK_INVALID, REASON_TCP_STATE, TCP_ESTABLISHED);
	a(S | A, 9000, 5001, 0, 100);
	ck_result(TRACK_INVALID, REASON_TCP_STATE, TCP_ESTABLISHED);
}
END_TEST

/* Late policy pickup: the table's column NONE is overridden, and both sides are liberal. */
START_TEST(pickup_of_a_close_makes_a_liberal_entry)
{
	struct pkt fin = seg_make(F | A, 1000, 5000, 0, 100, NULL, 0);
	struct pkt rst = seg_make(R, 1000, 0, 0, 0, NULL, 0);
	struct tcp_conn t;

	memset(&t, 0xee, sizeof(t));
	tcp_pickup_close(&t, &fin);
	ck_assert_uint_eq(t.flags[0] & t.flags[1] & TCP_SIDE_LIBERAL, TCP_SIDE_LIBERAL);
	ck_assert_uint_eq(t.state, TCP_FIN_WAIT);
	memset(&t, 0xee, sizeof(t));
	tcp_pickup_close(&t, &rst);
	ck_assert_uint_eq(t.flags[0] & t.flags[1] & TCP_SIDE_LIBERAL, TCP_SIDE_LIBERAL);
	ck_assert_uint_eq(t.state, TCP_CLOSE);
}
END_TEST

SUITE_PART(tcp_track_states_tests, the_handshake_opens_a_connection,
           a_syn_with_window_0_counts_as_window_1, a_syn_ack_fin_or_rst_opens_nothing,
           with_loose_an_ack_picks_up_liberally, without_loose_an_ack_opens_nothing,
           a_pickup_is_assured_one_packet_after_the_reply, a_repeated_syn_does_not_refresh,
           the_opener_closes_first, an_ack_of_the_closing_end_changes_the_state_too,
           a_simultaneous_open_is_tracked, a_syn_in_time_wait_reopens,
           a_syn_of_the_server_in_time_wait_swaps_the_directions,
           a_syn_after_the_own_rst_reopens_and_after_the_peers_is_ignored,
           an_ignored_syn_takes_effect_when_it_is_answered, a_challenge_ack_in_last_ack_is_ignored,
           a_rst_that_answers_a_challenge_ack_is_accepted, ignored_replies_count_as_replies,
           illegal_segments_of_a_state_are_refused, pickup_of_a_close_makes_a_liberal_entry)
SUITE_MAIN_PARTS("tcp_track", tcp_track_states_tests, tcp_track_rst_tests, tcp_track_window_tests,
                 tcp_track_timeout_tests)

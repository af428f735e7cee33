/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RST segments (doc/tcp-tracking.md, section 6.6).
 */
#include "test_tcp_track.h"

START_TEST(an_exact_rst_closes)
{
	establish();
	b(R, 5001, 0, 0, 0);
	ck_result(TRACK_ACCEPT, REASON_TCP_TRACKED, TCP_CLOSE);
	ck_left(10);
}
END_TEST

START_TEST(an_inexact_rst_in_the_window_does_not_close)
{
	establish();
	b(R, 5002, 0, 0, 0);
	ck_accept(TCP_ESTABLISHED);
	ck_left(300);
	establish();
	c.tun.tcp_kernel = KERNEL_6_18;
	b(R, 5002, 0, 0, 0);
	ck_accept(TCP_ESTABLISHED);
	ck_left(10);
}
END_TEST

START_TEST(a_rst_before_the_last_ack_is_refused)
{
	establish();
	pass_time(9);
	b(R, 5000, 0, 0, 0);
	ck_result(TRACK_INVALID, REASON_TCP_RST_SEQ, TCP_ESTABLISHED);
	ck_left(432000 - 9);
	/* Liberal mode does not accept it, the RST setting does. */
	c.tun.tcp_be_liberal = 1;
	b(R, 5000, 0, 0, 0);
	ck_assert_int_eq(c.verdict, TRACK_INVALID);
	c.tun.tcp_ignore_invalid_rst = 1;
	b(R, 5000, 0, 0, 0);
	ck_assert_int_eq(c.verdict, TRACK_ACCEPT);
}
END_TEST

START_TEST(a_rst_right_behind_data_closes)
{
	establish();
	b(A, 5001, 1001, 100, 10000);
	b(R | A, 5101, 1001, 0, 0);
	ck_accept(TCP_CLOSE);
}
END_TEST

START_TEST(a_rst_far_outside_the_window_is_refused)
{
	establish();
	b(R, 5001 + 1000000, 0, 0, 0);
	ck_result(TRACK_INVALID, REASON_TCP_SEQ_OVER, TCP_ESTABLISHED);
}
END_TEST

START_TEST(a_rst_that_answers_the_syn_deletes_the_entry)
{
	seg_conn_init(&c);
	a(S, 1000, 0, 0, 10000);
	b(R | A, 0, 1001, 0, 0);
	ck_assert_int_eq(c.verdict, TRACK_ACCEPT);
	ck_assert_int_eq(c.state, CT_ESTABLISHED);
	ck_assert(c.fx.delete_it);
	b(R | A, 0, 1001, 0, 0);
	ck_assert_int_eq(c.verdict, TRACK_INVALID);
	/* The opener's own RST deletes it as well, and its state is NEW. */
	seg_conn_init(&c);
	a(S, 1000, 0, 0, 10000);
	a(R, 1001, 0, 0, 0);
	ck_assert_int_eq(c.verdict, TRACK_ACCEPT);
	ck_assert_int_eq(c.state, CT_NEW);
	ck_assert(c.fx.delete_it);
}
END_TEST

/* Sections 6.6 and 1 */
START_TEST(while_closing_any_rst_closes)
{
	establish();
	a(F | A, 1001, 5001, 0, 10000);
	b(R, 0xdeadbeef, 0, 0, 0);
	ck_accept(TCP_CLOSE);
	ck_left(10);
}
END_TEST

SUITE_PART(tcp_track_rst_tests, an_exact_rst_closes, an_inexact_rst_in_the_window_does_not_close,
           a_rst_before_the_last_ack_is_refused, a_rst_right_behind_data_closes,
           a_rst_far_outside_the_window_is_refused, a_rst_that_answers_the_syn_deletes_the_entry,
           while_closing_any_rst_closes)

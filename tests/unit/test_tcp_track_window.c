/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The window check and the options that it needs (doc/tcp-tracking.md, section 7).
 */
#include "test_tcp_track.h"

START_TEST(a_segment_beyond_the_window_is_refused)
{
	establish();
	/* B allows up to 1001 + 10000; the segment is a whole window beyond that. */
	a(A, 1001 + 10000 + 1, 5001, 20000, 10000);
	ck_result(TRACK_INVALID, REASON_TCP_SEQ_OVER, TCP_ESTABLISHED);
	ck_assert_int_eq(c.state, CT_INVALID);
	/* A segment that starts at the right edge is inside. */
	a(A, 1001 + 10000, 5001, 1, 10000);
	ck_accept(TCP_ESTABLISHED);
}
END_TEST

START_TEST(a_segment_less_than_a_window_beyond_passes)
{
	establish();
	pass_time(5);
	a(A, 1001 + 10000 + 1, 5001, 100, 10000);
	ck_result(TRACK_IGNORE, REASON_TCP_OVERSHOOT, TCP_ESTABLISHED);
	ck_assert_int_eq(c.state, CT_ESTABLISHED);
	ck_left(432000 - 5);
	ck_assert_uint_eq(c.t.seen[0].end, 1001 + 10000 + 1 + 100);
	ck_assert_uint_eq(c.t.flags[0] & TCP_SIDE_UNACKED, TCP_SIDE_UNACKED);
}
END_TEST

START_TEST(an_ack_of_data_never_sent_is_refused)
{
	establish();
	a(A, 1001, 5002, 0, 10000);
	ck_result(TRACK_INVALID, REASON_TCP_ACK_UNSEEN, TCP_ESTABLISHED);
	a(A, 1001, 5001, 0, 10000);
	ck_accept(TCP_ESTABLISHED);
}
END_TEST

START_TEST(a_segment_wholly_before_the_window_is_refused)
{
	establish();
	a(A, 1001 - 10001, 5001, 0, 10000);
	ck_result(TRACK_IGNORE, REASON_TCP_OLD_DATA, TCP_ESTABLISHED);
	a(A, 1001 - 10000, 5001, 0, 10000);
	ck_accept(TCP_ESTABLISHED);
	/* A keepalive starts one before the window. */
	a(A, 1000, 5001, 0, 10000);
	ck_accept(TCP_ESTABLISHED);
}
END_TEST

/* Sections 7.4 and 17.15: an ACK up to 66000 bytes back is accepted, however small the windows. */
START_TEST(an_ack_too_far_back_is_refused)
{
	establish();
	a(A, 1001, 5001 - 66001, 0, 10000);
	ck_result(TRACK_IGNORE, REASON_TCP_OLD_ACK, TCP_ESTABLISHED);
	a(A, 1001, 5001 - 66000, 0, 10000);
	ck_accept(TCP_ESTABLISHED);
}
END_TEST

START_TEST(liberal_accepts_and_updates_nothing)
{
	struct tcp_seen was;

	establish();
	c.tun.tcp_be_liberal = 1;
	was = c.t.seen[0];
	pass_time(7);
	a(A, 1001, 999999, 100, 20000);
	ck_accept(TCP_ESTABLISHED);
	ck_left(432000);
	ck_assert_mem_eq(&was, &c.t.seen[0], sizeof(was));
}
END_TEST

START_TEST(out_of_window_closers_of_both_sides_shorten_the_timeout)
{
	establish();
	a(F | A, 1001 + 500000, 5001, 0, 10000);
	ck_assert_int_eq(c.verdict, TRACK_INVALID);
	ck_left(432000);
	a(F | A, 1001 + 500000, 5001, 0, 10000);
	ck_left(432000);
	b(R, 5001 + 500000, 0, 0, 0);
	ck_assert_int_eq(c.verdict, TRACK_INVALID);
	ck_left(300);
	ck_assert_int_eq(c.t.state, TCP_ESTABLISHED);
}
END_TEST

/* Section 7.6: only if the connection is ASSURED. */
START_TEST(closers_do_not_shorten_the_timeout_before_assured)
{
	seg_conn_init(&c);
	c.tun.tcp_timeout_ns[TCP_SYN_RECV] = sec_to_ns(1000);
	c.tun.tcp_retrans_ns = sec_to_ns(2000);
	a(S, 1000, 0, 0, 10000);
	b(S | A, 5000, 1001, 0, 10000);
	a(F | A, 1001 + 500000, 5001, 0, 10000);
	ck_assert_int_eq(c.verdict, TRACK_INVALID);
	b(F | A, 5001 + 500000, 1001, 0, 10000);
	ck_assert_int_eq(c.verdict, TRACK_INVALID);
	ck_left(1000);
}
END_TEST

START_TEST(windows_wrap_with_sequence_numbers)
{
	const uint32_t isn = 0xfffffff0;

	seg_conn_init(&c);
	a(S, isn, 0, 0, 10000);
	b(S | A, 0xffffffff, isn + 1, 0, 10000);
	a(A, isn + 1, 0, 0, 10000);
	ck_accept(TCP_ESTABLISHED);
	a(A, isn + 1, 0, 1000, 10000);
	ck_accept(TCP_ESTABLISHED);
	ck_assert_uint_eq(c.t.seen[0].end, isn + 1001);
	b(A, 0, isn + 1001, 0, 10000);
	ck_accept(TCP_ESTABLISHED);
	ck_assert_uint_eq(c.t.seen[0].maxend, isn + 1001 + 10000);
	a(F | A, isn + 1001, 0, 0, 10000);
	ck_accept(TCP_FIN_WAIT);
}
END_TEST

/* Section 7.7: the windows of a loaded entry start from zero, with the saved scales. */
START_TEST(windows_of_zero_are_learnt_again)
{
	establish();
	c.t.seen[0].maxwin_bytes = c.t.seen[1].maxwin_bytes = 0;
	c.t.scale[0] = 2;
	a(A, 5000000, 6000000, 10, 100);
	ck_accept(TCP_ESTABLISHED);
	ck_assert_uint_eq(c.t.seen[0].end, 5000010);
	ck_assert_uint_eq(c.t.seen[0].maxwin_bytes, 400);
	b(A, 6000000, 5000010, 0, 100);
	ck_accept(TCP_ESTABLISHED);
}
END_TEST

/* --- 7.1, 7.2: options --- */

START_TEST(window_scales_apply_if_both_ends_offer_them)
{
	static const uint8_t s7[] = { 3, 3, 7, 0 };
	static const uint8_t s15[] = { 1, 3, 3, 15 };

	seg_conn_init(&c);
	opts(END_A, S, 1000, 0, 10000, s7, sizeof(s7));
	opts(END_B, S | A, 5000, 1001, 10000, s15, sizeof(s15));
	ck_assert_uint_eq(c.t.scale[0], 7);
	ck_assert_uint_eq(c.t.scale[1], 14);
	a(A, 1001, 5001, 0, 100);
	ck_assert_uint_eq(c.t.seen[1].maxend, 5001 + (100u << 7));
	/* The window of a SYN is never scaled. */
	ck_assert_uint_eq(c.t.seen[1].maxwin_bytes, 10000);
	seg_conn_init(&c);
	opts(END_A, S, 1000, 0, 10000, s7, sizeof(s7));
	b(S | A, 5000, 1001, 0, 10000);
	ck_assert_uint_eq(c.t.scale[0], 0);
}
END_TEST

START_TEST(a_broken_option_ends_the_option_list)
{
	static const uint8_t end[] = { 0, 3, 3, 7 };
	static const uint8_t zero_len[] = { 8, 0, 3, 3, 7, 0, 0, 0 };
	static const uint8_t no_len[] = { 3, 3, 7, 5 };
	static const uint8_t over[] = { 4, 2, 8, 10 };
	static const uint8_t twice[] = { 3, 3, 7, 1, 3, 3, 2, 0 };

	seg_conn_init(&c);
	opts(END_A, S, 1000, 0, 1, end, sizeof(end));
	ck_assert_uint_eq(c.t.flags[0], 0);
	seg_conn_init(&c);
	opts(END_A, S, 1000, 0, 1, zero_len, sizeof(zero_len));
	ck_assert_uint_eq(c.t.flags[0], 0);
	seg_conn_init(&c);
	opts(END_A, S, 1000, 0, 1, no_len, sizeof(no_len));
	ck_assert_uint_eq(c.t.scale[0], 7);
	seg_conn_init(&c);
	opts(END_A, S, 1000, 0, 1, over, sizeof(over));
	ck_assert_uint_eq(c.t.flags[0], TCP_SIDE_SACK);
	seg_conn_init(&c);
	opts(END_A, S, 1000, 0, 1, twice, sizeof(twice));
	ck_assert_uint_eq(c.t.scale[0], 2);
}
END_TEST

START_TEST(sack_blocks_count_as_acknowledgements)
{
	static const uint8_t ok[] = { 4, 2, 1, 1 };
	/* 5001..5101 lost, 5101..5201 received */
	static const uint8_t block[] = { 1, 1, 5, 10, 0, 0, 0x13, 0xed, 0, 0, 0x14, 0x51 };
	/* The right edge was never sent. */
	static const uint8_t beyond[] = { 1, 1, 5, 10, 0, 0, 0x13, 0xed, 0, 1, 0x14, 0x51 };

	for (unsigned with_sack = 0; with_sack < 2; with_sack++) {
		seg_conn_init(&c);
		opts(END_A, S, 1000, 0, 10000, ok, sizeof(ok));
		opts(END_B, S | A, 5000, 1001, 10000, ok, with_sack ? sizeof(ok) : 0);
		a(A, 1001, 5001, 0, 10000);
		b(A, 5001, 1001, 200, 10000);
		opts(END_A, A, 1001, 5001, 10000, block, sizeof(block));
		ck_accept(TCP_ESTABLISHED);
		ck_assert_uint_eq(c.t.seen[1].maxend, (with_sack ? 5201 : 5001) + 10000);
		ck_assert_uint_eq(c.t.seen[0].maxack, 5001);
		opts(END_A, A, 1001, 5001, 10000, beyond, sizeof(beyond));
		ck_assert_int_eq(c.verdict, with_sack ? TRACK_INVALID : TRACK_ACCEPT);
	}
}
END_TEST

/* Sections 7.1 and 17.5 */
START_TEST(a_syn_without_options_keeps_the_earlier_ones)
{
	static const uint8_t o[] = { 4, 2, 3, 3, 7, 0, 0, 0 };

	seg_conn_init(&c);
	opts(END_A, S, 1000, 0, 10000, o, sizeof(o));
	a(S, 2000, 0, 0, 10000);
	ck_assert_uint_eq(c.t.seen[0].end, 2001);
	ck_assert_uint_eq(c.t.scale[0], 7);
	ck_assert_uint_eq(c.t.flags[0], TCP_SIDE_SACK | TCP_SIDE_WSCALE);
}
END_TEST

/* Sections 7.5 and 17.8 */
START_TEST(an_inexact_rst_moves_the_end)
{
	establish();
	b(R, 5500, 0, 0, 0);
	ck_accept(TCP_ESTABLISHED);
	ck_assert_uint_eq(c.t.seen[1].end, 5500);
	ck_assert_uint_eq(c.t.flags[1] & TCP_SIDE_UNACKED, TCP_SIDE_UNACKED);
}
END_TEST

/* Sections 7.5 and 17.13 */
START_TEST(a_fin_does_not_update_the_last_window)
{
	establish();
	a(A, 1001, 5001, 10, 777);
	b(F | A, 5001, 1011, 0, 0);
	ck_accept(TCP_FIN_WAIT);
	ck_assert_uint_eq(c.t.last_win, 777);
	/* FIN_WAIT keeps its own timeout, whatever the limit for zero windows. */
	c.tun.tcp_retrans_ns = sec_to_ns(5);
	b(F | A, 5001, 1011, 0, 0);
	ck_left(30);
}
END_TEST

/*
 * Sections 7.3 and 17.10: the state before the segment decides, so a second SYN-ACK replaces the
 * first one in SYN_RECV.
 */
START_TEST(another_syn_ack_replaces_the_first)
{
	seg_conn_init(&c);
	a(S, 1000, 0, 0, 10000);
	b(S | A, 5000, 1001, 0, 10000);
	a(S | A, 9000, 5001, 0, 10000);
	ck_accept(TCP_SYN_RECV);
	ck_assert_uint_eq(c.t.seen[0].end, 9001);
}
END_TEST

SUITE_PART(tcp_track_window_tests, a_segment_beyond_the_window_is_refused,
           a_segment_less_than_a_window_beyond_passes, an_ack_of_data_never_sent_is_refused,
           a_segment_wholly_before_the_window_is_refused, an_ack_too_far_back_is_refused,
           liberal_accepts_and_updates_nothing,
           out_of_window_closers_of_both_sides_shorten_the_timeout,
           closers_do_not_shorten_the_timeout_before_assured, windows_wrap_with_sequence_numbers,
           windows_of_zero_are_learnt_again, window_scales_apply_if_both_ends_offer_them,
           a_broken_option_ends_the_option_list, sack_blocks_count_as_acknowledgements,
           a_syn_without_options_keeps_the_earlier_ones, an_inexact_rst_moves_the_end,
           a_fin_does_not_update_the_last_window, another_syn_ack_replaces_the_first)

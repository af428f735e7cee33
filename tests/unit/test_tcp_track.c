/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the TCP tracker, rule by rule (doc/tcp-tracking.md, sections 5 to 8; the comments give
 * the section numbers). Each rule has a case here; tests/model/model_tcp.c covers the combinations.
 */
#include "seg.h"
#include "suite.h"

static struct seg_conn c;

#define S TCP_SYN
#define A TCP_ACK
#define F TCP_FIN
#define R TCP_RST

static void a(unsigned flags, uint32_t seq, uint32_t ack, uint32_t size, unsigned win)
{
	struct pkt p = seg_make(flags, seq, ack, size, win, NULL, 0);

	seg_send(&c, END_A, &p);
}

static void b(unsigned flags, uint32_t seq, uint32_t ack, uint32_t size, unsigned win)
{
	struct pkt p = seg_make(flags, seq, ack, size, win, NULL, 0);

	seg_send(&c, END_B, &p);
}

static void opts(enum end from, unsigned flags, uint32_t seq, uint32_t ack, unsigned win,
                 const uint8_t *o, size_t size)
{
	struct pkt p = seg_make(flags, seq, ack, 0, win, o, size);

	seg_send(&c, from, &p);
}

static void pass_time(int64_t seconds)
{
	c.now = mono_add(c.now, sec_to_ns(seconds));
}

/* A opens from 1000, B answers from 5000; windows of 10000, no options. */
static void establish(void)
{
	seg_conn_init(&c);
	a(S, 1000, 0, 0, 10000);
	b(S | A, 5000, 1001, 0, 10000);
	a(A, 1001, 5001, 0, 10000);
	ck_assert_int_eq(c.t.state, TCP_ESTABLISHED);
	ck_assert_uint_eq(c.status & FLOW_ASSURED, FLOW_ASSURED);
}

#define ck_left(seconds) ck_assert_int_eq(seg_left(&c), sec_to_ns(seconds))

#define ck_result(verdict_, reason_, tcp_state_)                                                   \
	do {                                                                                       \
		ck_assert_msg(c.verdict == (verdict_), "verdict %d, must be %d; reason %s",        \
		              c.verdict, (verdict_), reason_name((enum reason)c.fx.reason));       \
		ck_assert_msg(c.fx.reason == (reason_), "reason %s, must be %s",                   \
		              reason_name((enum reason)c.fx.reason), reason_name(reason_));        \
		ck_assert_str_eq(tcp_state_name((enum tcp_state)c.t.state),                        \
		                 tcp_state_name(tcp_state_));                                      \
	} while (0)

#define ck_accept(tcp_state_)                                                                      \
	do {                                                                                       \
		ck_assert_msg(c.verdict == TRACK_ACCEPT, "verdict %d, reason %s", c.verdict,       \
		              reason_name((enum reason)c.fx.reason));                              \
		ck_assert_str_eq(tcp_state_name((enum tcp_state)c.t.state),                        \
		                 tcp_state_name(tcp_state_));                                      \
	} while (0)

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

/* --- 6.6: resets --- */

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

/* --- 7: windows --- */

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

/* --- 8: timeouts --- */

START_TEST(unacknowledged_data_shortens_the_timeout_until_its_exact_ack)
{
	establish();
	a(A, 1001, 5001, 100, 10000);
	ck_left(300);
	b(A, 5001, 1050, 0, 10000);
	ck_left(300);
	b(A, 5001, 1101, 0, 10000);
	ck_left(432000);
}
END_TEST

START_TEST(a_window_of_0_shortens_the_timeout)
{
	establish();
	c.tun.tcp_retrans_ns = sec_to_ns(222);
	b(A, 5001, 1001, 0, 0);
	ck_left(222);
	b(A, 5001, 1001, 0, 10);
	ck_left(432000);
}
END_TEST

START_TEST(retransmissions_shorten_the_timeout)
{
	establish();
	c.tun.tcp_retrans_ns = sec_to_ns(111);
	a(A, 1001, 5001, 10, 10000);
	for (unsigned i = 0; i < 2; i++) {
		a(A, 1001, 5001, 10, 10000);
		ck_left(300);
	}
	a(A, 1001, 5001, 10, 10000);
	ck_left(111);
	b(A, 5001, 1011, 0, 10000);
	ck_left(432000);
}
END_TEST

START_TEST(the_count_of_retransmissions_wraps)
{
	establish();
	c.tun.tcp_retrans_ns = sec_to_ns(111);
	for (unsigned i = 0; i < 255; i++) {
		a(A, 1001, 5001, 0, 10000);
	}
	ck_left(111);
	ck_assert_uint_eq(c.t.retrans, 255);
	a(A, 1001, 5001, 0, 10000);
	ck_assert_uint_eq(c.t.retrans, 0);
	ck_left(432000);
}
END_TEST

START_TEST(a_maximum_of_0_retransmissions_always_shortens)
{
	establish();
	c.tun.tcp_max_retrans = 0;
	c.tun.tcp_retrans_ns = sec_to_ns(111);
	b(A, 5001, 1001, 0, 10000);
	ck_left(111);
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

SUITE_MAIN("tcp_track", the_handshake_opens_a_connection, a_syn_with_window_0_counts_as_window_1,
           a_syn_ack_fin_or_rst_opens_nothing, with_loose_an_ack_picks_up_liberally,
           without_loose_an_ack_opens_nothing, a_pickup_is_assured_one_packet_after_the_reply,
           a_repeated_syn_does_not_refresh, the_opener_closes_first,
           an_ack_of_the_closing_end_changes_the_state_too, a_simultaneous_open_is_tracked,
           a_syn_in_time_wait_reopens, a_syn_of_the_server_in_time_wait_swaps_the_directions,
           a_syn_after_the_own_rst_reopens_and_after_the_peers_is_ignored,
           an_ignored_syn_takes_effect_when_it_is_answered, a_challenge_ack_in_last_ack_is_ignored,
           a_rst_that_answers_a_challenge_ack_is_accepted, ignored_replies_count_as_replies,
           illegal_segments_of_a_state_are_refused, an_exact_rst_closes,
           an_inexact_rst_in_the_window_does_not_close, a_rst_before_the_last_ack_is_refused,
           a_rst_right_behind_data_closes, a_rst_far_outside_the_window_is_refused,
           a_rst_that_answers_the_syn_deletes_the_entry, while_closing_any_rst_closes,
           a_segment_beyond_the_window_is_refused, a_segment_less_than_a_window_beyond_passes,
           an_ack_of_data_never_sent_is_refused, a_segment_wholly_before_the_window_is_refused,
           an_ack_too_far_back_is_refused, liberal_accepts_and_updates_nothing,
           out_of_window_closers_of_both_sides_shorten_the_timeout,
           closers_do_not_shorten_the_timeout_before_assured, windows_wrap_with_sequence_numbers,
           windows_of_zero_are_learnt_again, window_scales_apply_if_both_ends_offer_them,
           a_broken_option_ends_the_option_list, sack_blocks_count_as_acknowledgements,
           unacknowledged_data_shortens_the_timeout_until_its_exact_ack,
           a_window_of_0_shortens_the_timeout, retransmissions_shorten_the_timeout,
           the_count_of_retransmissions_wraps, a_maximum_of_0_retransmissions_always_shortens,
           pickup_of_a_close_makes_a_liberal_entry, a_syn_without_options_keeps_the_earlier_ones,
           an_inexact_rst_moves_the_end, a_fin_does_not_update_the_last_window,
           another_syn_ack_replaces_the_first)

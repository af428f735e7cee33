/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection between the ends A and B, for the tests of tcp_track.h.
 */
#ifndef FINWALL_TESTS_TEST_TCP_TRACK_H
#define FINWALL_TESTS_TEST_TCP_TRACK_H

#include "seg.h"
#include "suite.h"

suite_part_fn tcp_track_states_tests;
suite_part_fn tcp_track_rst_tests;
suite_part_fn tcp_track_window_tests;
suite_part_fn tcp_track_timeout_tests;

static struct seg_conn c;

#define S TCP_SYN
#define A TCP_ACK
#define F TCP_FIN
#define R TCP_RST

static inline void a(unsigned flags, uint32_t seq, uint32_t ack, uint32_t size, unsigned win)
{
	struct pkt p = seg_make(flags, seq, ack, size, win, NULL, 0);

	seg_send(&c, END_A, &p);
}

static inline void b(unsigned flags, uint32_t seq, uint32_t ack, uint32_t size, unsigned win)
{
	struct pkt p = seg_make(flags, seq, ack, size, win, NULL, 0);

	seg_send(&c, END_B, &p);
}

static inline void opts(enum end from, unsigned flags, uint32_t seq, uint32_t ack, unsigned win,
                        const uint8_t *o, size_t size)
{
	struct pkt p = seg_make(flags, seq, ack, 0, win, o, size);

	seg_send(&c, from, &p);
}

static inline void pass_time(int64_t seconds)
{
	c.now = mono_add(c.now, sec_to_ns(seconds));
}

/* A opens from 1000, B answers from 5000; windows of 10000, no options. */
static inline void establish(void)
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

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timeouts (doc/tcp-tracking.md, section 8).
 */
#include "test_tcp_track.h"

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

SUITE_PART(tcp_track_timeout_tests, unacknowledged_data_shortens_the_timeout_until_its_exact_ack,
           a_window_of_0_shortens_the_timeout, retransmissions_shorten_the_timeout,
           the_count_of_retransmissions_wraps, a_maximum_of_0_retransmissions_always_shortens)

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of UDP tracking (doc/tcp-tracking.md, section 9): a timeout of 30 s until answered and for
 * the first two seconds, then 120 s as a stream.
 */
#include "core/udp_track.h"

#include "seg.h"
#include "suite.h"

static struct udp_conn u;
static struct tunables tun;
static struct track_effect fx;

static void track_at(int64_t ms, unsigned status)
{
	memset(&fx, 0, sizeof(fx));
	udp_track(&u, (struct mono){ ms * NSEC_PER_MSEC }, status, &tun, &fx);
}

static void start(void)
{
	tun = seg_tunables();
	memset(&u, 0xee, sizeof(u));
	udp_open(&u, (struct mono){ 0 });
}

START_TEST(an_unanswered_flow_has_a_timeout_of_30_seconds)
{
	start();
	track_at(0, 0);
	ck_assert_int_eq(fx.timeout_ns, sec_to_ns(30));
	track_at(60000, 0);
	ck_assert_int_eq(fx.timeout_ns, sec_to_ns(30));
	ck_assert_uint_eq(fx.set_assured, 0);
}
END_TEST

/* The limit is two seconds after the first packet, exclusive. */
START_TEST(an_answered_flow_is_a_stream_after_two_seconds)
{
	start();
	track_at(1, FLOW_SEEN_REPLY);
	ck_assert_int_eq(fx.timeout_ns, sec_to_ns(30));
	ck_assert_uint_eq(fx.set_assured, 0);
	track_at(2000, FLOW_SEEN_REPLY);
	ck_assert_int_eq(fx.timeout_ns, sec_to_ns(30));
	ck_assert_uint_eq(fx.set_assured, 0);
	track_at(2001, FLOW_SEEN_REPLY);
	ck_assert_int_eq(fx.timeout_ns, sec_to_ns(120));
	ck_assert_uint_ne(fx.set_assured, 0);
	track_at(2001, FLOW_SEEN_REPLY | FLOW_ASSURED);
	ck_assert_int_eq(fx.timeout_ns, sec_to_ns(120));
}
END_TEST

START_TEST(the_timeouts_follow_the_settings)
{
	start();
	tun.udp_unreplied_ns = 17;
	tun.udp_replied_ns = 19;
	track_at(0, 0);
	ck_assert_int_eq(fx.timeout_ns, 17);
	track_at(5000, FLOW_SEEN_REPLY);
	ck_assert_int_eq(fx.timeout_ns, 19);
}
END_TEST

SUITE_MAIN("udp", an_unanswered_flow_has_a_timeout_of_30_seconds,
           an_answered_flow_is_a_stream_after_two_seconds, the_timeouts_follow_the_settings)

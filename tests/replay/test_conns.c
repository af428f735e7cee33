/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the end of a connection is put to account: the fates of its closing segments in two lanes,
 * and what they come to.
 */
#include "suite.h"

#include "replay/conns.h"

static const struct conn_fate live = { .passed = true, .is_open = true };
static const struct conn_fate refused = { .passed = false };
static const struct conn_fate saved = { .is_late = true, .passed = true };
static const struct conn_fate lost = { .is_late = true, .passed = false };

static struct conns conns;

static void begin(void)
{
	ck_assert_int_eq(conns_init(&conns, 2), 0);
}

/* A segment of one end, client or server, of the connection with that number. */
static void see_fates(uint32_t nr, bool by_client, enum tcp_class class_nr, bool opens,
                      struct conn_fate a, struct conn_fate b)
{
	const struct conn_fate fates[] = { a, b };
	struct pkt p = { .kind = PKT_KIND_TCP, .tcp.class_nr = (uint8_t)class_nr };
	struct conn_ref ref;

	p.tuple.proto = IPPROTO_NR_TCP;
	p.tuple.family = 4;
	p.tuple.src.word[0] = by_client ? nr : UINT32_MAX;
	p.tuple.dst.word[0] = by_client ? UINT32_MAX : nr;
	p.tuple.sport = by_client ? 1234 : 80;
	p.tuple.dport = by_client ? 80 : 1234;
	conns_refer(&conns, &p, &ref);
	ck_assert_int_eq(conns_see(&conns, &p, &ref, opens, fates), 0);
}

static void see(uint32_t nr, bool by_client, enum tcp_class class_nr)
{
	see_fates(nr, by_client, class_nr, class_nr == SEG_SYN, live, live);
}

static void open_one(uint32_t nr)
{
	see(nr, true, SEG_SYN);
	see(nr, false, SEG_SYNACK);
	see(nr, true, SEG_ACK);
}

static void check_lane(size_t lane, struct conn_totals want)
{
	const struct conn_totals *got = &conns.lane[lane];

	ck_assert_uint_eq(got->late, want.late);
	ck_assert_uint_eq(got->saved, want.saved);
	ck_assert_uint_eq(got->recovered, want.recovered);
	ck_assert_uint_eq(got->hung, want.hung);
	ck_assert_uint_eq(got->strays_passed, want.strays_passed);
	ck_assert_uint_eq(got->strays_dropped, want.strays_dropped);
}

START_TEST(a_close_in_time_is_no_matter)
{
	begin();
	open_one(1);
	see(1, true, SEG_FIN);
	see(1, false, SEG_FIN);
	conns_finish(&conns);
	ck_assert_uint_eq(conns.seen, 1);
	ck_assert_uint_eq(conns.closed, 1);
	check_lane(0, (struct conn_totals){ 0 });
	conns_fini(&conns);
}
END_TEST

START_TEST(a_dropped_fin_hangs_and_a_passed_one_saves)
{
	begin();
	open_one(1);
	see_fates(1, true, SEG_FIN, false, lost, saved);
	conns_finish(&conns);
	check_lane(0, (struct conn_totals){ .late = 1, .hung = 1 });
	check_lane(1, (struct conn_totals){ .late = 1, .saved = 1 });
	conns_fini(&conns);
}
END_TEST

/* The other end's FIN does not tell it what it never heard; a RST of either does. */
START_TEST(only_the_same_end_or_a_rst_makes_good)
{
	begin();
	open_one(1);
	see_fates(1, true, SEG_FIN, false, lost, lost);
	see_fates(1, false, SEG_FIN, false, live, live);
	open_one(2);
	see_fates(2, true, SEG_FIN, false, lost, lost);
	see_fates(2, true, SEG_FIN, false, live, lost);
	open_one(3);
	see_fates(3, true, SEG_FIN, false, lost, lost);
	see_fates(3, false, SEG_RST, false, live, lost);
	conns_finish(&conns);
	check_lane(0, (struct conn_totals){ .late = 3, .hung = 1, .recovered = 2 });
	check_lane(1, (struct conn_totals){ .late = 3, .hung = 3 });
	conns_fini(&conns);
}
END_TEST

START_TEST(a_tuple_used_again_is_another_connection)
{
	begin();
	open_one(1);
	see_fates(1, true, SEG_RST, false, lost, saved);
	open_one(1);
	see_fates(1, true, SEG_FIN, false, saved, saved);
	/* a SYN that opens nothing ends nothing */
	see_fates(1, true, SEG_SYN, false, live, live);
	conns_finish(&conns);
	ck_assert_uint_eq(conns.seen, 2);
	ck_assert_uint_eq(conns.closed, 2);
	check_lane(0, (struct conn_totals){ .late = 2, .hung = 1, .saved = 1 });
	check_lane(1, (struct conn_totals){ .late = 2, .saved = 2 });
	conns_fini(&conns);
}
END_TEST

/* One end alone is no connection, however much it sends. */
START_TEST(strays_are_counted_apart)
{
	begin();
	see_fates(1, true, SEG_FIN, false, lost, saved);
	see(2, true, SEG_ACK);
	see_fates(2, true, SEG_RST, false, lost, lost);
	conns_finish(&conns);
	ck_assert_uint_eq(conns.seen, 0);
	ck_assert_uint_eq(conns.closed, 0);
	check_lane(0, (struct conn_totals){ .strays_dropped = 2 });
	check_lane(1, (struct conn_totals){ .strays_passed = 1, .strays_dropped = 1 });
	conns_fini(&conns);
}
END_TEST

/* What the second lane's rules never let open, cannot be closed late there. */
START_TEST(a_refused_connection_is_a_stray)
{
	begin();
	see_fates(1, true, SEG_SYN, true, live, refused);
	see_fates(1, false, SEG_SYNACK, false, live, refused);
	see_fates(1, true, SEG_ACK, false, live, refused);
	see_fates(1, true, SEG_FIN, false, lost, lost);
	conns_finish(&conns);
	ck_assert_uint_eq(conns.seen, 1);
	check_lane(0, (struct conn_totals){ .late = 1, .hung = 1 });
	check_lane(1, (struct conn_totals){ .strays_dropped = 1 });
	conns_fini(&conns);
}
END_TEST

START_TEST(the_table_grows)
{
	const uint32_t many = 20000;

	begin();
	for (uint32_t i = 0; i < many; i++) {
		open_one(i);
	}
	for (uint32_t i = 0; i < many; i++) {
		see_fates(i, i % 2 == 0, SEG_FIN, false, lost, saved);
	}
	conns_finish(&conns);
	ck_assert_uint_eq(conns.seen, many);
	check_lane(0, (struct conn_totals){ .late = many, .hung = many });
	check_lane(1, (struct conn_totals){ .late = many, .saved = many });
	conns_fini(&conns);
}
END_TEST

SUITE_MAIN("conns", a_close_in_time_is_no_matter, a_dropped_fin_hangs_and_a_passed_one_saves,
           only_the_same_end_or_a_rst_makes_good, a_tuple_used_again_is_another_connection,
           strays_are_counted_apart, a_refused_connection_is_a_stray, the_table_grows)

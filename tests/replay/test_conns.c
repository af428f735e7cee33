/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Totals of connections: the outcomes of their closing segments under two policies, and the totals
 * that follow.
 */
#include "suite.h"

#include "replay/conns.h"

static const struct conn_outcome live = { .passed = true, .is_open = true };
static const struct conn_outcome refused = { .passed = false };
static const struct conn_outcome saved = { .is_late = true, .passed = true };
static const struct conn_outcome lost = { .is_late = true, .passed = false };

static struct conns conns;

static void begin(void)
{
	ck_assert_int_eq(conns_init(&conns, 2), 0);
}

/* A segment of one end, client or server, of the connection with that number. */
static void add_segment(uint32_t nr, bool by_client, enum tcp_class class_nr, bool opens,
                        struct conn_outcome a, struct conn_outcome b)
{
	const struct conn_outcome outcomes[] = { a, b };
	struct pkt p = { .kind = PKT_KIND_TCP, .tcp.class_nr = (uint8_t)class_nr };
	struct conn_ref ref;

	p.tuple.proto = IPPROTO_NR_TCP;
	p.tuple.family = 4;
	p.tuple.src.word[0] = by_client ? nr : UINT32_MAX;
	p.tuple.dst.word[0] = by_client ? UINT32_MAX : nr;
	p.tuple.sport = by_client ? 1234 : 80;
	p.tuple.dport = by_client ? 80 : 1234;
	conns_find(&conns, &p, &ref);
	ck_assert_int_eq(conns_add(&conns, &p, &ref, opens, outcomes), 0);
}

static void add_live(uint32_t nr, bool by_client, enum tcp_class class_nr)
{
	add_segment(nr, by_client, class_nr, class_nr == SEG_SYN, live, live);
}

static void open_one(uint32_t nr)
{
	add_live(nr, true, SEG_SYN);
	add_live(nr, false, SEG_SYNACK);
	add_live(nr, true, SEG_ACK);
}

static void check_totals(size_t policy, struct conn_totals want)
{
	const struct conn_totals *got = &conns.totals[policy];

	ck_assert_uint_eq(got->late, want.late);
	ck_assert_uint_eq(got->saved, want.saved);
	ck_assert_uint_eq(got->recovered, want.recovered);
	ck_assert_uint_eq(got->hung, want.hung);
	ck_assert_uint_eq(got->strays_passed, want.strays_passed);
	ck_assert_uint_eq(got->strays_dropped, want.strays_dropped);
}

START_TEST(a_close_in_time_is_not_late)
{
	begin();
	open_one(1);
	add_live(1, true, SEG_FIN);
	add_live(1, false, SEG_FIN);
	conns_finish(&conns);
	ck_assert_uint_eq(conns.seen, 1);
	ck_assert_uint_eq(conns.closed, 1);
	check_totals(0, (struct conn_totals){ 0 });
	conns_fini(&conns);
}
END_TEST

START_TEST(a_dropped_fin_is_hung_and_a_passed_one_saved)
{
	begin();
	open_one(1);
	add_segment(1, true, SEG_FIN, false, lost, saved);
	conns_finish(&conns);
	check_totals(0, (struct conn_totals){ .late = 1, .hung = 1 });
	check_totals(1, (struct conn_totals){ .late = 1, .saved = 1 });
	conns_fini(&conns);
}
END_TEST

/* A FIN of the other end does not replace the dropped one; a RST of either end does. */
START_TEST(only_the_same_end_or_a_rst_recovers)
{
	begin();
	open_one(1);
	add_segment(1, true, SEG_FIN, false, lost, lost);
	add_segment(1, false, SEG_FIN, false, live, live);
	open_one(2);
	add_segment(2, true, SEG_FIN, false, lost, lost);
	add_segment(2, true, SEG_FIN, false, live, lost);
	open_one(3);
	add_segment(3, true, SEG_FIN, false, lost, lost);
	add_segment(3, false, SEG_RST, false, live, lost);
	conns_finish(&conns);
	check_totals(0, (struct conn_totals){ .late = 3, .hung = 1, .recovered = 2 });
	check_totals(1, (struct conn_totals){ .late = 3, .hung = 3 });
	conns_fini(&conns);
}
END_TEST

START_TEST(a_reopened_tuple_is_another_connection)
{
	begin();
	open_one(1);
	add_segment(1, true, SEG_RST, false, lost, saved);
	open_one(1);
	add_segment(1, true, SEG_FIN, false, saved, saved);
	/* a SYN that opens no connection does not end the old one */
	add_segment(1, true, SEG_SYN, false, live, live);
	conns_finish(&conns);
	ck_assert_uint_eq(conns.seen, 2);
	ck_assert_uint_eq(conns.closed, 2);
	check_totals(0, (struct conn_totals){ .late = 2, .hung = 1, .saved = 1 });
	check_totals(1, (struct conn_totals){ .late = 2, .saved = 2 });
	conns_fini(&conns);
}
END_TEST

/* Segments of one end only are not a connection. */
START_TEST(strays_are_counted_separately)
{
	begin();
	add_segment(1, true, SEG_FIN, false, lost, saved);
	add_live(2, true, SEG_ACK);
	add_segment(2, true, SEG_RST, false, lost, lost);
	conns_finish(&conns);
	ck_assert_uint_eq(conns.seen, 0);
	ck_assert_uint_eq(conns.closed, 0);
	check_totals(0, (struct conn_totals){ .strays_dropped = 2 });
	check_totals(1, (struct conn_totals){ .strays_passed = 1, .strays_dropped = 1 });
	conns_fini(&conns);
}
END_TEST

/* A connection that the second policy refused cannot be closed late there. */
START_TEST(a_refused_connection_is_a_stray)
{
	begin();
	add_segment(1, true, SEG_SYN, true, live, refused);
	add_segment(1, false, SEG_SYNACK, false, live, refused);
	add_segment(1, true, SEG_ACK, false, live, refused);
	add_segment(1, true, SEG_FIN, false, lost, lost);
	conns_finish(&conns);
	ck_assert_uint_eq(conns.seen, 1);
	check_totals(0, (struct conn_totals){ .late = 1, .hung = 1 });
	check_totals(1, (struct conn_totals){ .strays_dropped = 1 });
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
		add_segment(i, i % 2 == 0, SEG_FIN, false, lost, saved);
	}
	conns_finish(&conns);
	ck_assert_uint_eq(conns.seen, many);
	check_totals(0, (struct conn_totals){ .late = many, .hung = many });
	check_totals(1, (struct conn_totals){ .late = many, .saved = many });
	conns_fini(&conns);
}
END_TEST

SUITE_MAIN("conns", a_close_in_time_is_not_late, a_dropped_fin_is_hung_and_a_passed_one_saved,
           only_the_same_end_or_a_rst_recovers, a_reopened_tuple_is_another_connection,
           strays_are_counted_separately, a_refused_connection_is_a_stray, the_table_grows)

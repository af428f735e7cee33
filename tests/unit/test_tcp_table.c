/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every cell of the two state tables (doc/tcp-tracking.md, section 4), typed in from that page.
 */
#include "core/tcp_track.h"

#include "suite.h"

/* NO SS SR ES FW CW LA TW CL S2, as columns and as contents; also IV and IG. */
static const char *const state_name[] = { "NO", "SS", "SR", "ES", "FW", "CW",
	                                  "LA", "TW", "CL", "S2", "IV", "IG" };

struct row {
	const char *class_name;
	enum tcp_class class_nr;
	const char *cells;
};

static const struct row orig[] = {
	/*                     NO SS SR ES FW CW LA TW CL S2 */
	{ "SYN", SEG_SYN, "SS SS IG IG IG IG IG SS SS S2" },
	{ "SYNACK", SEG_SYNACK, "IV IV SR IV IV IV IV IV IV SR" },
	{ "FIN", SEG_FIN, "IV IV FW FW LA LA LA TW CL IV" },
	{ "ACK", SEG_ACK, "ES IV ES ES CW CW TW TW CL IV" },
	{ "RST", SEG_RST, "IV CL CL CL CL CL CL CL CL CL" },
	{ "NONE", SEG_NONE, "IV IV IV IV IV IV IV IV IV IV" },
};

static const struct row reply[] = {
	/*                     NO SS SR ES FW CW LA TW CL S2 */
	{ "SYN", SEG_SYN, "IV S2 IV IV IV IV IV SS IV S2" },
	{ "SYNACK", SEG_SYNACK, "IV SR IG IG IG IG IG IG IG SR" },
	{ "FIN", SEG_FIN, "IV IV FW FW LA LA LA TW CL IV" },
	{ "ACK", SEG_ACK, "IV IG SR ES CW CW TW TW CL IG" },
	{ "RST", SEG_RST, "IV CL CL CL CL CL CL CL CL CL" },
	{ "NONE", SEG_NONE, "IV IV IV IV IV IV IV IV IV IV" },
};

/* The number of a two-letter name; the names are in the order of their numbers. */
static unsigned number_of(const char *cell)
{
	for (unsigned i = 0; i < ARRAY_LEN(state_name); i++) {
		if (memcmp(cell, state_name[i], 2) == 0) {
			return i;
		}
	}
	ck_abort_msg("no such state: %.2s", cell);
	return 0;
}

static void check_rows(const char *name, enum flow_dir dir, const struct row *rows)
{
	for (size_t r = 0; r < SEGS_LEN; r++) {
		for (unsigned from = 0; from < TCP_STATES_LEN; from++) {
			unsigned want = number_of(rows[r].cells + 3 * from);
			unsigned got = tcp_table(dir, rows[r].class_nr, (enum tcp_state)from);

			ck_assert_msg(got == want, "%s, row %s, column %s: is %s, must be %s", name,
			              rows[r].class_name, state_name[from],
			              got < ARRAY_LEN(state_name) ? state_name[got] : "?",
			              state_name[want]);
		}
	}
}

START_TEST(the_numbers_equal_the_kernels)
{
	ck_assert_int_eq(TCP_NONE, 0);
	ck_assert_int_eq(TCP_SYN_SENT, 1);
	ck_assert_int_eq(TCP_SYN_RECV, 2);
	ck_assert_int_eq(TCP_ESTABLISHED, 3);
	ck_assert_int_eq(TCP_FIN_WAIT, 4);
	ck_assert_int_eq(TCP_CLOSE_WAIT, 5);
	ck_assert_int_eq(TCP_LAST_ACK, 6);
	ck_assert_int_eq(TCP_TIME_WAIT, 7);
	ck_assert_int_eq(TCP_CLOSE, 8);
	ck_assert_int_eq(TCP_SYN_SENT2, 9);
	ck_assert_int_eq(TCP_TO_INVALID, 10);
	ck_assert_int_eq(TCP_TO_IGNORE, 11);
}
END_TEST

START_TEST(every_cell_of_original_equals_the_document)
{
	check_rows("ORIGINAL", DIR_ORIG, orig);
}
END_TEST

START_TEST(every_cell_of_reply_equals_the_document)
{
	check_rows("REPLY", DIR_REPLY, reply);
}
END_TEST

START_TEST(states_have_the_kernels_names)
{
	static const char *const name[] = { "NONE",     "SYN_SENT",   "SYN_RECV", "ESTABLISHED",
		                            "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT",
		                            "CLOSE",    "SYN_SENT2" };

	for (unsigned s = 0; s < TCP_STATES_LEN; s++) {
		ck_assert_str_eq(tcp_state_name((enum tcp_state)s), name[s]);
	}
}
END_TEST

SUITE_MAIN("tcp_table", the_numbers_equal_the_kernels, every_cell_of_original_equals_the_document,
           every_cell_of_reply_equals_the_document, states_have_the_kernels_names)

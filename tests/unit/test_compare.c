/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the comparison with the kernel's tracker: which states are equal, which reasons explain
 * a difference, and where the kernel's state is read from.
 */
#include "comparer.h"
#include "suite.h"

#include "wire/hookmark.h"

#include <finwall/config.h>

#include <string.h>

/* A packet, finwall's result, the kernel's state, the engine's age and the expected outcome. */
struct row {
	enum compare expected;
	enum kernel_state kernels;
	enum reason reason;
	uint8_t status;
	uint8_t tcp_state;
	uint8_t hook;
	uint8_t proto;
	uint8_t tcp_flags;
	uint8_t iif;
	int64_t age_sec;
};

/* clang-format off */
static const struct row rows[] = {
	{ .expected = COMPARE_UNTOLD, .kernels = KERNEL_UNTOLD, .reason = REASON_TCP_TRACKED },
	{ .expected = COMPARE_NOTRACK, .kernels = KERNEL_UNTRACKED, .reason = REASON_TCP_TRACKED },
	{ .expected = COMPARE_TABLE_FULL, .kernels = KERNEL_NEW, .reason = REASON_TABLE_FULL },
	{ .expected = COMPARE_COPY_SHORT, .kernels = KERNEL_ESTABLISHED, .reason = REASON_COPY_SHORT },
	{ .expected = COMPARE_CHECKSUM, .kernels = KERNEL_ESTABLISHED, .reason = REASON_TCP_CHECKSUM },
	{ .expected = COMPARE_CHECKSUM, .kernels = KERNEL_NEW, .reason = REASON_UDP_CHECKSUM },
	{ .expected = COMPARE_CHECKSUM, .kernels = KERNEL_NEW, .reason = REASON_ICMP_CHECKSUM },
	{ .expected = COMPARE_LATE_CLOSE, .kernels = KERNEL_INVALID, .reason = REASON_LATE_REVIVED },
	{ .expected = COMPARE_LATE_CLOSE, .kernels = KERNEL_NO_ENTRY, .reason = REASON_LATE_LENIENT },
	{ .expected = COMPARE_LATE_CLOSE, .kernels = KERNEL_INVALID, .reason = REASON_LATE_PICKUP },
	{ .expected = COMPARE_LATE_CLOSE, .kernels = KERNEL_NEW, .reason = REASON_LATE_RESURRECTED },
	{ .expected = COMPARE_LATE_CLOSE, .kernels = KERNEL_NEW, .reason = REASON_LATE_UNPROVED },
	{ .expected = COMPARE_DIFFERENT, .kernels = KERNEL_NEW, .reason = REASON_TCP_TRACKED },
	/* The hook rules set no mark, so the kernel's state is unknown where no entry is attached. */
	{ .expected = COMPARE_UNTOLD, .kernels = KERNEL_NO_ENTRY, .reason = REASON_TCP_TRACKED },
	{ .expected = COMPARE_REVIVED, .kernels = KERNEL_NEW, .reason = REASON_TCP_TRACKED, .status = FLOW_REVIVED },
	/* Interface 1 is lo: the packet passes input a second time. */
	{ .expected = COMPARE_SECOND_SIGHT, .kernels = KERNEL_ESTABLISHED, .reason = REASON_TCP_STATE, .hook = HOOK_INPUT, .iif = 1 },
	{ .expected = COMPARE_DIFFERENT, .kernels = KERNEL_ESTABLISHED, .reason = REASON_TCP_STATE, .hook = HOOK_INPUT, .iif = 2 },
	{ .expected = COMPARE_DIFFERENT, .kernels = KERNEL_ESTABLISHED, .reason = REASON_TCP_STATE, .hook = HOOK_FORWARD, .iif = 1 },
	{ .expected = COMPARE_REJECT_ANSWER, .kernels = KERNEL_RELATED, .reason = REASON_TCP_TRACKED, .hook = HOOK_OUTPUT, .tcp_flags = TCP_RST | TCP_ACK },
	{ .expected = COMPARE_DIFFERENT, .kernels = KERNEL_RELATED, .reason = REASON_TCP_TRACKED, .hook = HOOK_FORWARD, .tcp_flags = TCP_RST | TCP_ACK },
	{ .expected = COMPARE_DIFFERENT, .kernels = KERNEL_RELATED, .reason = REASON_TCP_TRACKED, .hook = HOOK_OUTPUT, .tcp_flags = TCP_ACK },
	{ .expected = COMPARE_HELPER, .kernels = KERNEL_RELATED, .reason = REASON_TCP_OPEN },
	{ .expected = COMPARE_PROTOCOL, .kernels = KERNEL_INVALID, .reason = REASON_OTHER_TRACKED, .proto = 47 },
	{ .expected = COMPARE_PROTOCOL, .kernels = KERNEL_INVALID, .reason = REASON_OTHER_OPEN, .proto = 132 },
	{ .expected = COMPARE_DIFFERENT, .kernels = KERNEL_INVALID, .reason = REASON_OTHER_OPEN, .proto = 50 },
	/*
	 * The kernel has an entry, finwall has none. This is explained only within the lifetime of
	 * the kernel's entry.
	 */
	{ .expected = COMPARE_NO_START, .kernels = KERNEL_ESTABLISHED, .reason = REASON_TCP_PICKUP, .age_sec = 5 * 86400 },
	{ .expected = COMPARE_DIFFERENT, .kernels = KERNEL_ESTABLISHED, .reason = REASON_TCP_PICKUP, .age_sec = 5 * 86400 + 1 },
	{ .expected = COMPARE_NO_START, .kernels = KERNEL_ESTABLISHED, .reason = REASON_LATE_UNKNOWN },
	{ .expected = COMPARE_NO_START, .kernels = KERNEL_ESTABLISHED, .reason = REASON_LATE_PICKUP },
	{ .expected = COMPARE_NO_START, .kernels = KERNEL_ESTABLISHED, .reason = REASON_UDP_OPEN, .proto = IPPROTO_NR_UDP, .age_sec = 120 },
	{ .expected = COMPARE_DIFFERENT, .kernels = KERNEL_ESTABLISHED, .reason = REASON_UDP_OPEN, .proto = IPPROTO_NR_UDP, .age_sec = 121 },
	{ .expected = COMPARE_NO_START, .kernels = KERNEL_ESTABLISHED, .reason = REASON_ICMP_NO_ENTRY, .proto = IPPROTO_NR_ICMP, .age_sec = 30 },
	{ .expected = COMPARE_DIFFERENT, .kernels = KERNEL_ESTABLISHED, .reason = REASON_ICMP_NO_ENTRY, .proto = IPPROTO_NR_ICMP, .age_sec = 31 },
	{ .expected = COMPARE_NO_START, .kernels = KERNEL_ESTABLISHED, .reason = REASON_ICMP_OPEN, .proto = IPPROTO_NR_ICMPV6, .age_sec = 30 },
	{ .expected = COMPARE_DIFFERENT, .kernels = KERNEL_ESTABLISHED, .reason = REASON_ICMP_OPEN, .proto = IPPROTO_NR_ICMPV6, .age_sec = 31 },
	{ .expected = COMPARE_NO_START, .kernels = KERNEL_ESTABLISHED, .reason = REASON_OTHER_OPEN, .proto = 50, .age_sec = 600 },
	{ .expected = COMPARE_DIFFERENT, .kernels = KERNEL_ESTABLISHED, .reason = REASON_OTHER_OPEN, .proto = 50, .age_sec = 601 },
	/* Not explained: the kernel has no entry either. */
	{ .expected = COMPARE_DIFFERENT, .kernels = KERNEL_INVALID, .reason = REASON_TCP_PICKUP },
	{ .expected = COMPARE_DIFFERENT, .kernels = KERNEL_NEW, .reason = REASON_LATE_STRICT },
	/* Not explained: finwall saw the first packet or has a tombstone. */
	{ .expected = COMPARE_NO_START, .kernels = KERNEL_ESTABLISHED, .reason = REASON_TCP_UNREPLIED, .tcp_state = TCP_ESTABLISHED },
	{ .expected = COMPARE_DIFFERENT, .kernels = KERNEL_ESTABLISHED, .reason = REASON_TCP_UNREPLIED, .tcp_state = TCP_SYN_SENT },
	{ .expected = COMPARE_DIFFERENT, .kernels = KERNEL_ESTABLISHED, .reason = REASON_LATE_WINDOW },
	{ .expected = COMPARE_DIFFERENT, .kernels = KERNEL_ESTABLISHED, .reason = REASON_TCP_SEQ_OVER },
	{ .expected = COMPARE_DIFFERENT, .kernels = KERNEL_INVALID, .reason = REASON_TCP_TRACKED },
};
/* clang-format on */

#define ROWS_LEN (sizeof(rows) / sizeof(rows[0]))

START_TEST(explanations_match_the_table)
{
	for (size_t i = 0; i < ROWS_LEN; i++) {
		const struct row *r = &rows[i];
		struct frame frame = { .hook = r->hook, .iif = r->iif };
		struct pkt pkt = { .frame = &frame,
			           .l4_proto = r->proto != 0 ? r->proto : IPPROTO_NR_TCP };
		struct decision d = { .state = (uint8_t)reason_state(r->reason),
			              .reason = (uint8_t)r->reason,
			              .status = r->status,
			              .tcp_state = r->tcp_state };
		struct tunables tun;

		pkt.tcp.flags = r->tcp_flags;
		tunables_init(&tun);
		ck_assert_msg(compare_explain(&pkt, &d, r->kernels, START_COMPARED, &tun,
		                              sec_to_ns(r->age_sec)) == r->expected,
		              "row %zu is not %s", i, compare_name(r->expected));
	}
}
END_TEST

/* An ICMP error is explained within the timeout of the connection that it quotes. */
START_TEST(errors_about_unknown_flows)
{
	struct frame frame = { .hook = HOOK_FORWARD };
	struct pkt pkt = { .frame = &frame,
		           .l4_proto = IPPROTO_NR_ICMP,
		           .kind = PKT_KIND_ICMP_ERROR };
	struct decision d = { .state = CT_INVALID, .reason = REASON_ICMP_UNRELATED };
	struct tunables tun;

	tunables_init(&tun);
	pkt.quoted.proto = IPPROTO_NR_UDP;
	ck_assert_int_eq(
		compare_explain(&pkt, &d, KERNEL_RELATED, START_COMPARED, &tun, sec_to_ns(120)),
		COMPARE_NO_START);
	ck_assert_int_eq(
		compare_explain(&pkt, &d, KERNEL_RELATED, START_COMPARED, &tun, sec_to_ns(121)),
		COMPARE_DIFFERENT);
}
END_TEST

/* A connection that the kernel did not see from its start. */
START_TEST(older_connections_are_explained)
{
	static const struct {
		enum compare expected;
		enum reason reason;
		enum kernel_state kernels;
		int64_t age_sec;
	} cases[] = {
		{ COMPARE_OLDER, REASON_TCP_TRACKED, KERNEL_NEW, 5 * 86400 },
		{ COMPARE_DIFFERENT, REASON_TCP_TRACKED, KERNEL_NEW, 5 * 86400 + 1 },
		{ COMPARE_OLDER, REASON_TCP_TRACKED, KERNEL_INVALID, 0 },
		{ COMPARE_OLDER, REASON_TCP_TRACKED, KERNEL_NO_ENTRY, 0 },
		/* the kernel does not test windows that it has not seen */
		{ COMPARE_OLDER, REASON_TCP_SEQ_OVER, KERNEL_NEW, 0 },
		/* finwall has no entry of it */
		{ COMPARE_DIFFERENT, REASON_TCP_NO_ENTRY, KERNEL_NEW, 0 },
		/* the kernel has one */
		{ COMPARE_DIFFERENT, REASON_TCP_SEQ_OVER, KERNEL_ESTABLISHED, 0 },
	};
	struct frame frame = { .hook = HOOK_FORWARD };
	struct pkt pkt = { .frame = &frame, .l4_proto = IPPROTO_NR_TCP };
	struct tunables tun;

	tunables_init(&tun);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct decision d = { .state = (uint8_t)reason_state(cases[i].reason),
			              .reason = (uint8_t)cases[i].reason };

		ck_assert_msg(compare_explain(&pkt, &d, cases[i].kernels, START_OLDER, &tun,
		                              sec_to_ns(cases[i].age_sec)) == cases[i].expected,
		              "case %zu is not %s", i, compare_name(cases[i].expected));
	}
}
END_TEST

/* The engine does not verify the checksum of plain data; the kernel does. */
START_TEST(an_unverified_wrong_checksum_is_explained)
{
	/* UDP from 192.0.2.1:1 to 192.0.2.2:2 with a wrong checksum */
	static const uint8_t bytes[] = { 0x45, 0, 0,   28, 0, 0, 0, 0, 64, 17, 0, 0, 192,  0,
		                         2,    1, 192, 0,  2, 2, 0, 1, 0,  2,  0, 8, 0x12, 0x34 };
	struct frame frame = { .data = bytes,
		               .cap_size = sizeof(bytes),
		               .true_size = sizeof(bytes),
		               .hook = HOOK_FORWARD,
		               .csum = CSUM_UNVERIFIED };
	struct decision d = { .state = CT_NEW, .reason = REASON_UDP_OPEN };
	struct tunables tun;
	struct pkt pkt;

	tunables_init(&tun);
	ck_assert_int_eq(pkt_decode(&frame, &pkt), REASON_NONE);
	ck_assert_int_eq(compare_explain(&pkt, &d, KERNEL_INVALID, START_COMPARED, &tun, 0),
	                 COMPARE_CHECKSUM);
	ck_assert_int_eq(compare_explain(&pkt, &d, KERNEL_ESTABLISHED, START_COMPARED, &tun, 0),
	                 COMPARE_NO_START);
	frame.hook = HOOK_OUTPUT;
	ck_assert_int_eq(compare_explain(&pkt, &d, KERNEL_INVALID, START_COMPARED, &tun, 0),
	                 COMPARE_DIFFERENT);
	frame.hook = HOOK_FORWARD;
	frame.csum = CSUM_TRUSTED;
	ck_assert_int_eq(compare_explain(&pkt, &d, KERNEL_INVALID, START_COMPARED, &tun, 0),
	                 COMPARE_DIFFERENT);
}
END_TEST

START_TEST(equal_states_match)
{
	static const struct {
		enum ct_state ours;
		enum kernel_state kernels;
	} same[] = {
		{ CT_NEW, KERNEL_NEW },
		{ CT_ESTABLISHED, KERNEL_ESTABLISHED },
		{ CT_RELATED, KERNEL_RELATED },
		{ CT_INVALID, KERNEL_INVALID },
		{ CT_INVALID, KERNEL_NO_ENTRY },
		{ CT_UNTRACKED, KERNEL_UNTRACKED },
		{ CT_UNTRACKED, KERNEL_NO_ENTRY },
	};

	for (unsigned s = 0; s < CT_STATES_LEN; s++) {
		for (unsigned k = 0; k < KERNEL_STATES_LEN; k++) {
			bool expected = false;

			for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
				expected |= same[i].ours == s && same[i].kernels == k;
			}
			ck_assert_int_eq(compare_is_same(s, k), expected);
		}
	}
}
END_TEST

START_TEST(marks_map_to_states)
{
	for (unsigned k = KERNEL_NEW; k <= KERNEL_UNTRACKED; k++) {
		ck_assert_int_eq(hookmark_kernel_state(hookmark_kernel(k)), k);
		ck_assert_int_eq(hookmark_kernel_state(hookmark_kernel(k) | 0xffffff), k);
	}
	ck_assert_int_eq(hookmark_kernel_state(0), KERNEL_UNTOLD);
	ck_assert_int_eq(hookmark_kernel_state(0x50ffffff), KERNEL_UNTOLD);
	ck_assert_int_eq(hookmark_kernel_state(0x56000000), KERNEL_UNTOLD);
	ck_assert_int_eq(hookmark_kernel_state(UINT32_MAX), KERNEL_UNTOLD);
	ck_assert_int_eq(hookmark_kernel_state(HOOK_MARK_DEFAULT), KERNEL_UNTOLD);
}
END_TEST

/* enum ip_conntrack_info */
START_TEST(ctinfo_maps_to_states)
{
	static const enum kernel_state words[] = {
		KERNEL_ESTABLISHED, KERNEL_RELATED,   KERNEL_NEW,
		KERNEL_ESTABLISHED, KERNEL_RELATED,   KERNEL_UNTOLD,
		KERNEL_UNTOLD,      KERNEL_UNTRACKED, KERNEL_UNTOLD,
	};

	for (uint32_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		ck_assert_int_eq(kernel_state_of_ctinfo(i), words[i]);
	}
	ck_assert_int_eq(kernel_state_of_ctinfo(UINT32_MAX), KERNEL_UNTOLD);
}
END_TEST

/* Records one packet with this mark and, unless it is negative, this ctinfo. */
static enum kernel_state take(struct comparer *c, uint32_t mark, int ctinfo, uint32_t mark_after)
{
	struct nfq_pkt pkt = { .frame = { .mark = mark },
		               .ctinfo = (uint32_t)ctinfo,
		               .ctinfo_is_known = ctinfo >= 0 };
	bool mark_is_ours;
	enum kernel_state k = comparer_take(c, &pkt, &mark_is_ours);

	ck_assert_uint_eq(pkt.frame.mark, mark_after);
	ck_assert_int_eq(mark_is_ours, mark != mark_after);
	return k;
}

START_TEST(ctinfo_is_preferred_to_the_mark)
{
	struct comparer c = { .is_on = true };

	ck_assert_int_eq(take(&c, 0x66, -1, 0x66), KERNEL_UNTOLD);
	ck_assert_int_eq(take(&c, 0x51000066, -1, 0x66), KERNEL_NEW);
	ck_assert_int_eq(take(&c, 0x54000066, -1, 0x66), KERNEL_INVALID);
	ck_assert_int_eq(take(&c, 0x99000066, -1, 0x99000066), KERNEL_UNTOLD);
	/* The ctinfo attribute has priority; the mark is removed all the same. */
	ck_assert_int_eq(take(&c, 0x54000066, 0, 0x66), KERNEL_ESTABLISHED);
	/*
	 * After the first ctinfo attribute, a missing one means "no entry"; a mark is more
	 * specific.
	 */
	ck_assert_int_eq(take(&c, 0x66, -1, 0x66), KERNEL_NO_ENTRY);
	ck_assert_int_eq(take(&c, 0x55000000, -1, 0), KERNEL_UNTRACKED);
}
END_TEST

START_TEST(each_difference_is_counted_once)
{
	static struct event_ring ring;
	struct comparer c = { .is_on = true };
	struct compare_stats sum = { 0 };
	struct frame frame = { .data = (const uint8_t *)"", .hook = HOOK_FORWARD };
	struct decision d = { .state = CT_ESTABLISHED, .reason = REASON_TCP_TRACKED };
	struct tunables tun;

	tunables_init(&tun);
	ck_assert(comparer_note(&c, &ring, &tun, c.start, &frame, &d, KERNEL_ESTABLISHED));
	ck_assert(comparer_note(&c, &ring, &tun, c.start, &frame, &d, KERNEL_UNTRACKED));
	ck_assert_ptr_null(event_ring_peek(&ring));
	for (unsigned i = 0; i < EVENT_RING_LEN; i++) {
		ck_assert(comparer_note(&c, &ring, &tun, c.start, &frame, &d, KERNEL_INVALID));
	}
	ck_assert(!comparer_note(&c, &ring, &tun, c.start, &frame, &d, KERNEL_INVALID));
	ck_assert_int_eq(event_ring_peek(&ring)->kind, WORKER_EVENT_COMPARE);
	compare_sum(&sum, &c.stats);
	compare_sum(&sum, &c.stats);
	ck_assert_uint_eq(stat_get(&sum.result[COMPARE_SAME]), 2);
	ck_assert_uint_eq(stat_get(&sum.result[COMPARE_NOTRACK]), 2);
	ck_assert_uint_eq(stat_get(&sum.result[COMPARE_DIFFERENT]), 2 * (EVENT_RING_LEN + 1));
	ck_assert_uint_eq(stat_get(&sum.matrix[CT_ESTABLISHED][KERNEL_INVALID]),
	                  2 * (EVENT_RING_LEN + 1));
	ck_assert_uint_eq(stat_get(&sum.matrix[CT_ESTABLISHED][KERNEL_ESTABLISHED]), 2);
}
END_TEST

/* UDP from 192.0.2.LAST:1 to 192.0.2.2:2 */
static void put_datagram(uint8_t bytes[28], struct frame *frame, uint8_t last)
{
	static const uint8_t plain[28] = { 0x45, 0, 0,   28, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0,
		                           2,    0, 192, 0,  2, 2, 0, 1, 0,  2,  0, 8, 0,   0 };

	memcpy(bytes, plain, sizeof(plain));
	bytes[15] = last;
	*frame = (struct frame){ .data = bytes,
		                 .cap_size = 28,
		                 .true_size = 28,
		                 .hook = HOOK_FORWARD,
		                 .csum = CSUM_TRUSTED };
}

/*
 * Differences of a connection without a kernel state are explained until the kernel has had an
 * entry of it, and differences of any other are not.
 */
START_TEST(older_connections_are_settled)
{
	static const struct sipkey key = { 1, 2 };
	static struct event_ring ring;
	struct comparer c = { .is_on = true, .older = older_new(0, &key) };
	const struct decision tracked = { .state = CT_ESTABLISHED, .reason = REASON_UDP_TRACKED };
	const struct decision opened = { .state = CT_NEW, .reason = REASON_UDP_OPEN };
	const _Atomic uint64_t *older = &c.stats.result[COMPARE_OLDER];
	const _Atomic uint64_t *different = &c.stats.result[COMPARE_DIFFERENT];
	struct frame frame[3];
	uint8_t bytes[3][28];
	struct tunables tun;

	tunables_init(&tun);
	for (uint8_t i = 0; i < 3; i++) {
		put_datagram(bytes[i], &frame[i], (uint8_t)(10 + i));
	}
	ck_assert_ptr_nonnull(c.older);
	ck_assert(!older_any(c.older));
	(void)comparer_note(&c, &ring, &tun, c.start, &frame[0], &opened, KERNEL_UNTOLD);
	(void)comparer_note(&c, &ring, &tun, c.start, &frame[2], &tracked, KERNEL_UNTOLD);
	ck_assert(older_any(c.older));
	(void)comparer_note(&c, &ring, &tun, c.start, &frame[0], &tracked, KERNEL_NEW);
	(void)comparer_note(&c, &ring, &tun, c.start, &frame[0], &tracked, KERNEL_INVALID);
	ck_assert_uint_eq(stat_get(older), 2);
	ck_assert_uint_eq(stat_get(different), 0);
	/* a connection opened in sight */
	(void)comparer_note(&c, &ring, &tun, c.start, &frame[1], &opened, KERNEL_NEW);
	(void)comparer_note(&c, &ring, &tun, c.start, &frame[1], &tracked, KERNEL_NEW);
	ck_assert_uint_eq(stat_get(older), 2);
	ck_assert_uint_eq(stat_get(different), 1);
	/* the kernel has an entry: it must not lose it */
	(void)comparer_note(&c, &ring, &tun, c.start, &frame[0], &tracked, KERNEL_ESTABLISHED);
	(void)comparer_note(&c, &ring, &tun, c.start, &frame[0], &tracked, KERNEL_NEW);
	ck_assert_uint_eq(stat_get(older), 2);
	ck_assert_uint_eq(stat_get(different), 2);
	/* opened again */
	ck_assert(older_any(c.older));
	(void)comparer_note(&c, &ring, &tun, c.start, &frame[2], &opened, KERNEL_NEW);
	(void)comparer_note(&c, &ring, &tun, c.start, &frame[2], &tracked, KERNEL_INVALID);
	ck_assert_uint_eq(stat_get(older), 2);
	ck_assert_uint_eq(stat_get(different), 3);
	ck_assert(!older_any(c.older));
	older_free(c.older);
}
END_TEST

/* More connections than places: those without one are not in the set, none is in it by mistake. */
START_TEST(a_full_set_explains_nothing_more)
{
	static const struct sipkey key = { 3, 4 };
	struct older *o = older_new(0, &key);
	struct flowkey k = { .proto = IPPROTO_NR_TCP, .family = 4 };
	unsigned added = 0;

	ck_assert_ptr_nonnull(o);
	for (unsigned i = 0; i < 300000; i++) {
		k.lo.word[0] = i;
		ck_assert(!older_has(o, &k));
		older_add(o, &k);
		added += older_has(o, &k);
	}
	ck_assert_uint_gt(added, 60000);
	ck_assert_uint_le(added, 65536);
	for (unsigned i = 0; i < 300000; i++) {
		k.lo.word[0] = i;
		older_settle(o, &k);
		ck_assert(!older_has(o, &k));
	}
	ck_assert(!older_any(o));
	older_free(o);
}
END_TEST

START_TEST(outcomes_have_names)
{
	for (unsigned c = 0; c < COMPARES_LEN; c++) {
		ck_assert_ptr_nonnull(compare_name(c));
		ck_assert_ptr_nonnull(compare_text(c));
	}
	for (unsigned k = 0; k < KERNEL_STATES_LEN; k++) {
		ck_assert_ptr_nonnull(kernel_state_name(k));
	}
}
END_TEST

SUITE_MAIN("compare", explanations_match_the_table, errors_about_unknown_flows,
           an_unverified_wrong_checksum_is_explained, equal_states_match, marks_map_to_states,
           ctinfo_maps_to_states, ctinfo_is_preferred_to_the_mark, each_difference_is_counted_once,
           older_connections_are_explained, older_connections_are_settled,
           a_full_set_explains_nothing_more, outcomes_have_names)

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GSO segments of up to 64 KiB, as the kernel queues them unsplit: they must leave the same windows
 * as the same bytes in MTU-sized segments. Random sizes, scales and initial numbers; the program
 * prints the seed.
 */
#include "rng.h"
#include "seg.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

/* The largest payload of one IP packet. */
#define SUPER_SIZE_MAX (65535u - 40u)

#define ROUNDS 200

static struct rng rng;

/* A connection with both ends, tracked twice. */
struct pair {
	struct seg_conn whole;
	struct seg_conn split;
	uint32_t next[2];
	unsigned win;
};

static void send_both(struct pair *p, enum end from, const struct pkt *pkt)
{
	seg_send(&p->whole, from, pkt);
	seg_send(&p->split, from, pkt);
}

static void open_pair(struct pair *p, uint8_t scale)
{
	const uint8_t opts[] = { 3, 3, scale, 4, 2, 1 };
	struct pkt syn;
	struct pkt answer;
	struct pkt ack;

	seg_conn_init(&p->whole);
	seg_conn_init(&p->split);
	p->next[END_A] = rng_below(&rng, 2) == 0 ? UINT32_MAX - rng_below(&rng, 200000)
	                                         : rng_below(&rng, UINT32_MAX);
	p->next[END_B] = rng_below(&rng, UINT32_MAX);
	p->win = 65535;
	syn = seg_make(TCP_SYN, p->next[END_A], 0, 0, p->win, opts, sizeof(opts));
	send_both(p, END_A, &syn);
	answer = seg_make(TCP_SYN | TCP_ACK, p->next[END_B], p->next[END_A] + 1, 0, p->win, opts,
	                  sizeof(opts));
	send_both(p, END_B, &answer);
	p->next[END_A]++;
	p->next[END_B]++;
	ack = seg_make(TCP_ACK, p->next[END_A], p->next[END_B], 0, p->win, NULL, 0);
	send_both(p, END_A, &ack);
}

/*
 * Sends size bytes as one segment in the first copy and as small segments in the second; the last
 * one has the flags.
 */
static void send_data(struct pair *p, enum end from, uint32_t size, unsigned flags)
{
	uint32_t ack = p->next[from == END_A ? END_B : END_A];
	uint32_t mss = 500 + rng_below(&rng, 9000);
	struct pkt pkt = seg_make(TCP_ACK | flags, p->next[from], ack, size, p->win, NULL, 0);

	seg_send(&p->whole, from, &pkt);
	ck_assert_int_eq(p->whole.verdict, TRACK_ACCEPT);
	for (uint32_t at = 0; at < size; at += mss) {
		uint32_t piece = size - at < mss ? size - at : mss;
		bool is_last = at + piece == size;

		pkt = seg_make(TCP_ACK | (is_last ? flags : 0), p->next[from] + at, ack, piece,
		               p->win, NULL, 0);
		seg_send(&p->split, from, &pkt);
		ck_assert_int_eq(p->split.verdict, TRACK_ACCEPT);
	}
	p->next[from] += size + ((flags & TCP_FIN) != 0);
}

static void expect_equal_windows(const struct pair *p)
{
	ck_assert_mem_eq(p->whole.t.seen, p->split.t.seen, sizeof(p->whole.t.seen));
	ck_assert_mem_eq(p->whole.t.flags, p->split.t.flags, sizeof(p->whole.t.flags));
	ck_assert_uint_eq(p->whole.t.state, p->split.t.state);
	ck_assert_int_eq(seg_left(&p->whole), seg_left(&p->split));
}

START_TEST(a_gso_segment_leaves_the_windows_of_its_parts)
{
	uint8_t scale = (uint8_t)_i;
	uint32_t window = 65535u << scale;
	struct pair p;

	open_pair(&p, scale);
	for (unsigned round = 0; round < ROUNDS; round++) {
		enum end from = rng_below(&rng, 4) == 0 ? END_B : END_A;
		uint32_t size =
			1 + rng_below(&rng, window < SUPER_SIZE_MAX ? window : SUPER_SIZE_MAX);
		struct pkt ack;

		send_data(&p, from, size, 0);
		expect_equal_windows(&p);
		ack = seg_make(TCP_ACK, p.next[from == END_A ? END_B : END_A], p.next[from], 0,
		               p.win, NULL, 0);
		send_both(&p, from == END_A ? END_B : END_A, &ack);
		/* After the same ACK the two copies must be equal. */
		ck_assert_mem_eq(&p.whole.t, &p.split.t, sizeof(p.whole.t));
		expect_equal_windows(&p);
	}
	send_data(&p, END_A, SUPER_SIZE_MAX, TCP_FIN);
	expect_equal_windows(&p);
	ck_assert_uint_eq(p.whole.t.state, TCP_FIN_WAIT);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_loop_test(tc, a_gso_segment_leaves_the_windows_of_its_parts, 0, 15);
}

int main(int argc, char **argv)
{
	suite_part_fn *const part = add_tests;

	rng_init(&rng, rng_seed(argc, argv));
	return suite_run("gso", &part, 1);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies in captures of all interfaces: the same packet elsewhere is one, the same packet again at
 * the same place is a retransmission.
 */
#include "suite.h"

#include "capfile.h"

#include "replay/copies.h"

#define WEST 2
#define EAST 3

static uint8_t bytes[BUILD_MAX];

/* A segment of this sequence number, captured at a place. */
static struct link_packet packet(uint8_t family, uint32_t seq, uint32_t place)
{
	struct build b = build_default(family, IPPROTO_NR_TCP);
	size_t size;

	b.flags = TCP_ACK;
	b.seq = seq;
	b.payload_size = 500;
	size = build_packet(&b, bytes);
	return (struct link_packet){
		.data = bytes,
		.cap_size = (uint32_t)size,
		.true_size = (uint32_t)size,
		.place = place,
	};
}

/* What a router changes. */
static void forward(uint8_t family)
{
	bytes[family == 4 ? 8 : 7]--;
	if (family == 4) {
		bytes[10]++;
	}
}

START_TEST(a_forwarded_packet_is_a_copy_and_a_retransmission_is_none)
{
	uint8_t family = _i == 0 ? 4 : 6;
	struct copies *c = copies_new();
	struct link_packet p;

	for (int64_t ms = 0; ms < 3; ms++) {
		p = packet(family, 1000, WEST);
		ck_assert(!copies_add(c, &p, ms * NSEC_PER_MSEC));
		forward(family);
		p.place = EAST;
		ck_assert(copies_add(c, &p, ms * NSEC_PER_MSEC + 10));
	}
	/* another packet, another length, much later */
	p = packet(family, 1001, EAST);
	ck_assert(!copies_add(c, &p, 3 * NSEC_PER_MSEC));
	p = packet(family, 1000, WEST);
	ck_assert(!copies_add(c, &p, 4 * NSEC_PER_MSEC));
	p.place = EAST;
	p.true_size++;
	ck_assert(!copies_add(c, &p, 4 * NSEC_PER_MSEC));
	p.true_size--;
	ck_assert(!copies_add(c, &p, 4 * NSEC_PER_MSEC + COPIES_WINDOW_NS));
	copies_free(c);
}
END_TEST

START_TEST(a_packet_without_a_place_is_no_copy)
{
	struct copies *c = copies_new();
	struct link_packet p = packet(4, 1, WEST);

	ck_assert(!copies_add(c, &p, 0));
	p.place = 0;
	ck_assert(!copies_add(c, &p, 0));
	copies_free(c);
}
END_TEST

START_TEST(a_bridge_gives_several_copies)
{
	struct copies *c = copies_new();
	struct link_packet p = packet(4, 1, 1);

	ck_assert(!copies_add(c, &p, 0));
	for (p.place = 2; p.place <= 6; p.place++) {
		ck_assert(copies_add(c, &p, p.place));
	}
	p.place = 1;
	ck_assert(!copies_add(c, &p, 7));
	copies_free(c);
}
END_TEST

/* Reads no byte behind a short capture. */
START_TEST(short_captures_are_compared_as_far_as_they_go)
{
	struct copies *c = copies_new();
	struct link_packet p = packet(4, 1, WEST);
	uint8_t *exact;

	for (uint32_t size = 6; size < 60; size++) {
		exact = malloc(size);
		memcpy(exact, bytes, size);
		p.data = exact;
		p.cap_size = size;
		p.true_size = 1000 + size;
		p.place = WEST;
		ck_assert(!copies_add(c, &p, size));
		p.place = EAST;
		ck_assert(copies_add(c, &p, size));
		free(exact);
	}
	copies_free(c);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_loop_test(tc, a_forwarded_packet_is_a_copy_and_a_retransmission_is_none, 0, 2);
	tcase_add_test(tc, a_packet_without_a_place_is_no_copy);
	tcase_add_test(tc, a_bridge_gives_several_copies);
	tcase_add_test(tc, short_captures_are_compared_as_far_as_they_go);
}

SUITE_MAIN_PARTS("copies", add_tests)

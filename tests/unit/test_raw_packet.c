/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the segments that finwall sends, read back by its decoder with every checksum verified.
 */
#include "core/late_close.h"
#include "suite.h"
#include "wire/raw_packet.h"

#include <stdlib.h>
#include <string.h>

static struct raw_request request(uint8_t family, enum raw_kind kind)
{
	struct raw_request req = {
		.tuple = { .sport = 443, .dport = 50000, .proto = 6, .family = family },
		.seq = 0xfffffffe,
		.ack = 77,
		.win = 512,
		.kind = (uint16_t)kind,
	};

	req.tuple.src.bytes[0] = 192;
	req.tuple.src.bytes[3] = 1;
	req.tuple.dst.bytes[0] = 198;
	req.tuple.dst.bytes[3] = 2;
	if (family == 6) {
		req.tuple.src.bytes[15] = 9;
		req.tuple.dst.bytes[15] = 8;
	}
	return req;
}

static void read_back(const struct raw_request *req, struct pkt *p, uint8_t *bytes)
{
	static struct frame frame;

	frame = (struct frame){ .data = bytes, .hook = HOOK_INPUT, .csum = CSUM_UNVERIFIED };
	frame.cap_size = (uint32_t)raw_packet_write(req, bytes);
	frame.true_size = frame.cap_size;
	ck_assert_int_eq(pkt_decode(&frame, p), REASON_NONE);
	ck_assert_int_eq(pkt_verify(p, CSUM_POLICY_FULL), REASON_NONE);
	ck_assert_mem_eq(&p->tuple, &req->tuple, sizeof(p->tuple));
}

START_TEST(a_reset_carries_the_sequence_number_and_no_ack)
{
	struct raw_request req = request(_i == 0 ? 4 : 6, RAW_RESET);
	uint8_t bytes[RAW_PACKET_SIZE];
	struct pkt p;

	read_back(&req, &p, bytes);
	ck_assert_uint_eq(p.tcp.flags, TCP_RST);
	ck_assert_uint_eq(p.tcp.seq, req.seq);
	ck_assert_uint_eq(p.tcp.ack, 0);
}
END_TEST

START_TEST(a_keepalive_is_an_empty_ack_with_a_window)
{
	struct raw_request req = request(_i == 0 ? 4 : 6, RAW_KEEPALIVE);
	uint8_t bytes[RAW_PACKET_SIZE];
	struct pkt p;

	read_back(&req, &p, bytes);
	ck_assert_uint_eq(p.tcp.flags, TCP_ACK);
	ck_assert_uint_eq(p.tcp.seq, req.seq);
	ck_assert_uint_eq(p.tcp.ack, req.ack);
	ck_assert_uint_eq(p.tcp.win, req.win);
	ck_assert_uint_eq(p.tcp.payload_size, 0);
}
END_TEST

START_TEST(the_ipv4_header_checksum_is_correct)
{
	struct raw_request req = request(4, RAW_RESET);
	uint8_t bytes[RAW_PACKET_SIZE];
	uint32_t sum = 0;
	struct pkt p;

	read_back(&req, &p, bytes);
	for (unsigned i = 0; i < 20; i += 2) {
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	}
	ck_assert_uint_eq((sum & 0xffff) + (sum >> 16), 0xffff);
}
END_TEST

START_TEST(invalid_requests_are_refused)
{
	uint8_t bytes[RAW_PACKET_SIZE] = { 0xaa };
	struct raw_request req = request(4, RAW_RESET);

	req.tuple.family = 5;
	ck_assert_uint_eq(raw_packet_write(&req, bytes), 0);
	req = request(4, RAW_RESET);
	req.kind = RAW_KINDS_LEN;
	ck_assert_uint_eq(raw_packet_write(&req, bytes), 0);
	ck_assert_uint_eq(bytes[0], 0xaa);
}
END_TEST

/*
 * Each end must get the number that it expects next, whichever end opened the connection and
 * whichever end is the key's high side.
 */
START_TEST(requests_are_exact_for_either_end)
{
	struct tcp_conn t = {
		.seen = { { .end = 1000, .maxwin_bytes = 64 << 7, .maxack = 2000 },
		          { .end = 2000, .maxwin_bytes = 32, .maxack = 1000 } },
		.scale = { 7, 0 },
		.flags = { TCP_SIDE_MAXACK, TCP_SIDE_MAXACK },
	};
	struct tuple orig = request(4, RAW_RESET).tuple;
	enum key_side side;
	struct flowkey key;
	struct raw_request req;

	if (_i == 1) {
		orig.src.bytes[0] = 250;
	}
	ck_assert(flowkey_from_tuple(&orig, &key, &side));
	req = late_request(&t, &key, side, DIR_ORIG, RAW_RESET, 0);
	ck_assert_mem_eq(&req.tuple, &orig, sizeof(orig));
	ck_assert_uint_eq(req.seq, 1000);
	req = late_request(&t, &key, side, DIR_REPLY, RAW_KEEPALIVE, 0);
	ck_assert_uint_eq(req.tuple.sport, orig.dport);
	ck_assert_mem_eq(&req.tuple.src, &orig.dst, sizeof(orig.dst));
	ck_assert_uint_eq(req.seq, 1999);
	ck_assert_uint_eq(req.ack, 1000);
	ck_assert_uint_eq(req.win, 32);
	req = late_request(&t, &key, side, DIR_ORIG, RAW_KEEPALIVE, 0);
	ck_assert_uint_eq(req.win, 64);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_loop_test(tc, a_reset_carries_the_sequence_number_and_no_ack, 0, 2);
	tcase_add_loop_test(tc, a_keepalive_is_an_empty_ack_with_a_window, 0, 2);
	tcase_add_test(tc, the_ipv4_header_checksum_is_correct);
	tcase_add_test(tc, invalid_requests_are_refused);
	tcase_add_loop_test(tc, requests_are_exact_for_either_end, 0, 2);
}

SUITE_MAIN_PARTS("raw_packet", add_tests)

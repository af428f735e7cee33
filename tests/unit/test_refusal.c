/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the answers to rejected packets: numbers of resets, the quote of errors, packets that
 * are not answered, rate limits.
 */
#include "build.h"
#include "refusals.h"
#include "suite.h"
#include "wire/raw_packet.h"
#include "wire/refusal.h"

#include <finwall/bytes.h>
#include <finwall/pkt.h>

static uint8_t bytes[BUILD_MAX];
static struct raw_request req;
static uint32_t quote_size;

static struct build segment(uint8_t family, unsigned flags, uint32_t seq, uint32_t ack, size_t size)
{
	static const uint8_t payload[1500];
	struct build b = { .family = family, .proto = IPPROTO_NR_TCP, .ttl = 64 };

	b.src = build_addr(family == 4 ? "192.0.2.1" : "2001:db8::1");
	b.dst = build_addr(family == 4 ? "198.51.100.7" : "2001:db8:1::7");
	b.sport = 1000;
	b.dport = 22;
	b.flags = (uint8_t)flags;
	b.seq = seq;
	b.ack = ack;
	b.payload = payload;
	b.payload_size = size;
	return b;
}

static struct frame frame_of(const struct build *b, enum hook hook)
{
	struct frame f = build_frame(bytes, build_packet(b, bytes));

	f.hook = (uint8_t)hook;
	f.iif = hook == HOOK_OUTPUT ? 0 : 3;
	f.oif = hook == HOOK_INPUT ? 0 : 4;
	f.csum = CSUM_UNVERIFIED;
	return f;
}

static bool make(const struct build *b, enum reject_with with)
{
	struct frame f = frame_of(b, HOOK_FORWARD);

	return refusal_make(&f, with, &req, &quote_size);
}

/* RFC 9293, section 3.10.7.1. */
START_TEST(resets_have_the_numbers_of_rfc_9293)
{
	const uint8_t family = _i == 0 ? 4 : 6;
	struct build b = segment(family, TCP_SYN, 1000, 0, 0);

	ck_assert(make(&b, REJECT_TCP_RESET));
	ck_assert_uint_eq(req.kind, RAW_RESET_ACK);
	ck_assert_uint_eq(req.seq, 0);
	ck_assert_uint_eq(req.ack, 1001);
	ck_assert_uint_eq(req.tuple.sport, 22);
	ck_assert_uint_eq(req.tuple.dport, 1000);
	ck_assert_mem_eq(&req.tuple.src, &b.dst, sizeof(b.dst));
	ck_assert_mem_eq(&req.tuple.dst, &b.src, sizeof(b.src));
	ck_assert_uint_eq(quote_size, 0);
	/* with an ACK: its number, and no ACK */
	b = segment(family, TCP_ACK | TCP_PSH, 5000, 7777, 100);
	ck_assert(make(&b, REJECT_TCP_RESET));
	ck_assert_uint_eq(req.kind, RAW_RESET);
	ck_assert_uint_eq(req.seq, 7777);
	/* data and FIN without an ACK count too, and the number wraps */
	b = segment(family, TCP_FIN, UINT32_MAX - 9, 0, 20);
	ck_assert(make(&b, REJECT_TCP_RESET));
	ck_assert_uint_eq(req.kind, RAW_RESET_ACK);
	ck_assert_uint_eq(req.ack, 11);
}
END_TEST

START_TEST(some_packets_are_not_answered)
{
	struct build b = segment(4, TCP_RST, 1, 0, 0);
	struct frame f;

	ck_assert(!make(&b, REJECT_TCP_RESET));
	ck_assert(make(&b, REJECT_PORT_UNREACHABLE));
	/* groups of hosts, and no host */
	b = segment(4, TCP_SYN, 1, 0, 0);
	b.dst = build_addr("224.0.0.1");
	ck_assert(!make(&b, REJECT_PORT_UNREACHABLE));
	b.dst = build_addr("255.255.255.255");
	ck_assert(!make(&b, REJECT_TCP_RESET));
	b.dst = build_addr("198.51.100.7");
	b.src = build_addr("0.0.0.0");
	ck_assert(!make(&b, REJECT_TCP_RESET));
	b.src = build_addr("224.0.0.1");
	ck_assert(!make(&b, REJECT_TCP_RESET));
	b = segment(6, TCP_SYN, 1, 0, 0);
	b.dst = build_addr("ff02::1");
	ck_assert(!make(&b, REJECT_PORT_UNREACHABLE));
	b.dst = build_addr("2001:db8:1::7");
	b.src = build_addr("::");
	ck_assert(!make(&b, REJECT_PORT_UNREACHABLE));
	/* fragments, also the first one */
	b = segment(4, TCP_SYN, 1, 0, 0);
	f = frame_of(&b, HOOK_INPUT);
	store_be16(bytes + 6, 0x2000);
	ck_assert(!refusal_make(&f, REJECT_TCP_RESET, &req, &quote_size));
	store_be16(bytes + 6, 0x0010);
	ck_assert(!refusal_make(&f, REJECT_PORT_UNREACHABLE, &req, &quote_size));
	store_be16(bytes + 6, 0x4000);
	ck_assert(refusal_make(&f, REJECT_TCP_RESET, &req, &quote_size));
	/* a wrong checksum, unless the device has verified it */
	bytes[24] ^= 1;
	ck_assert(!refusal_make(&f, REJECT_TCP_RESET, &req, &quote_size));
	f.csum = CSUM_TRUSTED;
	ck_assert(refusal_make(&f, REJECT_TCP_RESET, &req, &quote_size));
	/* truncated */
	f.true_size = f.cap_size = 30;
	ck_assert(!refusal_make(&f, REJECT_TCP_RESET, &req, &quote_size));
}
END_TEST

/* An ICMP error is not answered, an echo request is. */
START_TEST(errors_are_not_answered)
{
	const uint8_t family = _i == 0 ? 4 : 6;
	struct build b = segment(family, 0, 0, 0, 0);
	static uint8_t quoted[BUILD_MAX];
	struct build e = b;

	b = segment(family, TCP_SYN, 1, 0, 0);
	e.proto = family == 4 ? IPPROTO_NR_ICMP : IPPROTO_NR_ICMPV6;
	e.type = family == 4 ? 3 : 1;
	e.payload = quoted;
	e.payload_size = build_packet(&b, quoted);
	ck_assert(!make(&e, REJECT_PORT_UNREACHABLE));
	e.type = family == 4 ? 8 : 128;
	ck_assert(make(&e, REJECT_PORT_UNREACHABLE));
	ck_assert(!make(&e, REJECT_TCP_RESET));
}
END_TEST

START_TEST(errors_quote_the_packet)
{
	const uint8_t family = _i == 0 ? 4 : 6;
	struct build b = segment(family, TCP_ACK, 1, 2, 1400);
	uint8_t error[RAW_ERROR_SIZE];
	struct pkt p = { .l4_proto = IPPROTO_NR_ICMP };
	struct frame f;
	size_t size;

	/* forwarded: this host's address; the error has 576 or 1280 bytes at most */
	ck_assert(make(&b, REJECT_ADMIN_PROHIBITED));
	ck_assert_uint_eq(req.kind, RAW_ERROR);
	ck_assert_uint_eq(req.tuple.src.half[0] | req.tuple.src.half[1], 0);
	ck_assert_mem_eq(&req.tuple.dst, &b.src, sizeof(b.src));
	ck_assert_uint_eq(quote_size, family == 4 ? 548 : 1232);
	size = raw_error_write(&req, bytes, quote_size, error);
	ck_assert_uint_eq(size, quote_size + 8);
	ck_assert_uint_eq(error[0], family == 4 ? 3 : 1);
	ck_assert_uint_eq(error[1], family == 4 ? 13 : 1);
	ck_assert_mem_eq(error + 8, bytes, quote_size);
	if (family == 4) {
		p.l4 = error;
		p.l4_size = p.l4_cap_size = (uint32_t)size;
		ck_assert_uint_eq(pkt_l4_checksum(&p), 0);
	}
	/* to this host: the address that the packet was sent to; no more than was copied */
	f = frame_of(&b, HOOK_INPUT);
	f.cap_size = 128;
	ck_assert(refusal_make(&f, REJECT_PORT_UNREACHABLE, &req, &quote_size));
	ck_assert_mem_eq(&req.tuple.src, &b.dst, sizeof(b.dst));
	ck_assert_uint_eq(quote_size, 128);
	(void)raw_error_write(&req, bytes, quote_size, error);
	ck_assert_uint_eq(error[1], family == 4 ? 3 : 4);
	ck_assert_uint_eq(req.ifindex, 0);
}
END_TEST

START_TEST(a_link_local_receiver_has_its_link)
{
	struct build b = segment(6, TCP_SYN, 1, 0, 0);

	b.src = build_addr("fe80::1");
	ck_assert(make(&b, REJECT_TCP_RESET));
	ck_assert_uint_eq(req.ifindex, 3);
}
END_TEST

START_TEST(invalid_errors_are_not_written)
{
	struct build b = segment(4, TCP_SYN, 1, 0, 0);
	uint8_t error[RAW_ERROR_SIZE];

	ck_assert(make(&b, REJECT_HOST_PROHIBITED));
	ck_assert_uint_eq(raw_error_write(&req, bytes, 40, error), 48);
	ck_assert_uint_eq(error[1], 10);
	ck_assert_uint_eq(raw_error_write(&req, bytes, RAW_QUOTE_MAX_IP6 + 1, error), 0);
	req.tuple.family = 6;
	ck_assert_uint_eq(raw_error_write(&req, bytes, 40, error), 0);
	req.with = REJECTS_LEN;
	ck_assert_uint_eq(raw_error_write(&req, bytes, 40, error), 0);
	ck_assert_uint_eq(raw_packet_write(&req, error), 0);
}
END_TEST

/* Errors: six at once to a receiver, then one a second; 50 at once in all. Resets: all. */
START_TEST(errors_are_limited)
{
	static struct refusal_limits limits;
	static struct refusals r;
	struct mono now = { .ns = 1000 * NSEC_PER_SEC };
	struct build b = segment(4, TCP_SYN, 1, 0, 0);
	struct frame f = frame_of(&b, HOOK_INPUT);

	for (int i = 0; i < 20; i++) {
		refusals_add(&r, &limits, &f, REJECT_PORT_UNREACHABLE, now);
	}
	ck_assert_uint_eq(r.len, 6);
	ck_assert_uint_eq(r.limited, 14);
	now.ns += NSEC_PER_SEC;
	refusals_add(&r, &limits, &f, REJECT_PORT_UNREACHABLE, now);
	refusals_add(&r, &limits, &f, REJECT_PORT_UNREACHABLE, now);
	ck_assert_uint_eq(r.len, 7);
	for (int i = 0; i < 20; i++) {
		refusals_add(&r, &limits, &f, REJECT_TCP_RESET, now);
	}
	ck_assert_uint_eq(r.len, 27);
	/* no process: all are lost, and the next batch begins */
	ck_assert_uint_eq(refusals_send(&r, &RAWSEND_NONE), 27);
	ck_assert_uint_eq(r.len, 0);
	now.ns += 10 * NSEC_PER_SEC;
	for (int i = 0; i < 60; i++) {
		b.src.bytes[3] = (uint8_t)i;
		f = frame_of(&b, HOOK_INPUT);
		refusals_add(&r, &limits, &f, REJECT_PORT_UNREACHABLE, now);
	}
	ck_assert_uint_ge(r.len, 45);
	ck_assert_uint_le(r.len, 50);
}
END_TEST

/* Buckets have a key: no relation between addresses makes them share one. */
START_TEST(receivers_have_their_own_limit)
{
	static struct refusal_limits limits = { .key = { .k0 = 1, .k1 = 2 } };
	static struct refusals r;
	struct mono now = { .ns = 1000 * NSEC_PER_SEC };
	struct build b = segment(6, TCP_SYN, 1, 0, 0);

	for (unsigned i = 0; i < 8; i++) {
		struct frame f;

		/* The halves change alike. */
		b.src.bytes[7] = (uint8_t)i;
		b.src.bytes[15] = (uint8_t)(1 ^ i);
		f = frame_of(&b, HOOK_INPUT);
		for (int n = 0; n < 7; n++) {
			refusals_add(&r, &limits, &f, REJECT_PORT_UNREACHABLE, now);
		}
	}
	ck_assert_uint_eq(r.len, 48);
	ck_assert_uint_eq(r.limited, 8);
}
END_TEST

static void refusal_tests(TCase *tc)
{
	tcase_add_loop_test(tc, resets_have_the_numbers_of_rfc_9293, 0, 2);
	tcase_add_test(tc, some_packets_are_not_answered);
	tcase_add_loop_test(tc, errors_are_not_answered, 0, 2);
	tcase_add_loop_test(tc, errors_quote_the_packet, 0, 2);
	tcase_add_test(tc, a_link_local_receiver_has_its_link);
	tcase_add_test(tc, invalid_errors_are_not_written);
	tcase_add_test(tc, errors_are_limited);
	tcase_add_test(tc, receivers_have_their_own_limit);
}

SUITE_MAIN_PARTS("refusal", refusal_tests)

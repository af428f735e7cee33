/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoding of built packets, for the tests of pkt.h.
 */
#ifndef FINWALL_TESTS_TEST_PKT_H
#define FINWALL_TESTS_TEST_PKT_H

#include <finwall/pkt.h>

#include "build.h"
#include "suite.h"

suite_part_fn pkt_decode_tests;
suite_part_fn pkt_icmp_tests;
suite_part_fn pkt_ip6_tests;
suite_part_fn pkt_checksum_tests;

/* The result of the last decode_...(). */
static struct frame frame;
static struct pkt pkt;

/* Decodes the first cap bytes of a packet whose true size is `size`. */
static inline enum reason decode_cut(const uint8_t *data, size_t cap, size_t size)
{
	static uint8_t *exact;

	free(exact);
	exact = malloc(cap > 0 ? cap : 1);
	memcpy(exact, data, cap);
	frame = build_frame(exact, cap);
	frame.true_size = (uint32_t)size;
	memset(&pkt, 0xee, sizeof(pkt));
	return pkt_decode(&frame, &pkt);
}

static inline enum reason decode(const uint8_t *data, size_t size)
{
	return decode_cut(data, size, size);
}

static inline enum reason decode_build(const struct build *b)
{
	uint8_t data[BUILD_MAX];

	return decode(data, build_packet(b, data));
}

#define ck_reason(got, want)                                                                       \
	do {                                                                                       \
		enum reason got_ = (got);                                                          \
                                                                                                   \
		ck_assert_msg(got_ == (want), "reason is %s, must be %s", name_of(got_),           \
		              name_of(want));                                                      \
	} while (0)

static inline const char *name_of(enum reason r)
{
	return r == REASON_NONE ? "none" : reason_name(r);
}

/* Refused by the decoder or by the key of its tuple: both give INVALID. */
static inline bool is_refused(enum reason got, enum reason want, const struct tuple *t)
{
	struct flowkey key;
	enum key_side side;

	return got == want || (got == REASON_NONE && !flowkey_from_tuple(t, &key, &side));
}

static const uint8_t families[] = { 4, 6 };

static inline size_t ip_size(uint8_t family)
{
	return family == 4 ? 20 : 40;
}

/* A quoted TCP packet: the IP header and the first 8 bytes of TCP. */
static inline size_t quote(uint8_t family, uint8_t proto, uint8_t *out)
{
	struct build b = build_default(family, proto);
	uint8_t data[BUILD_MAX];
	size_t size = ip_size(family) + 8;

	b.type = family == 4 ? 8 : 128;
	build_packet(&b, data);
	memcpy(out, data, size);
	return size;
}

/* An ICMP error from a router to the sender of the quoted packet. */
static inline struct build icmp_error(uint8_t family, uint8_t type, const uint8_t *quoted,
                                      size_t size)
{
	struct build b = build_default(family, family == 4 ? IPPROTO_NR_ICMP : IPPROTO_NR_ICMPV6);

	build_reverse(&b);
	b.type = type;
	b.id = 0;
	b.payload = quoted;
	b.payload_size = size;
	return b;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv6 extension headers and fragments (doc/tcp-tracking.md, section 2).
 */
#include "test_pkt.h"

/* Extension headers: next header, then the length in units of 8 bytes without the first 8. */
START_TEST(ipv6_extension_chains_are_decoded)
{
	static const uint8_t chain[] = {
		43, 0, 1, 4, 0, 0, 0, 0,                         /* hop-by-hop, next: routing */
		60, 1, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, /* routing, next: destination */
		44, 0, 1, 4, 0, 0, 0, 0,                         /* destination, next: fragment */
		51, 0, 0, 0, 1, 2, 3, 4,                         /* atomic fragment, next: AH */
		6,  4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, /* AH */
	};
	struct build b = build_default(6, IPPROTO_NR_TCP);
	uint8_t data[BUILD_MAX];
	size_t size;

	b.flags = TCP_SYN;
	b.ext_first = 0;
	b.ext = chain;
	b.ext_size = sizeof(chain);
	b.payload_size = 3;
	size = build_packet(&b, data);
	ck_reason(decode(data, size), REASON_NONE);
	ck_assert_uint_eq(pkt.kind, PKT_KIND_TCP);
	ck_assert_uint_eq(pkt.tuple.dport, 80);
	ck_assert_uint_eq(pkt.tcp.payload_size, 3);
	for (size_t n = 40; n < 40 + sizeof(chain); n++) {
		enum reason r = decode(data, n);

		ck_assert_msg(r == REASON_IP6_EXTENSION || r == REASON_L4_SHORT, "cut at %zu: %s",
		              n, name_of(r));
		ck_assert_uint_eq(pkt.depth, PKT_IP);
		ck_reason(decode_cut(data, n, size), REASON_COPY_SHORT);
	}
	/* The header ends behind the packet. */
	data[41] = 255;
	ck_assert_uint_eq(reason_state(decode(data, size)), CT_INVALID);
}
END_TEST

START_TEST(ipv6_fragments_with_an_offset_are_refused)
{
	uint8_t fragment[8] = { 6, 0, 0, 0, 0, 0, 0, 9 };
	struct build b = build_default(6, IPPROTO_NR_TCP);

	b.flags = TCP_SYN;
	b.ext_first = 44;
	b.ext = fragment;
	b.ext_size = sizeof(fragment);
	ck_reason(decode_build(&b), REASON_NONE);
	fragment[3] = 1; /* more fragments */
	ck_reason(decode_build(&b), REASON_NONE);
	fragment[3] = 8; /* offset 8 */
	ck_reason(decode_build(&b), REASON_IP_FRAGMENT);
	fragment[2] = 0x10;
	fragment[3] = 1;
	ck_reason(decode_build(&b), REASON_IP_FRAGMENT);
}
END_TEST

START_TEST(ipv6_no_next_header)
{
	uint8_t hop[8] = { 59, 0, 1, 4, 0, 0, 0, 0 };
	struct build b = build_default(6, 59);

	ck_reason(decode_build(&b), REASON_IP6_NO_NEXT);
	ck_assert_uint_eq(pkt.depth, PKT_IP);
	b.ext_first = 0;
	b.ext = hop;
	b.ext_size = sizeof(hop);
	b.payload_size = 20;
	ck_reason(decode_build(&b), REASON_IP6_NO_NEXT);
}
END_TEST

/* A chain of the maximum number of headers in a packet: decoding terminates quickly. */
START_TEST(a_long_chain_of_extensions_terminates)
{
	uint8_t chain[1600];
	struct build b = build_default(6, IPPROTO_NR_UDP);
	enum reason r;

	for (size_t i = 0; i < sizeof(chain); i += 8) {
		memset(chain + i, 0, 8);
		chain[i] = i + 8 < sizeof(chain) ? 60 : IPPROTO_NR_UDP;
	}
	b.ext_first = 60;
	b.ext = chain;
	b.ext_size = sizeof(chain);
	r = decode_build(&b);
	ck_assert_msg(r == REASON_NONE || r == REASON_IP6_EXTENSION, "%s", name_of(r));
}
END_TEST

SUITE_PART(pkt_ip6_tests, ipv6_extension_chains_are_decoded,
           ipv6_fragments_with_an_offset_are_refused, ipv6_no_next_header,
           a_long_chain_of_extensions_terminates)

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of decoding: IPv4, TCP, UDP and other protocols (doc/tcp-tracking.md, sections 2, 3 and 9).
 * Each frame is a heap buffer of exact size, so that AddressSanitizer detects a read past it.
 */
#include "test_pkt.h"

START_TEST(a_tcp_segment_is_decoded)
{
	static const uint8_t opts[] = { 2, 4, 5, 180, 4, 2, 1, 3, 3, 7 };

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		struct build b = build_default(families[i], IPPROTO_NR_TCP);

		b.tos = 0x28;
		b.ttl = 61;
		b.seq = 0xfffffff0;
		b.ack = 0x01020304;
		b.win = 0xabcd;
		b.flags = TCP_ACK | TCP_PSH;
		b.opts = opts;
		b.opts_size = sizeof(opts);
		b.payload_size = 33;
		ck_reason(decode_build(&b), REASON_NONE);
		ck_assert_uint_eq(pkt.depth, PKT_FULL);
		ck_assert_uint_eq(pkt.kind, PKT_KIND_TCP);
		ck_assert_uint_eq(pkt.l4_proto, IPPROTO_NR_TCP);
		ck_assert_uint_eq(pkt.tuple.proto, IPPROTO_NR_TCP);
		ck_assert_uint_eq(pkt.tuple.family, families[i]);
		ck_assert_mem_eq(&pkt.tuple.src, &b.src, sizeof(b.src));
		ck_assert_mem_eq(&pkt.tuple.dst, &b.dst, sizeof(b.dst));
		ck_assert_uint_eq(pkt.tuple.sport, 40000);
		ck_assert_uint_eq(pkt.tuple.dport, 80);
		ck_assert_uint_eq(pkt.ttl, 61);
		ck_assert_uint_eq(pkt.tos, 0x28);
		ck_assert_uint_eq(pkt.tcp.seq, 0xfffffff0);
		ck_assert_uint_eq(pkt.tcp.ack, 0x01020304);
		ck_assert_uint_eq(pkt.tcp.win, 0xabcd);
		ck_assert_uint_eq(pkt.tcp.flags, TCP_ACK | TCP_PSH);
		ck_assert_uint_eq(pkt.tcp.class_nr, SEG_ACK);
		ck_assert_uint_eq(pkt.tcp.payload_size, 33);
		ck_assert_uint_eq(pkt.tcp.opts_size, 12);
		ck_assert_mem_eq(pkt.tcp.opts, opts, sizeof(opts));
		ck_assert_uint_eq(pkt.l4_size, 20 + 12 + 33);
		ck_assert_uint_eq(pkt.l4_cap_size, 20 + 12 + 33);
		ck_assert_ptr_eq(pkt.l4, frame.data + ip_size(families[i]));
	}
}
END_TEST

/* Section 1: the payload size is the packet's, not the copy's. */
START_TEST(payload_includes_bytes_that_were_not_copied)
{
	struct build b = build_default(4, IPPROTO_NR_TCP);
	uint8_t data[BUILD_MAX];
	size_t size;

	b.flags = TCP_ACK;
	b.payload_size = 1000;
	size = build_packet(&b, data);
	ck_reason(decode_cut(data, 40, size), REASON_NONE);
	ck_assert_uint_eq(pkt.tcp.payload_size, 1000);
	ck_assert_uint_eq(pkt.l4_cap_size, 20);
	ck_assert_uint_eq(pkt.l4_size, 1020);
	/* A GSO packet whose size exceeds the 16-bit length field. */
	ck_reason(decode_cut(data, 40, 200000), REASON_NONE);
	ck_assert_uint_eq(pkt.tcp.payload_size, 200000 - 40);
}
END_TEST

START_TEST(ip_options_are_skipped)
{
	for (unsigned words = 0; words <= 10; words++) {
		struct build b = build_default(4, IPPROTO_NR_TCP);

		b.flags = TCP_SYN;
		b.ip_opts_size = (uint8_t)(4 * words);
		b.payload_size = 5;
		ck_reason(decode_build(&b), REASON_NONE);
		ck_assert_uint_eq(pkt.tuple.dport, 80);
		ck_assert_uint_eq(pkt.tcp.payload_size, 5);
	}
}
END_TEST

/* Each valid packet truncated after each byte; true size and copied size are equal. */
START_TEST(each_packet_truncated_at_each_byte_is_refused)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		static const uint8_t protos4[] = { IPPROTO_NR_TCP, IPPROTO_NR_UDP,
			                           IPPROTO_NR_ICMP };
		static const uint8_t protos6[] = { IPPROTO_NR_TCP, IPPROTO_NR_UDP,
			                           IPPROTO_NR_ICMPV6 };
		static const uint8_t opts[] = { 2, 4, 5, 180 };

		for (size_t k = 0; k < 3; k++) {
			uint8_t proto = families[i] == 4 ? protos4[k] : protos6[k];
			struct build b = build_default(families[i], proto);
			size_t ip = ip_size(families[i]);
			uint8_t data[BUILD_MAX];
			size_t size;

			b.flags = TCP_SYN;
			b.opts = opts;
			b.opts_size = sizeof(opts);
			b.type = families[i] == 4 ? 8 : 128;
			b.payload_size = 10;
			size = build_packet(&b, data);
			for (size_t n = 0; n < size; n++) {
				enum reason r = decode(data, n);
				enum reason want = REASON_NONE;

				if (n < ip) {
					want = REASON_IP_SHORT;
				} else if (n < ip + (proto == IPPROTO_NR_TCP ? 20 : 8)) {
					want = REASON_L4_SHORT;
				} else if (proto == IPPROTO_NR_TCP && n < ip + 24) {
					want = REASON_TCP_OFFSET;
				} else if (proto == IPPROTO_NR_UDP) {
					want = REASON_UDP_LENGTH;
				}
				ck_assert_msg(r == want,
				              "IPv%u proto %u cut at %zu: %s, must be %s",
				              families[i], proto, n, name_of(r), name_of(want));
				if (n < ip) {
					ck_assert_uint_eq(pkt.depth, PKT_NOTHING);
				} else if (n < ip + 4) {
					ck_assert_uint_eq(pkt.depth, PKT_IP);
				} else {
					ck_assert_uint_ge(pkt.depth, PKT_IP);
				}
			}
		}
	}
}
END_TEST

/* The packet is complete, the copy is truncated. */
START_TEST(each_copy_truncated_at_each_byte_is_refused)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		static const uint8_t opts[] = { 2, 4, 5, 180 };
		struct build b = build_default(families[i], IPPROTO_NR_TCP);
		size_t ip = ip_size(families[i]);
		uint8_t data[BUILD_MAX];
		size_t size;

		b.flags = TCP_SYN;
		b.opts = opts;
		b.opts_size = sizeof(opts);
		b.payload_size = 10;
		size = build_packet(&b, data);
		for (size_t n = 0; n < size; n++) {
			enum reason r = decode_cut(data, n, size);
			enum reason want = n < ip + 24 ? REASON_COPY_SHORT : REASON_NONE;

			ck_assert_msg(r == want, "IPv%u cut at %zu: %s, must be %s", families[i], n,
			              name_of(r), name_of(want));
		}
		/* A UDP datagram needs only its header. */
		b = build_default(families[i], IPPROTO_NR_UDP);
		b.payload_size = 100;
		size = build_packet(&b, data);
		ck_reason(decode_cut(data, ip + 8, size), REASON_NONE);
		ck_reason(decode_cut(data, ip + 7, size), REASON_COPY_SHORT);
	}
}
END_TEST

START_TEST(wrong_ip_versions_and_header_lengths_are_refused)
{
	struct build b = build_default(4, IPPROTO_NR_TCP);
	uint8_t data[BUILD_MAX];
	size_t size;

	b.flags = TCP_SYN;
	size = build_packet(&b, data);
	for (unsigned version = 0; version < 16; version++) {
		if (version == 4 || version == 6) {
			continue;
		}
		data[0] = (uint8_t)(version << 4 | 5);
		ck_reason(decode(data, size), REASON_IP_VERSION);
		ck_assert_uint_eq(pkt.depth, PKT_NOTHING);
	}
	for (unsigned ihl = 0; ihl < 5; ihl++) {
		data[0] = (uint8_t)(0x40 | ihl);
		ck_reason(decode(data, size), REASON_IP_HEADER);
	}
	data[0] = 0x4f;
	ck_reason(decode(data, size), REASON_IP_HEADER);
}
END_TEST

/* Section 2.2: a fragment offset other than 0 is INVALID; "more fragments" alone is valid. */
START_TEST(ipv4_fragments_with_an_offset_are_refused)
{
	struct build b = build_default(4, IPPROTO_NR_TCP);

	b.flags = TCP_SYN;
	b.frag = 0x2000;
	ck_reason(decode_build(&b), REASON_NONE);
	b.frag = 0x4000;
	ck_reason(decode_build(&b), REASON_NONE);
	for (unsigned bit = 0; bit < 13; bit++) {
		b.frag = (uint16_t)(1u << bit);
		ck_reason(decode_build(&b), REASON_IP_FRAGMENT);
		ck_assert_uint_eq(pkt.depth, PKT_IP);
	}
}
END_TEST

/* Section 3.4: the legal sets; PSH, ECE and CWR are ignored. */
START_TEST(all_256_sets_of_tcp_flags_are_classified)
{
	static const uint8_t legal[] = {
		TCP_SYN,           TCP_SYN | TCP_URG, TCP_SYN | TCP_ACK,           TCP_RST,
		TCP_RST | TCP_ACK, TCP_FIN | TCP_ACK, TCP_FIN | TCP_ACK | TCP_URG, TCP_ACK,
		TCP_ACK | TCP_URG,
	};

	for (unsigned flags = 0; flags < 256; flags++) {
		struct build b = build_default(flags % 2 == 0 ? 4 : 6, IPPROTO_NR_TCP);
		bool is_legal = false;
		enum reason r;

		for (size_t i = 0; i < ARRAY_LEN(legal); i++) {
			is_legal |= legal[i] == (flags & ~(TCP_PSH | TCP_ECE | TCP_CWR));
		}
		b.flags = (uint8_t)flags;
		r = decode_build(&b);
		ck_assert_msg(r == (is_legal ? REASON_NONE : REASON_TCP_FLAGS), "flags %02x: %s",
		              flags, name_of(r));
		ck_assert_uint_ge(pkt.depth, PKT_PORTS);
	}
}
END_TEST

START_TEST(tcp_segments_have_their_class)
{
	static const struct {
		uint8_t flags;
		enum tcp_class class_nr;
	} row[] = {
		{ TCP_SYN, SEG_SYN },
		{ TCP_SYN | TCP_ECE | TCP_CWR, SEG_SYN },
		{ TCP_SYN | TCP_ACK, SEG_SYNACK },
		{ TCP_FIN | TCP_ACK, SEG_FIN },
		{ TCP_FIN | TCP_ACK | TCP_PSH | TCP_URG, SEG_FIN },
		{ TCP_ACK, SEG_ACK },
		{ TCP_ACK | TCP_PSH, SEG_ACK },
		{ TCP_RST, SEG_RST },
		{ TCP_RST | TCP_ACK, SEG_RST },
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct build b = build_default(4, IPPROTO_NR_TCP);

		b.flags = row[i].flags;
		ck_reason(decode_build(&b), REASON_NONE);
		ck_assert_msg(pkt.tcp.class_nr == row[i].class_nr, "flags %02x", row[i].flags);
	}
}
END_TEST

START_TEST(tcp_data_offsets_are_checked)
{
	struct build b = build_default(4, IPPROTO_NR_TCP);
	uint8_t data[BUILD_MAX];
	size_t size;

	b.flags = TCP_ACK;
	b.payload_size = 12;
	size = build_packet(&b, data);
	for (unsigned words = 0; words < 16; words++) {
		enum reason r;

		/* The low bits of that byte are reserved and are ignored. */
		data[32] = (uint8_t)(words << 4 | 0xf);
		r = decode(data, size);
		if (words < 5 || 4 * words > 32) {
			ck_reason(r, REASON_TCP_OFFSET);
			ck_assert_uint_ge(pkt.depth, PKT_PORTS);
			continue;
		}
		ck_reason(r, REASON_NONE);
		ck_assert_uint_eq(pkt.tcp.opts_size, 4 * words - 20);
		ck_assert_uint_eq(pkt.tcp.payload_size, 32 - 4 * words);
	}
}
END_TEST

/* Section 9: 8 <= UDP length <= bytes present; trailing bytes and port 0 are valid. */
START_TEST(udp_lengths_are_checked)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		struct build b = build_default(families[i], IPPROTO_NR_UDP);
		size_t at = ip_size(families[i]) + 4;
		uint8_t data[BUILD_MAX];
		size_t size;

		b.payload_size = 4;
		b.sport = 0;
		size = build_packet(&b, data);
		for (unsigned len = 0; len < 20; len++) {
			data[at] = 0;
			data[at + 1] = (uint8_t)len;
			ck_reason(decode(data, size),
			          len < 8 || len > 12 ? REASON_UDP_LENGTH : REASON_NONE);
		}
		ck_assert_uint_ge(pkt.depth, PKT_PORTS);
		data[at] = 0xff;
		data[at + 1] = 0xff;
		ck_reason(decode(data, size), REASON_UDP_LENGTH);
	}
}
END_TEST

START_TEST(other_protocols_have_no_ports)
{
	static const uint8_t proto[] = { 2, 47, 50, 132, 136, 200 };

	for (size_t i = 0; i < ARRAY_LEN(proto); i++) {
		for (size_t f = 0; f < ARRAY_LEN(families); f++) {
			struct build b = build_default(families[f], proto[i]);

			ck_reason(decode_build(&b), REASON_NONE);
			b.payload_size = 9;
			ck_reason(decode_build(&b), REASON_NONE);
			ck_assert_uint_eq(pkt.kind, PKT_KIND_OTHER);
			ck_assert_uint_eq(pkt.tuple.proto, proto[i]);
			ck_assert_uint_eq(pkt.tuple.sport, 0);
			ck_assert_uint_eq(pkt.tuple.dport, 0);
		}
	}
}
END_TEST

SUITE_PART(pkt_decode_tests, a_tcp_segment_is_decoded, payload_includes_bytes_that_were_not_copied,
           ip_options_are_skipped, each_packet_truncated_at_each_byte_is_refused,
           each_copy_truncated_at_each_byte_is_refused,
           wrong_ip_versions_and_header_lengths_are_refused,
           ipv4_fragments_with_an_offset_are_refused, all_256_sets_of_tcp_flags_are_classified,
           tcp_segments_have_their_class, tcp_data_offsets_are_checked, udp_lengths_are_checked,
           other_protocols_have_no_ports)
SUITE_MAIN_PARTS("pkt", pkt_decode_tests, pkt_icmp_tests, pkt_ip6_tests, pkt_checksum_tests)

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checksums (doc/tcp-tracking.md, section 11).
 */
#include "test_pkt.h"

static const uint8_t csum_protos4[] = { IPPROTO_NR_TCP, IPPROTO_NR_UDP, IPPROTO_NR_ICMP };
static const uint8_t csum_protos6[] = { IPPROTO_NR_TCP, IPPROTO_NR_UDP, IPPROTO_NR_ICMPV6 };
static const enum reason csum_reason[] = { REASON_TCP_CHECKSUM, REASON_UDP_CHECKSUM,
	                                   REASON_ICMP_CHECKSUM };

START_TEST(wrong_checksums_are_detected_for_every_protocol_and_length)
{
	for (size_t f = 0; f < ARRAY_LEN(families); f++) {
		for (size_t k = 0; k < 3; k++) {
			for (size_t len = 0; len < 70; len++) {
				uint8_t proto = f == 0 ? csum_protos4[k] : csum_protos6[k];
				struct build b = build_default(families[f], proto);
				uint8_t data[BUILD_MAX];
				size_t size;

				b.flags = TCP_SYN;
				b.type = f == 0 ? 8 : 128;
				b.payload_size = len;
				size = build_packet(&b, data);
				ck_reason(decode(data, size), REASON_NONE);
				ck_reason(pkt_verify(&pkt, CSUM_POLICY_FULL), REASON_NONE);
				ck_assert_uint_eq(pkt_l4_checksum(&pkt), 0);
				data[size - 1] ^= 0x40;
				ck_assert_uint_eq(decode(data, size), REASON_NONE);
				ck_reason(pkt_verify(&pkt, CSUM_POLICY_FULL), csum_reason[k]);
				ck_reason(pkt_verify(&pkt, CSUM_POLICY_OFF), REASON_NONE);
				frame.csum = CSUM_TRUSTED;
				ck_reason(pkt_verify(&pkt, CSUM_POLICY_FULL), REASON_NONE);
			}
		}
	}
}
END_TEST

START_TEST(the_checksum_of_all_ones_carries)
{
	static uint8_t ones[1400];

	memset(ones, 0xff, sizeof(ones));
	for (size_t len = 0; len < sizeof(ones); len += 13) {
		struct build b = build_default(4, IPPROTO_NR_TCP);

		b.flags = TCP_SYN;
		b.seq = b.ack = UINT32_MAX;
		b.payload = ones;
		b.payload_size = len;
		ck_reason(decode_build(&b), REASON_NONE);
		ck_reason(pkt_verify(&pkt, CSUM_POLICY_FULL), REASON_NONE);
	}
}
END_TEST

START_TEST(policy_control_verifies_segments_that_change_state)
{
	static const struct {
		uint8_t flags;
		enum reason want;
	} row[] = {
		{ TCP_SYN, REASON_TCP_CHECKSUM },
		{ TCP_SYN | TCP_ACK, REASON_TCP_CHECKSUM },
		{ TCP_FIN | TCP_ACK, REASON_TCP_CHECKSUM },
		{ TCP_RST, REASON_TCP_CHECKSUM },
		{ TCP_RST | TCP_ACK, REASON_TCP_CHECKSUM },
		{ TCP_ACK, REASON_NONE },
		{ TCP_ACK | TCP_PSH, REASON_NONE },
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct build b = build_default(4, IPPROTO_NR_TCP);
		uint8_t data[BUILD_MAX];
		size_t size;

		b.flags = row[i].flags;
		size = build_packet(&b, data);
		data[36] ^= 1;
		ck_reason(decode(data, size), REASON_NONE);
		ck_reason(pkt_verify(&pkt, CSUM_POLICY_CONTROL), row[i].want);
	}
}
END_TEST

START_TEST(a_truncated_copy_cannot_be_verified)
{
	struct build b = build_default(4, IPPROTO_NR_TCP);
	uint8_t data[BUILD_MAX];
	size_t size;

	b.flags = TCP_FIN | TCP_ACK;
	b.payload_size = 50;
	size = build_packet(&b, data);
	data[36] ^= 1;
	ck_reason(decode_cut(data, size - 1, size), REASON_NONE);
	ck_reason(pkt_verify(&pkt, CSUM_POLICY_FULL), REASON_NONE);
	ck_reason(decode_cut(data, size, size), REASON_NONE);
	ck_reason(pkt_verify(&pkt, CSUM_POLICY_FULL), REASON_TCP_CHECKSUM);
}
END_TEST

/* A UDP checksum of 0 is not verified, also over IPv6; trailing bytes are summed. */
START_TEST(udp_checksum_rules_are_the_kernels)
{
	for (size_t f = 0; f < ARRAY_LEN(families); f++) {
		struct build b = build_default(families[f], IPPROTO_NR_UDP);
		size_t at = ip_size(families[f]);
		uint8_t data[BUILD_MAX];
		size_t size;

		b.payload_size = 8;
		size = build_packet(&b, data);
		data[at + 6] = data[at + 7] = 0;
		ck_reason(decode(data, size), REASON_NONE);
		ck_reason(pkt_verify(&pkt, CSUM_POLICY_FULL), REASON_NONE);
		/* Correct for the UDP length, but four bytes follow: wrong. */
		size = build_packet(&b, data);
		memcpy(data + size, "tail", 4);
		ck_reason(decode(data, size + 4), REASON_NONE);
		ck_reason(pkt_verify(&pkt, CSUM_POLICY_FULL), REASON_UDP_CHECKSUM);
		/* Correct for all bytes behind the IP header. */
		build_fix_checksum(data, size + 4, at, IPPROTO_NR_UDP);
		ck_reason(decode(data, size + 4), REASON_NONE);
		ck_reason(pkt_verify(&pkt, CSUM_POLICY_FULL), REASON_NONE);
	}
}
END_TEST

/* The pseudo-header has the last protocol number and the bytes behind the extension headers. */
START_TEST(checksums_behind_extension_headers_are_verified)
{
	static const uint8_t hop[8] = { 6, 0, 1, 4, 0, 0, 0, 0 };
	struct build b = build_default(6, IPPROTO_NR_TCP);

	b.flags = TCP_SYN;
	b.ext_first = 0;
	b.ext = hop;
	b.ext_size = sizeof(hop);
	ck_reason(decode_build(&b), REASON_NONE);
	ck_reason(pkt_verify(&pkt, CSUM_POLICY_FULL), REASON_NONE);
}
END_TEST

START_TEST(icmp_errors_are_verified)
{
	for (size_t f = 0; f < ARRAY_LEN(families); f++) {
		uint8_t quoted[64];
		size_t quoted_size = quote(families[f], IPPROTO_NR_TCP, quoted);
		struct build b = icmp_error(families[f], f == 0 ? 3 : 1, quoted, quoted_size);
		uint8_t data[BUILD_MAX];
		size_t size = build_packet(&b, data);

		ck_reason(decode(data, size), REASON_NONE);
		ck_reason(pkt_verify(&pkt, CSUM_POLICY_FULL), REASON_NONE);
		data[size - 1] ^= 1;
		ck_reason(decode(data, size), REASON_NONE);
		ck_reason(pkt_verify(&pkt, CSUM_POLICY_FULL), REASON_ICMP_CHECKSUM);
	}
}
END_TEST

SUITE_PART(pkt_checksum_tests, wrong_checksums_are_detected_for_every_protocol_and_length,
           the_checksum_of_all_ones_carries, policy_control_verifies_segments_that_change_state,
           a_truncated_copy_cannot_be_verified, udp_checksum_rules_are_the_kernels,
           checksums_behind_extension_headers_are_verified, icmp_errors_are_verified)

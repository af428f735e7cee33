/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP and ICMPv6: types, quoted packets, redirects (doc/tcp-tracking.md, section 10).
 */
#include "test_pkt.h"

/* Section 10: the class of each ICMP type. */
START_TEST(all_icmp_types_are_classified)
{
	uint8_t quoted[64];
	size_t quoted_size = quote(4, IPPROTO_NR_TCP, quoted);

	for (unsigned type = 0; type < 256; type++) {
		struct build b = icmp_error(4, (uint8_t)type, quoted, quoted_size);
		bool query = type == 0 || type == 8 || (type >= 13 && type <= 18);
		bool error = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
		enum reason r;

		b.code = 1;
		b.id = 0x1234;
		r = decode_build(&b);
		ck_assert_msg(query || error ? r == REASON_NONE
		                             : is_refused(r, REASON_ICMP_TYPE, &pkt.tuple),
		              "type %u: %s", type, name_of(r));
		ck_assert_uint_ge(pkt.depth, PKT_PORTS);
		ck_assert_uint_eq(pkt.icmp_type, type);
		ck_assert_uint_eq(pkt.icmp_code, 1);
		if (query) {
			ck_assert_uint_eq(pkt.kind, PKT_KIND_ICMP_QUERY);
			ck_assert_uint_eq(pkt.tuple.sport, 0x1234);
			ck_assert_uint_eq(pkt.tuple.dport, type << 8 | 1);
		} else if (error) {
			ck_assert_uint_eq(pkt.kind, PKT_KIND_ICMP_ERROR);
			ck_assert_uint_eq(pkt.quoted.sport, 40000);
			ck_assert_uint_eq(pkt.quoted.dport, 80);
		}
	}
}
END_TEST

START_TEST(all_icmpv6_types_are_classified)
{
	uint8_t quoted[64];
	size_t quoted_size = quote(6, IPPROTO_NR_UDP, quoted);

	for (unsigned type = 0; type < 256; type++) {
		struct build b = icmp_error(6, (uint8_t)type, quoted, quoted_size);
		bool untracked =
			(type >= 130 && type <= 136) || type == 143 || type == 151 || type == 152;
		bool query = type == 128 || type == 129 || type == 139 || type == 140;
		enum reason r;

		if (type == 137) {
			continue; /* Redirects have their own test. */
		}
		r = decode_build(&b);
		ck_assert_msg(untracked || query || type < 128
		                      ? r == REASON_NONE
		                      : is_refused(r, REASON_ICMP_TYPE, &pkt.tuple),
		              "type %u: %s", type, name_of(r));
		if (untracked) {
			ck_assert_uint_eq(pkt.kind, PKT_KIND_UNTRACKED);
		} else if (query) {
			ck_assert_uint_eq(pkt.kind, PKT_KIND_ICMP_QUERY);
		} else if (type < 128) {
			ck_assert_uint_eq(pkt.kind, PKT_KIND_ICMP_ERROR);
			ck_assert_uint_eq(pkt.quoted.proto, IPPROTO_NR_UDP);
			ck_assert_mem_eq(&pkt.quoted.src, &b.dst, 16);
		}
	}
}
END_TEST

START_TEST(icmp_of_the_other_family_is_invalid)
{
	struct build b = build_default(4, IPPROTO_NR_ICMPV6);

	b.type = 128;
	ck_reason(decode_build(&b), REASON_ICMP_TYPE);
	b = build_default(6, IPPROTO_NR_ICMP);
	b.type = 8;
	ck_reason(decode_build(&b), REASON_ICMP_TYPE);
}
END_TEST

/* Section 10: the quoted transport header needs 4 bytes of ports, 8 bytes for ICMP. */
START_TEST(quotes_truncated_at_each_byte_are_refused)
{
	static const uint8_t inner[] = { IPPROTO_NR_TCP, IPPROTO_NR_UDP, IPPROTO_NR_ICMP };

	for (size_t f = 0; f < ARRAY_LEN(families); f++) {
		for (size_t k = 0; k < ARRAY_LEN(inner); k++) {
			uint8_t family = families[f];
			uint8_t proto = inner[k] == IPPROTO_NR_ICMP && family == 6
			                        ? IPPROTO_NR_ICMPV6
			                        : inner[k];
			size_t need = ip_size(family) + (inner[k] == IPPROTO_NR_ICMP ? 8 : 4);
			uint8_t quoted[64];
			size_t quoted_size = quote(family, proto, quoted);

			for (size_t n = 0; n <= quoted_size; n++) {
				struct build b = icmp_error(family, family == 4 ? 3 : 1, quoted, n);
				enum reason r = decode_build(&b);

				ck_assert_msg(r == (n < need ? REASON_ICMP_QUOTE : REASON_NONE),
				              "IPv%u proto %u quote cut at %zu: %s", family, proto,
				              n, name_of(r));
			}
		}
	}
}
END_TEST

START_TEST(a_quote_that_was_not_copied_does_not_invalidate_the_packet)
{
	uint8_t quoted[64];
	size_t quoted_size = quote(4, IPPROTO_NR_TCP, quoted);
	struct build b = icmp_error(4, 3, quoted, quoted_size);
	uint8_t data[BUILD_MAX];
	size_t size = build_packet(&b, data);

	for (size_t n = 28; n < 52; n++) {
		enum reason r = decode_cut(data, n, size);

		ck_assert_msg(r == REASON_COPY_SHORT || r == REASON_ICMP_QUOTE, "cut at %zu: %s", n,
		              name_of(r));
	}
	ck_reason(decode_cut(data, 52, size), REASON_NONE);
}
END_TEST

/* Not checked in a quote: checksum, version, TTL, lengths. */
START_TEST(a_quote_may_have_changed_header_fields)
{
	uint8_t quoted[64];
	size_t quoted_size = quote(4, IPPROTO_NR_TCP, quoted);
	struct build b = icmp_error(4, 11, quoted, quoted_size);

	quoted[0] = 0x05;
	quoted[2] = 0xff;
	quoted[8] = 0;
	quoted[10] ^= 0xff;
	ck_reason(decode_build(&b), REASON_NONE);
	ck_assert_uint_eq(pkt.quoted.dport, 80);
	/* "More fragments" with offset 0 is valid, another offset is not. */
	quoted[6] = 0x20;
	ck_reason(decode_build(&b), REASON_NONE);
	quoted[7] = 1;
	ck_reason(decode_build(&b), REASON_ICMP_QUOTE);
}
END_TEST

/* An error about an error, or of the other family, belongs to no flow. */
START_TEST(quotes_without_inverse_belong_to_no_flow)
{
	uint8_t quoted[64];
	size_t quoted_size = quote(4, IPPROTO_NR_ICMP, quoted);
	struct build b = icmp_error(4, 3, quoted, quoted_size);

	quoted[20] = 8;
	ck_reason(decode_build(&b), REASON_NONE);
	quoted[20] = 3;
	ck_assert(is_refused(decode_build(&b), REASON_ICMP_QUOTE, &pkt.quoted));
	quoted_size = quote(6, IPPROTO_NR_ICMPV6, quoted);
	b = icmp_error(6, 1, quoted, quoted_size);
	ck_reason(decode_build(&b), REASON_NONE);
	quoted[40] = 1;
	ck_assert(is_refused(decode_build(&b), REASON_ICMP_QUOTE, &pkt.quoted));
}
END_TEST

/* A redirect: a header of 40 bytes, the redirected-header option of 8 bytes, then the quote. */
static struct build redirect(const uint8_t *body, size_t size)
{
	struct build b = build_default(6, IPPROTO_NR_ICMPV6);

	build_reverse(&b);
	b.src = build_addr("fe80::1");
	b.ttl = 255;
	b.type = 137;
	b.id = 0;
	b.payload = body;
	b.payload_size = size;
	return b;
}

START_TEST(icmpv6_redirects_are_decoded)
{
	uint8_t body[32 + 8 + 48] = { 0 };
	struct build b = redirect(body, sizeof(body));

	body[32] = 4;
	body[33] = 7;
	quote(6, IPPROTO_NR_TCP, body + 40);
	ck_reason(decode_build(&b), REASON_NONE);
	ck_assert_uint_eq(pkt.kind, PKT_KIND_ICMP_ERROR);
	ck_assert_uint_eq(pkt.quoted.dport, 80);
	b.code = 1;
	ck_reason(decode_build(&b), REASON_ICMP_REDIRECT);
	b = redirect(body, sizeof(body));
	b.ttl = 254;
	ck_reason(decode_build(&b), REASON_ICMP_REDIRECT);
	b = redirect(body, sizeof(body));
	b.src = build_addr("fd00::9");
	ck_reason(decode_build(&b), REASON_ICMP_REDIRECT);
	b = redirect(body, sizeof(body));
	body[32] = 2;
	ck_reason(decode_build(&b), REASON_ICMP_REDIRECT);
	body[32] = 4;
	for (size_t n = 0; n < 40 + 44; n++) {
		b = redirect(body, n);
		ck_assert_msg(reason_state(decode_build(&b)) == CT_INVALID, "cut at %zu", n);
	}
	b = redirect(body, 40 + 44);
	ck_reason(decode_build(&b), REASON_NONE);
}
END_TEST

SUITE_PART(pkt_icmp_tests, all_icmp_types_are_classified, all_icmpv6_types_are_classified,
           icmp_of_the_other_family_is_invalid, quotes_truncated_at_each_byte_are_refused,
           a_quote_that_was_not_copied_does_not_invalidate_the_packet,
           a_quote_may_have_changed_header_fields, quotes_without_inverse_belong_to_no_flow,
           icmpv6_redirects_are_decoded)

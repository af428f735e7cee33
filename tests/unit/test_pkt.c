/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of decoding and checksums (doc/tcp-tracking.md, sections 2, 3, 9, 10 and 11). Each frame is
 * a heap buffer of exact size, so that AddressSanitizer detects a read past it.
 */
#include <finwall/pkt.h>

#include "build.h"
#include "suite.h"

static struct frame frame;
static struct pkt pkt;

/* Decodes the first cap bytes of a packet whose true size is `size`. */
static enum reason decode_cut(const uint8_t *data, size_t cap, size_t size)
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

static enum reason decode(const uint8_t *data, size_t size)
{
	return decode_cut(data, size, size);
}

static enum reason decode_build(const struct build *b)
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

static const char *name_of(enum reason r)
{
	return r == REASON_NONE ? "none" : reason_name(r);
}

/* Refused by the decoder or by the key of its tuple: both give INVALID. */
static bool is_refused(enum reason got, enum reason want, const struct tuple *t)
{
	struct flowkey key;
	enum key_side side;

	return got == want || (got == REASON_NONE && !flowkey_from_tuple(t, &key, &side));
}

static const uint8_t families[] = { 4, 6 };

static size_t ip_size(uint8_t family)
{
	return family == 4 ? 20 : 40;
}

/* A quoted TCP packet: the IP header and the first 8 bytes of TCP. */
static size_t quote(uint8_t family, uint8_t proto, uint8_t *out)
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
static struct build icmp_error(uint8_t family, uint8_t type, const uint8_t *quoted, size_t size)
{
	struct build b = build_default(family, family == 4 ? IPPROTO_NR_ICMP : IPPROTO_NR_ICMPV6);

	build_reverse(&b);
	b.type = type;
	b.id = 0;
	b.payload = quoted;
	b.payload_size = size;
	return b;
}

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

/* --- checksums, section 11 --- */

static const uint8_t csum_protos4[] = { IPPROTO_NR_TCP, IPPROTO_NR_UDP, IPPROTO_NR_ICMP };
static const uint8_t csum_protos6[] = { IPPROTO_NR_TCP, IPPROTO_NR_UDP, IPPROTO_NR_ICMPV6 };
static const enum reason csum_reason[] = { REASON_TCP_CHECKSUM, REASON_UDP_CHECKSUM,
	                                   REASON_ICMP_CHECKSUM };

START_TEST(right_and_wrong_checksums_are_told_apart_for_every_protocol_and_length)
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

SUITE_MAIN("pkt", a_tcp_segment_is_decoded, payload_includes_bytes_that_were_not_copied,
           ip_options_are_skipped, each_packet_truncated_at_each_byte_is_refused,
           each_copy_truncated_at_each_byte_is_refused,
           wrong_ip_versions_and_header_lengths_are_refused,
           ipv4_fragments_with_an_offset_are_refused, all_256_sets_of_tcp_flags_are_classified,
           tcp_segments_have_their_class, tcp_data_offsets_are_checked, udp_lengths_are_checked,
           other_protocols_have_no_ports, all_icmp_types_are_classified,
           all_icmpv6_types_are_classified, icmp_of_the_other_family_is_invalid,
           quotes_truncated_at_each_byte_are_refused,
           a_quote_that_was_not_copied_does_not_invalidate_the_packet,
           a_quote_may_have_changed_header_fields, quotes_without_inverse_belong_to_no_flow,
           icmpv6_redirects_are_decoded, ipv6_extension_chains_are_decoded,
           ipv6_fragments_with_an_offset_are_refused, ipv6_no_next_header,
           a_long_chain_of_extensions_terminates,
           right_and_wrong_checksums_are_told_apart_for_every_protocol_and_length,
           the_checksum_of_all_ones_carries, policy_control_verifies_segments_that_change_state,
           a_truncated_copy_cannot_be_verified, udp_checksum_rules_are_the_kernels,
           checksums_behind_extension_headers_are_verified, icmp_errors_are_verified)

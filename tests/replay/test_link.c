/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Link layers: position and size of the IP packet, and frames truncated at every byte.
 */
#include "suite.h"

#include "capfile.h"

#include "wire/link.h"

static const enum link_type types[CAPFILE_LINKS_LEN] = {
	[CAPFILE_ETHERNET] = LINK_ETHERNET, [CAPFILE_VLAN] = LINK_ETHERNET,
	[CAPFILE_QINQ] = LINK_ETHERNET,     [CAPFILE_PPPOE] = LINK_ETHERNET,
	[CAPFILE_SLL] = LINK_SLL,           [CAPFILE_SLL2] = LINK_SLL2,
	[CAPFILE_ANY] = LINK_SLL2,          [CAPFILE_NULL] = LINK_NULL,
	[CAPFILE_LOOP] = LINK_NULL,         [CAPFILE_RAW] = LINK_RAW,
};

/* Makes a frame with padding; *at is the offset of its IP packet. */
static size_t make_frame(enum capfile_link link, uint8_t family, size_t padding, uint8_t *frame,
                         size_t *at, size_t *ip_size)
{
	struct build b = build_default(family, IPPROTO_NR_TCP);

	b.flags = TCP_ACK;
	b.payload_size = 7;
	*at = capfile_link_header(link, family, frame);
	*ip_size = build_packet(&b, frame + *at);
	memset(frame + *at + *ip_size, 0, padding);
	return *at + *ip_size + padding;
}

/* Every link layer, both families, with and without padding. */
START_TEST(finds_the_packet)
{
	for (int link = 0; link < CAPFILE_LINKS_LEN; link++) {
		for (int i = 0; i < 4; i++) {
			uint8_t frame[BUILD_MAX + CAPFILE_LINK_MAX];
			struct link_packet p;
			size_t at;
			size_t ip_size;
			size_t size = make_frame((enum capfile_link)link, i % 2 == 0 ? 4 : 6,
			                         i < 2 ? 0 : 13, frame, &at, &ip_size);

			ck_assert_int_eq(
				link_strip(types[link], frame, (uint32_t)size, (uint32_t)size, &p),
				LINK_IP);
			ck_assert_ptr_eq(p.data, frame + at);
			ck_assert_uint_eq(p.cap_size, ip_size);
			ck_assert_uint_eq(p.true_size, ip_size);
		}
	}
}
END_TEST

/*
 * Truncated by the capture: the true size is kept if the length field was captured. The buffer has
 * exactly that size, so that a read beyond it is detected.
 */
START_TEST(survives_any_cut_of_the_capture)
{
	for (int link = 0; link < CAPFILE_LINKS_LEN; link++) {
		uint8_t frame[BUILD_MAX + CAPFILE_LINK_MAX];
		size_t at;
		size_t ip_size;
		size_t size = make_frame((enum capfile_link)link, link % 2 == 0 ? 4 : 6, 9, frame,
		                         &at, &ip_size);

		for (size_t cut = 0; cut <= size; cut++) {
			uint8_t *copy = malloc(cut + (cut == 0));
			struct link_packet p;
			enum link_result r;

			ck_assert_ptr_nonnull(copy);
			memcpy(copy, frame, cut);
			r = link_strip(types[link], copy, (uint32_t)cut, (uint32_t)size, &p);
			ck_assert_int_eq(r, cut < at + 6 ? LINK_SHORT : LINK_IP);
			if (r == LINK_IP) {
				ck_assert_uint_eq(p.true_size, ip_size);
				ck_assert_uint_eq(p.cap_size,
				                  cut - at < ip_size ? cut - at : ip_size);
			}
			free(copy);
		}
	}
}
END_TEST

/* Truncated on the wire: the length of the IP packet exceeds the frame. */
START_TEST(refuses_any_cut_on_the_wire)
{
	for (int link = 0; link < CAPFILE_LINKS_LEN; link++) {
		uint8_t frame[BUILD_MAX + CAPFILE_LINK_MAX];
		struct link_packet p;
		size_t at;
		size_t ip_size;

		make_frame((enum capfile_link)link, link % 2 == 0 ? 6 : 4, 0, frame, &at, &ip_size);
		for (size_t cut = at + 6; cut < at + ip_size; cut++) {
			ck_assert_int_eq(
				link_strip(types[link], frame, (uint32_t)cut, (uint32_t)cut, &p),
				LINK_BAD_IP);
		}
	}
}
END_TEST

/* Wrong version, impossible length, more captured than sent. */
START_TEST(refuses_what_ip_would)
{
	uint8_t frame[BUILD_MAX + CAPFILE_LINK_MAX];
	struct link_packet p;
	size_t at;
	size_t ip_size;
	uint32_t size = (uint32_t)make_frame(CAPFILE_ETHERNET, 4, 0, frame, &at, &ip_size);

	frame[at] = 0x55;
	ck_assert_int_eq(link_strip(LINK_ETHERNET, frame, size, size, &p), LINK_BAD_IP);
	frame[at] = 0x45;
	frame[at + 2] = 0;
	frame[at + 3] = 19;
	ck_assert_int_eq(link_strip(LINK_ETHERNET, frame, size, size, &p), LINK_BAD_IP);
	frame[at + 3] = (uint8_t)ip_size;
	ck_assert_int_eq(link_strip(LINK_ETHERNET, frame, size, size - 1, &p), LINK_BAD_IP);
	ck_assert_int_eq(link_strip(LINK_ETHERNET, frame, size, (uint32_t)at + 5, &p), LINK_SHORT);
	ck_assert_int_eq(link_strip(LINK_ETHERNET, frame, size, 0, &p), LINK_SHORT);
}
END_TEST

/* A packet before segmentation by the network card has no length of its own. */
START_TEST(takes_the_length_of_super_packets_from_the_link)
{
	static uint8_t frame[70000];
	struct link_packet p;
	size_t at;
	size_t ip_size;

	make_frame(CAPFILE_RAW, 4, 0, frame, &at, &ip_size);
	frame[2] = 0;
	frame[3] = 0;
	ck_assert_int_eq(link_strip(LINK_RAW, frame, 100, 69000, &p), LINK_IP);
	ck_assert_uint_eq(p.true_size, 69000);
	make_frame(CAPFILE_RAW, 6, 0, frame, &at, &ip_size);
	frame[4] = 0;
	frame[5] = 0;
	ck_assert_int_eq(link_strip(LINK_RAW, frame, 100, 69000, &p), LINK_IP);
	ck_assert_uint_eq(p.true_size, 69000);
	/* a small one without payload is a normal, padded packet */
	ck_assert_int_eq(link_strip(LINK_RAW, frame, 46, 46, &p), LINK_IP);
	ck_assert_uint_eq(p.true_size, 40);
}
END_TEST

/* ARP, an unknown address family, PPP without IP. */
START_TEST(leaves_out_what_is_no_ip)
{
	uint8_t frame[BUILD_MAX + CAPFILE_LINK_MAX];
	struct link_packet p;
	size_t at;
	size_t ip_size;
	uint32_t size = (uint32_t)make_frame(CAPFILE_ETHERNET, 4, 0, frame, &at, &ip_size);

	frame[13] = 0x06;
	ck_assert_int_eq(link_strip(LINK_ETHERNET, frame, size, size, &p), LINK_OTHER);
	size = (uint32_t)make_frame(CAPFILE_PPPOE, 4, 0, frame, &at, &ip_size);
	frame[at - 2] = 0xc0;
	ck_assert_int_eq(link_strip(LINK_ETHERNET, frame, size, size, &p), LINK_OTHER);
	size = (uint32_t)make_frame(CAPFILE_NULL, 4, 0, frame, &at, &ip_size);
	frame[0] = 7;
	ck_assert_int_eq(link_strip(LINK_NULL, frame, size, size, &p), LINK_OTHER);
}
END_TEST

SUITE_MAIN("link", finds_the_packet, survives_any_cut_of_the_capture, refuses_any_cut_on_the_wire,
           refuses_what_ip_would, takes_the_length_of_super_packets_from_the_link,
           leaves_out_what_is_no_ip)

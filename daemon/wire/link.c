/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Skips link headers up to the IP header, whose length field gives the end of the packet: short
 * Ethernet frames are padded.
 */
#include "link.h"

#include <finwall/bytes.h>

#define ETHERTYPE_IPV4  0x0800
#define ETHERTYPE_IPV6  0x86dd
#define ETHERTYPE_VLAN  0x8100
#define ETHERTYPE_QINQ  0x88a8
#define ETHERTYPE_QINQ1 0x9100 /* 802.1ad before its assignment */
#define ETHERTYPE_PPPOE 0x8864

/* Address families of the loopback header. */
#define FAMILY_IPV4         2
#define FAMILY_IPV6_LINUX   10
#define FAMILY_IPV6_BSD     24 /* NetBSD, OpenBSD */
#define FAMILY_IPV6_FREEBSD 28
#define FAMILY_IPV6_MACOS   30

#define PPP_IPV4 0x0021
#define PPP_IPV6 0x0057

#define ETHERNET_ADDRS_SIZE 12
#define SLL_PROTOCOL_AT     14
#define SLL2_HEADER_SIZE    20
#define SLL2_IFINDEX_AT     4
#define SLL2_TYPE_AT        10
#define SLL_OUTGOING        4 /* the packet type of what leaves the host */
#define PPPOE_HEADER_SIZE   6

#define IP6_HEADER_SIZE 40
#define IP4_HEADER_MIN  20
#define IP_SIZE_MAX     65535u

static enum link_result find_ip(enum link_type type, struct cursor *c);
static enum link_result by_ethertype(struct cursor *c, uint16_t ethertype);
static enum link_result by_family(struct cursor *c);
static uint32_t find_place(enum link_type type, const uint8_t *frame);
static enum link_result measure(const struct cursor *c, uint32_t wire_left,
                                struct link_packet *out);

static const char *const result_names[LINK_RESULTS_LEN] = {
	[LINK_IP] = "ip",
	[LINK_OTHER] = "not-ip",
	[LINK_SHORT] = "cut-short",
	[LINK_BAD_IP] = "bad-ip-length",
};

const char *link_result_name(enum link_result r)
{
	return result_names[r];
}

enum link_result link_strip(enum link_type type, const uint8_t *frame, uint32_t cap_size,
                            uint32_t wire_size, struct link_packet *out)
{
	/* a damaged file may have cap_size > wire_size */
	uint32_t size = cap_size < wire_size ? cap_size : wire_size;
	struct cursor c = { frame, frame + size };
	enum link_result found = find_ip(type, &c);

	if (found != LINK_IP) {
		return found;
	}
	found = measure(&c, wire_size - (uint32_t)(c.at - frame), out);
	if (found == LINK_IP) {
		out->place = find_place(type, frame);
	}
	return found;
}

/* Moves the cursor to the IP header. */
static enum link_result find_ip(enum link_type type, struct cursor *c)
{
	uint16_t ethertype;

	switch (type) {
	case LINK_ETHERNET:
		if (!rd_skip(c, ETHERNET_ADDRS_SIZE) || !rd_be16(c, &ethertype)) {
			return LINK_SHORT;
		}
		return by_ethertype(c, ethertype);
	case LINK_SLL:
		if (!rd_skip(c, SLL_PROTOCOL_AT) || !rd_be16(c, &ethertype)) {
			return LINK_SHORT;
		}
		return by_ethertype(c, ethertype);
	case LINK_SLL2:
		if (!rd_be16(c, &ethertype) || !rd_skip(c, SLL2_HEADER_SIZE - 2)) {
			return LINK_SHORT;
		}
		return by_ethertype(c, ethertype);
	case LINK_NULL:
		return by_family(c);
	default:
		return LINK_IP;
	}
}

/* Of a frame with a whole link header. */
static uint32_t find_place(enum link_type type, const uint8_t *frame)
{
	switch (type) {
	case LINK_SLL:
		return 1 + (load_be16(frame) == SLL_OUTGOING);
	case LINK_SLL2:
		return 1 + load_be32(frame + SLL2_IFINDEX_AT) * 2 +
		       (frame[SLL2_TYPE_AT] == SLL_OUTGOING);
	default:
		return 0;
	}
}

/* A PPPoE session packet: its header, then a PPP protocol number. */
static enum link_result by_ppp(struct cursor *c)
{
	uint16_t protocol;

	if (!rd_skip(c, PPPOE_HEADER_SIZE) || !rd_be16(c, &protocol)) {
		return LINK_SHORT;
	}
	return protocol == PPP_IPV4 || protocol == PPP_IPV6 ? LINK_IP : LINK_OTHER;
}

static enum link_result by_ethertype(struct cursor *c, uint16_t ethertype)
{
	for (;;) {
		switch (ethertype) {
		case ETHERTYPE_IPV4:
		case ETHERTYPE_IPV6:
			return LINK_IP;
		case ETHERTYPE_VLAN:
		case ETHERTYPE_QINQ:
		case ETHERTYPE_QINQ1:
			/* terminates: each tag consumes bytes */
			if (!rd_skip(c, 2) || !rd_be16(c, &ethertype)) {
				return LINK_SHORT;
			}
			break;
		case ETHERTYPE_PPPOE:
			return by_ppp(c);
		default:
			return LINK_OTHER;
		}
	}
}

/* Families are small numbers, which shows the byte order. Each system has its own for IPv6. */
static enum link_result by_family(struct cursor *c)
{
	uint32_t family;

	if (!rd_be32(c, &family)) {
		return LINK_SHORT;
	}
	if (family > UINT16_MAX) {
		family = __builtin_bswap32(family);
	}
	switch (family) {
	case FAMILY_IPV4:
	case FAMILY_IPV6_LINUX:
	case FAMILY_IPV6_BSD:
	case FAMILY_IPV6_FREEBSD:
	case FAMILY_IPV6_MACOS:
		return LINK_IP;
	default:
		return LINK_OTHER;
	}
}

/*
 * Reads the length field of the IP header. It is zero in a packet that was captured before
 * segmentation by the network card, and in an IPv6 jumbogram: then the link's size counts.
 */
static bool stated_size(const struct cursor *c, uint32_t wire_left, uint32_t *size)
{
	const uint8_t *ip = c->at;

	if (cursor_left(c) < 6) {
		return false;
	}
	if (ip[0] >> 4 == 4) {
		*size = load_be16(ip + 2);
		if (*size == 0) {
			*size = wire_left;
		}
		return true;
	}
	*size = IP6_HEADER_SIZE + (uint32_t)load_be16(ip + 4);
	if (*size == IP6_HEADER_SIZE && wire_left > IP6_HEADER_SIZE + IP_SIZE_MAX) {
		*size = wire_left;
	}
	return true;
}

static enum link_result measure(const struct cursor *c, uint32_t wire_left, struct link_packet *out)
{
	uint32_t left = (uint32_t)cursor_left(c);
	uint8_t version = left > 0 ? c->at[0] >> 4 : 0;
	uint32_t size;

	if (left > 0 && version != 4 && version != 6) {
		return LINK_BAD_IP;
	}
	if (!stated_size(c, wire_left, &size)) {
		return LINK_SHORT;
	}
	if (size > wire_left || size < IP4_HEADER_MIN) {
		return LINK_BAD_IP;
	}
	*out = (struct link_packet){
		.data = c->at,
		.cap_size = left < size ? left : size,
		.true_size = size,
	};
	return LINK_IP;
}

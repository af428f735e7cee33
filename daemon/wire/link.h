/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Link layers: from a captured frame to the IP packet in it. Untrusted bytes in, a place and two
 * sizes out; reads nothing but the frame.
 *
 * Ethernet with any number of VLAN tags and PPPoE sessions (IEEE 802.1Q, 802.1ad, RFC 2516), Linux
 * cooked captures (LINKTYPE_LINUX_SLL, _SLL2), the BSD loopback header and bare IP, as
 * https://www.tcpdump.org/linktypes.html describes them.
 */
#ifndef FINWALL_WIRE_LINK_H
#define FINWALL_WIRE_LINK_H

#include <stdint.h>

enum link_type {
	LINK_ETHERNET,
	LINK_SLL,  /* Linux cooked, version 1 */
	LINK_SLL2, /* Linux cooked, version 2 */
	LINK_NULL, /* four bytes of address family, in the byte order of whoever captured */
	LINK_RAW,  /* nothing: the IP header comes first */
	LINK_TYPES_LEN,
};

enum link_result {
	LINK_IP,
	LINK_OTHER,  /* something else than IP: ARP, LLDP ... */
	LINK_SHORT,  /* ends, or was cut by the capture, before the length of the IP packet */
	LINK_BAD_IP, /* the IP header contradicts the link layer: no IP stack would take it */
	LINK_RESULTS_LEN,
};

/* The packet in a frame. */
struct link_packet {
	const uint8_t *data; /* its IP header; borrowed from the frame */
	uint32_t cap_size;   /* bytes of it that were captured */
	uint32_t true_size;  /* bytes that it had, without what the link layer padded it with */
};

/* "not-ip" ...: for people and programs; stable. */
const char *link_result_name(enum link_result r);

/*
 * Finds the IP packet in cap_size captured bytes of a frame that was wire_size long. *out is set
 * only with LINK_IP. Total: any bytes give an answer.
 */
enum link_result link_strip(enum link_type type, const uint8_t *frame, uint32_t cap_size,
                            uint32_t wire_size, struct link_packet *out);

#endif

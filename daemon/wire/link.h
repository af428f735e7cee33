/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Link layers: finds the IP packet in a captured frame. Pure and total; the bytes are untrusted.
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
	LINK_NULL, /* four bytes of address family, in the capturing host's byte order */
	LINK_RAW,  /* no link header */
	LINK_TYPES_LEN,
};

enum link_result {
	LINK_IP,
	LINK_OTHER,  /* not IP: ARP, LLDP ... */
	LINK_SHORT,  /* ends, or was cut by the capture, before the length of the IP packet */
	LINK_BAD_IP, /* the IP header contradicts the link layer: an IP stack drops it */
	LINK_RESULTS_LEN,
};

/* The packet in a frame. */
struct link_packet {
	const uint8_t *data; /* its IP header; borrowed from the frame */
	uint32_t cap_size;   /* bytes of it that were captured */
	uint32_t true_size;  /* bytes of the packet, without link-layer padding */
	/* where it was captured: interface and direction, as far as a cooked capture has them; 0
	 * with other link layers. Only good for comparing. */
	uint32_t place;
};

/* Returns "not-ip" ...; the names are stable. */
const char *link_result_name(enum link_result r);

/*
 * Finds the IP packet in cap_size captured bytes of a frame of wire_size bytes. Sets *out only with
 * LINK_IP.
 */
enum link_result link_strip(enum link_type type, const uint8_t *frame, uint32_t cap_size,
                            uint32_t wire_size, struct link_packet *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds packets byte by byte, for tests. It is written from the RFCs and shares no code with core,
 * so that an error in core cannot hide in both.
 */
#ifndef FINWALL_TESTS_BUILD_H
#define FINWALL_TESTS_BUILD_H

#include <finwall/frame.h>
#include <finwall/pkt.h>

#include <stddef.h>
#include <stdint.h>

#define BUILD_MAX 2048

struct build {
	uint8_t family; /* 4 or 6 */
	uint8_t proto;
	uint8_t ttl;
	uint8_t tos;
	union ip_addr src;
	union ip_addr dst;
	uint16_t frag;          /* IPv4: flags and offset, as in the header */
	uint8_t ip_opts_size;   /* IPv4: bytes of options, a multiple of 4 */
	const uint8_t *ip_opts; /* those; NULL: NOP */
	uint8_t ext_first;      /* IPv6: protocol number of the first extension header */
	const uint8_t *ext;     /* IPv6: extension headers; the last one names proto itself */
	size_t ext_size;
	uint16_t sport; /* TCP, UDP */
	uint16_t dport;
	uint32_t seq; /* TCP */
	uint32_t ack;
	uint16_t win;
	uint8_t flags;
	const uint8_t *opts; /* TCP; padded with zeroes to a multiple of 4 */
	uint8_t opts_size;
	uint8_t type; /* ICMP */
	uint8_t code;
	uint16_t id;
	const uint8_t *payload; /* NULL: that many bytes of 'x' */
	size_t payload_size;
};

/* An address from text, of either family. */
union ip_addr build_addr(const char *text);

/* A packet 10.0.0.1 -> 10.0.0.2 or fd00::1 -> fd00::2, with ports 40000 -> 80 and ttl 64. */
struct build build_default(uint8_t family, uint8_t proto);

/* Sets what differs from segment to segment of a connection; flags: TCP_*. */
void build_segment(struct build *b, unsigned flags, uint32_t seq, uint32_t ack,
                   size_t payload_size);

/* Swaps addresses and ports. */
void build_reverse(struct build *b);

/* Writes the packet, checksums right; returns its size. out has BUILD_MAX bytes. */
size_t build_packet(const struct build *b, uint8_t *out);

/* A frame over size bytes: all copied, checksum not verified, hook input, interface 1. */
struct frame build_frame(const uint8_t *data, size_t size);

/* Sets the transport checksum right again after bytes behind the IP header were changed. */
void build_fix_checksum(uint8_t *data, size_t size, size_t l4_at, uint8_t proto);

#endif

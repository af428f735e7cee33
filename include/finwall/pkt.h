/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packet decoding: untrusted, possibly truncated bytes in, a struct pkt with valid lengths out.
 *
 * Every length is checked here and never again. Sources: RFC 791, 8200 (IPv4, IPv6), 9293 (TCP),
 * 768 (UDP), 792, 4443, 4861 (ICMP). A packet is invalid where the kernel's tracker finds it
 * invalid; see doc/tcp-tracking.md.
 */
#ifndef FINWALL_PKT_H
#define FINWALL_PKT_H

#include <finwall/flowkey.h>
#include <finwall/frame.h>
#include <finwall/reason.h>

#include <stdbool.h>
#include <stdint.h>

#define IPPROTO_NR_ICMP   1
#define IPPROTO_NR_TCP    6
#define IPPROTO_NR_UDP    17
#define IPPROTO_NR_ICMPV6 58

/* Those that only rules know. */
#define IPPROTO_NR_IGMP    2
#define IPPROTO_NR_DCCP    33
#define IPPROTO_NR_GRE     47
#define IPPROTO_NR_ESP     50
#define IPPROTO_NR_AH      51
#define IPPROTO_NR_COMP    108
#define IPPROTO_NR_SCTP    132
#define IPPROTO_NR_UDPLITE 136

/* The fragment offset, in bytes 6 and 7 of an IPv4 header. */
#define IP4_OFFSET_MASK 0x1fffu

#define TCP_FIN 0x01u
#define TCP_SYN 0x02u
#define TCP_RST 0x04u
#define TCP_PSH 0x08u
#define TCP_ACK 0x10u
#define TCP_URG 0x20u
#define TCP_ECE 0x40u
#define TCP_CWR 0x80u

/* The class of a segment: the rows of the state table. RST beats SYN beats FIN beats ACK. */
enum tcp_class {
	SEG_SYN,
	SEG_SYNACK,
	SEG_FIN,
	SEG_ACK,
	SEG_RST,
	SEG_NONE,
	SEGS_LEN,
};

/* How far decoding came, so that rules can match the valid part of an invalid packet. */
enum pkt_depth {
	PKT_NOTHING, /* not even an IP header */
	PKT_IP,      /* addresses, l4_proto */
	PKT_PORTS,   /* tuple.sport, tuple.dport; ICMP: type and code */
	PKT_FULL,    /* the whole transport header */
};

/*
 * How far rules can read: as far as the kernel's rules can, who read a field of a header that is
 * cut off behind the field. The protocol is unknown if the extension headers of IPv6 do not end in
 * the packet.
 */
enum pkt_reach {
	PKT_REACH_NOTHING,
	PKT_REACH_IP,    /* the IP header */
	PKT_REACH_PROTO, /* l4_proto; with n bytes of the transport header, plus n */
	PKT_REACH_MAX = 127,
};

/* The tracking that a packet needs. Valid when pkt_decode() returned REASON_NONE. */
enum pkt_kind {
	PKT_KIND_TCP,
	PKT_KIND_UDP,
	PKT_KIND_ICMP_QUERY, /* query or reply: has a flow */
	PKT_KIND_ICMP_ERROR, /* related to the flow that it quotes */
	PKT_KIND_UNTRACKED,
	PKT_KIND_OTHER,
};

struct pkt_tcp {
	uint32_t seq;
	uint32_t ack;
	uint32_t payload_size;
	uint16_t win;     /* raw, unscaled */
	uint8_t flags;    /* TCP_* */
	uint8_t class_nr; /* enum tcp_class */
	const uint8_t *opts;
	uint8_t opts_size;
};

struct pkt {
	const struct frame *frame; /* borrowed for as long as the pkt lives */
	struct tuple tuple;        /* valid as far as depth goes */
	const uint8_t *l4;         /* first byte behind the IP headers */
	uint32_t l4_cap_size;      /* bytes of l4 that were copied */
	uint32_t l4_size;          /* bytes of l4 that the packet has */
	uint8_t depth;             /* enum pkt_depth */
	uint8_t kind;              /* enum pkt_kind */
	uint8_t l4_proto;          /* the last protocol number that was read */
	uint8_t ttl;               /* or hop limit */
	uint8_t tos;               /* type of service or traffic class */
	uint8_t reach;             /* enum pkt_reach */
	uint8_t icmp_type;
	uint8_t icmp_code;
	uint16_t th_sport; /* the first bytes behind the IP headers, of any protocol */
	uint16_t th_dport;
	struct pkt_tcp tcp;  /* PKT_KIND_TCP */
	struct tuple quoted; /* PKT_KIND_ICMP_ERROR: the tuple of the quoted packet */
};

/* Checksums to verify: none, those of segments that change state (SYN, FIN, RST), or all. */
enum csum_policy {
	CSUM_POLICY_OFF,
	CSUM_POLICY_CONTROL,
	CSUM_POLICY_FULL,
};

/*
 * Decodes one frame into *out, which borrows it. Returns REASON_NONE, or the reason for which the
 * packet is INVALID; *out is then valid as far as out->depth. Accepts any bytes. Verifies no
 * checksum.
 */
enum reason pkt_decode(const struct frame *frame, struct pkt *out);

/*
 * Verifies the transport checksum of a packet for which pkt_decode() returned REASON_NONE. Skips
 * packets that are CSUM_TRUSTED, of the output hook, truncated, or exempt by policy. Returns
 * REASON_NONE or the reason.
 */
enum reason pkt_verify(const struct pkt *p, enum csum_policy policy);

/* The Internet checksum (RFC 1071) over pseudo-header and transport part; 0 when it is correct. */
uint16_t pkt_l4_checksum(const struct pkt *p);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoding: from untrusted, possibly truncated bytes to a struct pkt whose lengths may be trusted.
 *
 * Every length is checked here and never again. Sources: RFC 791, 8200 (IPv4, IPv6), 9293 (TCP),
 * 768 (UDP), 792, 4443, 4861 (ICMP). What counts as invalid is what the kernel's tracker holds
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

/* How far decoding came, so that rules can match what there is of a broken packet. */
enum pkt_depth {
	PKT_NOTHING, /* not even an IP header */
	PKT_IP,      /* addresses, l4_proto */
	PKT_PORTS,   /* tuple.sport, tuple.dport; ICMP: type and code */
	PKT_FULL,    /* all of it */
};

/* What kind of tracking the packet needs. Set when pkt_decode() found nothing wrong. */
enum pkt_kind {
	PKT_KIND_TCP,
	PKT_KIND_UDP,
	PKT_KIND_ICMP_QUERY, /* belongs to a flow of its own */
	PKT_KIND_ICMP_ERROR, /* belongs to the flow that it quotes */
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
	struct tuple tuple;        /* valid as far as depth says */
	const uint8_t *l4;         /* first byte behind the IP headers */
	uint32_t l4_cap_size;      /* of it, bytes copied */
	uint32_t l4_size;          /* of it, bytes that the packet has */
	uint8_t depth;             /* enum pkt_depth */
	uint8_t kind;              /* enum pkt_kind */
	uint8_t l4_proto;          /* the last protocol number that was reached */
	uint8_t ttl;               /* or hop limit */
	uint8_t tos;               /* type of service or traffic class */
	uint8_t icmp_type;
	uint8_t icmp_code;
	struct pkt_tcp tcp;  /* PKT_KIND_TCP */
	struct tuple quoted; /* PKT_KIND_ICMP_ERROR only: as the quoted packet had it */
};

/* What to verify: nothing, the segments that move state (SYN, FIN, RST), or all that was copied
 * whole. */
enum csum_policy {
	CSUM_POLICY_OFF,
	CSUM_POLICY_CONTROL,
	CSUM_POLICY_FULL,
};

/*
 * Decodes one frame into *out, which borrows it. Returns REASON_NONE when nothing is wrong,
 * otherwise the reason for which the packet is INVALID (out->depth says what is usable then).
 * Total: any bytes give an answer. No checksum is looked at here.
 */
enum reason pkt_decode(const struct frame *frame, struct pkt *out);

/*
 * Verifies the transport checksum of a packet that pkt_decode() liked, where the frame says that
 * nobody did, policy asks for it, and all its bytes were copied. Returns REASON_NONE or the reason.
 */
enum reason pkt_verify(const struct pkt *p, enum csum_policy policy);

/* The Internet checksum (RFC 1071) of the transport part with its pseudo-header; 0 when it is
 * right. */
uint16_t pkt_l4_checksum(const struct pkt *p);

#endif

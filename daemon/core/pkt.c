/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packet decoding. Each header is read through a cursor over the copied bytes. The size of the
 * packet comes from the frame, never from a length field that the sender chose.
 *
 * Must not know flows or rules.
 */
#include <finwall/pkt.h>

#include "icmp_err.h"
#include "ip6_ext.h"

#include <finwall/bytes.h>

#define TCP_HEADER_SIZE  20
#define TCP_FLAGS_AT     13
#define ICMP_HEADER_SIZE 8

/* ICMPv6 redirect (RFC 4861, section 4.5): target and destination, then options. */
#define REDIRECT_OPTIONS_AT     40
#define REDIRECT_HEADER_OPTION  4
#define REDIRECT_OPTION_TO_DATA 8

static enum reason cut_short(const struct pkt *p, enum reason why);
static enum reason decode_ip4(struct pkt *p, struct cursor *c);
static enum reason decode_ip6(struct pkt *p, struct cursor *c);
static void read_th(struct pkt *p);
static enum reason decode_l4(struct pkt *p);

enum reason pkt_decode(const struct frame *frame, struct pkt *out)
{
	uint32_t cap_size = frame->cap_size < frame->true_size ? frame->cap_size : frame->true_size;
	struct cursor c = { frame->data, frame->data + cap_size };
	enum reason why;
	uint8_t version;

	memset(out, 0, offsetof(struct pkt, tcp));
	memset(&out->tcp, 0, sizeof(out->tcp));
	out->frame = frame;
	out->tcp.class_nr = SEG_NONE;
	if (cap_size == 0) {
		return cut_short(out, REASON_IP_SHORT);
	}
	version = frame->data[0] >> 4;
	if (version != 4 && version != 6) {
		return REASON_IP_VERSION;
	}
	why = version == 4 ? decode_ip4(out, &c) : decode_ip6(out, &c);
	if (why != REASON_NONE && why != REASON_IP6_NO_NEXT) {
		return why;
	}
	out->l4 = c.at;
	out->l4_cap_size = (uint32_t)cursor_left(&c);
	out->l4_size = frame->true_size - (uint32_t)(c.at - frame->data);
	read_th(out);
	return why != REASON_NONE ? why : decode_l4(out);
}

/* The reason for missing bytes: the packet ends there, or they were not copied. */
static enum reason cut_short(const struct pkt *p, enum reason why)
{
	return p->frame->cap_size < p->frame->true_size ? REASON_COPY_SHORT : why;
}

static enum reason decode_ip4(struct pkt *p, struct cursor *c)
{
	const uint8_t *ip;
	size_t header_size;

	if (!rd_ptr(c, 20, &ip)) {
		return cut_short(p, REASON_IP_SHORT);
	}
	p->tuple.family = 4;
	p->ttl = ip[8];
	p->tos = ip[1];
	p->l4_proto = ip[9];
	p->tuple.proto = ip[9];
	memcpy(p->tuple.src.bytes, ip + 12, 4);
	memcpy(p->tuple.dst.bytes, ip + 16, 4);
	p->depth = PKT_IP;
	p->reach = PKT_REACH_PROTO;
	header_size = (size_t)(ip[0] & 0x0f) * 4;
	if (header_size < 20 || header_size > p->frame->true_size) {
		return REASON_IP_HEADER;
	}
	if (!rd_skip(c, header_size - 20)) {
		return cut_short(p, REASON_IP_SHORT);
	}
	return (load_be16(ip + 6) & IP4_OFFSET_MASK) != 0 ? REASON_IP_FRAGMENT : REASON_NONE;
}

static enum reason decode_ip6(struct pkt *p, struct cursor *c)
{
	const uint8_t *ip;

	if (!rd_ptr(c, 40, &ip)) {
		return cut_short(p, REASON_IP_SHORT);
	}
	p->tuple.family = 6;
	p->tos = (uint8_t)(load_be16(ip) >> 4);
	p->l4_proto = ip[6];
	p->ttl = ip[7];
	memcpy(p->tuple.src.bytes, ip + 8, 16);
	memcpy(p->tuple.dst.bytes, ip + 24, 16);
	p->depth = PKT_IP;
	p->reach = PKT_REACH_IP;
	switch (ip6_ext_skip(c, &p->l4_proto)) {
	case IP6_EXT_SHORT:
		return cut_short(p, REASON_IP6_EXTENSION);
	case IP6_EXT_FRAGMENT:
		if (!ip6_ext_is(p->l4_proto)) {
			p->reach = PKT_REACH_PROTO;
		}
		return REASON_IP_FRAGMENT;
	case IP6_EXT_DONE:
		break;
	}
	p->reach = PKT_REACH_PROTO;
	p->tuple.proto = p->l4_proto;
	return p->l4_proto == IP6_NO_NEXT ? REASON_IP6_NO_NEXT : REASON_NONE;
}

/* What rules read of the transport header, of any protocol and however short. */
static void read_th(struct pkt *p)
{
	const uint32_t size = p->l4_cap_size;
	const uint32_t max = PKT_REACH_MAX - PKT_REACH_PROTO;

	p->reach = (uint8_t)(PKT_REACH_PROTO + (size < max ? size : max));
	if (size >= 4) {
		p->th_sport = load_be16(p->l4);
		p->th_dport = load_be16(p->l4 + 2);
	} else if (size >= 2) {
		p->th_sport = load_be16(p->l4);
	}
}

static inline enum tcp_class classify(unsigned flags)
{
	if ((flags & TCP_RST) != 0) {
		return SEG_RST;
	}
	if ((flags & TCP_SYN) != 0) {
		return (flags & TCP_ACK) != 0 ? SEG_SYNACK : SEG_SYN;
	}
	if ((flags & TCP_FIN) != 0) {
		return SEG_FIN;
	}
	return (flags & TCP_ACK) != 0 ? SEG_ACK : SEG_NONE;
}

/* The valid combinations; PSH, ECE and CWR may be set in any. */
static inline bool flags_are_legal(unsigned flags)
{
	switch (flags & ~(TCP_PSH | TCP_ECE | TCP_CWR)) {
	case TCP_SYN:
	case TCP_SYN | TCP_URG:
	case TCP_SYN | TCP_ACK:
	case TCP_RST:
	case TCP_RST | TCP_ACK:
	case TCP_FIN | TCP_ACK:
	case TCP_FIN | TCP_ACK | TCP_URG:
	case TCP_ACK:
	case TCP_ACK | TCP_URG:
		return true;
	default:
		return false;
	}
}

/* Reads the two ports, for protocols that start with them. */
static bool decode_ports(struct pkt *p)
{
	if (p->l4_cap_size < 4) {
		return false;
	}
	p->tuple.sport = p->th_sport;
	p->tuple.dport = p->th_dport;
	p->depth = PKT_PORTS;
	return true;
}

static enum reason decode_tcp(struct pkt *p)
{
	size_t header_size;

	p->kind = PKT_KIND_TCP;
	if (!decode_ports(p) || p->l4_cap_size < TCP_HEADER_SIZE) {
		p->tcp.flags = p->l4_cap_size > TCP_FLAGS_AT ? p->l4[TCP_FLAGS_AT] : 0;
		return cut_short(p, REASON_L4_SHORT);
	}
	header_size = (size_t)(p->l4[12] >> 4) * 4;
	p->tcp.seq = load_be32(p->l4 + 4);
	p->tcp.ack = load_be32(p->l4 + 8);
	p->tcp.flags = p->l4[TCP_FLAGS_AT];
	p->tcp.win = load_be16(p->l4 + 14);
	p->tcp.class_nr = (uint8_t)classify(p->tcp.flags);
	p->depth = PKT_FULL;
	if (header_size < TCP_HEADER_SIZE || header_size > p->l4_size) {
		return REASON_TCP_OFFSET;
	}
	if (header_size > p->l4_cap_size) {
		return REASON_COPY_SHORT;
	}
	p->tcp.payload_size = p->l4_size - (uint32_t)header_size;
	p->tcp.opts = p->l4 + TCP_HEADER_SIZE;
	p->tcp.opts_size = (uint8_t)(header_size - TCP_HEADER_SIZE);
	return flags_are_legal(p->tcp.flags) ? REASON_NONE : REASON_TCP_FLAGS;
}

static enum reason decode_udp(struct pkt *p)
{
	uint16_t length;

	p->kind = PKT_KIND_UDP;
	if (!decode_ports(p) || p->l4_cap_size < 8) {
		return cut_short(p, REASON_L4_SHORT);
	}
	p->depth = PKT_FULL;
	length = load_be16(p->l4 + 4);
	return length < 8 || length > p->l4_size ? REASON_UDP_LENGTH : REASON_NONE;
}

/* Common to ICMP and ICMPv6: type, code, and the identifier of a query. */
static bool decode_icmp_header(struct pkt *p)
{
	p->icmp_type = p->l4_cap_size > 0 ? p->l4[0] : 0;
	p->icmp_code = p->l4_cap_size > 1 ? p->l4[1] : 0;
	if (p->l4_cap_size < ICMP_HEADER_SIZE) {
		return false;
	}
	p->tuple.sport = load_be16(p->l4 + 4);
	p->tuple.dport = p->th_sport;
	p->kind = PKT_KIND_ICMP_QUERY;
	p->depth = PKT_FULL;
	return true;
}

static enum reason decode_quote(struct pkt *p, size_t at)
{
	struct cursor c = { p->l4, p->l4 + p->l4_cap_size };

	p->kind = PKT_KIND_ICMP_ERROR;
	p->tuple.sport = 0;
	if (!rd_skip(&c, at)) {
		return cut_short(p, REASON_ICMP_QUOTE);
	}
	return icmp_quote_decode(c, p->tuple.family, &p->quoted) == REASON_NONE
	               ? REASON_NONE
	               : cut_short(p, REASON_ICMP_QUOTE);
}

static enum reason decode_icmp4(struct pkt *p)
{
	if (!decode_icmp_header(p)) {
		return cut_short(p, REASON_L4_SHORT);
	}
	switch (p->icmp_type) {
	case 3:  /* destination unreachable */
	case 4:  /* source quench */
	case 5:  /* redirect */
	case 11: /* time exceeded */
	case 12: /* parameter problem */
		return decode_quote(p, ICMP_HEADER_SIZE);
	default:
		return p->icmp_type > 18 ? REASON_ICMP_TYPE : REASON_NONE;
	}
}

/* A redirect must pass the checks of RFC 4861, section 8.1. */
static enum reason decode_redirect(struct pkt *p)
{
	bool link_local = p->tuple.src.bytes[0] == 0xfe && (p->tuple.src.bytes[1] & 0xc0) == 0x80;

	p->kind = PKT_KIND_ICMP_ERROR;
	if (p->icmp_code != 0 || p->ttl != 255 || !link_local) {
		return REASON_ICMP_REDIRECT;
	}
	if (p->l4_cap_size < REDIRECT_OPTIONS_AT + REDIRECT_OPTION_TO_DATA) {
		return cut_short(p, REASON_ICMP_QUOTE);
	}
	if (p->l4[REDIRECT_OPTIONS_AT] != REDIRECT_HEADER_OPTION ||
	    p->l4[REDIRECT_OPTIONS_AT + 1] == 0) {
		return REASON_ICMP_REDIRECT;
	}
	return decode_quote(p, REDIRECT_OPTIONS_AT + REDIRECT_OPTION_TO_DATA);
}

static enum reason decode_icmp6(struct pkt *p)
{
	if (!decode_icmp_header(p)) {
		return cut_short(p, REASON_L4_SHORT);
	}
	switch (p->icmp_type) {
	case 130: /* multicast listener query, report, done */
	case 131:
	case 132:
	case 133: /* router and neighbour solicitation and advertisement */
	case 134:
	case 135:
	case 136:
	case 143: /* multicast listener report, version 2 */
	case 151: /* multicast router advertisement and solicitation */
	case 152:
		p->kind = PKT_KIND_UNTRACKED;
		return REASON_NONE;
	case 137:
		return decode_redirect(p);
	default:
		return p->icmp_type < 128 ? decode_quote(p, ICMP_HEADER_SIZE) : REASON_NONE;
	}
}

static enum reason decode_l4(struct pkt *p)
{
	switch (p->l4_proto) {
	case IPPROTO_NR_TCP:
		return decode_tcp(p);
	case IPPROTO_NR_UDP:
		return decode_udp(p);
	case IPPROTO_NR_ICMP:
		return p->tuple.family == 4 ? decode_icmp4(p) : REASON_ICMP_TYPE;
	case IPPROTO_NR_ICMPV6:
		return p->tuple.family == 6 ? decode_icmp6(p) : REASON_ICMP_TYPE;
	default:
		p->kind = PKT_KIND_OTHER;
		p->depth = PKT_FULL;
		return REASON_NONE;
	}
}

/* Adds bytes to a one's complement sum that is folded by the caller. size is even but for the last
 * call. */
static uint64_t sum_bytes(uint64_t sum, const uint8_t *b, size_t size)
{
	for (; size >= 4; b += 4, size -= 4) {
		sum += load_be32(b);
	}
	if (size >= 2) {
		sum += (uint64_t)load_be16(b) << 16;
		b += 2;
		size -= 2;
	}
	if (size == 1) {
		/* As if a zero byte followed. Its half of the word makes no difference modulo
		 * 2^16 - 1. */
		sum += (uint64_t)b[0] << 8;
	}
	return sum;
}

uint16_t pkt_l4_checksum(const struct pkt *p)
{
	size_t addr_size = p->tuple.family == 4 ? 4 : 16;
	uint64_t sum = 0;

	/* ICMP for IPv4 has no pseudo-header; RFC 792 and 9293, 8200 section 8.1. */
	if (p->l4_proto != IPPROTO_NR_ICMP) {
		sum = sum_bytes(sum, p->tuple.src.bytes, addr_size);
		sum = sum_bytes(sum, p->tuple.dst.bytes, addr_size);
		sum += p->l4_proto;
		sum += p->l4_size;
	}
	sum = sum_bytes(sum, p->l4, p->l4_size);
	while (sum >> 16 != 0) {
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)~sum;
}

enum reason pkt_verify(const struct pkt *p, enum csum_policy policy)
{
	enum reason bad;

	if (policy == CSUM_POLICY_OFF || p->frame->csum == CSUM_TRUSTED ||
	    p->frame->hook == HOOK_OUTPUT || p->l4_cap_size < p->l4_size) {
		return REASON_NONE;
	}
	switch (p->l4_proto) {
	case IPPROTO_NR_TCP:
		if (policy == CSUM_POLICY_CONTROL && p->tcp.class_nr == SEG_ACK) {
			return REASON_NONE;
		}
		bad = REASON_TCP_CHECKSUM;
		break;
	case IPPROTO_NR_UDP:
		if (policy == CSUM_POLICY_CONTROL || load_be16(p->l4 + 6) == 0) {
			return REASON_NONE;
		}
		bad = REASON_UDP_CHECKSUM;
		break;
	case IPPROTO_NR_ICMP:
	case IPPROTO_NR_ICMPV6:
		bad = REASON_ICMP_CHECKSUM;
		break;
	default:
		return REASON_NONE;
	}
	return pkt_l4_checksum(p) == 0 ? REASON_NONE : bad;
}

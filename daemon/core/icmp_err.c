/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tuple of a quoted packet; see icmp_err.h for what is deliberately not checked. */
#include "icmp_err.h"

#include "ip6_ext.h"

#include <finwall/pkt.h>

/* Ports, or an ICMP query's identifier, type and code. */
static enum reason quote_l4(struct cursor c, struct tuple *out)
{
	uint8_t type;
	uint8_t code;

	switch (out->proto) {
	case IPPROTO_NR_TCP:
	case IPPROTO_NR_UDP:
		return rd_be16(&c, &out->sport) && rd_be16(&c, &out->dport) ? REASON_NONE
		                                                            : REASON_ICMP_QUOTE;
	case IPPROTO_NR_ICMP:
	case IPPROTO_NR_ICMPV6:
		/* Eight bytes: type, code, checksum, identifier, sequence number. */
		if (cursor_left(&c) < 8) {
			return REASON_ICMP_QUOTE;
		}
		rd_u8(&c, &type);
		rd_u8(&c, &code);
		rd_skip(&c, 2);
		rd_be16(&c, &out->sport);
		out->dport = (uint16_t)(type << 8 | code);
		return REASON_NONE;
	default:
		out->sport = 0;
		out->dport = 0;
		return REASON_NONE;
	}
}

static enum reason quote_ip4(struct cursor c, struct tuple *out)
{
	struct cursor fixed = c;
	const uint8_t *ip;

	/* As in the kernel's tracker, the length may be below the minimum. */
	if (!rd_ptr(&fixed, 20, &ip) || !rd_skip(&c, (size_t)(ip[0] & 0x0f) * 4)) {
		return REASON_ICMP_QUOTE;
	}
	if ((load_be16(ip + 6) & IP4_OFFSET_MASK) != 0) {
		return REASON_ICMP_QUOTE;
	}
	out->proto = ip[9];
	memcpy(out->src.bytes, ip + 12, 4);
	memcpy(out->dst.bytes, ip + 16, 4);
	return quote_l4(c, out);
}

static enum reason quote_ip6(struct cursor c, struct tuple *out)
{
	const uint8_t *ip;

	if (!rd_ptr(&c, 40, &ip)) {
		return REASON_ICMP_QUOTE;
	}
	out->proto = ip[6];
	memcpy(out->src.bytes, ip + 8, 16);
	memcpy(out->dst.bytes, ip + 24, 16);
	if (ip6_ext_skip(&c, &out->proto) != IP6_EXT_DONE || out->proto == IP6_NO_NEXT) {
		return REASON_ICMP_QUOTE;
	}
	return quote_l4(c, out);
}

enum reason icmp_quote_decode(struct cursor c, uint8_t family, struct tuple *out)
{
	memset(out, 0, sizeof(*out));
	out->family = family;
	return family == 4 ? quote_ip4(c, out) : quote_ip6(c, out);
}

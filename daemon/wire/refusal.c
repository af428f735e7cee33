/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer to a rejected packet. See refusal.h.
 *
 * The checks are those of the kernel's REJECT target but for two: the first fragment of a packet is
 * not answered, and a checksum is verified only if all bytes that it covers were copied.
 */
#include "refusal.h"

#include "raw_packet.h"

#include <finwall/bytes.h>
#include <finwall/pkt.h>

/* Bits of bytes 6 and 7 of an IPv4 header: more fragments, and the offset. */
#define IP4_FRAGMENT_MASK 0x3fffu

/* The multicast addresses, the reserved ones and the limited broadcast address. */
#define IP4_UNICAST_END 0xe0000000u

#define IP6_FRAGMENT_HEADER 44

static bool is_one_host(uint8_t family, const union ip_addr *addr)
{
	if (family == 4) {
		uint32_t ip = load_be32(addr->bytes);

		return ip >> 24 != 0 && ip < IP4_UNICAST_END;
	}
	/* multicast, or unspecified */
	return addr->bytes[0] != 0xff && (addr->half[0] != 0 || addr->half[1] != 0);
}

/* True for any fragment, the first one too. IPv6: if it begins with a fragment header. */
static bool is_fragment(const struct frame *f, uint8_t family)
{
	return family == 4 ? (load_be16(f->data + 6) & IP4_FRAGMENT_MASK) != 0
	                   : f->data[6] == IP6_FRAGMENT_HEADER;
}

/* Decodes a packet that may be answered. Flags are no reason for silence: RFC 9293 has a reset for
 * each segment but a RST. */
static bool decode(const struct frame *frame, struct pkt *p)
{
	enum reason why = pkt_decode(frame, p);

	if (why != REASON_NONE && why != REASON_TCP_FLAGS) {
		return false;
	}
	return !is_fragment(frame, p->tuple.family) &&
	       is_one_host(p->tuple.family, &p->tuple.src) &&
	       is_one_host(p->tuple.family, &p->tuple.dst) &&
	       pkt_verify(p, CSUM_POLICY_FULL) == REASON_NONE;
}

static bool make_reset(const struct pkt *p, struct raw_request *out)
{
	const struct pkt_tcp *t = &p->tcp;

	if (p->kind != PKT_KIND_TCP || (t->flags & TCP_RST) != 0) {
		return false;
	}
	out->tuple.src = p->tuple.dst;
	out->tuple.sport = p->tuple.dport;
	out->tuple.dport = p->tuple.sport;
	if ((t->flags & TCP_ACK) != 0) {
		out->kind = RAW_RESET;
		out->seq = t->ack;
		return true;
	}
	out->kind = RAW_RESET_ACK;
	out->ack = t->seq + t->payload_size + ((t->flags & TCP_SYN) != 0) +
	           ((t->flags & TCP_FIN) != 0);
	return true;
}

static bool make_error(const struct pkt *p, enum reject_with with, struct raw_request *out,
                       uint32_t *quote_size)
{
	const struct frame *f = p->frame;
	uint32_t max = p->tuple.family == 4 ? RAW_QUOTE_MAX_IP4 : RAW_QUOTE_MAX_IP6;
	uint32_t size = f->cap_size < f->true_size ? f->cap_size : f->true_size;

	if (p->kind == PKT_KIND_ICMP_ERROR || p->kind == PKT_KIND_UNTRACKED) {
		return false;
	}
	/* As RFC 1812, section 4.3.2.4: a router's error has an address of the router. */
	if (f->hook == HOOK_INPUT) {
		out->tuple.src = p->tuple.dst;
	}
	out->kind = RAW_ERROR;
	out->with = (uint8_t)with;
	*quote_size = size < max ? size : max;
	return true;
}

bool refusal_make(const struct frame *frame, enum reject_with with, struct raw_request *out,
                  uint32_t *quote_size)
{
	struct pkt p;

	memset(out, 0, sizeof(*out));
	*quote_size = 0;
	if (!decode(frame, &p)) {
		return false;
	}
	out->tuple.family = p.tuple.family;
	out->tuple.dst = p.tuple.src;
	if (ip_is_link_local(p.tuple.family, &p.tuple.src)) {
		out->ifindex = frame->hook == HOOK_OUTPUT ? frame->oif : frame->iif;
	}
	return with == REJECT_TCP_RESET ? make_reset(&p, out)
	                                : make_error(&p, with, out, quote_size);
}

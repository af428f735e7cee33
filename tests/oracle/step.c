/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps as bytes. Shares no code with core's decoder, so that one error cannot hide in both.
 */
#include "step.h"

#include <finwall/bytes.h>
#include <finwall/pkt.h>

#include <string.h>

#define IP4_HEADER_SIZE 20
#define IP6_HEADER_SIZE 40

/* IPv6 extension headers by variant: protocol number and size. Variant 0 has none. */
static const struct {
	uint8_t next[2]; /* 0xff = none */
	uint8_t size[2];
} ip6_ext[] = {
	{ { 0xff, 0xff }, { 0, 0 } }, { { 60, 0xff }, { 8, 0 } },  { { 0, 0xff }, { 8, 0 } },
	{ { 44, 0xff }, { 8, 0 } },   { { 60, 0xff }, { 24, 0 } }, { { 51, 0xff }, { 12, 0 } },
	{ { 0, 60 }, { 8, 16 } },     { { 43, 0xff }, { 24, 0 } }, { { 60, 44 }, { 8, 8 } },
	{ { 51, 60 }, { 24, 8 } },
};

#define IP6_EXT_LEN   (sizeof(ip6_ext) / sizeof(ip6_ext[0]))
#define IP4_WORDS_MAX 10 /* variant n: n words of NOP options */

static uint32_t sum_bytes(uint32_t sum, const uint8_t *p, size_t size)
{
	for (; size >= 2; p += 2, size -= 2) {
		sum += load_be16(p);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	if (size != 0) {
		sum += (uint32_t)p[0] << 8;
	}
	return (sum & 0xffff) + (sum >> 16);
}

static uint16_t sum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void ends_tuple(const struct ends *e, enum step_end from, struct tuple *out)
{
	memset(out, 0, sizeof(*out));
	out->src = e->addr[from];
	out->dst = e->addr[1 - from];
	out->proto = e->proto;
	out->family = e->family;
	switch (e->proto) {
	case IPPROTO_NR_TCP:
	case IPPROTO_NR_UDP:
		out->sport = e->port[from];
		out->dport = e->port[1 - from];
		break;
	case IPPROTO_NR_ICMP:
		out->sport = e->port[0];
		out->dport = from == END_A ? 8 << 8 : 0;
		break;
	case IPPROTO_NR_ICMPV6:
		out->sport = e->port[0];
		out->dport = from == END_A ? 128 << 8 : 129 << 8;
		break;
	default:
		break;
	}
}

unsigned step_ext_variants(uint8_t family)
{
	return family == 6 ? IP6_EXT_LEN : IP4_WORDS_MAX + 1;
}

static size_t addr_size(const struct ends *e)
{
	return e->family == 6 ? 16 : 4;
}

uint16_t step_checksum(const struct ends *e, enum step_end from, uint8_t proto, const uint8_t *l4,
                       size_t l4_size)
{
	uint32_t sum = 0;

	if (proto != IPPROTO_NR_ICMP) {
		sum = sum_bytes(sum, e->addr[from].bytes, addr_size(e));
		sum = sum_bytes(sum, e->addr[1 - from].bytes, addr_size(e));
		sum += (uint32_t)proto + (uint32_t)(l4_size >> 16) + (uint32_t)(l4_size & 0xffff);
	}
	return sum_fold(sum_bytes(sum, l4, l4_size));
}

static size_t wrap_ip4(const struct ends *e, enum step_end from, uint8_t proto, unsigned words,
                       size_t l4_size, uint8_t *out)
{
	size_t head_size = IP4_HEADER_SIZE + 4 * (size_t)words;

	memset(out, 0, IP4_HEADER_SIZE);
	out[0] = (uint8_t)(0x40 | (5 + words));
	store_be16(out + 2, (uint16_t)(head_size + l4_size));
	out[6] = 0x40; /* DF */
	out[8] = 64;
	out[9] = proto;
	memcpy(out + 12, e->addr[from].bytes, 4);
	memcpy(out + 16, e->addr[1 - from].bytes, 4);
	memset(out + IP4_HEADER_SIZE, 1, 4 * (size_t)words);
	store_be16(out + 10, sum_fold(sum_bytes(0, out, head_size)));
	return head_size;
}

/* Appends one extension header; next is its next-header value. */
static void put_ext(uint8_t *p, uint8_t kind, uint8_t size, uint8_t next)
{
	memset(p, 0, size);
	p[0] = next;
	switch (kind) {
	case 44: /* An atomic fragment: offset 0, no more fragments. */
		store_be32(p + 4, 0x12345678);
		break;
	case 51:
		p[1] = (uint8_t)(size / 4 - 2);
		break;
	case 43: /* type 4, no segments left */
		p[1] = (uint8_t)(size / 8 - 1);
		p[2] = 4;
		break;
	default: /* hop-by-hop or destination options: one PadN */
		p[1] = (uint8_t)(size / 8 - 1);
		p[2] = 1;
		p[3] = (uint8_t)(size - 4);
		break;
	}
}

static size_t wrap_ip6(const struct ends *e, enum step_end from, uint8_t proto, unsigned ext,
                       size_t l4_size, uint8_t *out)
{
	size_t at = IP6_HEADER_SIZE;
	uint8_t *next = out + 6;

	memset(out, 0, IP6_HEADER_SIZE);
	out[0] = 0x60;
	out[7] = 64;
	memcpy(out + 8, e->addr[from].bytes, 16);
	memcpy(out + 24, e->addr[1 - from].bytes, 16);
	for (unsigned i = 0; i < 2 && ip6_ext[ext].next[i] != 0xff; i++) {
		*next = ip6_ext[ext].next[i];
		put_ext(out + at, *next, ip6_ext[ext].size[i], 0);
		next = out + at;
		at += ip6_ext[ext].size[i];
	}
	*next = proto;
	store_be16(out + 4, (uint16_t)(at - IP6_HEADER_SIZE + l4_size));
	return at;
}

size_t step_wrap_ip(const struct ends *e, enum step_end from, uint8_t proto, unsigned ext,
                    const uint8_t *l4, size_t l4_size, uint8_t *out)
{
	size_t head_size = e->family == 6 ? wrap_ip6(e, from, proto, ext, l4_size, out)
	                                  : wrap_ip4(e, from, proto, ext, l4_size, out);

	memmove(out + head_size, l4, l4_size);
	return head_size + l4_size;
}

static size_t build_tcp(const struct ends *e, const struct step *s, uint8_t *out)
{
	static uint8_t l4[STEP_PACKET_MAX];
	const struct step_tcp *t = &s->u.tcp;
	size_t head_size = 20 + (size_t)t->opts_size;
	size_t size = head_size + t->payload_size;
	uint8_t doff = t->doff != 0 ? t->doff : (uint8_t)(head_size / 4);

	memset(l4, 0, size);
	store_be16(l4, e->port[s->from]);
	store_be16(l4 + 2, e->port[1 - s->from]);
	store_be32(l4 + 4, t->seq);
	store_be32(l4 + 8, t->ack);
	l4[12] = (uint8_t)((unsigned)doff << 4 | (t->reserved & 0x0f));
	l4[13] = t->flags;
	store_be16(l4 + 14, t->win);
	memcpy(l4 + 20, t->opts, t->opts_size);
	if (t->short_size != 0 && t->short_size < size) {
		size = t->short_size;
	}
	if (size >= 18) {
		uint16_t sum = step_checksum(e, s->from, IPPROTO_NR_TCP, l4, size);

		store_be16(l4 + 16, sum ^ t->csum_xor);
	}
	return step_wrap_ip(e, s->from, IPPROTO_NR_TCP, t->ext, l4, size, out);
}

static size_t build_raw(const struct step_raw *raw, uint8_t *out)
{
	memcpy(out, raw->head, raw->head_size);
	memset(out + raw->head_size, 0, raw->size - raw->head_size);
	return raw->size;
}

/* Marks the packet for the rule that drops. */
static void mark_for_drop(const struct ends *e, uint8_t *packet, size_t size)
{
	size_t head_size = (size_t)(packet[0] & 0x0f) * 4;

	if (e->family == 6) {
		packet[7] = STEP_DROP_TTL;
		return;
	}
	if (head_size < IP4_HEADER_SIZE || head_size > size) {
		return;
	}
	packet[8] = STEP_DROP_TTL;
	store_be16(packet + 10, 0);
	store_be16(packet + 10, sum_fold(sum_bytes(0, packet, head_size)));
}

size_t step_build(const struct ends *e, const struct step *s, uint8_t *out)
{
	size_t size = s->kind == STEP_TCP ? build_tcp(e, s, out) : build_raw(&s->u.raw, out);

	if (s->drop != 0) {
		mark_for_drop(e, out, size);
	}
	return size;
}

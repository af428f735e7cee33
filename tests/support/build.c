/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet builder of the tests. It adds checksums byte by byte, so that it shares no code with
 * the checksums under test.
 */
#include "build.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint32_t sum16(uint32_t sum, const uint8_t *p, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		sum += (i & 1) != 0 ? p[i] : (uint32_t)p[i] << 8;
		while (sum > 0xffff) {
			sum = (sum & 0xffff) + (sum >> 16);
		}
	}
	return sum;
}

union ip_addr build_addr(const char *text)
{
	union ip_addr a;
	int ok;

	memset(&a, 0, sizeof(a));
	ok = inet_pton(strchr(text, ':') != NULL ? AF_INET6 : AF_INET, text, a.bytes);
	assert(ok == 1);
	(void)ok;
	return a;
}

struct build build_default(uint8_t family, uint8_t proto)
{
	struct build b;

	memset(&b, 0, sizeof(b));
	b.family = family;
	b.proto = proto;
	b.ttl = 64;
	b.src = build_addr(family == 4 ? "10.0.0.1" : "fd00::1");
	b.dst = build_addr(family == 4 ? "10.0.0.2" : "fd00::2");
	b.sport = 40000;
	b.dport = 80;
	b.win = 1000;
	b.id = 77;
	return b;
}

void build_segment(struct build *b, unsigned flags, uint32_t seq, uint32_t ack, size_t payload_size)
{
	b->flags = (uint8_t)flags;
	b->seq = seq;
	b->ack = ack;
	b->payload_size = payload_size;
}

void build_reverse(struct build *b)
{
	union ip_addr a = b->src;
	uint16_t port = b->sport;

	b->src = b->dst;
	b->dst = a;
	b->sport = b->dport;
	b->dport = port;
}

/* The offset of a protocol's checksum field; 0 if it has none. */
static size_t checksum_at(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_NR_TCP:
		return 16;
	case IPPROTO_NR_UDP:
		return 6;
	case IPPROTO_NR_ICMP:
	case IPPROTO_NR_ICMPV6:
		return 2;
	default:
		return 0;
	}
}

void build_fix_checksum(uint8_t *data, size_t size, size_t l4_at, uint8_t proto)
{
	size_t at = checksum_at(proto);
	size_t l4_size = size - l4_at;
	uint32_t sum = 0;

	if (at == 0 || l4_size < at + 2) {
		return;
	}
	put16(data + l4_at + at, 0);
	if (proto != IPPROTO_NR_ICMP) {
		uint8_t tail[4];

		if (data[0] >> 4 == 4) {
			sum = sum16(sum, data + 12, 8);
		} else {
			sum = sum16(sum, data + 8, 32);
		}
		put16(tail, (unsigned)l4_size);
		put16(tail + 2, proto);
		sum = sum16(sum, tail, 4);
	}
	sum = sum16(sum, data + l4_at, l4_size);
	sum = ~sum & 0xffff;
	if (proto == IPPROTO_NR_UDP && sum == 0) {
		sum = 0xffff;
	}
	put16(data + l4_at + at, sum);
}

static size_t put_ip(const struct build *b, uint8_t *out, size_t behind_size)
{
	size_t head = 20 + (size_t)b->ip_opts_size;

	if (b->family == 4) {
		out[0] = (uint8_t)(0x40 | head / 4);
		out[1] = b->tos;
		put16(out + 2, (unsigned)(head + behind_size));
		put16(out + 6, b->frag);
		out[8] = b->ttl;
		out[9] = b->proto;
		memcpy(out + 12, b->src.bytes, 4);
		memcpy(out + 16, b->dst.bytes, 4);
		memset(out + 20, 1, b->ip_opts_size);
		if (b->ip_opts != NULL) {
			memcpy(out + 20, b->ip_opts, b->ip_opts_size);
		}
		put16(out + 10, ~sum16(0, out, head) & 0xffff);
		return head;
	}
	put32(out, UINT32_C(0x60000000) | (uint32_t)b->tos << 20);
	put16(out + 4, (unsigned)(b->ext_size + behind_size));
	out[6] = b->ext_size > 0 ? b->ext_first : b->proto;
	out[7] = b->ttl;
	memcpy(out + 8, b->src.bytes, 16);
	memcpy(out + 24, b->dst.bytes, 16);
	if (b->ext_size > 0) {
		memcpy(out + 40, b->ext, b->ext_size);
	}
	return 40 + b->ext_size;
}

static size_t l4_header_size(const struct build *b)
{
	switch (b->proto) {
	case IPPROTO_NR_TCP:
		return 20 + (b->opts_size + 3u) / 4 * 4;
	case IPPROTO_NR_UDP:
	case IPPROTO_NR_ICMP:
	case IPPROTO_NR_ICMPV6:
		return 8;
	default:
		return 0;
	}
}

static void put_l4(const struct build *b, uint8_t *p, size_t head)
{
	switch (b->proto) {
	case IPPROTO_NR_TCP:
		put16(p, b->sport);
		put16(p + 2, b->dport);
		put32(p + 4, b->seq);
		put32(p + 8, b->ack);
		p[12] = (uint8_t)(head / 4 << 4);
		p[13] = b->flags;
		put16(p + 14, b->win);
		if (b->opts_size > 0) {
			memcpy(p + 20, b->opts, b->opts_size);
		}
		break;
	case IPPROTO_NR_UDP:
		put16(p, b->sport);
		put16(p + 2, b->dport);
		put16(p + 4, (unsigned)(8 + b->payload_size));
		break;
	case IPPROTO_NR_ICMP:
	case IPPROTO_NR_ICMPV6:
		p[0] = b->type;
		p[1] = b->code;
		put16(p + 4, b->id);
		break;
	default:
		break;
	}
}

size_t build_packet(const struct build *b, uint8_t *out)
{
	size_t head = l4_header_size(b);
	size_t at;
	size_t size;

	assert(60 + b->ext_size + head + b->payload_size <= BUILD_MAX);
	memset(out, 0, BUILD_MAX);
	at = put_ip(b, out, head + b->payload_size);
	put_l4(b, out + at, head);
	size = at + head + b->payload_size;
	if (b->payload != NULL) {
		memcpy(out + at + head, b->payload, b->payload_size);
	} else {
		memset(out + at + head, 'x', b->payload_size);
	}
	build_fix_checksum(out, size, at, b->proto);
	return size;
}

struct frame build_frame(const uint8_t *data, size_t size)
{
	return (struct frame){
		.data = data,
		.cap_size = (uint32_t)size,
		.true_size = (uint32_t)size,
		.iif = 1,
		.hook = HOOK_INPUT,
		.csum = CSUM_UNVERIFIED,
	};
}

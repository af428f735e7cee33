/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds raw packets. RFC 791, 792, 4443, 8200, 9293; checksums by core/pkt. */
#include "raw_packet.h"

#include <finwall/bytes.h>
#include <finwall/pkt.h>

#define IP4_SIZE 20
#define IP6_SIZE 40
#define TCP_SIZE 20
#define TS_SIZE  12

#define HOP_LIMIT     64
#define DONT_FRAGMENT 0x4000

static uint16_t ip4_checksum(const uint8_t *ip)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < IP4_SIZE; i += 2) {
		sum += load_be16(ip + i);
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static void write_ip4(const struct tuple *t, size_t tcp_size, uint8_t *ip)
{
	ip[0] = 4 << 4 | IP4_SIZE / 4;
	store_be16(ip + 2, (uint16_t)(IP4_SIZE + tcp_size));
	store_be16(ip + 6, DONT_FRAGMENT);
	ip[8] = HOP_LIMIT;
	ip[9] = IPPROTO_NR_TCP;
	memcpy(ip + 12, t->src.bytes, 4);
	memcpy(ip + 16, t->dst.bytes, 4);
	store_be16(ip + 10, ip4_checksum(ip));
}

static void write_ip6(const struct tuple *t, size_t tcp_size, uint8_t *ip)
{
	ip[0] = 6 << 4;
	store_be16(ip + 4, (uint16_t)tcp_size);
	ip[6] = IPPROTO_NR_TCP;
	ip[7] = HOP_LIMIT;
	memcpy(ip + 8, t->src.bytes, 16);
	memcpy(ip + 24, t->dst.bytes, 16);
}

static void write_tcp(const struct raw_request *req, size_t tcp_size, uint8_t *tcp)
{
	static const uint8_t flags[RAW_KINDS_LEN] = {
		[RAW_RESET] = TCP_RST,
		[RAW_KEEPALIVE] = TCP_ACK,
		[RAW_RESET_ACK] = TCP_RST | TCP_ACK,
	};

	store_be16(tcp, req->tuple.sport);
	store_be16(tcp + 2, req->tuple.dport);
	store_be32(tcp + 4, req->seq);
	store_be32(tcp + 8, (flags[req->kind] & TCP_ACK) != 0 ? req->ack : 0);
	tcp[12] = (uint8_t)(tcp_size / 4 << 4);
	tcp[13] = flags[req->kind];
	store_be16(tcp + 14, req->kind == RAW_KEEPALIVE ? req->win : 0);
	if (tcp_size > TCP_SIZE) {
		store_be32(tcp + TCP_SIZE, 0x0101080a); /* no-operation, no-operation, timestamps */
		store_be32(tcp + TCP_SIZE + 4, req->ts[0]);
		store_be32(tcp + TCP_SIZE + 8, req->ts[1]);
	}
}

size_t raw_packet_write(const struct raw_request *req, uint8_t out[static RAW_PACKET_SIZE])
{
	bool is_ip4 = req->tuple.family == 4;
	size_t ip_size = is_ip4 ? IP4_SIZE : IP6_SIZE;
	size_t tcp_size =
		req->kind == RAW_KEEPALIVE && req->has_ts != 0 ? TCP_SIZE + TS_SIZE : TCP_SIZE;
	struct pkt p = { .tuple = req->tuple, .l4_proto = IPPROTO_NR_TCP };

	if ((!is_ip4 && req->tuple.family != 6) || req->kind >= RAW_ERROR) {
		return 0;
	}
	memset(out, 0, RAW_PACKET_SIZE);
	if (is_ip4) {
		write_ip4(&req->tuple, tcp_size, out);
	} else {
		write_ip6(&req->tuple, tcp_size, out);
	}
	write_tcp(req, tcp_size, out + ip_size);
	p.l4 = out + ip_size;
	p.l4_size = (uint32_t)tcp_size;
	p.l4_cap_size = (uint32_t)tcp_size;
	store_be16(out + ip_size + 16, pkt_l4_checksum(&p));
	return ip_size + tcp_size;
}

/* The codes of destination unreachable: ICMP type 3, ICMPv6 type 1. -1: there is none. */
static const struct {
	int8_t ip4;
	int8_t ip6;
} error_codes[REJECTS_LEN] = {
	[REJECT_PORT_UNREACHABLE] = { 3, 4 },  [REJECT_HOST_UNREACHABLE] = { 1, 3 },
	[REJECT_NET_UNREACHABLE] = { 0, 0 },   [REJECT_ADMIN_PROHIBITED] = { 13, 1 },
	[REJECT_NET_PROHIBITED] = { 9, -1 },   [REJECT_HOST_PROHIBITED] = { 10, -1 },
	[REJECT_PROT_UNREACHABLE] = { 2, -1 }, [REJECT_POLICY_FAIL] = { -1, 5 },
	[REJECT_REJECT_ROUTE] = { -1, 6 },     [REJECT_TCP_RESET] = { -1, -1 },
};

size_t raw_error_write(const struct raw_request *req, const uint8_t *quote, size_t quote_size,
                       uint8_t out[static RAW_ERROR_SIZE])
{
	bool is_ip4 = req->tuple.family == 4;
	struct pkt p = { .tuple = req->tuple, .l4_proto = IPPROTO_NR_ICMP };
	int8_t code;

	if ((!is_ip4 && req->tuple.family != 6) || req->kind != RAW_ERROR ||
	    req->with >= REJECTS_LEN || quote_size > RAW_QUOTE_MAX_IP6) {
		return 0;
	}
	code = is_ip4 ? error_codes[req->with].ip4 : error_codes[req->with].ip6;
	if (code < 0) {
		return 0;
	}
	memset(out, 0, RAW_ERROR_HEADER_SIZE);
	memcpy(out + RAW_ERROR_HEADER_SIZE, quote, quote_size);
	out[0] = is_ip4 ? 3 : 1;
	out[1] = (uint8_t)code;
	if (is_ip4) {
		p.l4 = out;
		p.l4_size = RAW_ERROR_HEADER_SIZE + (uint32_t)quote_size;
		p.l4_cap_size = p.l4_size;
		store_be16(out + 2, pkt_l4_checksum(&p));
	}
	return RAW_ERROR_HEADER_SIZE + quote_size;
}

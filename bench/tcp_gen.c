/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes IP and TCP headers. Checksums stay 0: the frame flags report that the network card has
 * verified them, which is the usual case.
 */
#include "tcp_gen.h"

#include <finwall/bytes.h>
#include <finwall/pkt.h>

#define IP4_SIZE 20
#define IP6_SIZE 40
#define TCP_SIZE 20
#define WINDOW   0xfe00u

/* MSS 1460, SACK permitted, timestamp, window scale 7. */
static const uint8_t syn_options[20] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0,
	                                 0, 1, 0, 0,    0, 0, 1, 3,  3, 7 };
/* Two NOPs and a timestamp. */
static const uint8_t plain_options[12] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1 };

/* Hashes a connection's number. */
static uint32_t mix(uint32_t x)
{
	x ^= x >> 16;
	x *= 0x7feb352du;
	x ^= x >> 15;
	x *= 0x846ca68bu;
	return x ^ x >> 16;
}

static uint16_t client_port(uint32_t nr)
{
	return (uint16_t)(32768 + mix(nr) % 28000);
}

/* Clients 10.0.0.0/8 and 2001:db8:c::/96, servers 198.18.0.0/28 and 2001:db8:5::/124. */
static void write_address(uint8_t family, uint32_t nr, enum flow_dir side, uint8_t *at)
{
	static const uint8_t client6[12] = { 0x20, 1, 0x0d, 0xb8, 0, 0xc };
	static const uint8_t server6[12] = { 0x20, 1, 0x0d, 0xb8, 0, 0x5 };
	uint32_t low = side == DIR_ORIG ? 0x0a000000u + nr : 0xc6120000u + (nr & 15);

	if (family == 6) {
		memcpy(at, side == DIR_ORIG ? client6 : server6, sizeof(client6));
		at += sizeof(client6);
	}
	store_be32(at, low);
}

void tcp_gen_tuple(uint8_t family, uint32_t nr, struct tuple *t)
{
	memset(t, 0, sizeof(*t));
	write_address(family, nr, DIR_ORIG, t->src.bytes);
	write_address(family, nr, DIR_REPLY, t->dst.bytes);
	t->sport = client_port(nr);
	t->dport = TCP_GEN_SERVER_PORT;
	t->proto = IPPROTO_NR_TCP;
	t->family = family;
}

void tcp_gen_key(uint8_t family, uint32_t nr, struct flowkey *key)
{
	struct tuple t;
	enum key_side side;

	tcp_gen_tuple(family, nr, &t);
	(void)flowkey_from_tuple(&t, key, &side);
}

/* Returns the end of the IP header. */
static uint8_t *write_ip(uint8_t family, uint32_t nr, enum flow_dir dir, uint32_t l4_size,
                         uint8_t *buf)
{
	if (family == 4) {
		memset(buf, 0, IP4_SIZE);
		buf[0] = 0x45;
		store_be16(buf + 2, (uint16_t)(IP4_SIZE + l4_size));
		buf[8] = 64;
		buf[9] = IPPROTO_NR_TCP;
		write_address(4, nr, dir, buf + 12);
		write_address(4, nr, dir_other(dir), buf + 16);
		return buf + IP4_SIZE;
	}
	memset(buf, 0, 8);
	buf[0] = 0x60;
	store_be16(buf + 4, (uint16_t)l4_size);
	buf[6] = IPPROTO_NR_TCP;
	buf[7] = 64;
	write_address(6, nr, dir, buf + 8);
	write_address(6, nr, dir_other(dir), buf + 24);
	return buf + IP6_SIZE;
}

void tcp_gen_segment(uint8_t family, uint32_t nr, const struct segment *seg, struct conn_seq *seq,
                     uint8_t *buf, struct frame *frame)
{
	bool is_syn = (seg->flags & TCP_SYN) != 0;
	uint32_t opts_size = is_syn ? sizeof(syn_options) : sizeof(plain_options);
	uint32_t l4_size = TCP_SIZE + opts_size + seg->payload_size;
	uint8_t *tcp = write_ip(family, nr, seg->dir, l4_size, buf);
	uint32_t isn[2] = { mix(nr ^ 0x5bd1e995u), mix(nr ^ 0x1b873593u) };
	enum flow_dir other = dir_other(seg->dir);
	bool from_client = seg->dir == DIR_ORIG;

	store_be16(tcp, from_client ? client_port(nr) : TCP_GEN_SERVER_PORT);
	store_be16(tcp + 2, from_client ? TCP_GEN_SERVER_PORT : client_port(nr));
	store_be32(tcp + 4, isn[seg->dir] + seq->sent[seg->dir]);
	store_be32(tcp + 8, (seg->flags & TCP_ACK) != 0 ? isn[other] + seq->sent[other] : 0);
	tcp[12] = (uint8_t)((TCP_SIZE + opts_size) / 4 << 4);
	tcp[13] = seg->flags;
	store_be16(tcp + 14, WINDOW);
	store_be32(tcp + 16, 0);
	memcpy(tcp + TCP_SIZE, is_syn ? syn_options : plain_options, opts_size);
	seq->sent[seg->dir] += seg->payload_size + is_syn + ((seg->flags & TCP_FIN) != 0);

	uint32_t true_size = (uint32_t)(tcp - buf) + l4_size;

	*frame = (struct frame){
		.data = buf,
		.cap_size = true_size < TCP_GEN_COPY_SIZE ? true_size : TCP_GEN_COPY_SIZE,
		.true_size = true_size,
		.iif = from_client ? 2 : 3,
		.oif = from_client ? 3 : 2,
		.hook = HOOK_FORWARD,
		.csum = CSUM_TRUSTED,
	};
}

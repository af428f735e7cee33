/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The key of a flow, the same in both directions, and the tuple of a packet.
 *
 * For TCP, UDP and portless protocols the smaller (address, port) comes first, so that a packet and
 * its reply have the same key. ICMP queries are keyed by role (querier, queried host), because two
 * hosts that use the same identifier have two flows. Explicit padding only; compared as bytes.
 */
#ifndef FINWALL_FLOWKEY_H
#define FINWALL_FLOWKEY_H

#include <finwall/siphash.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Direction of a packet in its flow: that of the first packet, or the other one. */
enum flow_dir {
	DIR_ORIG,
	DIR_REPLY,
};

static inline enum flow_dir dir_other(enum flow_dir dir)
{
	return (enum flow_dir)(DIR_REPLY - dir);
}

/* Network byte order; IPv4 uses the first four bytes and leaves the rest zero. */
union ip_addr {
	uint8_t bytes[16];
	uint32_t word[4];
	uint64_t half[2];
};

/* fe80::/10: the address needs an interface. */
static inline bool ip_is_link_local(uint8_t family, const union ip_addr *addr)
{
	return family == 6 && addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80;
}

/* Which end of the key sent the packet. */
enum key_side {
	SIDE_LO,
	SIDE_HI,
};

struct flowkey {
	union ip_addr lo; /* ICMP query: the querier */
	union ip_addr hi; /* ICMP query: the queried host */
	uint16_t lo_port; /* host order; ICMP query: the identifier */
	uint16_t hi_port; /* host order; ICMP query: request type << 8 | code */
	uint8_t proto;    /* IP protocol number */
	uint8_t family;   /* 4 or 6 */
	uint16_t zone;    /* 0; reserved */
};

_Static_assert(sizeof(struct flowkey) == 40, "explicit padding only");

/* Addresses and ports as in a packet's headers; ports in host order. */
struct tuple {
	union ip_addr src;
	union ip_addr dst;
	uint16_t sport; /* ICMP query: the identifier */
	uint16_t dport; /* ICMP query: type << 8 | code, of the packet itself */
	uint8_t proto;
	uint8_t family;
};

/* Addresses and ports of a packet in the other direction. */
static inline struct tuple tuple_reversed(const struct tuple *t)
{
	struct tuple r = *t;

	r.src = t->dst;
	r.dst = t->src;
	r.sport = t->dport;
	r.dport = t->sport;
	return r;
}

/*
 * True when the sender's (address, port) sorts after the receiver's. The order is arbitrary but
 * total; an address is given as its two halves. Branch-free, because the result is unpredictable.
 */
static inline bool ends_src_is_hi(const uint64_t src[2], const uint64_t dst[2], uint16_t sport,
                                  uint16_t dport)
{
	return (src[0] > dst[0]) |
	       ((src[0] == dst[0]) & ((src[1] > dst[1]) | ((src[1] == dst[1]) & (sport > dport))));
}

/*
 * Sets *key to the key of a tuple and *side to the side that sent it. Returns false for an ICMP
 * type that is neither query nor reply: such a packet has no flow.
 */
bool flowkey_from_tuple(const struct tuple *t, struct flowkey *key, enum key_side *side);

/* The tuple as the given side sends it; the exact inverse of flowkey_from_tuple(). */
void flowkey_to_tuple(const struct flowkey *key, enum key_side side, struct tuple *t);

/* Keyed 64-bit hash, equal for both directions: SipHash-1-3 of the words below. */
uint64_t flowkey_hash(const struct flowkey *key, const struct sipkey *sip);

/* Words that are hashed. */
#define FLOWKEY_WORDS_IP4 2
#define FLOWKEY_WORDS_IP6 5
#define FLOWKEY_WORDS_MAX 5

/* The last of these words: everything but the addresses. */
static inline uint64_t flowkey_ports(const struct flowkey *key)
{
	return (uint64_t)key->lo_port | (uint64_t)key->hi_port << 16 | (uint64_t)key->proto << 32 |
	       (uint64_t)key->family << 40 | (uint64_t)key->zone << 48;
}

/* Both IPv4 addresses of a key: the first of its two words. */
static inline uint64_t flowkey_ip4_pair(const struct flowkey *key)
{
	return key->lo.word[0] | (uint64_t)key->hi.word[0] << 32;
}

/*
 * True for a flow whose two ends have the same address and port, so that packet and reply look the
 * same. Never true for ICMP, whose key has roles.
 */
bool flowkey_is_mirror(const struct flowkey *key);

static inline bool flowkey_equal(const struct flowkey *a, const struct flowkey *b)
{
	const uint64_t *x = (const uint64_t *)(const void *)a;
	const uint64_t *y = (const uint64_t *)(const void *)b;

	return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4])) == 0;
}

#endif

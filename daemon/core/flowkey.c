/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys of flows, and the pairs of ICMP query and reply types. Must not know packets. */
#include <finwall/bytes.h>
#include <finwall/flowkey.h>

#define PROTO_ICMP   1
#define PROTO_ICMPV6 58

/* The types of an ICMP query and its reply (RFC 792, 950, 4443, 4620). */
struct icmp_pair {
	uint8_t proto;
	uint8_t query;
	uint8_t answer;
};

static const struct icmp_pair icmp_pairs[] = {
	{ PROTO_ICMP, 8, 0 },       /* echo */
	{ PROTO_ICMP, 13, 14 },     /* timestamp */
	{ PROTO_ICMP, 15, 16 },     /* information */
	{ PROTO_ICMP, 17, 18 },     /* address mask */
	{ PROTO_ICMPV6, 128, 129 }, /* echo */
	{ PROTO_ICMPV6, 139, 140 }, /* node information */
};

static bool icmp_key(const struct tuple *t, struct flowkey *key, enum key_side *side)
{
	uint8_t type = (uint8_t)(t->dport >> 8);

	for (size_t i = 0; i < sizeof(icmp_pairs) / sizeof(icmp_pairs[0]); i++) {
		const struct icmp_pair *pair = &icmp_pairs[i];

		if (pair->proto != t->proto || (type != pair->query && type != pair->answer)) {
			continue;
		}
		*side = type == pair->query ? SIDE_LO : SIDE_HI;
		key->lo = *side == SIDE_LO ? t->src : t->dst;
		key->hi = *side == SIDE_LO ? t->dst : t->src;
		key->lo_port = t->sport;
		key->hi_port = (uint16_t)(pair->query << 8 | (t->dport & 0xff));
		return true;
	}
	return false;
}

bool flowkey_from_tuple(const struct tuple *t, struct flowkey *key, enum key_side *side)
{
	uint64_t ports[2] = { t->sport, t->dport };
	bool is_hi;

	key->proto = t->proto;
	key->family = t->family;
	key->zone = 0;
	if (t->proto == PROTO_ICMP || t->proto == PROTO_ICMPV6) {
		return icmp_key(t, key, side);
	}
	is_hi = ends_src_is_hi(t->src.half, t->dst.half, t->sport, t->dport);
	*side = is_hi ? SIDE_HI : SIDE_LO;
	key->lo = t->src;
	key->hi = t->dst;
	swap_if_u64(is_hi, &key->lo.half[0], &key->hi.half[0]);
	swap_if_u64(is_hi, &key->lo.half[1], &key->hi.half[1]);
	swap_if_u64(is_hi, &ports[0], &ports[1]);
	key->lo_port = (uint16_t)ports[0];
	key->hi_port = (uint16_t)ports[1];
	return true;
}

bool flowkey_is_mirror(const struct flowkey *key)
{
	return key->lo_port == key->hi_port && key->lo.half[0] == key->hi.half[0] &&
	       key->lo.half[1] == key->hi.half[1] && key->proto != PROTO_ICMP &&
	       key->proto != PROTO_ICMPV6;
}

void flowkey_to_tuple(const struct flowkey *key, enum key_side side, struct tuple *t)
{
	t->proto = key->proto;
	t->family = key->family;
	t->src = side == SIDE_LO ? key->lo : key->hi;
	t->dst = side == SIDE_LO ? key->hi : key->lo;
	t->sport = side == SIDE_LO ? key->lo_port : key->hi_port;
	t->dport = side == SIDE_LO ? key->hi_port : key->lo_port;
	if (key->proto != PROTO_ICMP && key->proto != PROTO_ICMPV6) {
		return;
	}
	t->sport = key->lo_port;
	t->dport = key->hi_port;
	if (side == SIDE_LO) {
		return;
	}
	for (size_t i = 0; i < sizeof(icmp_pairs) / sizeof(icmp_pairs[0]); i++) {
		if (icmp_pairs[i].proto == key->proto && icmp_pairs[i].query == key->hi_port >> 8) {
			t->dport = (uint16_t)(icmp_pairs[i].answer << 8 | (key->hi_port & 0xff));
		}
	}
}

uint64_t flowkey_hash(const struct flowkey *key, const struct sipkey *sip)
{
	if (key->family == 4) {
		const uint64_t words[FLOWKEY_WORDS_IP4] = { flowkey_ip4_pair(key),
			                                    flowkey_ports(key) };

		return siphash13(sip, words, FLOWKEY_WORDS_IP4);
	}
	const uint64_t words[FLOWKEY_WORDS_IP6] = { key->lo.half[0], key->lo.half[1],
		                                    key->hi.half[0], key->hi.half[1],
		                                    flowkey_ports(key) };

	return siphash13(sip, words, FLOWKEY_WORDS_IP6);
}

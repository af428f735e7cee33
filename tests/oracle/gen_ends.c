/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ends of a new flow: addresses, ports and protocol.
 */
#include "gen.h"

#include <finwall/pkt.h>

#include <string.h>

#define HOSTS_LEN 31

static void set_address(union ip_addr *a, unsigned family, unsigned net, unsigned host,
                        unsigned made)
{
	memset(a, 0, sizeof(*a));
	if (family == 6) {
		a->bytes[0] = 0x20;
		a->bytes[1] = 0x01;
		a->bytes[2] = 0x0d;
		a->bytes[3] = 0xb8;
		a->bytes[5] = (uint8_t)net;
		a->bytes[8] = (uint8_t)made;
		a->bytes[15] = (uint8_t)host;
		return;
	}
	a->bytes[0] = 10;
	a->bytes[1] = (uint8_t)net;
	a->bytes[2] = (uint8_t)made;
	a->bytes[3] = (uint8_t)host;
}

static uint8_t pick_proto(struct rng *rng, unsigned protos, unsigned family)
{
	static const uint8_t others[] = { 50, 89, 2, 99, 253, 112, 103 };
	unsigned group;

	do {
		group = 1u << rng_below(rng, 4);
	} while ((protos & group) == 0);
	switch (group) {
	case GEN_TCP:
		return IPPROTO_NR_TCP;
	case GEN_UDP:
		return IPPROTO_NR_UDP;
	case GEN_ICMP:
		return family == 6 ? IPPROTO_NR_ICMPV6 : IPPROTO_NR_ICMP;
	default:
		return RNG_PICK(rng, others);
	}
}

void gen_ends(struct rng *rng, unsigned protos, unsigned family, unsigned nr, unsigned made,
              uint16_t port, struct ends *out)
{
	unsigned fam = family != 0 ? family : 4 + 2 * rng_below(rng, 2);
	unsigned host = 1 + nr % HOSTS_LEN;
	unsigned net = 1 + nr / HOSTS_LEN;
	unsigned swapped = rng_below(rng, 2);

	memset(out, 0, sizeof(*out));
	out->family = (uint8_t)fam;
	out->proto = pick_proto(rng, protos, fam);
	set_address(&out->addr[swapped], fam, net, host, made & 0xff);
	set_address(&out->addr[1 - swapped], fam, 100 + net, host, made & 0xff);
	out->port[0] = port;
	if (out->proto == IPPROTO_NR_TCP || out->proto == IPPROTO_NR_UDP) {
		out->port[1] = rng_percent(rng, 90) ? 80 : 0;
	}
	if (rng_percent(rng, 1)) { /* a host that connects to itself */
		out->addr[1] = out->addr[0];
		out->port[1] = rng_percent(rng, 80) ? out->port[0] : out->port[1];
	}
}

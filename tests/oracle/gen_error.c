/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP and ICMPv6 errors that quote a packet of a flow: correctly, sent to the wrong host,
 * truncated, as a fragment, behind extension headers, of an unknown flow, or quoting another error.
 */
#include "gen.h"

#include <finwall/bytes.h>
#include <finwall/pkt.h>

#include <string.h>

#define QUOTE_MAX 200

/* The transport bytes of the quoted packet, as the end sends them. */
static size_t quoted_l4(struct rng *rng, const struct ends *e, enum step_end from, uint8_t *l4)
{
	size_t size = rng_percent(rng, 80) ? 8 + rng_below(rng, 24) : rng_below(rng, 9);
	struct tuple t;

	memset(l4, 0, 32);
	ends_tuple(e, from, &t);
	switch (e->proto) {
	case IPPROTO_NR_TCP:
	case IPPROTO_NR_UDP:
		store_be16(l4, t.sport);
		store_be16(l4 + 2, t.dport);
		break;
	case IPPROTO_NR_ICMP:
	case IPPROTO_NR_ICMPV6:
		l4[0] = (uint8_t)(t.dport >> 8);
		l4[1] = (uint8_t)t.dport;
		store_be16(l4 + 4, t.sport);
		if (rng_percent(rng, 10)) {
			l4[0] = (uint8_t)rng_u64(rng);
		}
		break;
	default:
		break;
	}
	if (rng_percent(rng, 8)) {
		l4[rng_below(rng, 8)] ^= (uint8_t)(1u << rng_below(rng, 8));
	}
	return size;
}

/* The quoted packet, with the changes that routers, middleboxes and attackers make. */
static size_t quote(struct rng *rng, const struct ends *e, enum step_end from, uint8_t *out)
{
	uint8_t l4[32];
	size_t l4_size = quoted_l4(rng, e, from, l4);
	unsigned ext = rng_percent(rng, 15) ? rng_below(rng, step_ext_variants(e->family)) : 0;
	unsigned trick = rng_below(rng, 20);
	size_t size;

	if (trick == 1 && e->family == 6) {
		ext = STEP_EXT_FRAGMENT;
	}
	size = step_wrap_ip(e, from, e->proto, ext, l4, l4_size, out);
	switch (trick) {
	case 0: /* version and header length */
		out[0] ^= (uint8_t)(1u << rng_below(rng, 8));
		break;
	case 1: /* fragment bits */
		if (e->family == 4) {
			out[6] = (uint8_t)rng_below(rng, 64);
			out[7] = (uint8_t)rng_below(rng, 2);
		} else {
			store_be16(out + 42, (uint16_t)rng_below(rng, 10));
		}
		break;
	case 2: /* the protocol or next header */
		out[e->family == 4 ? 9 : 6] = (uint8_t)rng_u64(rng);
		break;
	case 3: /* the length fields */
		out[e->family == 4 ? 3 : 5] ^= (uint8_t)rng_u64(rng);
		break;
	case 4:
		out[8] = (uint8_t)rng_u64(rng);
		break;
	case 5: /* truncated */
		size = rng_below(rng, (uint32_t)size + 1);
		break;
	case 6:
		if (e->family == 6) {
			out[6] = 59;
		}
		break;
	default:
		break;
	}
	return size;
}

static uint8_t error_type(struct rng *rng, bool v6)
{
	static const uint8_t types4[] = { 3, 3, 3, 4, 5, 11, 12 };
	static const uint8_t types6[] = { 1, 1, 2, 3, 4, 100, 127, 0 };

	return v6 ? RNG_PICK(rng, types6) : RNG_PICK(rng, types4);
}

/* Wraps an ICMPv6 redirect so that it passes the checks of neighbour discovery, or not. */
static void redirect_headers(struct rng *rng, struct ends *outer, enum step_end from)
{
	if (rng_percent(rng, 90)) {
		memset(outer->addr[from].bytes, 0, 16);
		outer->addr[from].bytes[0] = 0xfe;
		outer->addr[from].bytes[1] = 0x80;
		outer->addr[from].bytes[15] = 9;
	}
}

static size_t redirect_body(struct rng *rng, uint8_t *l4, const uint8_t *inner, size_t inner_size)
{
	size_t at = 40;

	if (rng_percent(rng, 10)) { /* the link-layer address option first */
		l4[at] = 2;
		l4[at + 1] = 1;
		at += 8;
	}
	l4[at] = rng_percent(rng, 90) ? 4 : (uint8_t)rng_below(rng, 8);
	l4[at + 1] = (uint8_t)((inner_size + 8 + 7) / 8);
	if (rng_percent(rng, 10)) {
		l4[at + 1] = (uint8_t)rng_below(rng, 40);
	}
	memcpy(l4 + at + 8, inner, inner_size);
	return at + ((inner_size + 8 + 7) & ~(size_t)7);
}

void gen_error(struct rng *rng, const struct ends *e, struct step *out)
{
	uint8_t inner[QUOTE_MAX] = { 0 };
	uint8_t l4[QUOTE_MAX + 80] = { 0 };
	enum step_end quoted = (enum step_end)rng_below(rng, 2);
	enum step_end from = rng_percent(rng, 90) ? (enum step_end)(1 - quoted) : quoted;
	size_t inner_size = quote(rng, e, quoted, inner);
	bool v6 = e->family == 6;
	bool redirect = v6 && rng_percent(rng, 15);
	uint8_t proto = v6 ? IPPROTO_NR_ICMPV6 : IPPROTO_NR_ICMP;
	struct ends outer = *e;
	size_t size;
	uint16_t sum;

	if (rng_percent(rng, 40)) { /* Any router may send it. */
		outer.addr[from].bytes[v6 ? 15 : 3] ^= 0x40;
	}
	if (rng_percent(rng, 5)) {
		outer.addr[1 - from].bytes[v6 ? 15 : 3] ^= 0x20;
	}
	l4[0] = error_type(rng, v6);
	l4[1] = (uint8_t)(rng_percent(rng, 80) ? 1 : rng_u64(rng));
	if (redirect) {
		l4[0] = 137;
		l4[1] = rng_percent(rng, 90) ? 0 : 1;
		redirect_headers(rng, &outer, from);
		size = redirect_body(rng, l4, inner, inner_size);
	} else {
		memcpy(l4 + 8, inner, inner_size);
		size = 8 + inner_size;
	}
	if (rng_percent(rng, 3)) {
		size = rng_below(rng, (uint32_t)size);
	}
	sum = step_checksum(&outer, from, proto, l4, size);
	store_be16(l4 + 2, rng_percent(rng, 96) ? sum : sum ^ 1);
	gen_raw(&outer, from, proto, 0, l4, size, out);
	if (redirect && rng_percent(rng, 90)) {
		out->u.raw.head[7] = 255;
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets of all protocols but TCP: UDP, ICMP and ICMPv6 queries, protocols without a tracker.
 */
#include "gen.h"

#include <finwall/bytes.h>
#include <finwall/pkt.h>

#include <string.h>

#define UDP_SIZE_MAX 2000
#define CAP_SIZE     192

void gen_flow_init(struct gen_flow *g, struct rng *rng)
{
	static const uint8_t chaos[] = { 2, 5, 10, 10, 20, 40, 80 };
	static const uint32_t isn[] = { 0, 1, UINT32_MAX, UINT32_MAX - 1, 0x7fffffff, 0x80000000 };

	memset(g, 0, sizeof(*g));
	g->chaos = RNG_PICK(rng, chaos);
	g->repeats = rng_percent(rng, 2) ? 98 : 8;
	for (unsigned i = 0; i < 2; i++) {
		g->isn[i] = rng_percent(rng, 30) ? RNG_PICK(rng, isn) - rng_below(rng, 3000)
		                                 : (uint32_t)rng_u64(rng);
	}
}

void gen_raw(const struct ends *e, enum step_end from, uint8_t proto, unsigned ext,
             const uint8_t *l4, size_t l4_size, struct step *out)
{
	static uint8_t packet[STEP_PACKET_MAX];
	size_t size = step_wrap_ip(e, from, proto, ext, l4, l4_size, packet);

	out->kind = STEP_RAW;
	out->from = (uint8_t)from;
	out->u.raw.size = (uint32_t)size;
	out->u.raw.head_size = (uint16_t)(size < STEP_HEAD_MAX ? size : STEP_HEAD_MAX);
	memcpy(out->u.raw.head, packet, out->u.raw.head_size);
}

static unsigned pick_ext(struct rng *rng, const struct ends *e)
{
	return rng_percent(rng, 5) ? rng_below(rng, step_ext_variants(e->family)) : 0;
}

void gen_udp(struct rng *rng, const struct ends *e, struct step *out)
{
	uint8_t l4[UDP_SIZE_MAX + 8] = { 0 };
	enum step_end from = rng_percent(rng, 60) ? END_A : END_B;
	size_t size =
		8 + (rng_percent(rng, 80) ? rng_below(rng, 64) : rng_below(rng, UDP_SIZE_MAX));
	uint16_t length = (uint16_t)size;
	size_t summed = size;
	uint16_t sum;

	switch (rng_below(rng, 24)) {
	case 0: /* a wrong length field */
		length = (uint16_t)rng_below(rng, 10);
		break;
	case 1:
		length = (uint16_t)(size + 1 - rng_below(rng, 3));
		break;
	case 2: /* trailing bytes that the checksum does not cover */
		length = (uint16_t)(8 + rng_below(rng, (uint32_t)(size - 7)));
		summed = length;
		break;
	case 3:
		size = rng_below(rng, 9);
		summed = size;
		break;
	default:
		break;
	}
	store_be16(l4, e->port[from]);
	store_be16(l4 + 2, e->port[1 - from]);
	store_be16(l4 + 4, length);
	sum = step_checksum(e, from, IPPROTO_NR_UDP, l4, summed);
	if (rng_percent(rng, 4)) {
		sum ^= (uint16_t)(1u << rng_below(rng, 16));
	}
	if (rng_percent(rng, 4)) {
		sum = 0;
	}
	store_be16(l4 + 6, sum);
	gen_raw(e, from, IPPROTO_NR_UDP, pick_ext(rng, e), l4, size, out);
}

/* An ICMP type: mostly an echo query or reply, from the side that would send it. */
static uint8_t icmp_type(struct rng *rng, bool v6, enum step_end from)
{
	static const uint8_t query4[] = { 8, 13, 15, 17 };
	static const uint8_t answer4[] = { 0, 14, 16, 18 };
	static const uint8_t query6[] = { 128, 139 };
	static const uint8_t answer6[] = { 129, 140 };
	static const uint8_t odd6[] = { 1,   2,   3,   4,   100, 127, 130, 131, 132, 133, 134, 135,
		                        136, 137, 138, 141, 143, 144, 150, 151, 152, 153, 255 };
	bool is_query = (from == END_A) != rng_percent(rng, 3);

	if (rng_percent(rng, 6)) {
		return v6 ? RNG_PICK(rng, odd6) : (uint8_t)rng_below(rng, 24);
	}
	if (rng_percent(rng, 2)) {
		return (uint8_t)rng_u64(rng);
	}
	if (rng_percent(rng, 92)) {
		return v6 ? (is_query ? 128 : 129) : (is_query ? 8 : 0);
	}
	if (is_query) {
		return v6 ? RNG_PICK(rng, query6) : RNG_PICK(rng, query4);
	}
	return v6 ? RNG_PICK(rng, answer6) : RNG_PICK(rng, answer4);
}

void gen_icmp(struct rng *rng, const struct ends *e, struct step *out)
{
	uint8_t l4[128] = { 0 };
	enum step_end from = rng_percent(rng, 60) ? END_A : END_B;
	bool v6 = e->family == 6;
	uint8_t proto = v6 ? IPPROTO_NR_ICMPV6 : IPPROTO_NR_ICMP;
	size_t size = rng_percent(rng, 97) ? 8 + rng_below(rng, 64) : rng_below(rng, 9);
	uint16_t sum;

	if (rng_percent(rng, 1)) { /* a type of the other family */
		proto = v6 ? IPPROTO_NR_ICMP : IPPROTO_NR_ICMPV6;
	}
	l4[0] = icmp_type(rng, v6, from);
	l4[1] = (uint8_t)(rng_percent(rng, 97) ? 0 : rng_below(rng, 3));
	store_be16(l4 + 4, (uint16_t)(e->port[0] + (rng_percent(rng, 98) ? 0 : 1)));
	store_be16(l4 + 6, (uint16_t)rng_u64(rng));
	sum = step_checksum(e, from, proto, l4, size);
	store_be16(l4 + 2, rng_percent(rng, 97) ? sum : sum ^ 0x100);
	gen_raw(e, from, proto, pick_ext(rng, e), l4, size, out);
}

void gen_other(struct rng *rng, const struct ends *e, struct step *out)
{
	uint8_t l4[64] = { 0 };
	enum step_end from = rng_percent(rng, 60) ? END_A : END_B;

	gen_raw(e, from, e->proto, pick_ext(rng, e), l4, rng_below(rng, sizeof(l4)), out);
}

/*
 * IPv6: changes fields of the first extension header, so that the chain is not decoded correctly.
 */
static void change_ext(struct rng *rng, const struct ends *e, struct step *out)
{
	uint8_t *head = out->u.raw.head;
	static const uint8_t next[] = { 51, 59, 60, 6, 17, 58, 253 };

	if (e->family != 6 || out->kind != STEP_RAW || !rng_percent(rng, 10) ||
	    out->u.raw.head_size < 48 || (head[6] != 60 && head[6] != 51)) {
		return;
	}
	if (rng_percent(rng, 70)) {
		head[41] = (uint8_t)rng_below(rng, 12);
	} else {
		head[40] = RNG_PICK(rng, next);
	}
}

void gen_step(struct gen_flow *g, struct rng *rng, const struct ends *e, const struct flow *live,
              enum step_end orig, struct step *out)
{
	memset(out, 0, sizeof(*out));
	if (rng_percent(rng, e->proto == IPPROTO_NR_TCP ? 1 : 10)) {
		gen_error(rng, e, out);
		return;
	}
	switch (e->proto) {
	case IPPROTO_NR_TCP:
		gen_tcp(g, rng, e, live, orig, out);
		if (rng_percent(rng, 30) && out->u.tcp.csum_xor == 0 && out->u.tcp.ext == 0) {
			out->cap_size = CAP_SIZE;
		}
		break;
	case IPPROTO_NR_UDP:
		gen_udp(rng, e, out);
		break;
	case IPPROTO_NR_ICMP:
	case IPPROTO_NR_ICMPV6:
		gen_icmp(rng, e, out);
		break;
	default:
		gen_other(rng, e, out);
		break;
	}
	change_ext(rng, e, out);
	out->drop = rng_percent(rng, g->drops) ? 1 : 0;
}

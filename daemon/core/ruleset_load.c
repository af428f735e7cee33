/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers that are no field of the packet: raw bits of a header, masked fields, counters, random
 * numbers and hashes. See struct rs_load.
 */
#include <finwall/ruleset.h>

#include "ruleset_code.h"

#include <stdatomic.h>
#include <string.h>

/* Bits from a bit on, most significant first. Returns false if they are not all in size bytes. */
static bool read_bits(const uint8_t *from, uint32_t size, uint32_t offset, uint32_t bits,
                      uint32_t *out)
{
	uint64_t value = 0;
	uint32_t last = (offset + bits - 1) / 8;

	if (last >= size) {
		return false;
	}
	for (uint32_t i = offset / 8; i <= last; i++) {
		value = value << 8 | from[i];
	}
	value >>= (last + 1) * 8 - offset - bits;
	*out = (uint32_t)(value & (UINT64_MAX >> (64 - bits)));
	return true;
}

/*
 * A byte of the first routing header. Returns false if the packet has none. Finds what the kernel's
 * ipv6_find_hdr() finds: a header is searched for only up to the first later fragment.
 */
static bool read_routing_header(const struct pkt *p, uint32_t offset, uint32_t *out)
{
	const uint8_t *d = p->frame->data;
	const uint32_t size = p->frame->cap_size;
	uint32_t at = 40;
	uint8_t next;

	if (p->tuple.family != 6 || size <= at) {
		return false;
	}
	next = d[6];
	while (next != 43 && at + 8 <= size) {
		const uint8_t *h = d + at;

		switch (next) {
		case 0:  /* hop-by-hop options */
		case 60: /* destination options */
			at += (h[1] + 1u) * 8;
			break;
		case 51: /* authentication */
			at += (h[1] + 2u) * 4;
			break;
		case 44: /* fragment */
			if ((load_be16(h + 2) & 0xfff8) != 0) {
				return false;
			}
			at += 8;
			break;
		default:
			return false;
		}
		next = h[0];
	}
	if (next != 43 || at + offset >= size) {
		return false;
	}
	*out = d[at + offset];
	return true;
}

static uint32_t rotate(uint32_t v, unsigned by)
{
	return v << by | v >> (32 - by);
}

/* Bob Jenkins' lookup3 (2006), as the kernel's jhash of 32-bit words in memory order. */
static uint32_t jhash(const uint32_t *k, uint32_t len, uint32_t size, uint32_t seed)
{
	uint32_t a = 0xdeadbeefu + size + seed;
	uint32_t b = a;
	uint32_t c = a;

	while (len > 3) {
		a += k[0];
		b += k[1];
		c += k[2];
		a = (a - c) ^ rotate(c, 4);
		c += b;
		b = (b - a) ^ rotate(a, 6);
		a += c;
		c = (c - b) ^ rotate(b, 8);
		b += a;
		a = (a - c) ^ rotate(c, 16);
		c += b;
		b = (b - a) ^ rotate(a, 19);
		a += c;
		c = (c - b) ^ rotate(b, 4);
		b += a;
		len -= 3;
		k += 3;
	}
	c += len > 2 ? k[2] : 0;
	b += len > 1 ? k[1] : 0;
	a += k[0];
	c = (c ^ b) - rotate(b, 14);
	a = (a ^ c) - rotate(c, 11);
	b = (b ^ a) - rotate(a, 25);
	c = (c ^ b) - rotate(b, 16);
	a = (a ^ c) - rotate(c, 4);
	b = (b ^ a) - rotate(a, 14);
	c = (c ^ b) - rotate(b, 24);
	return c;
}

/* A number as the four bytes of a register: its `size` bytes in network order, then zeroes. */
static uint32_t in_register(uint32_t v, unsigned size)
{
	uint8_t bytes[4] = { 0 };

	switch (size) {
	case 1:
		return v;
	case 2:
		store_be16(bytes, (uint16_t)v);
		break;
	case 0:
		return v;
	default:
		store_be32(bytes, v);
		break;
	}
	memcpy(&v, bytes, sizeof(v));
	return v;
}

/* Each field fills whole words; only a field alone counts with its own size. */
static uint32_t hash(const struct rs_load *l, const struct rule_input *in, uint32_t mark)
{
	uint32_t word[RS_LOAD_FIELDS_MAX * 4];
	uint32_t len = 0;
	uint32_t size;

	for (unsigned i = 0; i < l->fields_len; i++) {
		enum rs_field field = (enum rs_field)l->field[i];
		const uint8_t *addr =
			field == RS_F_SADDR ? in->pkt->tuple.src.bytes : in->pkt->tuple.dst.bytes;

		if (l->network_size[i] == 16) {
			memcpy(&word[len], addr, 16);
			len += 4;
		} else {
			word[len++] =
				in_register(ruleset_field(field, in, mark, 0), l->network_size[i]);
		}
	}
	size = l->fields_len == 1 && l->network_size[0] != 0 ? l->network_size[0] : len * 4;
	return jhash(word, len, size, l->seed);
}

/* xorshift; the start is the address of the load. Good enough to divide packets. */
static uint32_t next_random(struct rs_load *l, bool is_dry)
{
	uint32_t x = atomic_load_explicit(&l->counter, memory_order_relaxed);

	x = x != 0 ? x : 0x9e3779b9u;
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	if (!is_dry) {
		atomic_store_explicit(&l->counter, x, memory_order_relaxed);
	}
	return x;
}

#define DAY_S 86400

/* Seconds since 1970. */
static uint64_t wall_s(const struct ruleset *rs, const struct rule_input *in)
{
	int64_t ns = in->now.ns + atomic_load_explicit(&rs->wall_ns, memory_order_relaxed);

	return ns > 0 ? (uint64_t)ns / NSEC_PER_SEC : 0;
}

void ruleset_set_wall(struct ruleset *rs, int64_t wall_ns)
{
	atomic_store_explicit(&rs->wall_ns, wall_ns, memory_order_relaxed);
}

static bool load(const struct ruleset *rs, struct rs_load *l, const struct rule_input *in,
                 uint32_t mark, uint32_t *out)
{
	const struct pkt *p = in->pkt;
	uint32_t v;

	switch ((enum rs_load_kind)l->kind) {
	case RS_LOAD_NH:
		return read_bits(p->frame->data, p->frame->cap_size, l->offset, l->bits, out);
	case RS_LOAD_TH:
		return read_bits(p->l4, p->l4_cap_size, l->offset, l->bits, out);
	case RS_LOAD_RT:
		return read_routing_header(p, l->offset, out);
	case RS_LOAD_FIELD:
		*out = ruleset_field((enum rs_field)l->field[0], in, mark, 0);
		return true;
	case RS_LOAD_INC:
		v = rule_is_dry(in)
		            ? atomic_load_explicit(&l->counter, memory_order_relaxed)
		            : atomic_fetch_add_explicit(&l->counter, 1, memory_order_relaxed);
		*out = v % l->mod + l->plus;
		return true;
	case RS_LOAD_UID:
		*out = p->frame->uid;
		return (p->frame->has & FRAME_HAS_UID) != 0;
	case RS_LOAD_GID:
		*out = p->frame->gid;
		return (p->frame->has & FRAME_HAS_GID) != 0;
	case RS_LOAD_TIME:
		*out = (uint32_t)wall_s(rs, in);
		return true;
	case RS_LOAD_DAY:
		*out = (uint32_t)((wall_s(rs, in) / DAY_S + 4) % 7); /* 1970 began on a Thursday */
		return true;
	case RS_LOAD_HOUR:
		*out = (uint32_t)(wall_s(rs, in) % DAY_S);
		return true;
	case RS_LOAD_LINK:
		return ruleset_link(rs, l, in, out);
	case RS_LOAD_FIB_TYPE:
	case RS_LOAD_FIB_OIF:
		return ruleset_fib(rs, l, in, mark, out);
	case RS_LOAD_RANDOM:
		v = next_random(l, rule_is_dry(in));
		break;
	case RS_LOAD_HASH:
		v = hash(l, in, mark);
		break;
	default:
		return false;
	}
	/* as the kernel's reciprocal_scale() */
	*out = l->mod == 0 ? v : (uint32_t)((uint64_t)v * l->mod >> 32) + l->plus;
	return true;
}

bool ruleset_load(const struct ruleset *rs, const struct rs_insn *i, const struct rule_input *in,
                  uint32_t mark, uint32_t *out)
{
	struct rs_load *l = &rs->load[i->a];

	if (!load(rs, l, in, mark, out)) {
		return false;
	}
	*out &= l->mask;
	return true;
}

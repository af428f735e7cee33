/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values of up to 128 bits, and intervals and prefixes of them: the one arithmetic for addresses,
 * ports and marks in sets, rules and text. An IPv4 address is a value of 32 bits. No state.
 */
#ifndef FINWALL_U128_H
#define FINWALL_U128_H

#include <finwall/bytes.h>

struct u128 {
	uint64_t hi;
	uint64_t lo;
};

/* Both ends belong to it; lo <= hi. */
struct interval {
	struct u128 lo;
	struct u128 hi;
};

/* Returns a number below, equal to or above 0, as memcmp() does. */
static inline int u128_cmp(struct u128 a, struct u128 b)
{
	if (a.hi != b.hi) {
		return a.hi < b.hi ? -1 : 1;
	}
	return a.lo == b.lo ? 0 : a.lo < b.lo ? -1 : 1;
}

/* Without a branch: for look-ups of values that packets bring. */
static inline bool u128_is_le(struct u128 a, struct u128 b)
{
	return ((unsigned)(a.hi < b.hi) | ((unsigned)(a.hi == b.hi) & (unsigned)(a.lo <= b.lo))) !=
	       0;
}

static inline bool u128_is_max(struct u128 a)
{
	return (a.hi & a.lo) == UINT64_MAX;
}

/* a + 1 and a - 1, modulo 2^128. */
static inline struct u128 u128_inc(struct u128 a)
{
	return (struct u128){ a.hi + (a.lo == UINT64_MAX), a.lo + 1 };
}

static inline struct u128 u128_dec(struct u128 a)
{
	return (struct u128){ a.hi - (a.lo == 0), a.lo - 1 };
}

/* The value of four or sixteen bytes in network order. */
static inline struct u128 u128_from_ip4(const uint8_t *bytes)
{
	return (struct u128){ 0, load_be32(bytes) };
}

static inline struct u128 u128_from_ip6(const uint8_t *bytes)
{
	return (struct u128){
		(uint64_t)load_be32(bytes) << 32 | load_be32(bytes + 4),
		(uint64_t)load_be32(bytes + 8) << 32 | load_be32(bytes + 12),
	};
}

/* Writes four bytes. */
static inline void u128_to_ip4(struct u128 v, uint8_t *bytes)
{
	store_be32(bytes, (uint32_t)v.lo);
}

/* Writes sixteen bytes. */
static inline void u128_to_ip6(struct u128 v, uint8_t *bytes)
{
	store_be32(bytes, (uint32_t)(v.hi >> 32));
	store_be32(bytes + 4, (uint32_t)v.hi);
	store_be32(bytes + 8, (uint32_t)(v.lo >> 32));
	store_be32(bytes + 12, (uint32_t)v.lo);
}

/* The largest value of so many bits, bits <= 128. */
static inline struct u128 u128_max(unsigned bits)
{
	if (bits >= 64) {
		return (struct u128){ bits == 128 ? UINT64_MAX : (UINT64_C(1) << (bits - 64)) - 1,
			              UINT64_MAX };
	}
	return (struct u128){ 0, (UINT64_C(1) << bits) - 1 };
}

/*
 * The values of a type of so many bits that share their first prefix_len bits with addr.
 * prefix_len <= bits <= 128.
 */
static inline struct interval interval_of_prefix(struct u128 addr, unsigned bits,
                                                 unsigned prefix_len)
{
	struct u128 host = u128_max(bits - prefix_len);

	return (struct interval){
		{ addr.hi & ~host.hi, addr.lo & ~host.lo },
		{ addr.hi | host.hi, addr.lo | host.lo },
	};
}

/* The length of the prefix that the interval is, or -1 when it is not one prefix. */
static inline int interval_prefix_len(const struct interval *i, unsigned bits)
{
	struct u128 differs = { i->lo.hi ^ i->hi.hi, i->lo.lo ^ i->hi.lo };
	unsigned host = differs.hi != 0   ? 128 - (unsigned)__builtin_clzll(differs.hi)
	                : differs.lo != 0 ? 64 - (unsigned)__builtin_clzll(differs.lo)
	                                  : 0;
	struct u128 mask = u128_max(host);

	if (host > bits || differs.hi != mask.hi || differs.lo != mask.lo ||
	    (i->lo.hi & mask.hi) != 0 || (i->lo.lo & mask.lo) != 0) {
		return -1;
	}
	return (int)(bits - host);
}

static inline bool interval_is_equal(const struct interval *a, const struct interval *b)
{
	return u128_cmp(a->lo, b->lo) == 0 && u128_cmp(a->hi, b->hi) == 0;
}

/* Whether all of b is in a. */
static inline bool interval_contains(const struct interval *a, const struct interval *b)
{
	return u128_cmp(a->lo, b->lo) <= 0 && u128_cmp(a->hi, b->hi) >= 0;
}

#endif

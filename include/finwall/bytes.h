/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading of wire bytes, and comparison of sequence numbers. Core reads packets only through these.
 *
 * A cursor never reads past its end: each rd_* returns false when bytes are missing. Sequence
 * numbers compare modulo 2^32 by the signed difference (RFC 9293, section 3.4).
 */
#ifndef FINWALL_BYTES_H
#define FINWALL_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Unread bytes [at, end). Borrowed. */
struct cursor {
	const uint8_t *at;
	const uint8_t *end;
};

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

static inline uint16_t load_be16(const uint8_t *p)
{
	return (uint16_t)((p[0] << 8) | p[1]);
}

static inline uint32_t load_be32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap32(v);
#endif
	return v;
}

static inline void store_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void store_be32(uint8_t *p, uint32_t v)
{
	store_be16(p, (uint16_t)(v >> 16));
	store_be16(p + 2, (uint16_t)v);
}

/* Each returns false, and leaves the cursor, when fewer bytes are left than it reads. */
static inline bool rd_skip(struct cursor *c, size_t size)
{
	if (cursor_left(c) < size) {
		return false;
	}
	c->at += size;
	return true;
}

static inline bool rd_u8(struct cursor *c, uint8_t *out)
{
	if (cursor_left(c) < 1) {
		return false;
	}
	*out = *c->at++;
	return true;
}

static inline bool rd_be16(struct cursor *c, uint16_t *out)
{
	if (cursor_left(c) < 2) {
		return false;
	}
	*out = load_be16(c->at);
	c->at += 2;
	return true;
}

static inline bool rd_be32(struct cursor *c, uint32_t *out)
{
	if (cursor_left(c) < 4) {
		return false;
	}
	*out = load_be32(c->at);
	c->at += 4;
	return true;
}

/* Borrows size bytes at the cursor without copying them. */
static inline bool rd_ptr(struct cursor *c, size_t size, const uint8_t **out)
{
	*out = c->at;
	return rd_skip(c, size);
}

/*
 * For unpredictable conditions: makes the compiler use a conditional move. A mispredicted branch
 * costs about twenty cycles.
 */
#if defined(__clang__)
#define IS_CHANCE(condition) __builtin_unpredictable(condition)
#else
#define IS_CHANCE(condition) __builtin_expect_with_probability((condition), 1, 0.5)
#endif

/* Branch-free: a if the condition holds, otherwise b. */
static inline uint32_t pick_u32(bool condition, uint32_t a, uint32_t b)
{
	return IS_CHANCE(condition) ? a : b;
}

/* Branch-free: swaps the two if the condition holds. */
static inline void swap_if_u64(bool condition, uint64_t *a, uint64_t *b)
{
	uint64_t change = (*a ^ *b) & -(uint64_t)condition;

	*a ^= change;
	*b ^= change;
}

/* True when a is before b. Numbers exactly 2^31 apart are before each other, as in the kernel. */
static inline bool seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static inline bool seq_after(uint32_t a, uint32_t b)
{
	return seq_before(b, a);
}

#endif

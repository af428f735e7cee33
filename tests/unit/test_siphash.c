/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of SipHash-1-3 against a byte-oriented reference that was written from the paper and has
 * the number of rounds as a parameter. The reference is compared with the published SipHash-2-4
 * vectors.
 */
#include <finwall/siphash.h>

#include "suite.h"

static uint64_t rotl(uint64_t x, unsigned b)
{
	return x << b | x >> (64 - b);
}

static void rounds(uint64_t v[4], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotl(v[1], 13) ^ v[0];
		v[3] = rotl(v[3], 16) ^ v[2];
		v[0] = rotl(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotl(v[1], 17) ^ v[2];
		v[3] = rotl(v[3], 21) ^ v[0];
		v[2] = rotl(v[2], 32);
	}
}

static uint64_t le64(const uint8_t *p, size_t size)
{
	uint64_t x = 0;

	for (size_t i = 0; i < size; i++) {
		x |= (uint64_t)p[i] << (8 * i);
	}
	return x;
}

/* SipHash-c-d of size bytes. */
static uint64_t reference(unsigned c, unsigned d, uint64_t k0, uint64_t k1, const uint8_t *in,
                          size_t size)
{
	uint64_t v[4] = { k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
		          k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573) };
	size_t at;

	for (at = 0; at + 8 <= size; at += 8) {
		uint64_t m = le64(in + at, 8);

		v[3] ^= m;
		rounds(v, c);
		v[0] ^= m;
	}
	uint64_t last = le64(in + at, size - at) | (uint64_t)(size & 0xff) << 56;

	v[3] ^= last;
	rounds(v, c);
	v[0] ^= last;
	v[2] ^= 0xff;
	rounds(v, d);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static const uint64_t key0 = UINT64_C(0x0706050403020100);
static const uint64_t key1 = UINT64_C(0x0f0e0d0c0b0a0908);

START_TEST(the_reference_gives_the_published_vectors)
{
	/* Messages 00 01 02 ... of lengths 0..8 and 15, SipHash-2-4. */
	static const struct {
		size_t size;
		uint64_t want;
	} vector[] = {
		{ 0, UINT64_C(0x726fdb47dd0e0e31) }, { 1, UINT64_C(0x74f839c593dc67fd) },
		{ 2, UINT64_C(0x0d6c8009d9a94f5a) }, { 3, UINT64_C(0x85676696d7fb7e2d) },
		{ 4, UINT64_C(0xcf2794e0277187b7) }, { 5, UINT64_C(0x18765564cd99a68d) },
		{ 6, UINT64_C(0xcbc9466e58fee3ce) }, { 7, UINT64_C(0xab0200f58b01d137) },
		{ 8, UINT64_C(0x93f5f5799a932462) }, { 15, UINT64_C(0xa129ca6149be45e5) },
	};
	uint8_t in[16];

	for (unsigned i = 0; i < sizeof(in); i++) {
		in[i] = (uint8_t)i;
	}
	for (size_t i = 0; i < ARRAY_LEN(vector); i++) {
		ck_assert_msg(reference(2, 4, key0, key1, in, vector[i].size) == vector[i].want,
		              "length %zu", vector[i].size);
	}
}
END_TEST

START_TEST(siphash13_equals_the_reference_with_1_and_3_rounds)
{
	const struct sipkey keys[] = { { key0, key1 }, { 0, 0 }, { UINT64_MAX, 1 } };
	uint64_t words[40];
	uint8_t bytes[sizeof(words)];

	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(i * 151 + 7);
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		words[i] = le64(bytes + 8 * i, 8);
	}
	for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
		for (size_t len = 0; len <= ARRAY_LEN(words); len++) {
			ck_assert_msg(siphash13(&keys[k], words, len) == reference(1, 3, keys[k].k0,
			                                                           keys[k].k1,
			                                                           bytes, 8 * len),
			              "key %zu, %zu words", k, len);
		}
	}
}
END_TEST

START_TEST(a_batch_of_hashes_equals_single_hashes)
{
	enum { STRIDE = 37 };
	const struct sipkey key = { key0, key1 };
	uint64_t words[SIPHASH_MANY_WORDS_MAX * STRIDE];
	uint64_t out[STRIDE + 1];

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		words[i] = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
	}
	for (size_t words_len = 0; words_len <= SIPHASH_MANY_WORDS_MAX; words_len++) {
		for (size_t len = 0; len <= STRIDE; len++) {
			out[len] = 4711;
			siphash13_many(&key, words, STRIDE, words_len, len, out);
			for (size_t m = 0; m < len; m++) {
				uint64_t one[SIPHASH_MANY_WORDS_MAX];

				for (size_t i = 0; i < words_len; i++) {
					one[i] = words[i * STRIDE + m];
				}
				ck_assert_msg(out[m] == siphash13(&key, one, words_len),
				              "%zu words, message %zu of %zu", words_len, m, len);
			}
			ck_assert_msg(out[len] == 4711, "wrote too far");
		}
	}
}
END_TEST

SUITE_MAIN("siphash", the_reference_gives_the_published_vectors,
           siphash13_equals_the_reference_with_1_and_3_rounds,
           a_batch_of_hashes_equals_single_hashes)

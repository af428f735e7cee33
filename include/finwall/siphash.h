/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SipHash-1-3 over whole 64-bit words: the keyed hash of everything that a remote host can choose.
 *
 * J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF" (2012). One compression and
 * three finalisation rounds, the variant that hash tables use. The key comes from the shell, random
 * per process; tests inject a fixed one.
 */
#ifndef FINWALL_SIPHASH_H
#define FINWALL_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct sipkey {
	uint64_t k0;
	uint64_t k1;
};

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t sip_rotl(uint64_t x, unsigned by)
{
	return (x << by) | (x >> (64 - by));
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = sip_rotl(s->v1, 13) ^ s->v0;
	s->v0 = sip_rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = sip_rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = sip_rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = sip_rotl(s->v1, 17) ^ s->v2;
	s->v2 = sip_rotl(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

/*
 * Returns the hash of words[0..words_len) as little-endian bytes. Inline, so that loops over keys
 * of constant length are unrolled.
 */
static inline __attribute__((always_inline)) uint64_t
siphash13(const struct sipkey *key, const uint64_t *words, size_t words_len)
{
	struct sip s = {
		key->k0 ^ UINT64_C(0x736f6d6570736575),
		key->k1 ^ UINT64_C(0x646f72616e646f6d),
		key->k0 ^ UINT64_C(0x6c7967656e657261),
		key->k1 ^ UINT64_C(0x7465646279746573),
	};

#pragma GCC unroll 8
	for (size_t i = 0; i < words_len; i++) {
		sip_word(&s, words[i]);
	}
	/* The last word: no remaining bytes, the length in the top byte. */
	sip_word(&s, (uint64_t)(words_len * sizeof(*words)) << 56);
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* The longest message of siphash13_many(), in words. */
#define SIPHASH_MANY_WORDS_MAX 8

/*
 * Hashes len messages of the same length in columns: word i of message m is words[i * stride + m].
 * out[m] is the siphash13() of message m.
 */
void siphash13_many(const struct sipkey *key, const uint64_t *words, size_t stride,
                    size_t words_len, size_t len, uint64_t *out);

#endif

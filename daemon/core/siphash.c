/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SipHash-1-3 of several messages at once, one per lane of a vector. With 256-bit vectors (AVX2)
 * the keys of a batch cost a third of what they cost one by one; other processors hash one by one,
 * with the same result.
 *
 * Must not know what it hashes.
 */
#include <finwall/siphash.h>

#include <string.h>

#if defined(__x86_64__)
#define LANES 4
#define AVX2  __attribute__((target("avx2")))

typedef uint64_t u64_lanes __attribute__((vector_size(8 * LANES)));
typedef uint32_t u32_lanes __attribute__((vector_size(8 * LANES)));
typedef uint16_t u16_lanes __attribute__((vector_size(8 * LANES)));

struct sip_lanes {
	u64_lanes v0, v1, v2, v3;
};

#define ROTL(x, by) ((x) << (by) | (x) >> (64 - (by)))

/* One shuffle. */
#define ROTL32(x)                                                                                  \
	((u64_lanes)__builtin_shufflevector((u32_lanes)(x), (u32_lanes)(x), 1, 0, 3, 2, 5, 4, 7, 6))
#define ROTL16(x)                                                                                  \
	((u64_lanes)__builtin_shufflevector((u16_lanes)(x), (u16_lanes)(x), 3, 0, 1, 2, 7, 4, 5,   \
	                                    6, 11, 8, 9, 10, 15, 12, 13, 14))

AVX2 static inline void round_lanes(struct sip_lanes *s)
{
	s->v0 += s->v1;
	s->v1 = ROTL(s->v1, 13) ^ s->v0;
	s->v0 = ROTL32(s->v0);
	s->v2 += s->v3;
	s->v3 = ROTL16(s->v3) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = ROTL(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = ROTL(s->v1, 17) ^ s->v2;
	s->v2 = ROTL32(s->v2);
}

AVX2 static inline void word_lanes(struct sip_lanes *s, u64_lanes word)
{
	s->v3 ^= word;
	round_lanes(s);
	s->v0 ^= word;
}

AVX2 static void hash_lanes(const struct sipkey *key, const uint64_t *words, size_t stride,
                            size_t words_len, uint64_t *out)
{
	const u64_lanes zero = { 0 };
	struct sip_lanes s = {
		zero + (key->k0 ^ UINT64_C(0x736f6d6570736575)),
		zero + (key->k1 ^ UINT64_C(0x646f72616e646f6d)),
		zero + (key->k0 ^ UINT64_C(0x6c7967656e657261)),
		zero + (key->k1 ^ UINT64_C(0x7465646279746573)),
	};
	u64_lanes word;

	for (size_t i = 0; i < words_len; i++) {
		memcpy(&word, &words[i * stride], sizeof(word));
		word_lanes(&s, word);
	}
	word_lanes(&s, zero + ((uint64_t)(words_len * sizeof(*words)) << 56));
	s.v2 ^= zero + 0xff;
	round_lanes(&s);
	round_lanes(&s);
	round_lanes(&s);
	word = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
	memcpy(out, &word, sizeof(word));
}

AVX2 static size_t hash_by_lanes(const struct sipkey *key, const uint64_t *words, size_t stride,
                                 size_t words_len, size_t len, uint64_t *out)
{
	size_t done = 0;

	for (; done + LANES <= len; done += LANES) {
		hash_lanes(key, words + done, stride, words_len, out + done);
	}
	return done;
}

#endif

void siphash13_many(const struct sipkey *key, const uint64_t *words, size_t stride,
                    size_t words_len, size_t len, uint64_t *out)
{
	size_t done = 0;

#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2")) {
		done = hash_by_lanes(key, words, stride, words_len, len, out);
	}
#endif
	for (; done < len; done++) {
		uint64_t message[SIPHASH_MANY_WORDS_MAX];

		for (size_t i = 0; i < words_len; i++) {
			message[i] = words[i * stride + done];
		}
		out[done] = siphash13(key, message, words_len);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SipHash-1-3 over whole 64-bit words: the keyed hash of everything a remote host can choose.
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

/* Returns the hash of words[0..words_len), as if they were that many little-endian bytes. */
uint64_t siphash13(const struct sipkey *key, const uint64_t *words, size_t words_len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What spinning loops share. */
#ifndef FINWALL_CORE_SHARD_RELAX_H
#define FINWALL_CORE_SHARD_RELAX_H

#include <stddef.h>
#include <stdint.h>

/* One pause in a spinning loop. */
static inline void shard_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* For copies of what others may change meanwhile, which are discarded then. */
#if defined(__clang__) || defined(__GNUC__)
#define MAY_RACE __attribute__((no_sanitize("thread"), noinline))
#endif

/* Copies word by word. size: a multiple of 8. */
MAY_RACE __attribute__((unused)) static void copy_words(void *to, const void *from, size_t size)
{
	volatile uint64_t *out = to;
	const volatile uint64_t *in = from;

	for (size_t i = 0; i < size / sizeof(*in); i++) {
		out[i] = in[i];
	}
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often each duration came: log-linear buckets, as G. Tene's HdrHistogram has them.
 *
 * Each power of two is cut into 16 equal buckets, so that a value is known to 6 %, from one
 * nanosecond to a minute, in 4 KiB. One writer, any readers: relaxed atomics. Knows no clock.
 */
#ifndef FINWALL_DAEMON_HISTOGRAM_H
#define FINWALL_DAEMON_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_SUB_BITS 4
#define HISTOGRAM_SUBS     (1u << HISTOGRAM_SUB_BITS)

/* Values from 2^36 (69 seconds) on share the last bucket. */
#define HISTOGRAM_VALUE_BITS 36
#define HISTOGRAM_BUCKETS    ((HISTOGRAM_VALUE_BITS - HISTOGRAM_SUB_BITS + 1) * HISTOGRAM_SUBS)

struct histogram {
	_Atomic uint64_t bucket[HISTOGRAM_BUCKETS];
} __attribute__((aligned(64)));

/* The bucket of a value. */
static inline unsigned histogram_bucket(uint64_t value)
{
	unsigned shift;

	if (value < HISTOGRAM_SUBS) {
		return (unsigned)value;
	}
	if (value >> HISTOGRAM_VALUE_BITS != 0) {
		return HISTOGRAM_BUCKETS - 1;
	}
	shift = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
	return (shift << HISTOGRAM_SUB_BITS) + (unsigned)(value >> shift);
}

/* Counts a value n times; only one thread may. */
static inline void histogram_add(struct histogram *h, uint64_t value, uint64_t n)
{
	_Atomic uint64_t *b = &h->bucket[histogram_bucket(value)];

	atomic_store_explicit(b, atomic_load_explicit(b, memory_order_relaxed) + n,
	                      memory_order_relaxed);
}

/* The largest value that falls into a bucket. */
uint64_t histogram_bucket_max(unsigned bucket);

/* Adds everything in *one to *sum, which only the caller uses. */
void histogram_sum(struct histogram *sum, const struct histogram *one);

/* Takes what *before had out of *now, of which it is an earlier copy. */
void histogram_subtract(struct histogram *now, const struct histogram *before);

/* How many values were counted. */
uint64_t histogram_count(const struct histogram *h);

/*
 * The value that share parts_per_million of all do not exceed: at least that of the bucket in
 * which it lies, at most 6 % more. 0 when nothing was counted.
 */
uint64_t histogram_quantile(const struct histogram *h, uint32_t parts_per_million);

#endif

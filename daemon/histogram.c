/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading histograms; histogram.h has the writing. Must not know what is counted.
 */
#include "histogram.h"

#define MILLION 1000000u

static uint64_t get(const struct histogram *h, unsigned bucket)
{
	return atomic_load_explicit(&h->bucket[bucket], memory_order_relaxed);
}

uint64_t histogram_bucket_max(unsigned bucket)
{
	unsigned shift = bucket >> HISTOGRAM_SUB_BITS;

	if (shift == 0) {
		return bucket;
	}
	shift--;
	return (((uint64_t)(bucket & (HISTOGRAM_SUBS - 1)) + HISTOGRAM_SUBS + 1) << shift) - 1;
}

void histogram_sum(struct histogram *sum, const struct histogram *one)
{
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		atomic_store_explicit(&sum->bucket[i], get(sum, i) + get(one, i),
		                      memory_order_relaxed);
	}
}

void histogram_subtract(struct histogram *now, const struct histogram *before)
{
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		atomic_store_explicit(&now->bucket[i], get(now, i) - get(before, i),
		                      memory_order_relaxed);
	}
}

uint64_t histogram_count(const struct histogram *h)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		count += get(h, i);
	}
	return count;
}

uint64_t histogram_quantile(const struct histogram *h, uint32_t parts_per_million)
{
	uint64_t count = histogram_count(h);
	/* Split, so that no count overflows; rounded up. */
	uint64_t wanted = count / MILLION * parts_per_million +
	                  (count % MILLION * parts_per_million + MILLION - 1) / MILLION;
	uint64_t seen = 0;
	unsigned i;

	if (count == 0) {
		return 0;
	}
	wanted = wanted == 0 ? 1 : wanted;
	for (i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		seen += get(h, i);
		if (seen >= wanted) {
			break;
		}
	}
	return histogram_bucket_max(i);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of histograms: each value is counted in a bucket that contains it, and quantiles are exact
 * to one bucket.
 */
#include "histogram.h"

#include "suite.h"

static struct histogram h;

static void empty(void)
{
	memset(&h, 0, sizeof(h));
}

START_TEST(buckets_are_ordered_without_gaps_and_within_the_promised_width)
{
	uint64_t from = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t to = histogram_bucket_max(i);

		ck_assert_uint_ge(to, from);
		ck_assert_uint_eq(histogram_bucket(from), i);
		ck_assert_uint_eq(histogram_bucket(to), i);
		ck_assert_uint_le(to - from, from / HISTOGRAM_SUBS);
		from = to + 1;
	}
	ck_assert_uint_eq(from, UINT64_C(1) << HISTOGRAM_VALUE_BITS);
}
END_TEST

START_TEST(too_large_values_go_to_the_last_bucket)
{
	ck_assert_uint_eq(histogram_bucket(UINT64_C(1) << HISTOGRAM_VALUE_BITS),
	                  HISTOGRAM_BUCKETS - 1);
	ck_assert_uint_eq(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}
END_TEST

START_TEST(quantiles_of_no_value_and_of_one_value)
{
	empty();
	ck_assert_uint_eq(histogram_quantile(&h, 500000), 0);
	histogram_add(&h, 7, 1);
	ck_assert_uint_eq(histogram_quantile(&h, 0), 7);
	ck_assert_uint_eq(histogram_quantile(&h, 500000), 7);
	ck_assert_uint_eq(histogram_quantile(&h, 1000000), 7);
	ck_assert_uint_eq(histogram_count(&h), 1);
}
END_TEST

START_TEST(quantiles_split_where_the_counts_split)
{
	empty();
	histogram_add(&h, 3, 990);
	histogram_add(&h, 12, 9);
	histogram_add(&h, 1000000, 1);
	ck_assert_uint_eq(histogram_quantile(&h, 990000), 3);
	ck_assert_uint_eq(histogram_quantile(&h, 990001), 12);
	ck_assert_uint_eq(histogram_quantile(&h, 999000), 12);
	ck_assert_uint_eq(histogram_quantile(&h, 999001),
	                  histogram_bucket_max(histogram_bucket(1000000)));
}
END_TEST

START_TEST(a_sum_minus_one_part_is_the_other_part)
{
	static struct histogram sum;
	static struct histogram other;

	empty();
	memset(&other, 0, sizeof(other));
	memset(&sum, 0, sizeof(sum));
	histogram_add(&h, 5, 2);
	histogram_add(&other, 500, 3);
	histogram_sum(&sum, &h);
	histogram_sum(&sum, &other);
	ck_assert_uint_eq(histogram_count(&sum), 5);
	histogram_subtract(&sum, &other);
	ck_assert_mem_eq(&sum, &h, sizeof(h));
}
END_TEST

SUITE_MAIN("histogram", buckets_are_ordered_without_gaps_and_within_the_promised_width,
           too_large_values_go_to_the_last_bucket, quantiles_of_no_value_and_of_one_value,
           quantiles_split_where_the_counts_split, a_sum_minus_one_part_is_the_other_part)

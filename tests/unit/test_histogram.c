/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Histograms: every value lands in a bucket that holds it, and quantiles are right to a bucket.
 */
#include "histogram.h"

#include "suite.h"

static struct histogram h;

static void empty(void)
{
	memset(&h, 0, sizeof(h));
}

START_TEST(buckets_are_in_order_without_gap_and_no_wider_than_promised)
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

START_TEST(what_is_too_large_goes_to_the_last)
{
	ck_assert_uint_eq(histogram_bucket(UINT64_C(1) << HISTOGRAM_VALUE_BITS),
	                  HISTOGRAM_BUCKETS - 1);
	ck_assert_uint_eq(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}
END_TEST

START_TEST(quantiles_of_nothing_and_of_one)
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

START_TEST(quantiles_split_where_the_counts_do)
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

START_TEST(sums_and_differences_undo_each_other)
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

SUITE_MAIN("histogram", buckets_are_in_order_without_gap_and_no_wider_than_promised,
           what_is_too_large_goes_to_the_last, quantiles_of_nothing_and_of_one,
           quantiles_split_where_the_counts_do, sums_and_differences_undo_each_other)

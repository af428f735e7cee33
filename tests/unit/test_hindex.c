/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the hash index: it finds all candidates of a hash, also when all hashes are equal.
 */
#include "core/hindex.h"

#include "suite.h"

static struct hindex x;
static struct hindex_bucket *bucket;

static void start(uint32_t buckets_len)
{
	free(bucket);
	bucket = aligned_alloc(64, buckets_len * sizeof(*bucket));
	memset(bucket, 0, buckets_len * sizeof(*bucket));
	hindex_init(&x, bucket, buckets_len);
}

static bool has(uint64_t hash, uint32_t slot)
{
	struct hindex_iter it;

	for (uint32_t s = hindex_first(&x, hash, &it); s != HINDEX_NIL; s = hindex_next(&x, &it)) {
		if (s == slot) {
			return true;
		}
	}
	return false;
}

static unsigned candidates(uint64_t hash)
{
	struct hindex_iter it;
	unsigned n = 0;

	for (uint32_t s = hindex_first(&x, hash, &it); s != HINDEX_NIL; s = hindex_next(&x, &it)) {
		n++;
	}
	return n;
}

/* Any 64-bit mixer is good enough here. */
static uint64_t mix(uint64_t v)
{
	v *= UINT64_C(0x9e3779b97f4a7c15);
	v ^= v >> 29;
	v *= UINT64_C(0xbf58476d1ce4e5b9);
	return v ^ v >> 32;
}

START_TEST(an_empty_index_has_no_candidates)
{
	start(4);
	for (uint64_t h = 0; h < 1000; h++) {
		ck_assert_uint_eq(candidates(mix(h)), 0);
		ck_assert(!hindex_del(&x, mix(h), 1));
	}
}
END_TEST

START_TEST(an_added_entry_is_found_until_deleted)
{
	start(hindex_buckets_for(1000));
	for (uint32_t i = 0; i < 1000; i++) {
		if (!hindex_add(&x, mix(i), i)) {
			ck_abort_msg("entry %u of 1000 refused", i);
		}
	}
	for (uint32_t i = 0; i < 1000; i++) {
		if (!has(mix(i), i)) {
			ck_abort_msg("entry %u not found", i);
		}
	}
	for (uint32_t i = 0; i < 1000; i += 2) {
		ck_assert(hindex_del(&x, mix(i), i));
		ck_assert(!hindex_del(&x, mix(i), i));
	}
	for (uint32_t i = 0; i < 1000; i++) {
		if (has(mix(i), i) != (i % 2 == 1)) {
			ck_abort_msg("entry %u", i);
		}
	}
}
END_TEST

/* hindex_buckets_for() promises that its number of entries fits with any hashes. */
START_TEST(the_promised_number_fits_even_when_all_hashes_are_equal)
{
	static const uint32_t count[] = { 1, 2, 11, 12, 13, 100, 4096 };

	for (size_t c = 0; c < ARRAY_LEN(count); c++) {
		start(hindex_buckets_for(count[c]));
		for (uint32_t i = 0; i < count[c]; i++) {
			if (!hindex_add(&x, 42, i)) {
				ck_abort_msg("entry %u of %u refused", i, count[c]);
			}
		}
		ck_assert_uint_eq(candidates(42), count[c]);
		for (uint32_t i = 0; i < count[c]; i++) {
			if (!hindex_del(&x, 42, i)) {
				ck_abort_msg("entry %u of %u not deleted", i, count[c]);
			}
		}
		ck_assert_uint_eq(candidates(42), 0);
	}
}
END_TEST

START_TEST(a_full_index_refuses_and_still_finds_all)
{
	uint32_t n = 0;

	start(3);
	while (n < 1000 && hindex_add(&x, mix(n), n)) {
		n++;
	}
	ck_assert_uint_eq(n, 3 * HINDEX_WAYS);
	ck_assert(!hindex_add(&x, mix(5000), 5000));
	for (uint32_t i = 0; i < n; i++) {
		ck_assert(has(mix(i), i));
	}
	ck_assert_uint_eq(candidates(mix(7777)) <= n, 1);
	/* The refusal left no trace: the emptied index is as new. */
	for (uint32_t i = 0; i < n; i++) {
		ck_assert(hindex_del(&x, mix(i), i));
	}
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(bucket[i].passed, 0);
	}
	ck_assert(hindex_add(&x, mix(5000), 5000));
	ck_assert(has(mix(5000), 5000));
}
END_TEST

START_TEST(the_last_bucket_overflows_into_the_first)
{
	uint64_t hash = 0;

	/*
	 * Finds a hash that starts in the last of 4 buckets, fills by it and checks where the
	 * entries are.
	 */
	for (uint64_t h = 0;; h++) {
		start(4);
		hash = mix(h);
		ck_assert(hindex_add(&x, hash, 0));
		if (bucket[3].tag[0] != 0) {
			break;
		}
	}
	for (uint32_t i = 1; i < HINDEX_WAYS + 5; i++) {
		ck_assert(hindex_add(&x, hash, i));
	}
	for (uint32_t i = 0; i < HINDEX_WAYS + 5; i++) {
		ck_assert(has(hash, i));
	}
	ck_assert_uint_eq(candidates(hash), HINDEX_WAYS + 5);
}
END_TEST

START_TEST(deletion_removes_the_named_slot_only)
{
	start(2);
	ck_assert(hindex_add(&x, 9, 100));
	ck_assert(hindex_add(&x, 9, 200));
	ck_assert(!hindex_del(&x, 9, 300));
	ck_assert(hindex_del(&x, 9, 200));
	ck_assert(has(9, 100));
	ck_assert(!has(9, 200));
}
END_TEST

/* Any byte of the hash may be zero. Tag 0 means free, so no entry may have it. */
START_TEST(hashes_with_zero_bytes_are_found)
{
	for (unsigned byte = 0; byte < 8; byte++) {
		uint64_t zeroed = UINT64_MAX & ~(UINT64_C(0xff) << (8 * byte));
		uint64_t alone = UINT64_C(0xff) << (8 * byte);

		start(4);
		ck_assert(hindex_add(&x, zeroed, 1));
		ck_assert(hindex_add(&x, alone, 2));
		ck_assert(hindex_add(&x, 0, 3));
		ck_assert(has(zeroed, 1));
		ck_assert(has(alone, 2));
		ck_assert(has(0, 3));
		ck_assert(hindex_del(&x, 0, 3));
		ck_assert(!has(0, 3));
	}
}
END_TEST

START_TEST(a_miss_sees_few_candidates)
{
	uint64_t n = 0;

	start(hindex_buckets_for(10000));
	for (uint32_t i = 0; i < 10000; i++) {
		ck_assert(hindex_add(&x, mix(i), i));
	}
	for (uint64_t h = 1000000; h < 1010000; h++) {
		n += candidates(mix(h));
	}
	/* 12 tags of 8 bits: about one miss in 20 finds an equal tag. */
	ck_assert_uint_lt(n, 2000);
}
END_TEST

SUITE_MAIN("hindex", an_empty_index_has_no_candidates, an_added_entry_is_found_until_deleted,
           the_promised_number_fits_even_when_all_hashes_are_equal,
           a_full_index_refuses_and_still_finds_all, the_last_bucket_overflows_into_the_first,
           deletion_removes_the_named_slot_only, hashes_with_zero_bytes_are_found,
           a_miss_sees_few_candidates)

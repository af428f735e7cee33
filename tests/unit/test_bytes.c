/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of bytes.h. A read past the end fails and does not move the cursor. Sequence numbers
 * compare modulo 2^32.
 */
#include <finwall/bytes.h>

#include "suite.h"

START_TEST(a_cursor_reads_in_order)
{
	const uint8_t b[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct cursor c = { b, b + sizeof(b) };
	const uint8_t *p;
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;

	ck_assert(rd_u8(&c, &u8));
	ck_assert_uint_eq(u8, 1);
	ck_assert(rd_be16(&c, &u16));
	ck_assert_uint_eq(u16, 0x0203);
	ck_assert(rd_be32(&c, &u32));
	ck_assert_uint_eq(u32, 0x04050607);
	ck_assert_uint_eq(cursor_left(&c), 1);
	ck_assert(rd_ptr(&c, 1, &p));
	ck_assert_ptr_eq(p, b + 7);
	ck_assert_uint_eq(cursor_left(&c), 0);
}
END_TEST

START_TEST(a_cursor_refuses_a_read_past_its_end_and_does_not_move)
{
	for (size_t left = 0; left < 4; left++) {
		/*
		 * The buffer has exactly this size, so that AddressSanitizer detects a read past
		 * it.
		 */
		uint8_t *b = malloc(left + (left == 0));
		struct cursor c = { b, b + left };
		const uint8_t *p;
		uint8_t u8;
		uint16_t u16;
		uint32_t u32;

		memset(b, 0xff, left);
		ck_assert(!rd_be32(&c, &u32));
		ck_assert(!rd_skip(&c, left + 1));
		ck_assert(!rd_skip(&c, SIZE_MAX));
		ck_assert(!rd_ptr(&c, left + 1, &p));
		if (left < 2) {
			ck_assert(!rd_be16(&c, &u16));
		}
		if (left < 1) {
			ck_assert(!rd_u8(&c, &u8));
		}
		ck_assert_uint_eq(cursor_left(&c), left);
		ck_assert(rd_skip(&c, left));
		free(b);
	}
}
END_TEST

START_TEST(stores_and_loads_agree)
{
	uint8_t b[4];

	store_be16(b, 0xbeef);
	ck_assert_uint_eq(b[0], 0xbe);
	ck_assert_uint_eq(b[1], 0xef);
	ck_assert_uint_eq(load_be16(b), 0xbeef);
	store_be32(b, 0xdeadbeef);
	ck_assert_uint_eq(b[0], 0xde);
	ck_assert_uint_eq(b[3], 0xef);
	ck_assert_uint_eq(load_be32(b), 0xdeadbeef);
}
END_TEST

/* Section 1: a <s b is the sign of the difference; exactly 2^31 apart both are true. */
START_TEST(sequence_numbers_compare_modulo_2_32)
{
	ck_assert(seq_before(1, 2));
	ck_assert(!seq_before(2, 1));
	ck_assert(!seq_before(5, 5));
	ck_assert(seq_after(2, 1));
	ck_assert(!seq_after(5, 5));
	ck_assert(seq_before(0xffffffff, 0));
	ck_assert(seq_after(3, 0xfffffffd));
	ck_assert(seq_before(0, 0x7fffffff));
	ck_assert(!seq_before(0x7fffffff, 0));
	ck_assert(seq_before(0, 0x80000000));
	ck_assert(seq_before(0x80000000, 0));
	ck_assert(!seq_before(0, 0x80000001));
}
END_TEST

SUITE_MAIN("bytes", a_cursor_reads_in_order, a_cursor_refuses_a_read_past_its_end_and_does_not_move,
           stores_and_loads_agree, sequence_numbers_compare_modulo_2_32)

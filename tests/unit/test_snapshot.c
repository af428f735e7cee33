/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of saved state as bytes: written state is read back, and damaged state is refused.
 */
#include <finwall/snapshot.h>

#include "suite.h"

#include <stdlib.h>
#include <string.h>

#define FLOWS_LEN 3
#define TOMBS_LEN 2
#define FILE_SIZE (SNAPSHOT_HEADER_SIZE + (size_t)(FLOWS_LEN + TOMBS_LEN) * SNAPSHOT_RECORD_SIZE)

static const struct mono then = { 500 * NSEC_PER_SEC };

static struct flow tcp_flow(uint8_t family)
{
	struct flow f = { .status = FLOW_SEEN_REPLY | FLOW_ASSURED, .hook = HOOK_OUTPUT };

	f.key.lo.bytes[0] = 10;
	f.key.hi.bytes[0] = 20;
	if (family == 6) {
		f.key.lo.bytes[15] = 1;
		f.key.hi.bytes[15] = 2;
	}
	f.key.lo_port = 50000;
	f.key.hi_port = 443;
	f.key.proto = IPPROTO_NR_TCP;
	f.key.family = family;
	f.ifindex = 7;
	f.deadline = mono_add(then, 90 * NSEC_PER_SEC);
	f.conn.tcp = (struct tcp_conn){
		.seen = { { 0xfffffff0, 17, 65535, 3 }, { 4, 5, 6, 0x80000000 } },
		.last_seq = 8,
		.last_ack = 9,
		.last_end = 10,
		.last_win = 11,
		.scale = { 7, 14 },
		.flags = { TCP_SIDE_SACK | TCP_SIDE_MAXACK, TCP_SIDE_WSCALE },
		.state = TCP_FIN_WAIT,
		.last_dir = DIR_REPLY,
		.last_class = SEG_ACK,
		.last_scale = 2,
		.last_flags = TCP_LAST_SIMOPEN,
		.retrans = 255,
	};
	return f;
}

static struct flow udp_flow(void)
{
	struct flow f = tcp_flow(4);

	f.key.proto = IPPROTO_NR_UDP;
	f.status = FLOW_ORIG_HI;
	memset(&f.conn, 0, sizeof(f.conn));
	f.conn.udp.stream_from = mono_add(then, -3 * NSEC_PER_SEC);
	return f;
}

static struct tomb_info tomb(uint8_t family)
{
	struct flow f = tcp_flow(family);
	struct tomb_info t = { .key = f.key, .conn = f.conn.tcp, .status = f.status };

	t.cause = TOMB_EVICTED;
	t.ended = mono_add(then, -3600 * NSEC_PER_SEC);
	return t;
}

/* A file of three flows and two tombstones. */
static void write_file(uint8_t file[FILE_SIZE])
{
	struct flow flows[FLOWS_LEN] = { tcp_flow(4), tcp_flow(6), udp_flow() };
	struct tomb_info tombs[TOMBS_LEN] = { tomb(6), tomb(4) };
	struct snapshot_header h = { .saved_wall_ns = 1234567890, FLOWS_LEN, TOMBS_LEN, 0 };
	uint8_t *at = file + SNAPSHOT_HEADER_SIZE;

	for (unsigned i = 0; i < FLOWS_LEN + TOMBS_LEN; i++, at += SNAPSHOT_RECORD_SIZE) {
		if (i < FLOWS_LEN) {
			snapshot_write_flow(&flows[i], then, at);
		} else {
			snapshot_write_tomb(&tombs[i - FLOWS_LEN], then, at);
		}
		h.records_sum = snapshot_sum(h.records_sum, at);
	}
	snapshot_write_header(&h, file);
}

/* Recomputes the checksums of a changed file, so that only the record's contents can be wrong. */
static void seal(uint8_t file[FILE_SIZE])
{
	struct snapshot_header h = { .flows_len = FLOWS_LEN, .tombs_len = TOMBS_LEN };

	for (unsigned i = 0; i < FLOWS_LEN + TOMBS_LEN; i++) {
		h.records_sum = snapshot_sum(h.records_sum, file + SNAPSHOT_HEADER_SIZE +
		                                                    i * SNAPSHOT_RECORD_SIZE);
	}
	snapshot_write_header(&h, file);
}

START_TEST(written_state_is_read_back)
{
	struct mono now = { 9000 * NSEC_PER_SEC };
	int64_t shift_ns = mono_diff(now, then);
	struct flow flows[FLOWS_LEN] = { tcp_flow(4), tcp_flow(6), udp_flow() };
	struct snapshot_header h;
	uint8_t file[FILE_SIZE];
	struct tomb_info got_tomb;
	struct tomb_info want = tomb(6);
	struct flow got;

	write_file(file);
	ck_assert_int_eq(snapshot_check(file, sizeof(file), &h), SNAPSHOT_OK);
	ck_assert_int_eq(h.saved_wall_ns, 1234567890);
	for (unsigned i = 0; i < FLOWS_LEN; i++) {
		ck_assert(snapshot_read_flow(file, i, now, &got));
		ck_assert_mem_eq(&got.key, &flows[i].key, sizeof(got.key));
		ck_assert_uint_eq(got.status, flows[i].status);
		ck_assert_uint_eq(got.ifindex, flows[i].ifindex);
		ck_assert_int_eq(got.deadline.ns, flows[i].deadline.ns + shift_ns);
		if (got.key.proto == IPPROTO_NR_TCP) {
			ck_assert_mem_eq(&got.conn.tcp, &flows[i].conn.tcp, sizeof(got.conn.tcp));
		} else {
			ck_assert_int_eq(got.conn.udp.stream_from.ns,
			                 flows[i].conn.udp.stream_from.ns + shift_ns);
		}
	}
	ck_assert(snapshot_read_tomb(file, FLOWS_LEN, now, &got_tomb));
	ck_assert_mem_eq(&got_tomb.key, &want.key, sizeof(want.key));
	ck_assert_mem_eq(&got_tomb.conn, &want.conn, sizeof(want.conn));
	ck_assert_uint_eq(got_tomb.cause, TOMB_EVICTED);
	ck_assert_int_eq(got_tomb.ended.ns, want.ended.ns + shift_ns);
}
END_TEST

START_TEST(every_flipped_bit_is_detected)
{
	struct snapshot_header h;
	uint8_t file[FILE_SIZE];

	write_file(file);
	for (size_t at = 0; at < sizeof(file); at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			file[at] ^= (uint8_t)(1u << bit);
			ck_assert_msg(snapshot_check(file, sizeof(file), &h) != SNAPSHOT_OK,
			              "byte %zu, bit %u", at, bit);
			file[at] ^= (uint8_t)(1u << bit);
		}
	}
	ck_assert_int_eq(snapshot_check(file, sizeof(file), &h), SNAPSHOT_OK);
}
END_TEST

START_TEST(every_truncation_is_detected)
{
	struct snapshot_header h;
	uint8_t file[FILE_SIZE];

	write_file(file);
	for (size_t size = 0; size < sizeof(file); size++) {
		uint8_t *cut =
			malloc(size + (size == 0)); /* The buffer has exactly this size, so that
		                                       AddressSanitizer detects a read past it. */

		memcpy(cut, file, size);
		ck_assert_msg(snapshot_check(cut, size, &h) != SNAPSHOT_OK, "%zu bytes", size);
		free(cut);
	}
}
END_TEST

/* Bytes that make a record invalid although its checksum is correct, by field. */
static const struct {
	const char *what;
	size_t at; /* offset in the first record */
	uint8_t value;
} nonsense[] = {
	{ "kind", 0, 3 },           { "kind of the other part", 0, 2 },
	{ "status", 2, 0x80 },      { "hook", 3, 3 },
	{ "time", 15, 0x7f },       { "IPv4 address of 16 bytes", 16 + 9, 1 },
	{ "family", 16 + 37, 5 },   { "ends in the wrong order", 16, 200 },
	{ "scale", 56 + 16, 15 },   { "state", 106, TCP_STATES_LEN },
	{ "no state", 106, 0 },     { "direction", 107, 2 },
	{ "class", 108, SEGS_LEN }, { "last scale", 109, 15 },
};

/* Only the invalid record is left out: the others are valid. */
START_TEST(invalid_records_with_a_correct_checksum_are_refused)
{
	struct snapshot_header h;
	uint8_t file[FILE_SIZE];
	struct flow f;

	write_file(file);
	file[SNAPSHOT_HEADER_SIZE + nonsense[_i].at] = nonsense[_i].value;
	seal(file);
	ck_assert_int_eq(snapshot_check(file, sizeof(file), &h), SNAPSHOT_OK);
	ck_assert_msg(!snapshot_read_flow(file, 0, then, &f), "%s", nonsense[_i].what);
	ck_assert(snapshot_read_flow(file, 1, then, &f));
}
END_TEST

/* Records of the other kind, also: a flow is no tombstone. */
START_TEST(a_record_is_read_as_its_own_kind_only)
{
	struct tomb_info t;
	uint8_t file[FILE_SIZE];
	struct flow f;

	write_file(file);
	ck_assert(!snapshot_read_tomb(file, 0, then, &t));
	ck_assert(!snapshot_read_flow(file, FLOWS_LEN, then, &f));
	ck_assert(snapshot_read_tomb(file, FLOWS_LEN, then, &t));
}
END_TEST

/* A time beyond the limit of the format is written as the limit, and stays valid. */
START_TEST(times_beyond_the_limit_are_limited)
{
	int64_t year_ns = sec_to_ns(INT64_C(366) * 86400);
	struct mono late = mono_add(then, 3 * year_ns);
	struct flow f = udp_flow();
	struct tomb_info t = tomb(4);
	uint8_t file[FILE_SIZE];
	struct tomb_info got_tomb;
	struct flow got;

	write_file(file);
	f.deadline = mono_add(late, sec_to_ns(30));
	snapshot_write_flow(&f, late, file + SNAPSHOT_HEADER_SIZE);
	snapshot_write_tomb(&t, late, file + SNAPSHOT_HEADER_SIZE + SNAPSHOT_RECORD_SIZE);
	ck_assert(snapshot_read_flow(file, 0, late, &got));
	ck_assert_int_eq(mono_diff(got.deadline, late), sec_to_ns(30));
	ck_assert_int_lt(mono_diff(got.conn.udp.stream_from, late), -year_ns);
	ck_assert(snapshot_read_tomb(file, 1, late, &got_tomb));
	ck_assert_int_lt(mono_diff(got_tomb.ended, late), -year_ns);
	f.deadline = mono_add(late, 3 * year_ns);
	snapshot_write_flow(&f, late, file + SNAPSHOT_HEADER_SIZE);
	ck_assert(snapshot_read_flow(file, 0, late, &got));
	ck_assert_int_gt(mono_diff(got.deadline, late), year_ns);
}
END_TEST

START_TEST(a_newer_version_is_not_reported_as_damage)
{
	struct snapshot_header h;
	uint8_t file[FILE_SIZE];

	write_file(file);
	file[0] = 'x';
	ck_assert_int_eq(snapshot_check(file, sizeof(file), &h), SNAPSHOT_MAGIC);
	ck_assert_str_eq(snapshot_text(SNAPSHOT_NEWER), "written by a newer version");
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, written_state_is_read_back);
	tcase_add_test(tc, every_flipped_bit_is_detected);
	tcase_add_test(tc, every_truncation_is_detected);
	tcase_add_loop_test(tc, invalid_records_with_a_correct_checksum_are_refused, 0,
	                    (int)(sizeof(nonsense) / sizeof(nonsense[0])));
	tcase_add_test(tc, a_record_is_read_as_its_own_kind_only);
	tcase_add_test(tc, times_beyond_the_limit_are_limited);
	tcase_add_test(tc, a_newer_version_is_not_reported_as_damage);
}

SUITE_MAIN_PARTS("snapshot", add_tests)

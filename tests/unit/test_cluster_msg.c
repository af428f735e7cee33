/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of a cluster: written ones are read back, damaged ones are refused without harm, and two
 * versions that differ by one understand each other.
 */
#include "wire/cluster_msg.h"

#include "suite.h"

#include <string.h>

static const struct mono now = { 500 * NSEC_PER_SEC };

static uint8_t msg[4096];
static size_t msg_size;
static struct cluster_header h;
static struct cluster_record r;
static struct cursor records;

static struct flow tcp_flow(void)
{
	struct flow f = { .status = FLOW_SEEN_REPLY | FLOW_ASSURED | FLOW_LEASED };

	f.key.lo.bytes[0] = 10;
	f.key.hi.bytes[0] = 20;
	f.key.lo_port = 50000;
	f.key.hi_port = 443;
	f.key.proto = IPPROTO_NR_TCP;
	f.key.family = 4;
	f.hook = HOOK_FORWARD;
	f.deadline = mono_add(now, 90 * NSEC_PER_SEC);
	f.conn.tcp.state = TCP_ESTABLISHED;
	f.conn.tcp.seen[0] = (struct tcp_seen){ 1, 2, 3, 4 };
	f.conn.tcp.seen[1] = (struct tcp_seen){ 5, 6, 7, 8 };
	return f;
}

static void write_message(void)
{
	const struct cluster_header head = {
		.run = UINT64_C(0x1234567890abcdef),
		.seq = UINT64_C(0x1122334455667788),
		.time_ms = UINT64_C(1795866000123),
		.flags = CLUSTER_IS_LOSSY,
		.records_len = 6,
	};
	const struct flow f = tcp_flow();
	const struct tomb_info tomb = {
		.key = f.key,
		.conn = f.conn.tcp,
		.status = FLOW_ASSURED,
		.cause = TOMB_EVICTED,
		.ended = mono_add(now, -3 * NSEC_PER_SEC),
	};

	memset(msg, 0xee, sizeof(msg));
	cluster_write_header(&head, msg);
	msg_size = CLUSTER_HEADER_SIZE;
	cluster_write_flow(CLUSTER_FLOW, 0, &f, now, msg + msg_size);
	msg_size += CLUSTER_FLOW_SIZE;
	cluster_write_flow(CLUSTER_ENDED, CLUSTER_REMEMBERS, &f, now, msg + msg_size);
	msg_size += CLUSTER_FLOW_SIZE;
	cluster_write_tomb(&tomb, now, msg + msg_size);
	msg_size += CLUSTER_FLOW_SIZE;
	cluster_write_deleted(1, &f.key, msg + msg_size);
	msg_size += CLUSTER_DELETED_SIZE;
	cluster_write_flushed(2, msg + msg_size);
	msg_size += CLUSTER_FLUSHED_SIZE;
	msg_size += cluster_write_set(CLUSTER_SET_DELETE, "inet filter", "banned", "192.0.2.1",
	                              msg + msg_size);
	ck_assert_int_eq(cluster_read_header(msg, msg_size, &h, &records), CLUSTER_OK);
}

/* The next record, which must be one of this kind. */
static void read_kind(enum cluster_kind kind, unsigned arg)
{
	ck_assert_int_eq(cluster_read_next(&records, now, &r), CLUSTER_NEXT_RECORD);
	ck_assert_int_eq(r.kind, kind);
	ck_assert_uint_eq(r.arg, arg);
}

START_TEST(a_written_message_is_read_back)
{
	const struct flow f = tcp_flow();

	write_message();
	ck_assert_uint_eq(h.run, UINT64_C(0x1234567890abcdef));
	ck_assert_uint_eq(h.seq, UINT64_C(0x1122334455667788));
	ck_assert_uint_eq(h.time_ms, UINT64_C(1795866000123));
	ck_assert_uint_eq(h.flags, CLUSTER_IS_LOSSY);
	ck_assert_uint_eq(h.records_len, 6);
	ck_assert_uint_eq(h.version, CLUSTER_VERSION);
	read_kind(CLUSTER_FLOW, 0);
	ck_assert(flowkey_equal(&r.flow.key, &f.key));
	ck_assert_uint_eq(r.flow.status, FLOW_SEEN_REPLY | FLOW_ASSURED);
	ck_assert_int_eq(r.flow.deadline.ns, f.deadline.ns);
	ck_assert_int_eq(memcmp(&r.flow.conn.tcp, &f.conn.tcp, sizeof(f.conn.tcp)), 0);
	read_kind(CLUSTER_ENDED, CLUSTER_REMEMBERS);
	read_kind(CLUSTER_TOMB, 0);
	ck_assert_int_eq(mono_diff(now, r.tomb.ended), 3 * NSEC_PER_SEC);
	ck_assert_uint_eq(r.tomb.cause, TOMB_EVICTED);
	read_kind(CLUSTER_DELETED, 1);
	ck_assert(flowkey_equal(&r.key, &f.key));
	read_kind(CLUSTER_FLUSHED, 2);
	read_kind(CLUSTER_SET, CLUSTER_SET_DELETE);
	ck_assert_str_eq(r.table, "inet filter");
	ck_assert_str_eq(r.set, "banned");
	ck_assert_str_eq(r.element, "192.0.2.1");
	ck_assert_int_eq(cluster_read_next(&records, now, &r), CLUSTER_NEXT_END);
}
END_TEST

/* Times are relative to the message: clocks do not matter. */
START_TEST(times_relate_to_the_reader_s_clock)
{
	const struct mono theirs = { 7 * NSEC_PER_SEC };

	write_message();
	ck_assert_int_eq(cluster_read_next(&records, theirs, &r), CLUSTER_NEXT_RECORD);
	ck_assert_int_eq(mono_diff(r.flow.deadline, theirs), 90 * NSEC_PER_SEC);
}
END_TEST

START_TEST(every_truncation_ends_the_message)
{
	for (size_t size = 0; size < 3000 && (write_message(), size < msg_size); size++) {
		enum cluster_next next;
		unsigned len = 0;

		if (cluster_read_header(msg, size, &h, &records) != CLUSTER_OK) {
			ck_assert_uint_lt(size, CLUSTER_HEADER_SIZE);
			continue;
		}
		while ((next = cluster_read_next(&records, now, &r)) == CLUSTER_NEXT_RECORD) {
			len++;
		}
		ck_assert(next == CLUSTER_NEXT_CUT || next == CLUSTER_NEXT_END);
		ck_assert_uint_lt(len, 6);
	}
}
END_TEST

/* A later record is read behind one of an unknown kind. */
START_TEST(an_unknown_kind_is_skipped)
{
	write_message();
	msg[CLUSTER_HEADER_SIZE] = CLUSTER_KINDS_LEN;
	ck_assert_int_eq(cluster_read_next(&records, now, &r), CLUSTER_NEXT_UNKNOWN);
	read_kind(CLUSTER_ENDED, CLUSTER_REMEMBERS);
}
END_TEST

/* Version 2 may add fields behind those of version 1. */
START_TEST(longer_contents_of_a_newer_version_are_read)
{
	const struct flow f = tcp_flow();
	uint8_t *at = msg + CLUSTER_HEADER_SIZE;

	write_message();
	msg[4] = CLUSTER_VERSION + 1;
	at[2] = SNAPSHOT_RECORD_SIZE + 8;
	memset(at + CLUSTER_FLOW_SIZE, 0xff, 8);
	ck_assert_int_eq(
		cluster_read_header(msg, CLUSTER_HEADER_SIZE + CLUSTER_FLOW_SIZE + 8, &h, &records),
		CLUSTER_OK);
	ck_assert_uint_eq(h.version, CLUSTER_VERSION + 1);
	read_kind(CLUSTER_FLOW, 0);
	ck_assert(flowkey_equal(&r.flow.key, &f.key));
	ck_assert_int_eq(cluster_read_next(&records, now, &r), CLUSTER_NEXT_END);
}
END_TEST

START_TEST(other_versions_are_refused)
{
	write_message();
	msg[6] = CLUSTER_VERSION + 1;
	ck_assert_int_eq(cluster_read_header(msg, msg_size, &h, &records), CLUSTER_NEWER);
	write_message();
	msg[4] = 0;
	ck_assert_int_eq(cluster_read_header(msg, msg_size, &h, &records), CLUSTER_OLDER);
	write_message();
	msg[0] = 'x';
	ck_assert_int_eq(cluster_read_header(msg, msg_size, &h, &records), CLUSTER_MAGIC);
	ck_assert_str_eq(cluster_result_text(CLUSTER_MAGIC), "not a message of finwall");
}
END_TEST

/* Offsets of bytes in the first record, and a value that no entry can have. */
static const struct {
	size_t offset;
	uint8_t value;
} nonsense[] = {
	{ 0, 99 },    /* the kind of saved state */
	{ 2, 0xff },  /* status */
	{ 3, 9 },     /* hook */
	{ 15, 0x7f }, /* time to live */
	{ 53, 5 },    /* family */
};

START_TEST(an_impossible_value_is_left_out)
{
	write_message();
	msg[CLUSTER_HEADER_SIZE + CLUSTER_HEAD_SIZE + nonsense[_i].offset] = nonsense[_i].value;
	ck_assert_int_eq(cluster_read_next(&records, now, &r), CLUSTER_NEXT_INVALID);
	read_kind(CLUSTER_ENDED, CLUSTER_REMEMBERS);
}
END_TEST

START_TEST(a_set_record_needs_three_texts)
{
	uint8_t out[CLUSTER_HEAD_SIZE + CLUSTER_SET_MAX];
	size_t size = cluster_write_set(CLUSTER_SET_ADD, "inet f", "s", "x", out);
	char much[CLUSTER_SET_MAX + 1];

	records = (struct cursor){ out, out + size };
	ck_assert_int_eq(cluster_read_next(&records, now, &r), CLUSTER_NEXT_RECORD);
	out[size - 1] = 'y'; /* no end */
	records = (struct cursor){ out, out + size };
	ck_assert_int_eq(cluster_read_next(&records, now, &r), CLUSTER_NEXT_INVALID);
	memset(much, 'a', sizeof(much));
	much[sizeof(much) - 1] = '\0';
	ck_assert_uint_eq(cluster_write_set(CLUSTER_SET_ADD, "inet f", "s", much, out), 0);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, a_written_message_is_read_back);
	tcase_add_test(tc, times_relate_to_the_reader_s_clock);
	tcase_add_test(tc, every_truncation_ends_the_message);
	tcase_add_test(tc, an_unknown_kind_is_skipped);
	tcase_add_test(tc, longer_contents_of_a_newer_version_are_read);
	tcase_add_test(tc, other_versions_are_refused);
	tcase_add_loop_test(tc, an_impossible_value_is_left_out, 0, (int)ARRAY_LEN(nonsense));
	tcase_add_test(tc, a_set_record_needs_three_texts);
}

SUITE_MAIN_PARTS("cluster_msg", add_tests)

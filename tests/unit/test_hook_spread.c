/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program that chooses a queue (cli/hook/spread.c), run by the kernel: it is attached to a
 * socket, and a packet that it does not match is not delivered.
 */
#include "build.h"
#include "suite.h"

#include "hook/spread.h"

#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUEUES      5
#define PROGRAM_MAX 64 /* of the bpf match */

/* One socket pair for each program; the last queue takes what no program matches. */
static int from[QUEUES - 1];
static int to[QUEUES - 1];

static void attach(int fd, enum hook_family family, uint32_t end)
{
	struct sock_filter code[PROGRAM_MAX];
	struct sock_fprog program = { .filter = code };
	char text[4096];
	FILE *out = fmemopen(text, sizeof(text), "w");
	const char *at = text;
	int used = 0;

	hook_spread_bytecode(out, family, QUEUES, end);
	fclose(out);
	ck_assert_int_eq(sscanf(at, "%hu%n", &program.len, &used), 1);
	ck_assert_uint_le(program.len, PROGRAM_MAX);
	for (unsigned i = 0; i < program.len; i++) {
		unsigned f[4];

		at += used;
		ck_assert_int_eq(sscanf(at, ",%u %u %u %u%n", &f[0], &f[1], &f[2], &f[3], &used),
		                 4);
		code[i] =
			(struct sock_filter){ (uint16_t)f[0], (uint8_t)f[1], (uint8_t)f[2], f[3] };
	}
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)),
	                 0);
}

static void make_queues(enum hook_family family)
{
	for (unsigned i = 0; i < QUEUES - 1; i++) {
		int pair[2];

		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
		from[i] = pair[0];
		to[i] = pair[1];
		attach(to[i], family, i + 1);
	}
}

static void close_queues(void)
{
	for (unsigned i = 0; i < QUEUES - 1; i++) {
		close(from[i]);
		close(to[i]);
	}
}

static unsigned queue_of(const struct build *b)
{
	uint8_t packet[BUILD_MAX];
	const size_t size = build_packet(b, packet);
	unsigned queue = QUEUES - 1;

	for (unsigned i = QUEUES - 1; i-- > 0;) {
		uint8_t byte;

		(void)!send(from[i], packet, size, 0);
		if (recv(to[i], &byte, 1, 0) == 1) {
			queue = i;
		}
	}
	return queue;
}

/* Extension headers of the given numbers and sizes, before proto. */
static void add_headers(struct build *b, uint8_t *out, unsigned len, const uint8_t *numbers,
                        const uint8_t *sizes)
{
	b->ext_first = numbers[0];
	b->ext = out;
	b->ext_size = 0;
	for (unsigned i = 0; i < len; i++) {
		memset(out, 0, sizes[i]);
		out[0] = i + 1 < len ? numbers[i + 1] : b->proto;
		out[1] = (uint8_t)(sizes[i] / 8 - 1);
		out += sizes[i];
		b->ext_size += sizes[i];
	}
}

START_TEST(packets_with_extension_headers_have_the_queue_of_the_connection)
{
	static const uint8_t protos[] = { IPPROTO_NR_TCP, IPPROTO_NR_UDP, 132 };
	static const struct {
		unsigned len;
		uint8_t numbers[2];
		uint8_t sizes[2];
	} headers[] = {
		{ 1, { 0 }, { 8 } },           /* BIG TCP */
		{ 1, { 60 }, { 24 } },         /* destination options */
		{ 1, { 43 }, { 136 } },        /* a routing header of 8 addresses */
		{ 2, { 0, 43 }, { 8, 136 } },  /* both */
		{ 2, { 43, 60 }, { 40, 16 } }, /* and options of the last destination */
	};
	unsigned packets[QUEUES] = { 0 };

	make_queues(FAMILY_IPV6);
	for (uint16_t sport = 1000; sport < 1300; sport += 2) {
		struct build b = build_default(6, protos[sport / 2 % 3]);
		uint8_t ext[200];
		unsigned queue;

		b.sport = sport;
		b.flags = TCP_ACK;
		b.payload_size = 20;
		queue = queue_of(&b);
		packets[queue]++;
		for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
			struct build with = b;

			add_headers(&with, ext, headers[i].len, headers[i].numbers,
			            headers[i].sizes);
			ck_assert_uint_eq(queue_of(&with), queue);
			build_reverse(&with);
			ck_assert_uint_eq(queue_of(&with), queue);
		}
	}
	for (unsigned i = 0; i < QUEUES; i++) {
		ck_assert_uint_ge(packets[i], 150 / QUEUES / 2);
	}
	close_queues();
}
END_TEST

/* Three extension headers are more than the program reads: one queue for all ports. */
START_TEST(other_packets_are_spread_by_addresses)
{
	static const uint8_t numbers[] = { 0, 43, 60 };
	static const uint8_t sizes[] = { 8, 40, 8 };
	uint8_t ext[200];
	struct build b = build_default(6, IPPROTO_NR_TCP);
	struct build icmp = build_default(6, 58);
	unsigned queue;

	make_queues(FAMILY_IPV6);
	add_headers(&b, ext, 3, numbers, sizes);
	queue = queue_of(&b);
	for (uint16_t sport = 1000; sport < 1020; sport++) {
		b.sport = sport;
		ck_assert_uint_eq(queue_of(&b), queue);
	}
	icmp.type = 128;
	queue = queue_of(&icmp);
	icmp.type = 129;
	icmp.id = 77;
	build_reverse(&icmp);
	ck_assert_uint_eq(queue_of(&icmp), queue);
	close_queues();
}
END_TEST

START_TEST(ipv4_packets_are_spread_by_addresses_and_ports)
{
	unsigned packets[QUEUES] = { 0 };
	unsigned of_fragments = 0;

	make_queues(FAMILY_IPV4);
	for (uint16_t sport = 1000; sport < 1300; sport += 2) {
		struct build b = build_default(4, IPPROTO_NR_UDP);
		unsigned queue;

		b.sport = sport;
		b.payload_size = 20;
		queue = queue_of(&b);
		packets[queue]++;
		b.ip_opts_size = 8;
		build_reverse(&b);
		ck_assert_uint_eq(queue_of(&b), queue);
		b.frag = 0x2000;
		of_fragments = sport == 1000 ? queue_of(&b) : of_fragments;
		ck_assert_uint_eq(queue_of(&b), of_fragments);
	}
	for (unsigned i = 0; i < QUEUES; i++) {
		ck_assert_uint_ge(packets[i], 150 / QUEUES / 2);
	}
	close_queues();
}
END_TEST

SUITE_MAIN("hook_spread", packets_with_extension_headers_have_the_queue_of_the_connection,
           other_packets_are_spread_by_addresses, ipv4_packets_are_spread_by_addresses_and_ports)

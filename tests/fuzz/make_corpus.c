/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the seeds of the corpora: one valid packet of each kind, and a few connections from start
 * to end. Run by hand when a kind of packet is added; the files are committed.
 *
 * usage: make_corpus DIRECTORY
 */
#include <finwall/snapshot.h>

#include "build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *root;

static void write_file(const char *name, const uint8_t *head, size_t head_size, const uint8_t *data,
                       size_t size)
{
	char path[1024];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	out = fopen(path, "wb");
	if (out == NULL || fwrite(head, 1, head_size, out) != head_size ||
	    fwrite(data, 1, size, out) != size || fclose(out) != 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
}

static void packet(const char *name, const struct build *b)
{
	static const uint8_t head[] = { 0, 0, 2 };
	uint8_t data[BUILD_MAX];
	char path[128];

	snprintf(path, sizeof(path), "fuzz_pkt/ip%u-%s", b->family, name);
	write_file(path, head, sizeof(head), data, build_packet(b, data));
}

static void errors(uint8_t family, uint8_t icmp)
{
	static const uint8_t inner[] = { IPPROTO_NR_TCP, IPPROTO_NR_UDP, 0 };
	static const char *const name[] = { "error-tcp", "error-udp", "error-icmp" };

	for (unsigned i = 0; i < 3; i++) {
		struct build q = build_default(family, inner[i] != 0 ? inner[i] : icmp);
		struct build e = build_default(family, icmp);
		uint8_t data[BUILD_MAX];

		q.type = family == 4 ? 8 : 128;
		build_packet(&q, data);
		build_reverse(&e);
		e.type = family == 4 ? 3 : 1;
		e.payload = data;
		e.payload_size = family == 4 ? 28 : 48;
		packet(name[i], &e);
	}
}

static void family_packets(uint8_t family)
{
	static const uint8_t opts[] = { 2, 4, 5, 180, 4, 2, 1, 3, 3, 7 };
	static const uint8_t sack[] = { 1, 1, 5, 10, 0, 0, 19, 137, 0, 0, 20, 0 };
	uint8_t icmp = family == 4 ? IPPROTO_NR_ICMP : IPPROTO_NR_ICMPV6;
	struct build b = build_default(family, IPPROTO_NR_TCP);

	b.flags = TCP_SYN;
	b.opts = opts;
	b.opts_size = sizeof(opts);
	packet("tcp-syn", &b);
	b.flags = TCP_ACK;
	b.opts = sack;
	b.opts_size = sizeof(sack);
	b.payload_size = 11;
	packet("tcp-data", &b);
	b.flags = TCP_FIN | TCP_ACK;
	b.opts_size = 0;
	b.payload_size = 0;
	packet("tcp-fin", &b);
	b.flags = TCP_RST;
	packet("tcp-rst", &b);
	b = build_default(family, IPPROTO_NR_UDP);
	b.payload_size = 9;
	packet("udp", &b);
	b = build_default(family, icmp);
	b.type = family == 4 ? 8 : 128;
	b.payload_size = 7;
	packet("echo", &b);
	errors(family, icmp);
	b = build_default(family, 50);
	b.payload_size = 20;
	packet("esp", &b);
}

static void special_packets(void)
{
	static const uint8_t chain[] = { 43, 0,  1, 4, 0, 0, 0, 0, 60, 0,  0, 0, 0, 0, 0,
		                         0,  44, 0, 1, 4, 0, 0, 0, 0,  51, 0, 0, 0, 0, 0,
		                         0,  1,  6, 1, 0, 0, 0, 0, 0,  1,  0, 0, 0, 1 };
	uint8_t body[88];
	uint8_t data[BUILD_MAX];
	struct build b = build_default(4, IPPROTO_NR_TCP);

	b.flags = TCP_SYN;
	b.ip_opts_size = 12;
	packet("options", &b);
	b.ip_opts_size = 0;
	b.frag = 0x2001;
	packet("fragment", &b);
	b = build_default(6, IPPROTO_NR_TCP);
	b.flags = TCP_SYN;
	b.ext = chain;
	b.ext_size = sizeof(chain);
	packet("chain", &b);
	packet("no-next", &(struct build){ .family = 6, .proto = 59 });
	b = build_default(6, IPPROTO_NR_TCP);
	build_packet(&b, data);
	memset(body, 0, sizeof(body));
	body[32] = 4;
	body[33] = 6;
	memcpy(body + 40, data, 48);
	b = build_default(6, IPPROTO_NR_ICMPV6);
	b.src = build_addr("fe80::1");
	b.ttl = 255;
	b.type = 137;
	b.id = 0;
	b.payload = body;
	b.payload_size = sizeof(body);
	packet("redirect", &b);
	b = build_default(6, IPPROTO_NR_ICMPV6);
	b.type = 135;
	packet("neighbour", &b);
}

/* A connection from start to end, in the notation of fuzz_engine.c. */
static void lives(void)
{
	/* seq and ack: 1000 is 0x00, 1001 0x04; 5000 is 0x01, 5001 0x05 */
	static const uint8_t life[] = {
		0x01, 6,    0x00, TCP_SYN,
		0x00, 0x00, 0xff, 0, /* > S */
		0x01, 6,    0x02, TCP_SYN | TCP_ACK,
		0x01, 0x04, 0xff, 0, /* < S. */
		0x01, 6,    0x00, TCP_ACK,
		0x04, 0x05, 0xff, 0, /* > . */
		0xf1, 6,    0x00, TCP_FIN | TCP_ACK,
		0x04, 0x05, 0xff, 0, /* > F. seconds later */
		0x01, 6,    0x02, TCP_FIN | TCP_ACK,
		0x05, 0x08, 0xff, 0, /* < F. */
		0x01, 6,    0x02, TCP_RST,
		0x05, 0x00, 0xff, 0, /* < R */
		0x01, 6,    0x0c, 0,
		0,    0,    0,    5, /* > udp */
		0x01, 6,    0x0e, 0,
		0,    0,    0,    5, /* < udp */
		0x01, 7,    0x10, 0,
		0,    0,    0,    5,
		8, /* > echo */
		0x00, 3,    0x45, 0,
		0, /* raw */
	};
	/* what happens to the table between packets: command, choice, connection */
	static const uint8_t commands[] = {
		0x03,    4,       3,    0,
		0,       0, /* list */
		0x03,    9,       5,    0x93,
		0x00,    TCP_ACK, 0x00, 0x01,
		0xff,    2,       0, /* import a flow */
		0x03,    9,       7,    0xa3,
		0x00,    TCP_ACK, 0x00, 0x01,
		0xff,    2,       0, /* report of a node */
		0x02,    7,       0xd2, 0x00,
		TCP_ACK, 0x00,    0x01, 0xff,
		0, /* > . marked */
		0x03,    9,       6,    0x40,
		0x40,    TCP_ACK, 0x00, 0x01,
		0xff,    2,       0, /* import a tomb */
		0x41,    6,       0x40, TCP_FIN | TCP_ACK,
		0x00,    0x01,    0xff, 0, /* > F. */
		0x03,    8,       11,   0x04,
		0x00,    TCP_SYN, 0x00, 0x00,
		0xff,    0, /* explain */
		0x03,    3,       12,   0,
		0, /* stale leases */
		0x03,    3,       4,    2,
		0, /* other rules */
		0x03,    8,       0,    1,
		0x00,    TCP_ACK, 0x00, 0x01,
		0xff,    0, /* delete */
		0x03,    3,       2,    0,
		0, /* a gap */
		0x03,    3,       10,   1,
		0, /* a complete list */
		0x03,    3,       1,    1,
		0, /* flush */
	};
	/* The fifth selects the rules; the last: peers, accounts, leases. */
	static const uint8_t settings[][7] = {
		{ 0x04, 0x05, 2, 255, 5, 0xfe, 0x07 }, { 0x1a, 0x04, 2, 255, 5, 0xff, 0x04 },
		{ 0x08, 0x5d, 2, 5, 0, 0xff, 0x06 },   { 0x06, 0x00, 3, 0, 1, 0xff, 0x04 },
		{ 0x0a, 0x06, 2, 60, 2, 0xff, 0x05 },  { 0x0a, 0x4e, 2, 60, 3, 0xff, 0x04 },
	};

	for (unsigned i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		uint8_t input[sizeof(life) + sizeof(commands) + sizeof(life)];
		char name[64];

		memcpy(input, life, sizeof(life));
		memcpy(input + sizeof(life), commands, sizeof(commands));
		memcpy(input + sizeof(life) + sizeof(commands), life, sizeof(life));
		snprintf(name, sizeof(name), "fuzz_engine/life-%u", i);
		write_file(name, settings[i], sizeof(settings[i]), input,
		           i % 2 == 0 ? sizeof(input) : sizeof(life));
	}
}

/* The connection of the default packets, in the notation of fuzz_state.c. */
static void put_record(uint8_t *at, uint8_t family, uint8_t state, bool is_tomb)
{
	const struct mono now = { 1000 * NSEC_PER_SEC };
	struct build b = build_default(family, IPPROTO_NR_TCP);
	struct tuple t = { .src = b.src, .dst = b.dst, .sport = b.sport, .dport = b.dport };
	struct flow f = { .status = FLOW_SEEN_REPLY | FLOW_ASSURED, .hook = HOOK_FORWARD };
	struct tomb_info tomb = { .cause = TOMB_EVICTED, .ended = now };
	enum key_side side;

	t.proto = IPPROTO_NR_TCP;
	t.family = family;
	if (!flowkey_from_tuple(&t, &f.key, &side)) {
		exit(EXIT_FAILURE);
	}
	f.status |= side == SIDE_HI ? FLOW_ORIG_HI : 0;
	f.deadline = mono_add(now, 100 * NSEC_PER_SEC);
	f.conn.tcp = (struct tcp_conn){
		.seen = { { 1000, 66000, 60000, 60000 }, { 5000, 65000, 60000, 60000 } },
		.last_seq = 1000,
		.last_ack = 5000,
		.last_end = 1000,
		.last_win = 1000,
		.scale = { 0, 0 },
		.state = state,
	};
	at[0] = is_tomb ? 1 : 0;
	if (is_tomb) {
		tomb.key = f.key;
		tomb.conn = f.conn.tcp;
		tomb.status = f.status;
		snapshot_write_tomb(&tomb, now, at + 1);
	} else {
		snapshot_write_flow(&f, now, at + 1);
	}
}

static void states(void)
{
	static const uint8_t packets[] = { TCP_ACK,           0, TCP_FIN | TCP_ACK, 2,
		                           TCP_FIN | TCP_ACK, 1, TCP_RST,           3 };

	for (uint8_t i = 0; i < 4; i++) {
		uint8_t data[2 * (1 + SNAPSHOT_RECORD_SIZE)];
		char name[64];
		uint8_t file[sizeof(data) + sizeof(packets)];
		uint8_t settings = (uint8_t)(i << 1 | (i == 3 ? 8 : 0));

		put_record(data, 4, i == 1 ? TCP_FIN_WAIT : TCP_ESTABLISHED, i > 1);
		put_record(data + 1 + SNAPSHOT_RECORD_SIZE, 6, TCP_ESTABLISHED, i % 2 != 0);
		memcpy(file, data, sizeof(data));
		memcpy(file + sizeof(data), packets, sizeof(packets));
		snprintf(name, sizeof(name), "fuzz_state/records-%u", i);
		write_file(name, &settings, 1, file, sizeof(file));
	}
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: make_corpus DIRECTORY\n");
		return 2;
	}
	root = argv[1];
	family_packets(4);
	family_packets(6);
	special_packets();
	lives();
	states();
	return EXIT_SUCCESS;
}

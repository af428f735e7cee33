/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the seeds of the corpora: one valid packet of each kind, and a few connections from start
 * to end. Run by hand when a kind of packet is added; the files are committed.
 *
 * usage: make_corpus DIRECTORY
 */
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
	static const uint8_t settings[][4] = { { 0x1a, 2, 255, 0xfe },
		                               { 0x18, 2, 255, 0xff },
		                               { 0x3c, 2, 5, 0xff },
		                               { 0x0e, 3, 0, 0xff } };

	for (unsigned i = 0; i < 4; i++) {
		char name[64];

		snprintf(name, sizeof(name), "fuzz_engine/life-%u", i);
		write_file(name, settings[i], 4, life, sizeof(life));
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
	return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capture files from scratch: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng, and
 * https://www.tcpdump.org/linktypes.html.
 */
#include "capfile.h"

#include "rng.h"

#include <finwall/mono.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAX (BUILD_MAX + 64)

/* Time of the first packet: 2020-02-18 00:00:00 UTC. */
#define START_SEC 1581984000

const char *const capfile_format_names[CAPFILE_FORMATS_LEN] = { "micro", "nano", "swapped",
	                                                        "pcapng" };
const char *const capfile_link_names[CAPFILE_LINKS_LEN] = { "ethernet", "vlan", "qinq", "pppoe",
	                                                    "sll",      "sll2", "any",  "null",
	                                                    "loop",     "raw" };

static const uint32_t linktypes[CAPFILE_LINKS_LEN] = { 1, 1, 1, 1, 113, 276, 276, 0, 108, 101 };

static void put32(struct capfile *c, uint32_t v)
{
	if (c->format == CAPFILE_SWAPPED) {
		v = __builtin_bswap32(v);
	}
	fwrite(&v, sizeof(v), 1, c->to);
}

static void put16(struct capfile *c, uint16_t v)
{
	if (c->format == CAPFILE_SWAPPED) {
		v = __builtin_bswap16(v);
	}
	fwrite(&v, sizeof(v), 1, c->to);
}

static void begin_pcapng(struct capfile *c)
{
	put32(c, 0x0a0d0d0a); /* section header block */
	put32(c, 28);
	put32(c, 0x1a2b3c4d);
	put16(c, 1);
	put16(c, 0);
	put32(c, UINT32_MAX);
	put32(c, UINT32_MAX);
	put32(c, 28);
	put32(c, 1); /* interface description block */
	put32(c, 32);
	put16(c, (uint16_t)linktypes[c->link]);
	put16(c, 0);
	put32(c, 65535);
	put16(c, 9); /* if_tsresol */
	put16(c, 1);
	put32(c, 9); /* nanoseconds, and padding */
	put32(c, 0); /* end of options */
	put32(c, 32);
}

void capfile_begin(struct capfile *c)
{
	if (c->format == CAPFILE_PCAPNG) {
		begin_pcapng(c);
		return;
	}
	put32(c, c->format == CAPFILE_NANO ? 0xa1b23c4d : 0xa1b2c3d4);
	put16(c, 2);
	put16(c, 4);
	put32(c, 0);
	put32(c, 0);
	put32(c, 65535);
	put32(c, linktypes[c->link]);
}

void capfile_frame(struct capfile *c, int64_t time_ns, const uint8_t *frame, size_t size)
{
	uint32_t cap_size = (uint32_t)size;

	if (c->snap_size != 0 && c->snap_size < cap_size) {
		cap_size = c->snap_size;
	}
	if (c->format == CAPFILE_PCAPNG) {
		uint32_t padded = (cap_size + 3) & ~3u;

		put32(c, 6); /* enhanced packet block */
		put32(c, 32 + padded);
		put32(c, 0);
		put32(c, (uint32_t)((uint64_t)time_ns >> 32));
		put32(c, (uint32_t)time_ns);
		put32(c, cap_size);
		put32(c, (uint32_t)size);
		fwrite(frame, cap_size, 1, c->to);
		fwrite("\0\0\0", padded - cap_size, 1, c->to);
		put32(c, 32 + padded);
		return;
	}
	put32(c, (uint32_t)(time_ns / NSEC_PER_SEC));
	put32(c, (uint32_t)(time_ns % NSEC_PER_SEC / (c->format == CAPFILE_NANO ? 1 : 1000)));
	put32(c, cap_size);
	put32(c, (uint32_t)size);
	fwrite(frame, cap_size, 1, c->to);
}

static size_t copy(uint8_t *out, const char *bytes, size_t size)
{
	memcpy(out, bytes, size);
	return size;
}

#define COPY(out, bytes) copy(out, bytes, sizeof(bytes) - 1)

size_t capfile_link_header(enum capfile_link link, uint8_t family, uint8_t *out)
{
	const char *ethertype = family == 4 ? "\x08\x00" : "\x86\xdd";
	const char *protocol = family == 4 ? "\x00\x21" : "\x00\x57";
	uint8_t *at = out;

	switch (link) {
	case CAPFILE_ETHERNET:
	case CAPFILE_VLAN:
	case CAPFILE_QINQ:
	case CAPFILE_PPPOE:
		at += COPY(at, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02");
		if (link == CAPFILE_QINQ) {
			at += COPY(at, "\x88\xa8\x00\x64");
		}
		if (link == CAPFILE_QINQ || link == CAPFILE_VLAN) {
			at += COPY(at, "\x81\x00\x20\x0a");
		}
		if (link == CAPFILE_PPPOE) {
			at += COPY(at, "\x88\x64\x11\x00\x00\x07\x00\x00");
			return (size_t)(at - out) + copy(at, protocol, 2);
		}
		return (size_t)(at - out) + copy(at, ethertype, 2);
	case CAPFILE_SLL:
		at += COPY(at, "\x00\x00\x00\x01\x00\x06\x02\0\0\0\0\x01\0\0");
		return (size_t)(at - out) + copy(at, ethertype, 2);
	case CAPFILE_SLL2:
	case CAPFILE_ANY:
		at += copy(at, ethertype, 2);
		at += COPY(at, "\0\0\0\0\0\x02\x00\x01\x00\x06\x02\0\0\0\0\x01\0\0");
		return (size_t)(at - out);
	case CAPFILE_NULL:
		return copy(at, family == 4 ? "\2\0\0\0" : "\x1e\0\0\0", 4);
	case CAPFILE_LOOP:
		return copy(at, family == 4 ? "\0\0\0\2" : "\0\0\0\x18", 4);
	default:
		return 0;
	}
}

void capfile_packet(struct capfile *c, int64_t time_ns, const uint8_t *ip, size_t size)
{
	uint8_t frame[FRAME_MAX] = { 0 };
	size_t head_size = capfile_link_header(c->link, ip[0] >> 4, frame);
	size_t all = head_size + size;

	memcpy(frame + head_size, ip, size);
	if (linktypes[c->link] == 1 && all < 60) {
		all = 60;
	}
	if (c->mangle != NULL) {
		c->mangle(c->mangle_ctx, frame, all);
	}
	capfile_frame(c, time_ns, frame, all);
	if (c->link == CAPFILE_ANY) {
		frame[7]++;    /* the next interface */
		frame[10] = 4; /* outgoing */
		frame[head_size + (ip[0] >> 4 == 4 ? 8 : 7)]--;
		capfile_frame(c, time_ns, frame, all);
	}
}

/* A connection, with the sequence numbers of client and server. */
struct talk {
	struct capfile *c;
	struct build to_server;
	struct build to_client;
};

static struct talk talk_new(struct capfile *c, uint16_t port)
{
	uint8_t family = port % 2 == 0 ? 6 : 4;
	struct talk t = { .c = c, .to_server = build_default(family, IPPROTO_NR_TCP) };

	t.to_server.sport = port;
	t.to_client = t.to_server;
	build_reverse(&t.to_client);
	t.to_server.seq = 1000 * (uint32_t)port;
	t.to_client.seq = 2000 * (uint32_t)port;
	return t;
}

/* Writes a segment at this time in milliseconds; it acknowledges all data before it. */
static void send_segment(struct talk *t, int64_t ms, struct build *me, uint8_t flags,
                         size_t payload_size)
{
	struct build *other = me == &t->to_server ? &t->to_client : &t->to_server;
	uint8_t packet[BUILD_MAX];
	size_t size;

	me->flags = flags;
	me->ack = (flags & TCP_ACK) != 0 ? other->seq : 0;
	me->payload_size = payload_size;
	size = build_packet(me, packet);
	capfile_packet(t->c, sec_to_ns(START_SEC) + ms * NSEC_PER_MSEC, packet, size);
	me->seq += (uint32_t)payload_size + ((flags & (TCP_SYN | TCP_FIN)) != 0);
}

static void open_talk(struct talk *t, int64_t ms)
{
	send_segment(t, ms, &t->to_server, TCP_SYN, 0);
	send_segment(t, ms + 1, &t->to_client, TCP_SYN | TCP_ACK, 0);
	send_segment(t, ms + 2, &t->to_server, TCP_ACK, 0);
	send_segment(t, ms + 3, &t->to_server, TCP_ACK | TCP_PSH, 100);
	send_segment(t, ms + 4, &t->to_client, TCP_ACK | TCP_PSH, 300);
	send_segment(t, ms + 5, &t->to_server, TCP_ACK, 0);
}

/* FIN and ACK in both directions. */
static void close_talk(struct talk *t, int64_t ms)
{
	send_segment(t, ms, &t->to_server, TCP_FIN | TCP_ACK, 0);
	send_segment(t, ms + 1, &t->to_client, TCP_ACK, 0);
	send_segment(t, ms + 2, &t->to_client, TCP_FIN | TCP_ACK, 0);
	send_segment(t, ms + 3, &t->to_server, TCP_ACK, 0);
}

static void other_traffic(struct capfile *c)
{
	static const uint8_t arp[60] = "\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x01\x08\x06";
	struct build dns = build_default(4, IPPROTO_NR_UDP);
	struct build stray = build_default(4, IPPROTO_NR_TCP);
	uint8_t packet[BUILD_MAX];
	int64_t at_ns = sec_to_ns(START_SEC + 90);

	if (linktypes[c->link] == 1) {
		capfile_frame(c, at_ns, arp, sizeof(arp));
	}
	dns.dport = 53;
	dns.payload_size = 30;
	capfile_packet(c, at_ns, packet, build_packet(&dns, packet));
	build_reverse(&dns);
	capfile_packet(c, at_ns + NSEC_PER_MSEC, packet, build_packet(&dns, packet));
	stray.sport = 4444;
	stray.flags = TCP_FIN | TCP_ACK;
	/* a millisecond too early, as if the clock was set during the capture */
	capfile_packet(c, at_ns, packet, build_packet(&stray, packet));
}

void capfile_closes(struct capfile *c)
{
	struct talk in_time = talk_new(c, 40001);
	struct talk late_fin = talk_new(c, 40003);
	struct talk late_rst = talk_new(c, 40005);
	struct talk late_data = talk_new(c, 40006);
	struct talk second_try = talk_new(c, 40008);
	uint32_t seq;

	open_talk(&in_time, 0);
	open_talk(&late_fin, 100);
	open_talk(&late_rst, 200);
	open_talk(&late_data, 300);
	open_talk(&second_try, 400);
	close_talk(&in_time, 5000);
	close_talk(&late_fin, 60000);
	send_segment(&late_rst, 61000, &late_rst.to_client, TCP_RST | TCP_ACK, 0);
	send_segment(&late_data, 62000, &late_data.to_server, TCP_ACK | TCP_PSH, 10);
	send_segment(&late_data, 62001, &late_data.to_client, TCP_ACK, 0);
	close_talk(&late_data, 62002);
	seq = second_try.to_server.seq;
	send_segment(&second_try, 63000, &second_try.to_server, TCP_FIN | TCP_ACK, 0);
	send_segment(&second_try, 63001, &second_try.to_client, TCP_ACK, 0);
	second_try.to_server.seq = seq;
	send_segment(&second_try, 64000, &second_try.to_server, TCP_FIN | TCP_ACK, 0);
	send_segment(&second_try, 64001, &second_try.to_client, TCP_FIN | TCP_ACK, 0);
	send_segment(&second_try, 64002, &second_try.to_server, TCP_ACK, 0);
	other_traffic(c);
}

void capfile_leaps(struct capfile *c)
{
	struct talk t = talk_new(c, 40001);

	send_segment(&t, -INT64_C(1000) * START_SEC, &t.to_server, TCP_SYN, 0);
	send_segment(&t, 1, &t.to_client, TCP_SYN | TCP_ACK, 0);
	send_segment(&t, 2, &t.to_server, TCP_ACK, 0);
	send_segment(&t, INT64_C(1000) * 1000000000, &t.to_server, TCP_ACK | TCP_PSH, 10);
	send_segment(&t, 1000, &t.to_client, TCP_ACK, 0);
	send_segment(&t, 9000, &t.to_server, TCP_FIN | TCP_ACK, 0);
	send_segment(&t, 41000, &t.to_client, TCP_FIN | TCP_ACK, 0);
}

/* One connection of a crowd and its next step. */
struct guest {
	struct talk talk;
	int64_t silence_ms;
	bool ends_by_rst;
	bool is_open;
	int64_t next_ms;
};

static int by_next(const void *a, const void *b)
{
	const struct guest *x = *(struct guest *const *)a;
	const struct guest *y = *(struct guest *const *)b;

	return x->next_ms < y->next_ms ? -1 : x->next_ms > y->next_ms;
}

static void crowd_step(struct guest *g)
{
	if (!g->is_open) {
		open_talk(&g->talk, g->next_ms);
		g->is_open = true;
		g->next_ms += g->silence_ms;
		return;
	}
	if (g->ends_by_rst) {
		send_segment(&g->talk, g->next_ms, &g->talk.to_server, TCP_RST | TCP_ACK, 0);
		return;
	}
	send_segment(&g->talk, g->next_ms, &g->talk.to_server, TCP_FIN | TCP_ACK, 0);
	send_segment(&g->talk, g->next_ms + 1, &g->talk.to_client, TCP_FIN | TCP_ACK, 0);
	send_segment(&g->talk, g->next_ms + 2, &g->talk.to_server, TCP_ACK, 0);
}

void capfile_crowd(struct capfile *c, size_t connections_len)
{
	struct guest *guests = calloc(connections_len, sizeof(*guests));
	struct guest **order = calloc(connections_len * 2, sizeof(*order));
	struct guest *again = calloc(connections_len, sizeof(*again));
	struct rng rng;

	if (guests == NULL || order == NULL || again == NULL) {
		abort();
	}
	rng_init(&rng, 1);
	for (size_t i = 0; i < connections_len; i++) {
		struct guest *g = &guests[i];
		double share = rng_below(&rng, 10000) / 10000.0;

		g->talk = talk_new(c, (uint16_t)(1024 + i));
		g->next_ms = rng_below(&rng, 3600) * 1000;
		g->silence_ms = (int64_t)(5000 * pow(1440, share));
		g->ends_by_rst = rng_below(&rng, 4) == 0;
		/* occurs twice in the order: at its opening, and, for the sort only, at its end
		 */
		again[i].next_ms = g->next_ms + g->silence_ms;
		again[i].talk.to_server.sport = (uint16_t)i;
		order[2 * i] = g;
		order[2 * i + 1] = &again[i];
	}
	qsort(order, connections_len * 2, sizeof(*order), by_next);
	for (size_t i = 0; i < connections_len * 2; i++) {
		bool ends = order[i] >= again && order[i] < again + connections_len;

		crowd_step(ends ? &guests[order[i] - again] : order[i]);
	}
	free(again);
	free(order);
	free(guests);
}

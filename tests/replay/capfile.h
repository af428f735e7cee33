/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes capture files in the published formats, without libpcap, and generates connections for
 * them.
 */
#ifndef FINWALL_TESTS_CAPFILE_H
#define FINWALL_TESTS_CAPFILE_H

#include "build.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum capfile_format {
	CAPFILE_MICRO,
	CAPFILE_NANO,
	CAPFILE_SWAPPED, /* microseconds, the other byte order */
	CAPFILE_PCAPNG,
	CAPFILE_FORMATS_LEN,
};

enum capfile_link {
	CAPFILE_ETHERNET,
	CAPFILE_VLAN,
	CAPFILE_QINQ,
	CAPFILE_PPPOE,
	CAPFILE_SLL,
	CAPFILE_SLL2,
	CAPFILE_ANY, /* a router's SLL2: each packet where it enters, and where it leaves */
	CAPFILE_NULL,
	CAPFILE_LOOP,
	CAPFILE_RAW,
	CAPFILE_LINKS_LEN,
};

extern const char *const capfile_format_names[CAPFILE_FORMATS_LEN];
extern const char *const capfile_link_names[CAPFILE_LINKS_LEN];

#define CAPFILE_LINK_MAX 32

struct capfile {
	FILE *to;
	enum capfile_format format;
	enum capfile_link link;
	uint32_t snap_size; /* 0 = whole packets */
	/* changes a frame before it is written; NULL = none */
	void (*mangle)(void *ctx, uint8_t *frame, size_t size);
	void *mangle_ctx;
};

/* Writes the file's header. Borrows c->to. */
void capfile_begin(struct capfile *c);

/* Write a frame as it is, or an IP packet with a link header (Ethernet: padded to 60 bytes). */
void capfile_frame(struct capfile *c, int64_t time_ns, const uint8_t *frame, size_t size);
void capfile_packet(struct capfile *c, int64_t time_ns, const uint8_t *ip, size_t size);

/* Writes the link header of an IP packet and returns its size. out: CAPFILE_LINK_MAX bytes. */
size_t capfile_link_header(enum capfile_link link, uint8_t family, uint8_t *out);

/*
 * A capture with all kinds of closes; every second connection is IPv6. With a timeout of 20 s for
 * established connections one closes in time, and one each closes late by FIN, late by RST, after
 * late data, and at the second try. There are stray closes as well.
 */
void capfile_closes(struct capfile *c);

/* One connection with a packet from 1970 and another one from the far future. */
void capfile_leaps(struct capfile *c);

/*
 * Connections that open within an hour and are idle for 5 s to 2 h before one end closes; idle
 * times are uniform on a logarithmic scale. The capture is always the same.
 */
void capfile_crowd(struct capfile *c, size_t connections_len);

#endif

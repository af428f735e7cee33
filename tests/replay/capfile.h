/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes capture files, byte by byte after the published formats and without libpcap; and
 * conversations to fill them with.
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
	/* may change each frame before it is written; NULL = nobody does */
	void (*mangle)(void *ctx, uint8_t *frame, size_t size);
	void *mangle_ctx;
};

/* Writes the file's header. The stream stays the caller's. */
void capfile_begin(struct capfile *c);

/* Writes a frame as it is, or an IP packet behind a link header (Ethernet: padded to 60 bytes). */
void capfile_frame(struct capfile *c, int64_t time_ns, const uint8_t *frame, size_t size);
void capfile_packet(struct capfile *c, int64_t time_ns, const uint8_t *ip, size_t size);

/* The link header that goes before an IP packet; returns its size. out: CAPFILE_LINK_MAX bytes. */
size_t capfile_link_header(enum capfile_link link, uint8_t family, uint8_t *out);

/*
 * A capture of everything that matters to late closes; every second connection is IPv6. With
 * established connections kept for 20 s it has one that closes in time, and one each that closes
 * late by FIN, late by RST, after late data, and at the second try; and strays.
 */
void capfile_story(struct capfile *c);

/* One connection, whose first packet is from 1970 and another one from the far future. */
void capfile_leaps(struct capfile *c);

/*
 * Many connections that open within an hour and are silent for 5 s to 2 h, short silences as likely
 * as long ones by their logarithm, before one end closes. Always the same.
 */
void capfile_crowd(struct capfile *c, size_t connections_len);

#endif

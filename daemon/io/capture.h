/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capture files, whatever of them libpcap reads: pcap with micro- or nanoseconds, pcapng.
 */
#ifndef FINWALL_IO_CAPTURE_H
#define FINWALL_IO_CAPTURE_H

#include "wire/link.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CAPTURE_ERROR_SIZE 320

struct capture;

struct capture_packet {
	const uint8_t *data; /* the link header; borrowed until the next call */
	uint32_t cap_size;
	uint32_t wire_size;
	int64_t time_ns; /* since 1970; never negative */
};

enum capture_result {
	CAPTURE_PACKET,
	CAPTURE_END,
	CAPTURE_BROKEN, /* capture_error() says how; nothing more can be read */
};

/* Opens a file, "-" = standard input. Returns NULL with the reason in error. */
struct capture *capture_open(const char *path, char error[CAPTURE_ERROR_SIZE]);

/* The same with a stream, which is taken over, also when it fails. */
struct capture *capture_open_stream(FILE *from, char error[CAPTURE_ERROR_SIZE]);

/* Closes it; NULL is fine. */
void capture_close(struct capture *c);

enum link_type capture_link_type(const struct capture *c);

/* The next packet into *out. */
enum capture_result capture_next(struct capture *c, struct capture_packet *out);

/* What broke; after CAPTURE_BROKEN. Borrowed. */
const char *capture_error(struct capture *c);

/* How much of the file was read, 0..100; -1 where that cannot be known. */
int capture_percent(const struct capture *c);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capture files that libpcap reads: pcap with micro- or nanoseconds, pcapng. Not thread-safe.
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
	const uint8_t *data; /* from the link header on; borrowed until the next call */
	uint32_t cap_size;   /* bytes in the file */
	uint32_t wire_size;  /* bytes on the link */
	int64_t time_ns;     /* since 1970; never negative */
};

enum capture_result {
	CAPTURE_PACKET,
	CAPTURE_END,
	CAPTURE_BROKEN, /* capture_error() has the reason; no more packets follow */
};

/* Opens a file, "-" = standard input. Returns NULL on failure, with the reason in error. */
struct capture *capture_open(const char *path, char error[CAPTURE_ERROR_SIZE]);

/* The same with a stream, which it takes ownership of and closes on failure. */
struct capture *capture_open_stream(FILE *from, char error[CAPTURE_ERROR_SIZE]);

/* Closes it; NULL is fine. */
void capture_close(struct capture *c);

enum link_type capture_link_type(const struct capture *c);

/* Reads the next packet into *out. */
enum capture_result capture_next(struct capture *c, struct capture_packet *out);

/* Returns the reason after CAPTURE_BROKEN. Borrowed. */
const char *capture_error(struct capture *c);

/* Returns the percentage of the file that was read, 0..100; -1 for anything but a file. */
int capture_percent(const struct capture *c);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One step of a test: as the generator makes it, as bytes, and as a line of a script.
 *
 * A failure is printed as a script; regress/ holds scripts:
 *
 *	flow 4 6 10.1.0.1 1000 10.2.0.1 80       family, protocol, both ends; the first line
 *	set tcp_loose 0                          a setting, by its sysctl name
 *	tcp > SA seq 1 ack 2 win 3 len 4 ...     a segment from the first end (<: from the second)
 *	raw > 28 45000014...                     any packet: size, first bytes; the rest are zeroes
 *	wait 1200                                milliseconds
 *
 * Words that may follow a segment: opt HEX (options), doff N (a wrong data offset, in words), short
 * N (the packet ends after N transport bytes), xor N (changes the checksum), ext N (see shot.c),
 * res N (reserved bits). Words that may follow any packet: cap N (finwall gets the first N bytes
 * only), drop (the rules of both sides drop it after tracking). # starts a comment.
 */
#ifndef ORACLE_SHOT_H
#define ORACLE_SHOT_H

#include <finwall/flowkey.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SHOT_PACKET_MAX 65535
#define SHOT_HEAD_MAX   320
#define SHOT_OPTS_MAX   40

/* A rule drops packets with this TTL. */
#define SHOT_DROP_TTL 33

/* The sending end of the flow. Not its direction: either end may open. */
enum shot_end {
	END_A,
	END_B,
};

struct ends {
	union ip_addr addr[2];
	uint16_t port[2]; /* ICMP: port[0] is the identifier */
	uint8_t proto;
	uint8_t family;
};

enum shot_kind {
	SHOT_TCP,
	SHOT_RAW,
	SHOT_SET,
	SHOT_WAIT,
};

struct shot_tcp {
	uint32_t seq;
	uint32_t ack;
	uint32_t payload_size;
	uint16_t win;
	uint16_t csum_xor;
	uint8_t flags;
	uint8_t reserved; /* the four bits next to the data offset */
	uint8_t doff;     /* in words; 0 = correct */
	uint8_t ext;
	uint16_t short_size; /* size of a truncated transport part; 0 = not truncated */
	uint8_t opts_size;   /* a multiple of 4 */
	uint8_t opts[SHOT_OPTS_MAX];
};

struct shot_raw {
	uint32_t size;
	uint16_t head_size; /* bytes of head; zeroes follow up to size */
	uint8_t head[SHOT_HEAD_MAX];
};

struct shot_set {
	uint32_t setting_nr; /* row of sysctls_table */
	uint32_t value;
};

struct shot {
	uint8_t kind;      /* enum shot_kind */
	uint8_t from;      /* enum shot_end */
	uint8_t drop;      /* 1: a rule drops it */
	uint32_t cap_size; /* bytes that finwall gets; 0 = all */
	union {
		struct shot_tcp tcp;
		struct shot_raw raw;
		struct shot_set set;
		uint32_t wait_ms;
	} u;
};

/* The tuple of the packets that this end sends. */
void ends_tuple(const struct ends *e, enum shot_end from, struct tuple *out);

/*
 * Puts IP headers (with the extension or option variant ext, 0 = none) before l4[0..l4_size).
 * Returns the size of the packet in out, which has SHOT_PACKET_MAX bytes.
 */
size_t shot_wrap_ip(const struct ends *e, enum shot_end from, uint8_t proto, unsigned ext,
                    const uint8_t *l4, size_t l4_size, uint8_t *out);

/* The variant that is a fragment header (IPv6). */
#define SHOT_EXT_FRAGMENT 3

/* The number of variants of a family: ext is 0..n-1. */
unsigned shot_ext_flavours(uint8_t family);

/* The transport checksum of l4, whose checksum field is zero; without pseudo-header for ICMP. */
uint16_t shot_checksum(const struct ends *e, enum shot_end from, uint8_t proto, const uint8_t *l4,
                       size_t l4_size);

/* Writes the packet of a SHOT_TCP or SHOT_RAW. Returns its size. */
size_t shot_build(const struct ends *e, const struct shot *s, uint8_t *out);

/* Print and parse one line. A parser returns 0 or -EINVAL, and changes the line. */
void ends_print(FILE *to, const struct ends *e);
void shot_print(FILE *to, const struct shot *s);
int ends_parse(char *line, struct ends *out);
int shot_parse(char *line, struct shot *out);

#endif

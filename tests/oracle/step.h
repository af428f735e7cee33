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
 * N (the packet ends after N transport bytes), xor N (changes the checksum), ext N (see step.c),
 * res N (reserved bits). Words that may follow any packet: cap N (finwall gets the first N bytes
 * only), drop (the rules of both sides drop it after tracking). # starts a comment.
 */
#ifndef ORACLE_STEP_H
#define ORACLE_STEP_H

#include <finwall/flowkey.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define STEP_PACKET_MAX 65535
#define STEP_HEAD_MAX   320
#define STEP_OPTS_MAX   40

/* A rule drops packets with this TTL. */
#define STEP_DROP_TTL 33

/* The sending end of the flow. Not its direction: either end may open. */
enum step_end {
	END_A,
	END_B,
};

struct ends {
	union ip_addr addr[2];
	uint16_t port[2]; /* ICMP: port[0] is the identifier */
	uint8_t proto;
	uint8_t family;
};

enum step_kind {
	STEP_TCP,
	STEP_RAW,
	STEP_SET,
	STEP_WAIT,
};

struct step_tcp {
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
	uint8_t opts[STEP_OPTS_MAX];
};

struct step_raw {
	uint32_t size;
	uint16_t head_size; /* bytes of head; zeroes follow up to size */
	uint8_t head[STEP_HEAD_MAX];
};

struct step_set {
	uint32_t setting_nr; /* row of sysctls_table */
	uint32_t value;
};

struct step {
	uint8_t kind;      /* enum step_kind */
	uint8_t from;      /* enum step_end */
	uint8_t drop;      /* 1: a rule drops it */
	uint32_t cap_size; /* bytes that finwall gets; 0 = all */
	union {
		struct step_tcp tcp;
		struct step_raw raw;
		struct step_set set;
		uint32_t wait_ms;
	} u;
};

/* The tuple of the packets that this end sends. */
void ends_tuple(const struct ends *e, enum step_end from, struct tuple *out);

/*
 * Puts IP headers (with the extension or option variant ext, 0 = none) before l4[0..l4_size).
 * Returns the size of the packet in out, which has STEP_PACKET_MAX bytes.
 */
size_t step_wrap_ip(const struct ends *e, enum step_end from, uint8_t proto, unsigned ext,
                    const uint8_t *l4, size_t l4_size, uint8_t *out);

/* The variant that is a fragment header (IPv6). */
#define STEP_EXT_FRAGMENT 3

/* The number of variants of a family: ext is 0..n-1. */
unsigned step_ext_variants(uint8_t family);

/* The transport checksum of l4, whose checksum field is zero; without pseudo-header for ICMP. */
uint16_t step_checksum(const struct ends *e, enum step_end from, uint8_t proto, const uint8_t *l4,
                       size_t l4_size);

/* Writes the packet of a STEP_TCP or STEP_RAW. Returns its size. */
size_t step_build(const struct ends *e, const struct step *s, uint8_t *out);

/* Print and parse one line. A parser returns 0 or -EINVAL, and changes the line. */
void ends_print(FILE *to, const struct ends *e);
void step_print(FILE *to, const struct step *s);
int ends_parse(char *line, struct ends *out);
int step_parse(char *line, struct step *out);

#endif

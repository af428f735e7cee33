/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random packets, biased to the values in the rules: the edges of prefixes, ports and their
 * neighbours, and flows that open, are answered, continue, cause errors and close.
 */
#ifndef RULES_GEN_H
#define RULES_GEN_H

#include "build.h"
#include "kernel.h"
#include "rng.h"

#include <stdbool.h>

struct gen;

/* Reads addresses and ports from the text of the rules. Returns NULL if memory runs out. */
struct gen *gen_new(struct rng *rng, enum kernel_rules kind, const char *rules);
void gen_free(struct gen *d);

/* A packet and its input interface. */
struct gen_packet {
	struct build b; /* payload points into the generator and is valid until the next packet */
	uint32_t src;   /* host order; IPv6: the last 32 bits after 2001:db8:: */
	uint32_t dst;
	unsigned iif;          /* index in kernel_iface */
	bool has_bad_checksum; /* corrupt the checksum when the packet is built */
	uint16_t id;           /* of IPv4, not 0; IPv6: the end of the flow label */
	int l4_left;           /* cut the packet off after that many bytes; -1: do not */
};

/* From now on also packets that are cut off, and extension headers of IPv6. */
void gen_add_odd_packets(struct gen *d);

/* From now on also extension headers of IPv6, all of them complete. */
void gen_add_extensions(struct gen *d);

/* From now on also options of TCP and IPv4, some TCP options cut off or with a wrong length. */
void gen_add_options(struct gen *d);

void gen_next(struct gen *d, struct gen_packet *out);

#endif

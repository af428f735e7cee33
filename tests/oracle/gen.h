/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The generator: the next packet of a flow, biased to the limits in the flow's entry.
 *
 * The generator reads finwall's entry. If that entry is wrong, the two sides differ anyway; if it
 * is right, random numbers alone would hit a window's edge once in 2^32 packets.
 */
#ifndef ORACLE_GEN_H
#define ORACLE_GEN_H

#include "rng.h"
#include "step.h"

#include <finwall/flow.h>

/* Groups of protocols, to be or-ed. */
enum gen_proto {
	GEN_TCP = 1,
	GEN_UDP = 2,
	GEN_ICMP = 4,
	GEN_OTHER = 8,
	GEN_ALL = 15,
};

/*
 * Chooses the ends of a new flow of these groups. family 0: either. nr: number among concurrent
 * flows, < 256; made: number of earlier flows; port: a port that is unused, as is the next one.
 */
void gen_ends(struct rng *rng, unsigned protos, unsigned family, unsigned nr, unsigned made,
              uint16_t port, struct ends *out);

/* The generator's state of one flow. A new flow starts with zeroes. */
struct gen_flow {
	struct step last; /* the last packet, for repetitions */
	uint8_t chaos;    /* percentage of packets that ignore the expected next one */
	uint8_t has_last;
	uint8_t drops;   /* percentage of packets that a rule drops */
	uint8_t repeats; /* percentage of packets that repeat the last one */
	uint32_t isn[2];
};

void gen_flow_init(struct gen_flow *g, struct rng *rng);

/* live: the flow's entry, or NULL; orig: its original end. */
void gen_step(struct gen_flow *g, struct rng *rng, const struct ends *e, const struct flow *live,
              enum step_end orig, struct step *out);

/* Generators by protocol; they set out->kind. */
void gen_tcp(struct gen_flow *g, struct rng *rng, const struct ends *e, const struct flow *live,
             enum step_end orig, struct step *out);
void gen_udp(struct rng *rng, const struct ends *e, struct step *out);
void gen_icmp(struct rng *rng, const struct ends *e, struct step *out);
void gen_other(struct rng *rng, const struct ends *e, struct step *out);

/* An ICMP or ICMPv6 error (or redirect) that quotes the flow, possibly wrongly. */
void gen_error(struct rng *rng, const struct ends *e, struct step *out);

/* Adds IP headers and stores the packet in a STEP_RAW; all bytes after the head must be zero. */
void gen_raw(const struct ends *e, enum step_end from, uint8_t proto, unsigned ext,
             const uint8_t *l4, size_t l4_size, struct step *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The generator: the next packet of a flow, biased to the edges of what the tracker remembers.
 *
 * It is told finwall's idea of the flow. Where that is wrong the two sides differ anyway; where it
 * is right, random numbers alone would hit a window's edge once in four thousand million packets.
 */
#ifndef ORACLE_GEN_H
#define ORACLE_GEN_H

#include "rng.h"
#include "shot.h"

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
 * The ends of a new flow of one of these groups. family 0: either. nr: which of many at the same
 * time, < 256; birth: how many there were before; port: one that is not in use, nor its successor.
 */
void gen_ends(struct rng *rng, unsigned protos, unsigned family, unsigned nr, unsigned birth,
              uint16_t port, struct ends *out);

/* What the generator remembers of one flow. Zero it for a new one. */
struct gen_flow {
	struct shot last; /* the last packet, for repetitions */
	uint8_t chaos;    /* percent of packets that ignore what would come next */
	uint8_t has_last;
	uint8_t drops;   /* percent of packets that a rule is to drop */
	uint8_t repeats; /* percent of packets that are the last one again */
	uint32_t isn[2];
};

void gen_flow_init(struct gen_flow *g, struct rng *rng);

/* live: the flow's entry, whose orig end is given, or NULL. */
void gen_shot(struct gen_flow *g, struct rng *rng, const struct ends *e, const struct flow *live,
              enum shot_end orig, struct shot *out);

/* By protocol; out->kind is theirs to set. */
void gen_tcp(struct gen_flow *g, struct rng *rng, const struct ends *e, const struct flow *live,
             enum shot_end orig, struct shot *out);
void gen_udp(struct rng *rng, const struct ends *e, struct shot *out);
void gen_icmp(struct rng *rng, const struct ends *e, struct shot *out);
void gen_other(struct rng *rng, const struct ends *e, struct shot *out);

/* An ICMP or ICMPv6 error (or redirect) about the flow, more or less. */
void gen_error(struct rng *rng, const struct ends *e, struct shot *out);

/* Wraps a transport part and stores it in a SHOT_RAW; what is beyond the head must be zeroes. */
void gen_raw(const struct ends *e, enum shot_end from, uint8_t proto, unsigned ext,
             const uint8_t *l4, size_t l4_size, struct shot *out);

#endif

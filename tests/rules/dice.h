/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random packets, biased to what the rules speak of: the edges of their prefixes, the neighbours of
 * their ports, and flows that open, answer, go on, err and close.
 */
#ifndef RULES_DICE_H
#define RULES_DICE_H

#include "bed.h"
#include "build.h"
#include "rng.h"

#include <stdbool.h>

struct dice;

/* Reads addresses and ports out of the rules' text, in whose language they are. NULL when memory
 * runs out. */
struct dice *dice_new(struct rng *rng, enum bed_rules kind, const char *rules);
void dice_free(struct dice *d);

/* A packet, and where it comes in. */
struct throw
{
	struct build b; /* payload points into the dice, until the next throw */
	uint32_t src;   /* host order; of IPv6, what is behind 2001:db8:: */
	uint32_t dst;
	unsigned iif;          /* place in bed_iface */
	bool has_bad_checksum; /* to be spoilt when it is built */
};

void dice_throw(struct dice *d, struct throw *out);

#endif

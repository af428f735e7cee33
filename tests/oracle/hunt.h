/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hunt: many flows at once, random packets, until the count is reached or enough differences
 * were found.
 */
#ifndef ORACLE_HUNT_H
#define ORACLE_HUNT_H

#include "duel.h"

#include <stdint.h>

struct hunt_config {
	uint64_t packets;
	unsigned seconds; /* and at least for so long: what expires takes its time */
	uint64_t seed;
	unsigned protos; /* enum gen_proto, or-ed */
	unsigned family; /* 4, 6, 0 = both */
	bool settings_vary;
	bool keep; /* delete nothing, change no settings: there is a third side that cannot follow
	            */
	unsigned differences_max; /* stop there */
};

struct hunt_result {
	uint64_t packets;
	uint64_t seen[CT_STATES_LEN]; /* by the kernel's verdict */
	uint64_t unseen;              /* without any verdict */
	uint64_t blurred;
	uint64_t expired; /* entries that were slept through to their end */
	uint64_t flows;
	unsigned differences;
	double seconds;
	bool broken;
};

void hunt(struct duel *d, const struct hunt_config *cfg, struct hunt_result *out);

#endif

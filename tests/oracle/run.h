/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random runs: random packets of many flows, until the number of packets or of differences is
 * reached.
 */
#ifndef ORACLE_RUN_H
#define ORACLE_RUN_H

#include "lockstep.h"

#include <stdint.h>

struct run_config {
	uint64_t packets;
	unsigned seconds; /* minimum duration: entries need time to expire */
	uint64_t seed;
	unsigned protos; /* enum gen_proto, or-ed */
	unsigned family; /* 4, 6, or 0 for both */
	bool settings_vary;
	bool program; /* the kernel fast path in front of the engine; no rule drops */
	bool keep;    /* delete no entry and change no setting: the daemon cannot follow */
	unsigned differences_max; /* stop at this number */
};

struct run_result {
	uint64_t packets;
	uint64_t seen[CT_STATES_LEN]; /* by the kernel's state */
	uint64_t unseen;              /* without a state */
	uint64_t uncertain;
	uint64_t expired; /* entries whose expiry was waited for */
	uint64_t flows;
	unsigned differences;
	double seconds;
	bool broken;
};

void run_random(struct lockstep *d, const struct run_config *cfg, struct run_result *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The same capture again and again, with one timeout at a different value each time: what would it
 * have been good for, and what would it have cost?
 */
#ifndef FINWALL_CLI_REPLAY_SWEEP_H
#define FINWALL_CLI_REPLAY_SWEEP_H

#include "replay/replay.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SWEEP_STEPS_MAX 64

/* What one value led to, by lane. */
struct sweep_step {
	int64_t sec;
	struct conn_totals totals[REPLAY_LANES_MAX];
	uint64_t flows_peak[REPLAY_LANES_MAX];
	uint64_t tombs_peak[REPLAY_LANES_MAX];
};

struct sweep {
	const struct tunable *row; /* a TUNABLE_DURATION */
	struct sweep_step step[SWEEP_STEPS_MAX];
	size_t steps_len;
	const struct replay_policy *policies; /* one a lane; borrowed */
	size_t lanes_len;
};

/*
 * Reads "tcp.established=10s..2h" and spreads steps_len values over it, each the same factor from
 * the next; fewer where they would be the same second. Returns NULL, or what is wrong with it.
 */
const char *sweep_parse(struct sweep *s, const char *text, size_t steps_len);

/* Keeps what the replay of step nr came to. */
void sweep_keep(struct sweep *s, size_t nr, const struct replay *r);

/* The table of all steps. */
void sweep_print_text(const struct sweep *s, FILE *out);
void sweep_print_json(const struct sweep *s, FILE *out);

/* Draws it as SVG that needs nothing else. */
void sweep_plot(const struct sweep *s, FILE *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sweep: the same capture replayed with several values of one timeout, to compare how connections
 * end and how large the table becomes.
 */
#ifndef FINWALL_CLI_REPLAY_SWEEP_H
#define FINWALL_CLI_REPLAY_SWEEP_H

#include "replay/replay.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SWEEP_STEPS_MAX 64

/* The results of one value, by policy. */
struct sweep_step {
	int64_t sec;
	struct conn_totals totals[REPLAY_POLICIES_MAX];
	uint64_t flows_peak[REPLAY_POLICIES_MAX];
	uint64_t tombs_peak[REPLAY_POLICIES_MAX];
};

struct sweep {
	const struct tunable *row; /* a TUNABLE_DURATION */
	struct sweep_step step[SWEEP_STEPS_MAX];
	size_t steps_len;
	const struct replay_policy *policies; /* borrowed */
	size_t policies_len;
};

/*
 * Reads "tcp.established=10s..2h" and computes up to steps_len values with a constant factor
 * between them; values that round to the same second occur once. Returns NULL, or an error message.
 */
const char *sweep_parse(struct sweep *s, const char *text, size_t steps_len);

/* Stores the results of step nr. */
void sweep_store(struct sweep *s, size_t nr, const struct replay *r);

/* Print all steps. */
void sweep_print_text(const struct sweep *s, FILE *out);
void sweep_print_json(const struct sweep *s, FILE *out);

/* Writes charts of the sweep as an SVG file (sweep_chart.c). Returns 0 or -ENOMEM. */
int sweep_put_chart(const struct sweep *s, FILE *out);

#endif

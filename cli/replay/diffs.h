/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets with different verdicts, grouped by reason and verdict of each policy.
 */
#ifndef FINWALL_CLI_REPLAY_DIFFS_H
#define FINWALL_CLI_REPLAY_DIFFS_H

#include "replay/replay.h"

#include <stddef.h>
#include <stdint.h>

/* Further groups are counted together. */
#define REPLAY_DIFFS_MAX 64

struct replay_diffs {
	struct {
		uint64_t packets;
		uint8_t reason[REPLAY_POLICIES_MAX];
		uint8_t verdict[REPLAY_POLICIES_MAX];
	} group[REPLAY_DIFFS_MAX];
	size_t groups_len;
	uint64_t others; /* packets of further groups */
};

/* Adds the current packet. */
void replay_diffs_add(struct replay_diffs *d, const struct replay *r);

#endif

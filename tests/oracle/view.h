/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The observable state of a packet and of an entry, equal for the kernel and for finwall, and the
 * comparison of two of them.
 */
#ifndef ORACLE_VIEW_H
#define ORACLE_VIEW_H

#include <finwall/flowkey.h>
#include <finwall/reason.h>
#include <finwall/tunables.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The state that the tracker gave a packet. */
struct sighting {
	bool seen;     /* false: the packet was dropped before the tracker */
	uint8_t state; /* enum ct_state */
	uint8_t dir;   /* enum flow_dir, for ESTABLISHED and RELATED */
};

/* An entry, looked up by a tuple. */
struct view {
	bool exists;
	uint8_t dir; /* enum flow_dir of that tuple */
	uint8_t tcp_state;
	bool seen_reply;
	bool assured;
	uint8_t flags[2];
	uint8_t scale[2];
	int64_t left_ns; /* the kernel reports whole seconds, rounded down */
};

/* One packet: the entry of the flow, and that of the packet's own tuple if it is another one. */
struct outcome {
	struct sighting sighting;
	struct view entry[2];
};

/* Large enough for all lines of outcome_diff(). */
#define DIFF_SIZE 1024

/*
 * Compares, writes one line per different field and returns their number. daemon: the state that
 * the daemon gave the packet, or NULL without a daemon.
 */
unsigned outcome_diff(const struct outcome *kernel, const struct outcome *ours,
                      const struct sighting *daemon, uint8_t proto, char text[DIFF_SIZE]);

/* The same for one entry. sides: names of the two; NULL = kernel and finwall. */
unsigned view_diff(const struct view *left, const struct view *right, uint8_t proto,
                   const char *const sides[2], char text[DIFF_SIZE]);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can be seen of a packet and of an entry, alike for the kernel and for finwall, and how two
 * views differ.
 */
#ifndef ORACLE_VIEW_H
#define ORACLE_VIEW_H

#include <finwall/flowkey.h>
#include <finwall/reason.h>
#include <finwall/tunables.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What became of a packet. */
struct sighting {
	bool seen;     /* false: it did not come so far as to be given a state */
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
	int64_t left_ns; /* the kernel tells whole seconds, rounded down */
};

/* One packet: the entry of the flow, and that of the packet's own tuple where it is another one. */
struct outcome {
	struct sighting sighting;
	struct view entry[2];
};

/* Room for every line that outcome_diff() can write. */
#define DIFF_SIZE 1024

/*
 * Compares; writes one line per field that differs and returns their number. told: the verdict of
 * the daemon, NULL when none was asked.
 */
unsigned outcome_diff(const struct outcome *kernel, const struct outcome *ours,
                      const struct sighting *told, uint8_t proto, char text[DIFF_SIZE]);

/* The same for one entry. sides: what the two are called; NULL = kernel and finwall. */
unsigned view_diff(const struct view *left, const struct view *right, uint8_t proto,
                   const char *const sides[2], char text[DIFF_SIZE]);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a replay says: lines for packets, the differences between its lanes, and the sums. As text
 * for people, or as JSON, one object a line.
 */
#ifndef FINWALL_CLI_REPLAY_REPORT_H
#define FINWALL_CLI_REPLAY_REPORT_H

#include "replay/replay.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* More kinds of difference than this are counted together. */
#define REPLAY_DIFFS_MAX 64

/* Packets on which the lanes did not agree, put together by what each lane said. */
struct replay_diffs {
	struct {
		uint64_t packets;
		uint8_t reason[REPLAY_LANES_MAX];
		uint8_t verdict[REPLAY_LANES_MAX];
	} kind[REPLAY_DIFFS_MAX];
	size_t kinds_len;
	uint64_t others; /* packets of further kinds */
};

/* A file that was read, wholly or until it broke. */
struct replay_source {
	const char *path;
	uint64_t frames;
	char *error; /* malloc'd; NULL = read to its end */
};

struct replay_report {
	FILE *out;
	bool is_json;
};

/* Adds the packet at hand. */
void replay_diffs_add(struct replay_diffs *d, const struct replay *r);

/* Print the packet at hand, and the sums. */
void replay_print_packet(const struct replay_report *to, const struct replay *r,
                         const struct replay_packet *p);
void replay_print_summary(const struct replay_report *to, const struct replay *r,
                          const struct replay_diffs *d, const struct replay_source *sources,
                          size_t sources_len);

/* The two forms of each. */
void replay_text_packet(FILE *out, const struct replay *r, const struct replay_packet *p);
void replay_json_packet(FILE *out, const struct replay *r, const struct replay_packet *p);
void replay_text_summary(FILE *out, const struct replay *r, const struct replay_diffs *d);
void replay_json_summary(FILE *out, const struct replay *r, const struct replay_diffs *d,
                         const struct replay_source *sources, size_t sources_len);

/* The letters of TCP flags, "SA", as tcpdump has them. out: at least 9 bytes. Returns out. */
char *replay_flags_text(uint8_t flags, char *out);

#endif

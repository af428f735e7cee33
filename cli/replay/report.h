/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output of a replay: one line per packet and a summary, as text, or as JSON with one object per
 * line.
 */
#ifndef FINWALL_CLI_REPLAY_REPORT_H
#define FINWALL_CLI_REPLAY_REPORT_H

#include "replay/diffs.h"
#include "replay/replay.h"
#include "wire/watch_filter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A capture file, read to its end or up to an error. */
struct replay_source {
	const char *path;
	uint64_t frames;
	char *error; /* malloc'd; NULL = read to its end */
};

struct replay_report {
	FILE *out;
	bool is_json;
};

/* Print the current packet, its trace under each policy if the filter wants it, and the summary, in
 * the chosen format. */
void replay_print_packet(const struct replay_report *to, const struct replay *r,
                         const struct replay_packet *p);
void replay_print_trace(const struct replay_report *to, const struct replay *r,
                        const struct replay_packet *p, const struct watch_filter *filter);
void replay_print_summary(const struct replay_report *to, const struct replay *r,
                          const struct replay_diffs *d, const struct replay_source *sources,
                          size_t sources_len);

/* The two formats: text.c, json.c. */
void replay_text_packet(FILE *out, const struct replay *r, const struct replay_packet *p);
void replay_json_packet(FILE *out, const struct replay *r, const struct replay_packet *p);
void replay_text_summary(FILE *out, const struct replay *r, const struct replay_diffs *d);
void replay_json_summary(FILE *out, const struct replay *r, const struct replay_diffs *d,
                         const struct replay_source *sources, size_t sources_len);

#endif

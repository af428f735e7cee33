/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What finwall top shows: numbers of the daemon and their rates, from two replies of it. Knows no
 * terminal and no socket.
 */
#ifndef FINWALL_CLI_TOP_MODEL_H
#define FINWALL_CLI_TOP_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOP_ROWS_MAX    512
#define TOP_STATES_MAX  32
#define TOP_TEXT_SIZE   64
#define TOP_NUMBER_SIZE 48

struct top_row {
	char proto[16];
	char from[TOP_TEXT_SIZE];
	char to[TOP_TEXT_SIZE];
	char state[24];
	char ifname[16];
	bool is_counted; /* packets and bytes are known */
	uint64_t bytes;
	uint64_t packets;
	int64_t expires_s;
	int64_t age_s;
	int64_t idle_s;
	double bits_per_s; /* since the reply before; < 0 = it was not shown then */
};

struct top_state {
	char name[32]; /* "ESTABLISHED", "udp" */
	uint64_t count;
};

/* One reply of each method. */
struct top_sample {
	int64_t at_ms; /* any clock */
	int64_t uptime_s;
	uint64_t connections, connections_max;
	uint64_t remembered, remembered_max;
	uint64_t accepted, dropped, rejected; /* packets */
	uint64_t bytes;                       /* accepted */
	uint64_t fast_packets;                /* of the accepted ones, by the kernel fast path */
	bool has_fast_path;                   /* it is on */
	uint64_t late_passed; /* late closes, and late data */
	uint64_t waiting, lost;
	int64_t verdict_p99_ns; /* -1: not measured */
	bool has_hook_fault;
	bool is_unfiltered; /* packets are not judged */
	char hook_fault[160];
	struct top_state states[TOP_STATES_MAX];
	size_t states_len;
	struct top_row rows[TOP_ROWS_MAX];
	size_t rows_len;
};

/* Read replies of GetStats, CountConnections and ListConnections into *out. The connections by state
 * are in the first two: of all, and of those that match a filter. */
void top_read_stats(struct top_sample *out, const json_t *stats);
void top_read_states(struct top_sample *out, const json_t *stats);
void top_read_counts(struct top_sample *out, const json_t *reply);
void top_read_rows(struct top_sample *out, const json_t *reply);

/* Sets the rates of the rows; before may be NULL. */
void top_compare(struct top_sample *now, const struct top_sample *before);

/* The change of a counter per second; 0 without a sample before. */
double top_rate(const struct top_sample *now, const struct top_sample *before, uint64_t now_value,
                uint64_t before_value);

/*
 * Reads a filter as people type it: "tcp", "10.0.0.0/8", ":443", "established", "eth0", with blanks
 * between them. Returns a new object, or NULL with *wrong set to the word that is none of them.
 */
json_t *top_read_filter(const char *text, char wrong[TOP_TEXT_SIZE]);

/* "12k", "34M", "7000". */
const char *top_number(double n, char out[TOP_NUMBER_SIZE]);
/* "4d23h", "19m59s", "7s". */
const char *top_time(int64_t sec, char out[TOP_NUMBER_SIZE]);

#endif

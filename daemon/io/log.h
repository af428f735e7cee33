/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's log: lines on standard error, with syslog levels under the journal.
 *
 * No call waits for the reader of standard error (log_out.h). Lines about packets are rate-limited,
 * because remote hosts determine how many there are.
 */
#ifndef FINWALL_IO_LOG_H
#define FINWALL_IO_LOG_H

#include <finwall/mono.h>

#include <stdbool.h>
#include <stdint.h>

/* The numbers of syslog(3). */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
};

struct log;

/* Returns NULL when memory runs out. */
struct log *log_new(void);

/* Starts the thread that writes the lines. Returns 0/-errno. */
int log_start(struct log *l);

/* Waits at most a second until all lines are written; NULL is fine. */
void log_free(struct log *l);

/* Writes one line. Any thread. */
void log_write(struct log *l, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Writes newline-separated lines without the program's name. Any thread. */
void log_lines(struct log *l, enum log_level level, const char *lines);

/* Writes one line about a packet; level 0..7. Returns false when the rate limit does not allow it.
 * Main thread. */
bool log_packet(struct log *l, struct mono now, unsigned level, const char *line);

/* Whether the journal gets the lines about packets from elsewhere too: then they are not written to
 * it here. Main thread. */
void log_set_packets_elsewhere(struct log *l, bool in_journal);

/* Logs how many packet lines were suppressed, at most every five seconds. Call it periodically. */
void log_report(struct log *l, struct mono now);

#endif

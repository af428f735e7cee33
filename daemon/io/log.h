/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon says: lines on standard error, with syslog levels where the journal reads them.
 *
 * Main thread only. Lines about packets go through a rate limit, because a remote host chooses how
 * many there are.
 */
#ifndef FINWALL_IO_LOG_H
#define FINWALL_IO_LOG_H

#include <finwall/mono.h>

#include <stdint.h>

/* syslog's numbers. */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
};

struct log;

/* Returns NULL only when memory runs out. */
struct log *log_new(void);
void log_free(struct log *l);

/* One line. */
void log_say(struct log *l, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Lines made elsewhere, each said as it is. */
void log_lines(struct log *l, enum log_level level, const char *lines);

/* One line about a packet, if the rate allows; level 0..7. */
void log_packet(struct log *l, struct mono now, unsigned level, const char *line);

/* Says how many lines about packets were left out, if any; call it once in a while. */
void log_report(struct log *l, struct mono now);

#endif

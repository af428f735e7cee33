/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines on standard error.
 *
 * Under the journal each line begins with its level as `<N>` (sd-daemon(3)); the journal adds the
 * program's name. Elsewhere it begins with "finwalld: ".
 */
#include "log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Rate limit of packet lines: a burst, and lines per second. */
#define PACKET_BURST 1000
#define PACKET_RATE  200

/* Suppressed lines are reported at most this often. */
#define REPORT_NS sec_to_ns(5)

struct log {
	/* set once */
	bool to_journal;
	/* rate limit of packet lines */
	struct mono filled;
	struct mono reported;
	uint32_t tokens;
	uint64_t suppressed;
};

/* True when standard error is the journal's stream. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	uint64_t dev;
	uint64_t inode;

	return stream != NULL && sscanf(stream, "%" SCNu64 ":%" SCNu64, &dev, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == inode;
}

struct log *log_new(void)
{
	struct log *l = calloc(1, sizeof(*l));

	if (l != NULL) {
		l->to_journal = stderr_is_journal();
		l->tokens = PACKET_BURST;
		(void)setvbuf(stderr, NULL, _IOLBF, 0);
	}
	return l;
}

void log_free(struct log *l)
{
	free(l);
}

static void put_level(const struct log *l, unsigned level)
{
	if (l->to_journal) {
		(void)fprintf(stderr, "<%u>", level);
	}
}

void log_write(struct log *l, enum log_level level, const char *format, ...)
{
	va_list args;

	put_level(l, level);
	if (!l->to_journal) {
		(void)fputs("finwalld: ", stderr);
	}
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fputc('\n', stderr);
}

void log_lines(struct log *l, enum log_level level, const char *lines)
{
	while (*lines != '\0') {
		size_t size = strcspn(lines, "\n");

		put_level(l, level);
		(void)fprintf(stderr, "%.*s\n", (int)size, lines);
		lines += size + (lines[size] == '\n');
	}
}

/* Takes a token from the bucket. */
static bool take_token(struct log *l, struct mono now)
{
	int64_t fresh = mono_diff(now, l->filled) / (NSEC_PER_SEC / PACKET_RATE);

	if (fresh > 0) {
		l->tokens = fresh + l->tokens > PACKET_BURST ? PACKET_BURST
		                                             : l->tokens + (uint32_t)fresh;
		l->filled = now;
	}
	if (l->tokens == 0) {
		return false;
	}
	l->tokens--;
	return true;
}

void log_packet(struct log *l, struct mono now, unsigned level, const char *line)
{
	if (!take_token(l, now)) {
		l->suppressed++;
		return;
	}
	put_level(l, level);
	(void)fprintf(stderr, "%s\n", line);
}

void log_report(struct log *l, struct mono now)
{
	if (l->suppressed == 0 || mono_diff(now, l->reported) < REPORT_NS) {
		return;
	}
	log_write(l, LOG_LEVEL_WARNING, "%" PRIu64 " packet lines suppressed by the rate limit",
	          l->suppressed);
	l->suppressed = 0;
	l->reported = now;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines on standard error, written by log_out.c.
 *
 * Under the journal each line begins with its level as `<N>` (sd-daemon(3)); the journal adds the
 * program's name. Elsewhere it begins with "finwalld: ".
 */
#include "log.h"

#include "log_out.h"

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

/* A longer line is cut. */
#define LINE_SIZE 4096

/* Suppressed lines are reported at most this often. */
#define REPORT_NS sec_to_ns(5)

struct log {
	/* set once */
	bool to_journal;
	struct log_out *out;
	/* rate limit of packet lines */
	struct mono filled;
	struct mono reported;
	uint32_t tokens;
	uint64_t suppressed;
	bool packets_are_elsewhere;
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

	if (l == NULL) {
		return NULL;
	}
	l->to_journal = stderr_is_journal();
	l->tokens = PACKET_BURST;
	l->out = log_out_new(STDERR_FILENO, l->to_journal ? "<4>" : "finwalld: ");
	if (l->out == NULL) {
		free(l);
		return NULL;
	}
	return l;
}

int log_start(struct log *l)
{
	return log_out_start(l->out);
}

void log_free(struct log *l)
{
	if (l != NULL) {
		(void)log_out_free(l->out);
		free(l);
	}
}

/* A line that grows by each put, and is cut at its size. */
struct line {
	size_t size;
	char text[LINE_SIZE];
};

__attribute__((format(printf, 2, 0))) static void line_vput(struct line *line, const char *format,
                                                            va_list args)
{
	size_t space = sizeof(line->text) - line->size; /* at least for the newline */
	int size = vsnprintf(line->text + line->size, space, format, args);

	if (size > 0) {
		line->size += (size_t)size < space ? (size_t)size : space - 1;
	}
}

__attribute__((format(printf, 2, 3))) static void line_put(struct line *line, const char *format,
                                                           ...)
{
	va_list args;

	va_start(args, format);
	line_vput(line, format, args);
	va_end(args);
}

static void line_begin(struct line *line, const struct log *l, unsigned level)
{
	line->size = 0;
	if (l->to_journal) {
		line_put(line, "<%u>", level);
	}
}

static void line_end(struct line *line, struct log *l)
{
	line->text[line->size++] = '\n';
	(void)log_out_put(l->out, line->text, line->size);
}

void log_write(struct log *l, enum log_level level, const char *format, ...)
{
	struct line line;
	va_list args;

	line_begin(&line, l, level);
	if (!l->to_journal) {
		line_put(&line, "finwalld: ");
	}
	va_start(args, format);
	line_vput(&line, format, args);
	va_end(args);
	line_end(&line, l);
}

void log_lines(struct log *l, enum log_level level, const char *lines)
{
	struct line line;

	while (*lines != '\0') {
		size_t size = strcspn(lines, "\n");

		line_begin(&line, l, level);
		line_put(&line, "%.*s", (int)size, lines);
		line_end(&line, l);
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

void log_set_packets_elsewhere(struct log *l, bool in_journal)
{
	l->packets_are_elsewhere = in_journal && l->to_journal;
}

bool log_packet(struct log *l, struct mono now, unsigned level, const char *line)
{
	struct line out;

	if (!take_token(l, now)) {
		l->suppressed++;
		return false;
	}
	if (!l->packets_are_elsewhere) {
		line_begin(&out, l, level);
		line_put(&out, "%s", line);
		line_end(&out, l);
	}
	return true;
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

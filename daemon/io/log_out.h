/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Standard error for the log, without waiting for its reader.
 *
 * A thread writes the lines, from a buffer of bounded size. A line that does not fit into it is
 * dropped and counted, and the count is written when there is space again. So a reader that stops,
 * or a disk that hangs, delays the log only.
 */
#ifndef FINWALL_IO_LOG_OUT_H
#define FINWALL_IO_LOG_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_out;

/*
 * prefix: precedes the line that reports dropped lines, NULL = there is no such line; borrowed.
 * Returns NULL when memory runs out. There is no thread yet: lines are written at once while
 * standard error accepts them, and otherwise kept.
 */
struct log_out *log_out_new(int fd, const char *prefix);

/* Starts the thread, with all signals blocked in it. Returns 0/-errno. */
int log_out_start(struct log_out *o);

/* Takes size bytes, a whole line with its newline; returns false if they are dropped. Never waits.
 * Any thread. */
bool log_out_put(struct log_out *o, const char *line, size_t size);

/*
 * Waits at most a second for the lines to be written, then frees o; NULL is fine. A thread that
 * still waits for the reader keeps its memory until the process exits: returns false.
 */
bool log_out_free(struct log_out *o);

/*
 * Ends o, which has the descriptor for itself, and closes that: now, or when the thread has written
 * everything. waits: at most a second for the thread. Returns false when it is left behind.
 */
bool log_out_close(struct log_out *o, bool waits);

/* Returns how many threads are left behind and still write. */
unsigned log_out_left(void);

/* Returns how many lines were dropped since the last call. Only without a prefix. */
uint64_t log_out_dropped(struct log_out *o);

#endif

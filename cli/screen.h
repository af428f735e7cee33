/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Output for people: on a terminal, a line that is wider than the terminal is continued below its
 * last column, at a blank. Nothing is cut off. Anything but a terminal gets the lines as they are,
 * so programs can read them. Knows no command.
 */
#ifndef FINWALL_CLI_SCREEN_H
#define FINWALL_CLI_SCREEN_H

#include <stddef.h>
#include <stdio.h>

/* Returns the columns of the terminal at standard output, or 0 if that is not a terminal. */
unsigned screen_width(void);

/*
 * Returns a stream that writes to stdout or stderr and wraps lines to the width of the terminal
 * there. Without a terminal, or without memory, it is `to` itself. Flushing it flushes `to`.
 */
FILE *screen_open(FILE *to);

/* Writes an unfinished line and closes the stream, but neither stdout nor stderr. */
void screen_close(FILE *screen);

/* Writes to standard error, in whole lines, wrapped if that is a terminal. */
void screen_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Writes a line without its newline, wrapped to width columns, and a newline. */
void screen_wrap(const char *line, size_t size, unsigned width, FILE *to);

#endif

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
 * Returns a stream that writes to standard output and wraps lines to screen_width(). Without a
 * terminal, or without memory, it is stdout itself. Flushing it flushes stdout too.
 */
FILE *screen_open(void);

/* Writes an unfinished line and closes the stream, but not standard output. */
void screen_close(FILE *screen);

/* Writes a line without its newline, wrapped to width columns, and a newline. */
void screen_wrap(const char *line, size_t size, unsigned width, FILE *to);

#endif

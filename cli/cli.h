/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: what the subcommands share. Knows no subcommand.
 */
#ifndef FINWALL_CLI_H
#define FINWALL_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Exit status of finwall; finwall(8). */
enum cli_exit {
	CLI_OK = 0,
	CLI_REFUSED = 1,   /* refused, failed, or not found */
	CLI_USAGE = 2,     /* the command line is invalid */
	CLI_NO_DAEMON = 3, /* no daemon answers on the socket */
	CLI_ENOUGH,        /* internal: a callback has all it needs; never an exit status */
};

/* Options before the subcommand. */
struct cli {
	const char *socket_path;
};

/* One per file in cmd/. Usage and help texts are made from it. */
struct cli_command {
	const char *name;
	const char *args;    /* "up|down|print [-c FILE]"; "" = none */
	const char *summary; /* one line */
	const char *details; /* one option a line; "" = none */
	enum cli_exit (*run)(const struct cli *cli, int argc, char **argv);
};

/* Prints "Usage: finwall ... ARGS", continued on further lines beyond 80 columns. */
void cli_print_usage(FILE *to, const struct cli_command *cmd);

/* Prints what is wrong with the command line, and the usage, to standard error. Returns CLI_USAGE.
 */
enum cli_exit cli_usage(const struct cli_command *cmd, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints an error to standard error. Returns CLI_REFUSED. */
enum cli_exit cli_refuse(const struct cli_command *cmd, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The argument of --output, "text" or "json". Returns CLI_OK or CLI_USAGE. */
enum cli_exit cli_output_format(const struct cli_command *cmd, const char *arg, bool *is_json);

#endif

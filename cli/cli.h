/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line: what main.c and the subcommands share.
 */
#ifndef FINWALL_CLI_H
#define FINWALL_CLI_H

#include <stddef.h>

/* How finwall ends; finwall(8). */
enum cli_exit {
	CLI_OK = 0,
	CLI_REFUSED = 1,   /* refused, failed, or not found */
	CLI_USAGE = 2,     /* not understood */
	CLI_NO_DAEMON = 3, /* nobody answers on the socket */
	CLI_ENOUGH,        /* never the program's own: what was wanted is there, all is well */
};

/* What was said before the command. */
struct cli {
	const char *socket_path;
};

/* One per subcommand file; main.c has the table, and usage and help come from it. */
struct cli_command {
	const char *name;
	const char *args;    /* "up|down|print [-c FILE]"; "" = none */
	const char *summary; /* one line */
	const char *details; /* option by option, one a line; "" = none */
	enum cli_exit (*run)(const struct cli *cli, int argc, char **argv);
};

extern const struct cli_command cmd_delete;
extern const struct cli_command cmd_doctor;
extern const struct cli_command cmd_events;
extern const struct cli_command cmd_flush;
extern const struct cli_command cmd_help;
extern const struct cli_command cmd_hook;
extern const struct cli_command cmd_import_iptables;
extern const struct cli_command cmd_import_conntrack;
extern const struct cli_command cmd_list;
extern const struct cli_command cmd_reload;
extern const struct cli_command cmd_replay;
extern const struct cli_command cmd_set;
extern const struct cli_command cmd_show;
extern const struct cli_command cmd_stats;
extern const struct cli_command cmd_version;

/* All of them, in the order of the help text; ends with NULL. */
extern const struct cli_command *const cli_commands[];

/* Says what is wrong and how the command is written, on standard error. Returns CLI_USAGE. */
enum cli_exit cli_usage(const struct cli_command *cmd, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Says what went wrong, on standard error. Returns CLI_REFUSED. */
enum cli_exit cli_refuse(const struct cli_command *cmd, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif

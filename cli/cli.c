/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages and options that every subcommand has. See cli.h.
 */
#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void print_message(const struct cli_command *cmd, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));

enum cli_exit cli_usage(const struct cli_command *cmd, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_message(cmd, fmt, args);
	va_end(args);
	fprintf(stderr, "Usage: finwall [--socket PATH] %s %s\n", cmd->name, cmd->args);
	return CLI_USAGE;
}

enum cli_exit cli_refuse(const struct cli_command *cmd, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_message(cmd, fmt, args);
	va_end(args);
	return CLI_REFUSED;
}

enum cli_exit cli_output_format(const struct cli_command *cmd, const char *arg, bool *is_json)
{
	*is_json = strcmp(arg, "json") == 0;
	if (!*is_json && strcmp(arg, "text") != 0) {
		return cli_usage(cmd, "unknown output format \"%s\"", arg);
	}
	return CLI_OK;
}

static void print_message(const struct cli_command *cmd, const char *fmt, va_list args)
{
	fprintf(stderr, "finwall %s: ", cmd->name);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

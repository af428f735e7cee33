/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages and options that every subcommand has. See cli.h.
 */
#include "cli.h"
#include "screen.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define USAGE_WIDTH  80
#define USAGE_INDENT 8

static size_t word_size(const char *text);
static void print_message(const struct cli_command *cmd, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));

void cli_print_usage(FILE *to, const struct cli_command *cmd)
{
	int column = fprintf(to, "Usage: finwall [--socket PATH] %s", cmd->name);

	for (const char *at = cmd->args; *at != '\0';) {
		int size = (int)word_size(at);

		if (column + 1 + size > USAGE_WIDTH) {
			fprintf(to, "\n%*s", USAGE_INDENT - 1, "");
			column = USAGE_INDENT - 1;
		}
		fprintf(to, " %.*s", size, at);
		column += 1 + size;
		at += size;
		at += *at == ' ';
	}
	fputc('\n', to);
}

enum cli_exit cli_usage(const struct cli_command *cmd, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_message(cmd, fmt, args);
	va_end(args);
	cli_print_usage(stderr, cmd);
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

/* Up to the next blank outside brackets: "[-c FILE]" is one word. */
static size_t word_size(const char *text)
{
	size_t depth = 0;
	size_t i = 0;

	for (; text[i] != '\0' && (text[i] != ' ' || depth > 0); i++) {
		depth += text[i] == '[';
		depth -= text[i] == ']' && depth > 0;
	}
	return i;
}

static void print_message(const struct cli_command *cmd, const char *fmt, va_list args)
{
	FILE *to = screen_open(stderr);

	fprintf(to, "finwall %s: ", cmd->name);
	vfprintf(to, fmt, args);
	fputc('\n', to);
	screen_close(to);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall: the command line. Reads what stands before the command and hands over to its file.
 */
#include "cli.h"

#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cli_command *const cli_commands[] = {
	&cmd_list,   &cmd_stats,  &cmd_events,          &cmd_show,
	&cmd_reload, &cmd_flush,  &cmd_delete,          &cmd_set,
	&cmd_hook,   &cmd_replay, &cmd_import_iptables, &cmd_import_conntrack,
	&cmd_doctor, &cmd_help,   &cmd_version,         NULL,
};

enum {
	OPT_SOCKET = 256,
};

static const struct option options[] = {
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static enum cli_exit run_command(const struct cli *cli, int argc, char **argv);
static void print_command(FILE *to, const struct cli_command *cmd);
static void print_overview(FILE *to);

int main(int argc, char **argv)
{
	struct cli cli = { .socket_path = FINWALL_SOCKET_PATH };
	enum cli_exit code;
	int opt;

	setlocale(LC_ALL, "");
	/* '+': options behind the command are the command's own */
	while ((opt = getopt_long(argc, argv, "+hV", options, NULL)) != -1) {
		switch (opt) {
		case OPT_SOCKET:
			cli.socket_path = optarg;
			break;
		case 'h':
			print_overview(stdout);
			return CLI_OK;
		case 'V':
			return cmd_version.run(&cli, 1, argv);
		default:
			fprintf(stderr, "Try: finwall help\n");
			return CLI_USAGE;
		}
	}
	if (optind == argc) {
		print_overview(stderr);
		return CLI_USAGE;
	}
	code = run_command(&cli, argc - optind, argv + optind);
	/* a full disk or a closed pipe must not look like success */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		if (code == CLI_OK) {
			perror("finwall: standard output");
			code = CLI_REFUSED;
		}
	}
	return (int)code;
}

enum cli_exit cli_usage(const struct cli_command *cmd, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "finwall %s: ", cmd->name);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\nUsage: finwall [--socket PATH] %s %s\n", cmd->name, cmd->args);
	return CLI_USAGE;
}

enum cli_exit cli_refuse(const struct cli_command *cmd, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "finwall %s: ", cmd->name);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	return CLI_REFUSED;
}

static const struct cli_command *find_command(const char *name)
{
	for (size_t i = 0; cli_commands[i] != NULL; i++) {
		if (strcmp(cli_commands[i]->name, name) == 0) {
			return cli_commands[i];
		}
	}
	return NULL;
}

static enum cli_exit run_command(const struct cli *cli, int argc, char **argv)
{
	const struct cli_command *cmd = find_command(argv[0]);

	if (cmd == NULL) {
		fprintf(stderr, "finwall: no command \"%s\"\nTry: finwall help\n", argv[0]);
		return CLI_USAGE;
	}
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		print_command(stdout, cmd);
		return CLI_OK;
	}
	/* zero, not one: glibc's getopt starts afresh only so */
	optind = 0;
	return cmd->run(cli, argc, argv);
}

static enum cli_exit run_help(const struct cli *cli, int argc, char **argv)
{
	const struct cli_command *cmd;

	(void)cli;
	if (argc < 2) {
		print_overview(stdout);
		return CLI_OK;
	}
	cmd = find_command(argv[1]);
	if (cmd == NULL || argc > 2) {
		return cli_usage(&cmd_help, "no command \"%s\"", argv[argc - 1]);
	}
	print_command(stdout, cmd);
	return CLI_OK;
}

const struct cli_command cmd_help = {
	.name = "help",
	.args = "[COMMAND]",
	.summary = "this text, or all about one command",
	.details = "",
	.run = run_help,
};

static void print_command(FILE *to, const struct cli_command *cmd)
{
	fprintf(to, "Usage: finwall [--socket PATH] %s %s\n\n%s: %s\n%s%s", cmd->name, cmd->args,
	        cmd->name, cmd->summary, *cmd->details != '\0' ? "\n" : "", cmd->details);
}

static void print_overview(FILE *to)
{
	fprintf(to, "Usage: finwall [--socket PATH] COMMAND\n\n");
	for (size_t i = 0; cli_commands[i] != NULL; i++) {
		fprintf(to, "  %-17s%s\n", cli_commands[i]->name, cli_commands[i]->summary);
	}
	fprintf(to,
	        "\n"
	        "--socket PATH  the daemon's control socket (%s)\n"
	        "finwall COMMAND --help says all about a command. finwall(8)\n",
	        FINWALL_SOCKET_PATH);
}

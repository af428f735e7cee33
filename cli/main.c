/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall: the command line. Reads the options before the subcommand, and runs the subcommand.
 */
#include "cli.h"
#include "cmd/cmd.h"

#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

static const struct cli_command cmd_help;

/* In the order of the help text. */
static const struct cli_command *const commands[] = {
	&cmd_list,
	&cmd_get,
	&cmd_stats,
	&cmd_top,
	&cmd_events,
	&cmd_trace,
	&cmd_explain,
	&cmd_show,
	&cmd_reload,
	&cmd_confirm,
	&cmd_flush,
	&cmd_delete,
	&cmd_set,
	&cmd_counter,
	&cmd_quota,
	&cmd_hook,
	&cmd_cluster,
	&cmd_replay,
	&cmd_import_iptables,
	&cmd_import_conntrack,
	&cmd_wait,
	&cmd_doctor,
	&cmd_help,
	&cmd_version,
};

#define COMMANDS_LEN (sizeof(commands) / sizeof(commands[0]))

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
	/* '+': options after the subcommand belong to the subcommand */
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
	/* a full disk or a closed pipe is an error */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		if (code == CLI_OK) {
			perror("finwall: standard output");
			code = CLI_REFUSED;
		}
	}
	return (int)code;
}

static const struct cli_command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS_LEN; i++) {
		if (strcmp(commands[i]->name, name) == 0) {
			return commands[i];
		}
	}
	return NULL;
}

static enum cli_exit run_command(const struct cli *cli, int argc, char **argv)
{
	const struct cli_command *cmd = find_command(argv[0]);

	if (cmd == NULL) {
		fprintf(stderr, "finwall: unknown command \"%s\"\nTry: finwall help\n", argv[0]);
		return CLI_USAGE;
	}
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		print_command(stdout, cmd);
		return CLI_OK;
	}
	/* 0, not 1: this makes glibc's getopt reset its state */
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
		return cli_usage(&cmd_help, "unknown command \"%s\"", argv[argc - 1]);
	}
	print_command(stdout, cmd);
	return CLI_OK;
}

static const struct cli_command cmd_help = {
	.name = "help",
	.args = "[COMMAND]",
	.summary = "show this text, or the help text of a command",
	.details = "",
	.run = run_help,
};

static void print_command(FILE *to, const struct cli_command *cmd)
{
	cli_print_usage(to, cmd);
	fprintf(to, "\n%s: %s\n%s%s", cmd->name, cmd->summary, *cmd->details != '\0' ? "\n" : "",
	        cmd->details);
}

static void print_overview(FILE *to)
{
	fprintf(to, "Usage: finwall [--socket PATH] COMMAND\n\n");
	for (size_t i = 0; i < COMMANDS_LEN; i++) {
		fprintf(to, "  %-17s%s\n", commands[i]->name, commands[i]->summary);
	}
	fprintf(to,
	        "\n"
	        "--socket PATH  control socket of the daemon (default: %s)\n"
	        "See also: finwall COMMAND --help, finwall(8)\n",
	        FINWALL_SOCKET_PATH);
}

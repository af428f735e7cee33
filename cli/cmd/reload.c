/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall reload: the daemon reads its configuration again; prints its errors and warnings.
 */
#include "client.h"
#include "cmd/cmd.h"
#include "hook/set_copy.h"
#include "screen.h"

#include "text/num.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define CONFIRM_SEC_MAX 86400

static const struct option options[] = {
	{ "confirm", required_argument, NULL, 'c' },
	{ NULL, 0, NULL, 0 },
};

static enum cli_exit run_reload(const struct cli *cli, int argc, char **argv);

const struct cli_command cmd_reload = {
	.name = "reload",
	.args = "[--confirm TIME]",
	.summary = "read the configuration again; an invalid one is refused",
	.details =
		"-c, --confirm TIME  the configuration before comes back after this time (60s),\n"
		"                    unless finwall confirm is called\n"
		"\n"
		"Prints what of the new configuration is not in force yet: settings for the next\n"
		"start, and hooks that no hook rule queues.\n",
	.run = run_reload,
};

/* What is not in force yet. */
static enum cli_exit print_warnings(void *ctx, const json_t *parameters)
{
	const json_t *line;
	size_t i;

	(void)ctx;
	json_array_foreach(json_object_get(parameters, "warnings"), i, line)
	{
		screen_error("finwall reload: warning: %s\n", json_string_value(line));
	}
	return CLI_OK;
}

static enum cli_exit run_reload(const struct cli *cli, int argc, char **argv)
{
	json_t *parameters = NULL;
	int64_t confirm_sec = 0;
	enum cli_exit code;
	int opt;

	while ((opt = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		if (opt != 'c') {
			return cli_usage(&cmd_reload, "invalid option");
		}
		if (text_duration(optarg, strlen(optarg), TEXT_UNIT_OPTIONAL, &confirm_sec) != 0 ||
		    confirm_sec < 1 || confirm_sec > CONFIRM_SEC_MAX) {
			return cli_usage(&cmd_reload, "invalid time \"%s\"", optarg);
		}
	}
	if (optind < argc) {
		return cli_usage(&cmd_reload, "unexpected argument \"%s\"", argv[optind]);
	}
	if (confirm_sec > 0) {
		parameters = json_pack("{s:I}", "confirm_s", (json_int_t)confirm_sec);
	}
	code = client_run(cli, &cmd_reload, "Reload", parameters, CTL_LAST, print_warnings, NULL);
	if (code == CLI_OK) {
		set_copies_refresh(cli->socket_path, SET_COPIES_ALL);
	}
	if (code == CLI_OK && confirm_sec > 0) {
		printf("in force for %lld s: finwall confirm keeps it\n", (long long)confirm_sec);
	}
	return code;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall reload: the daemon reads its configuration again; prints its errors and warnings.
 */
#include "client.h"
#include "cmd/cmd.h"
#include "screen.h"

#include <stdio.h>

static enum cli_exit run_reload(const struct cli *cli, int argc, char **argv);

const struct cli_command cmd_reload = {
	.name = "reload",
	.args = "",
	.summary = "read the configuration again; an invalid one is refused",
	.details =
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
	if (argc > 1) {
		return cli_usage(&cmd_reload, "unexpected argument \"%s\"", argv[1]);
	}
	return client_run(cli, &cmd_reload, "Reload", NULL, CTL_LAST, print_warnings, NULL);
}

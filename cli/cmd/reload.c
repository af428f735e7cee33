/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall reload: the daemon reads its configuration again, and says what is wrong with it.
 */
#include "cli.h"
#include "client.h"

static enum cli_exit run_reload(const struct cli *cli, int argc, char **argv);

const struct cli_command cmd_reload = {
	.name = "reload",
	.args = "",
	.summary = "read the configuration again; on any error the one in force stays",
	.details = "",
	.run = run_reload,
};

static enum cli_exit run_reload(const struct cli *cli, int argc, char **argv)
{
	if (argc > 1) {
		return cli_usage(&cmd_reload, "\"%s\": no argument is wanted", argv[1]);
	}
	return client_ask(cli, &cmd_reload, "Reload", NULL, CTL_LAST, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall reload: the daemon reads its configuration again, and reports its errors.
 */
#include "client.h"
#include "cmd/cmd.h"

static enum cli_exit run_reload(const struct cli *cli, int argc, char **argv);

const struct cli_command cmd_reload = {
	.name = "reload",
	.args = "",
	.summary = "read the configuration again; an invalid one is refused",
	.details = "",
	.run = run_reload,
};

static enum cli_exit run_reload(const struct cli *cli, int argc, char **argv)
{
	if (argc > 1) {
		return cli_usage(&cmd_reload, "unexpected argument \"%s\"", argv[1]);
	}
	return client_run(cli, &cmd_reload, "Reload", NULL, CTL_LAST, NULL, NULL);
}

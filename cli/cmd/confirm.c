/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall confirm: the configuration of the last reload --confirm stays.
 */
#include "client.h"
#include "cmd/cmd.h"

static enum cli_exit run_confirm(const struct cli *cli, int argc, char **argv);

const struct cli_command cmd_confirm = {
	.name = "confirm",
	.args = "",
	.summary = "keep the configuration that waits for a confirmation",
	.details = "Without it, the configuration before comes back when the time is over.\n",
	.run = run_confirm,
};

static enum cli_exit run_confirm(const struct cli *cli, int argc, char **argv)
{
	if (argc > 1) {
		return cli_usage(&cmd_confirm, "unexpected argument \"%s\"", argv[1]);
	}
	return client_run(cli, &cmd_confirm, "Confirm", NULL, CTL_LAST, NULL, NULL);
}

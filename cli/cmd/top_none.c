/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall top of a build without ncurses.
 */
#include "cmd/cmd.h"

static enum cli_exit run_top(const struct cli *cli, int argc, char **argv)
{
	(void)cli;
	(void)argc;
	(void)argv;
	return cli_refuse(&cmd_top, "this build has no ncurses; see finwall stats --watch");
}

const struct cli_command cmd_top = {
	.name = "top",
	.args = "",
	.summary = "show connections, rates and losses on a live screen",
	.details = "This build has no ncurses.\n",
	.run = run_top,
};

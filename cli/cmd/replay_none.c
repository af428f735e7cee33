/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall replay in a build without libpcap.
 */
#include "cmd/cmd.h"

static enum cli_exit run_replay(const struct cli *cli, int argc, char **argv);

const struct cli_command cmd_replay = {
	.name = "replay",
	.args = "[OPTION]... FILE...",
	.summary = "not available: built without libpcap",
	.details = "",
	.run = run_replay,
};

static enum cli_exit run_replay(const struct cli *cli, int argc, char **argv)
{
	(void)cli;
	(void)argc;
	(void)argv;
	return cli_refuse(&cmd_replay, "not available: built without libpcap");
}

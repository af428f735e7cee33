/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall flush: deletes all connections.
 */
#include "client.h"
#include "cmd/cmd.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

static const struct option options[] = {
	{ "forget", no_argument, NULL, 'f' },
	{ "remember", no_argument, NULL, 'r' },
	{ NULL, 0, NULL, 0 },
};

static enum cli_exit run_flush(const struct cli *cli, int argc, char **argv);
static client_fn print_count;

const struct cli_command cmd_flush = {
	.name = "flush",
	.args = "[--remember | --forget]",
	.summary = "delete all connections",
	.details =
		"The connections end, remembered ones too: their segments are INVALID until a new\n"
		"SYN is accepted.\n"
		"--remember  remember them instead, as if they had expired\n"
		"--forget    keep nothing of them: late data may open a new connection\n",
	.run = run_flush,
};

static enum cli_exit run_flush(const struct cli *cli, int argc, char **argv)
{
	bool forget = false;
	bool keep = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 'f' && opt != 'r') {
			return cli_usage(&cmd_flush, "invalid option");
		}
		forget |= opt == 'f';
		keep |= opt == 'r';
	}
	if (forget && keep) {
		return cli_usage(&cmd_flush, "--remember and --forget exclude each other");
	}
	if (optind < argc) {
		return cli_usage(&cmd_flush, "unexpected argument \"%s\"", argv[optind]);
	}
	return client_run(cli, &cmd_flush, "Flush",
	                  json_pack("{s:b, s:b}", "forget", forget, "remember", keep), CTL_LAST,
	                  print_count, NULL);
}

static enum cli_exit print_count(void *ctx, const json_t *parameters)
{
	(void)ctx;
	printf("%lld connections flushed\n",
	       (long long)json_integer_value(json_object_get(parameters, "flushed")));
	return CLI_OK;
}

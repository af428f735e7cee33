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
	{ NULL, 0, NULL, 0 },
};

static enum cli_exit run_flush(const struct cli *cli, int argc, char **argv);
static client_fn print_count;

const struct cli_command cmd_flush = {
	.name = "flush",
	.args = "[--forget]",
	.summary = "delete all connections",
	.details = "--forget  do not remember them: their late FIN and RST are dropped\n",
	.run = run_flush,
};

static enum cli_exit run_flush(const struct cli *cli, int argc, char **argv)
{
	bool forget = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 'f') {
			return cli_usage(&cmd_flush, "invalid option");
		}
		forget = true;
	}
	if (optind < argc) {
		return cli_usage(&cmd_flush, "unexpected argument \"%s\"", argv[optind]);
	}
	return client_run(cli, &cmd_flush, "Flush", json_pack("{s:b}", "forget", forget), CTL_LAST,
	                  print_count, NULL);
}

static enum cli_exit print_count(void *ctx, const json_t *parameters)
{
	(void)ctx;
	printf("%lld connections flushed\n",
	       (long long)json_integer_value(json_object_get(parameters, "flushed")));
	return CLI_OK;
}

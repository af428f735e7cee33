/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall import-conntrack: the daemon takes over the connections that the kernel's tracker knows.
 */
#include "cli.h"
#include "client.h"

#include <stdio.h>

static enum cli_exit run_import(const struct cli *cli, int argc, char **argv);
static client_fn print_counts;

const struct cli_command cmd_import_conntrack = {
	.name = "import-conntrack",
	.args = "",
	.summary = "take over the connections that the kernel's tracker knows",
	.details =
		"A first start does it by itself (setting state import-kernel). Connections that\n"
		"finwall knows already stay as they are. No rule is asked.\n",
	.run = run_import,
};

static enum cli_exit run_import(const struct cli *cli, int argc, char **argv)
{
	if (argc > 1) {
		return cli_usage(&cmd_import_conntrack, "\"%s\": no argument is wanted", argv[1]);
	}
	return client_ask(cli, &cmd_import_conntrack, "ImportConntrack", NULL, CTL_LAST,
	                  print_counts, NULL);
}

static long long number(const json_t *o, const char *name)
{
	return (long long)json_integer_value(json_object_get(o, name));
}

static enum cli_exit print_counts(void *ctx, const json_t *parameters)
{
	const json_t *left_out = json_object_get(parameters, "left_out");
	long long taken = number(parameters, "taken");
	long long tcp = number(parameters, "tcp");
	long long udp = number(parameters, "udp");

	(void)ctx;
	printf("%lld connections taken over: %lld of TCP, %lld of UDP, %lld others; "
	       "%lld of them with translated addresses\n",
	       taken, tcp, udp, taken - tcp - udp, number(parameters, "translated"));
	for (size_t i = 0; i < json_array_size(left_out); i++) {
		const json_t *o = json_array_get(left_out, i);
		const char *text = json_string_value(json_object_get(o, "text"));

		if (number(o, "count") > 0 && text != NULL) {
			printf("%lld left out: %s\n", number(o, "count"), text);
		}
	}
	return CLI_OK;
}

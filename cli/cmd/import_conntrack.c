/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall import-conntrack: the daemon imports the connections of the kernel's tracker.
 */
#include "client.h"
#include "cmd/cmd.h"

#include <stdio.h>

static enum cli_exit run_import_conntrack(const struct cli *cli, int argc, char **argv);
static client_fn print_counts;

const struct cli_command cmd_import_conntrack = {
	.name = "import-conntrack",
	.args = "",
	.summary = "import the connections of the kernel's tracker",
	.details = "The first start of the daemon does this too (setting state import-kernel).\n"
		   "Connections that finwall already has are not changed. No rule is evaluated.\n",
	.run = run_import_conntrack,
};

static enum cli_exit run_import_conntrack(const struct cli *cli, int argc, char **argv)
{
	if (argc > 1) {
		return cli_usage(&cmd_import_conntrack, "unexpected argument \"%s\"", argv[1]);
	}
	return client_run(cli, &cmd_import_conntrack, "ImportConntrack", NULL, CTL_LAST,
	                  print_counts, NULL);
}

static enum cli_exit print_counts(void *ctx, const json_t *parameters)
{
	const json_t *left_out = json_object_get(parameters, "left_out");
	long long taken = client_number(parameters, "taken");
	long long tcp = client_number(parameters, "tcp");
	long long udp = client_number(parameters, "udp");

	(void)ctx;
	printf("imported %lld connections of the kernel's tracker: %lld TCP, %lld UDP, "
	       "%lld other; %lld with translated addresses\n",
	       taken, tcp, udp, taken - tcp - udp, client_number(parameters, "translated"));
	for (size_t i = 0; i < json_array_size(left_out); i++) {
		const json_t *o = json_array_get(left_out, i);
		const char *text = json_string_value(json_object_get(o, "text"));

		if (client_number(o, "count") > 0 && text != NULL) {
			printf("%lld not imported: %s\n", client_number(o, "count"), text);
		}
	}
	return CLI_OK;
}

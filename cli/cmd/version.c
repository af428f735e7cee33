/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall version: prints the version of this program, and of the daemon if one answers.
 */
#include "bpf/lease_program.h"
#include "client.h"
#include "cmd/cmd.h"

#include <stdio.h>

static enum cli_exit run_version(const struct cli *cli, int argc, char **argv);

const struct cli_command cmd_version = {
	.name = "version",
	.args = "",
	.summary = "show the versions of this program and of the running daemon",
	.details = "",
	.run = run_version,
};

static enum cli_exit run_version(const struct cli *cli, int argc, char **argv)
{
	struct client *c;
	struct ctl_reply reply;

	if (argc > 1) {
		return cli_usage(&cmd_version, "unexpected argument \"%s\"", argv[1]);
	}
	printf("finwall %s\n", FINWALL_VERSION);
	printf("kernel fast path: %s\n",
	       lease_program_is_built() ? "yes" : "no (built without clang or libbpf)");
	c = client_open(cli->socket_path);
	if (c == NULL) {
		return CLI_OK;
	}
	if (client_call(c, "org.varlink.service.GetInfo", NULL, CTL_LAST) == 0 &&
	    client_reply(c, &reply) == 0) {
		const char *version =
			json_string_value(json_object_get(reply.parameters, "version"));

		if (version != NULL) {
			printf("finwalld %s\n", version);
		}
		ctl_reply_fini(&reply);
	}
	client_close(c);
	return CLI_OK;
}

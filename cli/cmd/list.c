/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall list: prints the live or the remembered connections.
 */
#include "client.h"
#include "cmd/cmd.h"
#include "cmd/filter_options.h"
#include "cmd/list_output.h"

#include <finwall/flow_text.h>

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct option options[] = {
	{ "expired", no_argument, NULL, 'x' },
	{ "output", required_argument, NULL, 'o' },
	FILTER_LONG_OPTIONS,
	{ NULL, 0, NULL, 0 },
};

static enum cli_exit run_list(const struct cli *cli, int argc, char **argv);

const struct cli_command cmd_list = {
	.name = "list",
	.args = "[--expired] [--output text|json|conntrack] [FILTER...]",
	.summary = "list live or remembered connections",
	.details = "-x, --expired        remembered connections: their entry has expired\n"
		   "-o, --output FORMAT  text, json, or conntrack (format of conntrack -L)\n"
		   "\n" FILTER_HELP,
	.run = run_list,
};

static enum cli_exit run_list(const struct cli *cli, int argc, char **argv)
{
	struct list_output out;
	enum flow_view_kind kind = VIEW_LIVE;
	const char *format = "text";
	json_t *filter = json_object();
	enum cli_exit code = CLI_OK;
	int opt;

	while ((opt = getopt_long(argc, argv, "xo:" FILTER_SHORT_OPTIONS, options, NULL)) != -1) {
		switch (opt) {
		case 'x':
			kind = VIEW_REMEMBERED;
			break;
		case 'o':
			format = optarg;
			break;
		default:
			code = filter_option(&cmd_list, opt, filter);
			break;
		}
		if (code != CLI_OK) {
			json_decref(filter);
			return code;
		}
	}
	if (optind < argc) {
		json_decref(filter);
		return cli_usage(&cmd_list, "unexpected argument \"%s\"", argv[optind]);
	}
	if (kind == VIEW_REMEMBERED && (json_object_get(filter, "interface") != NULL ||
	                                json_object_get(filter, "expires_under_s") != NULL)) {
		json_decref(filter);
		return cli_usage(&cmd_list, "--interface and --expires-under are for live "
		                            "connections, not with --expired");
	}
	code = list_output_init(&out, &cmd_list, kind, format);
	if (code != CLI_OK) {
		json_decref(filter);
		return code;
	}
	code = client_run(cli, &cmd_list, "ListConnections",
	                  json_pack("{s:b, s:s, s:o}", "expired", kind == VIEW_REMEMBERED, "format",
	                            out.format, "filter", filter),
	                  CTL_CONTINUES, list_output_print, &out);
	list_output_fini(&out, code);
	return code;
}

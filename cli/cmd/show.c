/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall show: prints the rules and settings in force, in the syntax of the configuration.
 */
#include "client.h"
#include "cmd/cmd.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct option options[] = {
	{ "counters", no_argument, NULL, 'n' },
	{ NULL, 0, NULL, 0 },
};

static enum cli_exit run_show(const struct cli *cli, int argc, char **argv);
static client_fn print_text;

const struct cli_command cmd_show = {
	.name = "show",
	.args = "ruleset [--counters] | settings",
	.summary = "show the rules and settings in force",
	.details = "ruleset     the rules, in canonical form\n"
		   "settings    all settings, including those at their defaults\n"
		   "\n"
		   "--counters  add the packets and bytes that each rule has matched\n",
	.run = run_show,
};

static enum cli_exit run_show(const struct cli *cli, int argc, char **argv)
{
	bool with_counters = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 'n') {
			return cli_usage(&cmd_show, "invalid option");
		}
		with_counters = true;
	}
	if (optind != argc - 1) {
		return cli_usage(&cmd_show, optind == argc
		                                    ? "missing subcommand: ruleset or settings"
		                                    : "too many arguments");
	}
	if (strcmp(argv[optind], "ruleset") == 0) {
		return client_run(cli, &cmd_show, "GetRuleset",
		                  json_pack("{s:b}", "counters", with_counters), CTL_LAST,
		                  print_text, NULL);
	}
	if (strcmp(argv[optind], "settings") == 0 && !with_counters) {
		return client_run(cli, &cmd_show, "GetSettings", NULL, CTL_LAST, print_text, NULL);
	}
	if (strcmp(argv[optind], "settings") == 0) {
		return cli_usage(&cmd_show, "--counters is for ruleset only");
	}
	return cli_usage(&cmd_show, "unknown subcommand \"%s\": ruleset or settings", argv[optind]);
}

static enum cli_exit print_text(void *ctx, const json_t *parameters)
{
	const char *text = json_string_value(json_object_get(parameters, "text"));

	(void)ctx;
	fputs(text != NULL ? text : "", stdout);
	return CLI_OK;
}

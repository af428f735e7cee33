/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall trace: prints how packets are decided, step by step.
 */
#include "cmd/cmd.h"
#include "cmd/filter_options.h"
#include "cmd/watch_print.h"

#include <getopt.h>

static const struct option options[] = {
	WATCH_LONG_OPTIONS,
	{ "verdict", required_argument, NULL, FILTER_VERDICT },
	{ "reason", required_argument, NULL, FILTER_REASON },
	{ "mark", required_argument, NULL, FILTER_MARK },
	FILTER_LONG_OPTIONS,
	{ NULL, 0, NULL, 0 },
};

static enum cli_exit run_trace(const struct cli *cli, int argc, char **argv);

const struct cli_command cmd_trace = {
	.name = "trace",
	.args = "[--count N] [--rate N] [--output text|json] [FILTER...]",
	.summary = "print how packets are decided: entry, windows, rules, verdict",
	.details =
		"-n, --count N        exit after N packets\n"
		"--rate N             leave out packets above N a second (100)\n"
		"-o, --output FORMAT  text, in the words of nft monitor trace, or json (one\n"
		"                     object a line)\n"
		"--verdict VERDICT    accept, drop, reject, or several: drop,reject\n"
		"--reason REASON      as finwall stats lists them; or several\n"
		"--hook HOOK          input, forward, output, or several\n"
		"--mark MARK[/MASK]   of the packet\n"
		"\n"
		"While packets are traced, they take longer. finwall replay can trace the packets\n"
		"of a capture file.\n"
		"\n" FILTER_HELP,
	.run = run_trace,
};

static enum cli_exit run_trace(const struct cli *cli, int argc, char **argv)
{
	struct watch_args args = {
		.cmd = &cmd_trace, .what = "traces", .format = "text", .filter = json_object()
	};
	enum cli_exit code = CLI_OK;
	bool is_json;
	int opt;

	while (code == CLI_OK &&
	       (opt = getopt_long(argc, argv, WATCH_SHORT_OPTIONS FILTER_SHORT_OPTIONS, options,
	                          NULL)) != -1) {
		code = watch_option(&args, opt);
	}
	if (code == CLI_OK) {
		code = cli_output_format(&cmd_trace, args.format, &is_json);
	}
	if (code == CLI_OK && optind < argc) {
		code = cli_usage(&cmd_trace, "unexpected argument \"%s\"", argv[optind]);
	}
	if (code == CLI_OK) {
		code = watch_follow(cli, &args, "StreamTraces", json_object());
	}
	json_decref(args.filter);
	return code;
}

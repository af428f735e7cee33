/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall events: prints changes of connections, rejected packets, late closes, logged packets and
 * differences from the kernel's tracker as they happen, one a line.
 */
#include "cmd/cmd.h"
#include "cmd/filter_options.h"
#include "cmd/watch_print.h"

#include <getopt.h>
#include <string.h>

static const struct option options[] = {
	WATCH_LONG_OPTIONS,
	{ "mark", required_argument, NULL, FILTER_MARK },
	FILTER_LONG_OPTIONS,
	{ NULL, 0, NULL, 0 },
};

static const char *const kinds[] = { "new",  "update", "assured", "destroy",
	                             "late", "reject", "log",     "compare" };

static enum cli_exit run_events(const struct cli *cli, int argc, char **argv);

const struct cli_command cmd_events = {
	.name = "events",
	.args = "[new|update|assured|destroy|late|reject|log|compare]... [--count N] "
		"[--output text|json|conntrack] [FILTER...]",
	.summary = "print changes of connections, late closes, logged packets",
	.details = "new, update, destroy  changes of connections, as conntrack -E prints them\n"
		   "assured               updates that make a connection ASSURED\n"
		   "late                  late closes\n"
		   "reject                packets that are rejected\n"
		   "log                   packets of log statements\n"
		   "compare               differences from the kernel's tracker\n"
		   "                      Without a kind: all.\n"
		   "-n, --count N         exit after N events\n"
		   "-o, --output FORMAT   text; json (one object a line); conntrack (the lines of\n"
		   "                      conntrack -E, and nothing else)\n"
		   "--rate N              leave out what is above N a second (10000)\n"
		   "--hook HOOK           of the first packet, or the rejected one\n"
		   "--mark MARK[/MASK]    of the packet; of the kinds reject and log only\n"
		   "\n" FILTER_HELP,
	.run = run_events,
};

static bool is_kind(const char *word)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(word, kinds[i]) == 0) {
			return true;
		}
	}
	return false;
}

static enum cli_exit read_args(struct watch_args *args, json_t *parameters, int argc, char **argv)
{
	enum cli_exit code = CLI_OK;
	json_t *wanted = json_array();
	int opt;

	while (code == CLI_OK &&
	       (opt = getopt_long(argc, argv, WATCH_SHORT_OPTIONS FILTER_SHORT_OPTIONS, options,
	                          NULL)) != -1) {
		code = watch_option(args, opt);
	}
	if (code == CLI_OK && strcmp(args->format, "text") != 0 &&
	    strcmp(args->format, "json") != 0 && strcmp(args->format, "conntrack") != 0) {
		code = cli_usage(&cmd_events,
		                 "unknown output format \"%s\": expected text, json or conntrack",
		                 args->format);
	}
	for (; code == CLI_OK && optind < argc; optind++) {
		if (!is_kind(argv[optind])) {
			code = cli_usage(&cmd_events, "unexpected argument \"%s\"", argv[optind]);
		}
		json_array_append_new(wanted, json_string(argv[optind]));
	}
	if (code == CLI_OK && json_array_size(wanted) == 0 &&
	    strcmp(args->format, "conntrack") == 0) {
		json_decref(wanted);
		wanted = json_pack("[s, s, s]", "new", "update", "destroy");
	}
	if (json_array_size(wanted) > 0) {
		json_object_set(parameters, "kinds", wanted);
	}
	json_decref(wanted);
	return code;
}

static enum cli_exit run_events(const struct cli *cli, int argc, char **argv)
{
	struct watch_args args = {
		.cmd = &cmd_events, .what = "events", .format = "text", .filter = json_object()
	};
	json_t *parameters = json_object();
	enum cli_exit code = read_args(&args, parameters, argc, argv);

	if (code == CLI_OK) {
		code = watch_follow(cli, &args, "StreamEvents", json_incref(parameters));
	}
	json_decref(parameters);
	json_decref(args.filter);
	return code;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall events: prints late closes, logged packets and differences from the kernel's tracker as
 * they happen, one a line.
 */
#include "client.h"
#include "cmd/cmd.h"
#include "screen.h"

#include "text/num.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "count", required_argument, NULL, 'n' },
	{ NULL, 0, NULL, 0 },
};

struct events_args {
	FILE *out;
	bool is_json;
	uint64_t left; /* events to print; 0 = no limit */
};

static enum cli_exit run_events(const struct cli *cli, int argc, char **argv);
static client_fn print_event;

const struct cli_command cmd_events = {
	.name = "events",
	.args = "[late|log|compare] [--count N] [--output text|json]",
	.summary = "print late closes, logged packets, kernel differences",
	.details = "late                 late closes only\n"
		   "log                  packets of log statements only\n"
		   "compare              differences from the kernel's tracker only\n"
		   "-n, --count N        exit after N events\n"
		   "-o, --output FORMAT  text, or json (one object a line)\n",
	.run = run_events,
};

static bool is_kind(const char *word)
{
	return strcmp(word, "late") == 0 || strcmp(word, "log") == 0 ||
	       strcmp(word, "compare") == 0;
}

static enum cli_exit run_events(const struct cli *cli, int argc, char **argv)
{
	struct events_args args = { 0 };
	json_t *parameters;
	enum cli_exit code;
	int opt;

	while ((opt = getopt_long(argc, argv, "o:n:", options, NULL)) != -1) {
		switch (opt) {
		case 'n':
			if (!text_number(optarg, 1, UINT64_MAX, &args.left)) {
				return cli_usage(&cmd_events, "invalid count \"%s\"", optarg);
			}
			break;
		case 'o':
			if (cli_output_format(&cmd_events, optarg, &args.is_json) != CLI_OK) {
				return CLI_USAGE;
			}
			break;
		default:
			return cli_usage(&cmd_events, "invalid option");
		}
	}
	if (optind + 1 < argc || (optind < argc && !is_kind(argv[optind]))) {
		return cli_usage(&cmd_events, "unexpected argument \"%s\"", argv[argc - 1]);
	}
	parameters = json_pack("{s:s}", "format", args.is_json ? "json" : "text");
	if (optind < argc) {
		json_object_set_new(parameters, "kinds", json_pack("[s]", argv[optind]));
	}
	args.out = args.is_json ? stdout : screen_open(stdout);
	code = client_follow(cli, &cmd_events, "StreamEvents", parameters, print_event, &args);
	screen_close(args.out);
	return code;
}

/* "2026-11-22 15:04:05.678" */
static void print_time(FILE *out, json_int_t wall_ms)
{
	time_t sec = (time_t)(wall_ms / 1000);
	char text[32] = "";
	struct tm tm;

	if (localtime_r(&sec, &tm) != NULL) {
		(void)strftime(text, sizeof(text), "%F %T", &tm);
	}
	fprintf(out, "%s.%03d ", text, (int)(wall_ms % 1000));
}

static enum cli_exit print_event(void *ctx, const json_t *parameters)
{
	struct events_args *args = ctx;
	json_int_t lost = json_integer_value(json_object_get(parameters, "lost"));
	const char *line = json_string_value(json_object_get(parameters, "line"));

	if (args->is_json) {
		json_dumpf(parameters, args->out, JSON_COMPACT);
	} else {
		if (lost > 0) {
			fprintf(stderr, "finwall events: %lld events lost: output too slow\n",
			        (long long)lost);
		}
		print_time(args->out, json_integer_value(json_object_get(parameters, "time_ms")));
		fputs(line != NULL ? line : "", args->out);
	}
	fputc('\n', args->out);
	/* flush each event: the reader waits for it */
	if (fflush(args->out) != 0) {
		return CLI_REFUSED;
	}
	return args->left > 0 && --args->left == 0 ? CLI_ENOUGH : CLI_OK;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall events: late closes, logged packets, and differences from the kernel's tracker, as they
 * happen, a line each.
 */
#include "cli.h"
#include "client.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "count", required_argument, NULL, 'n' },
	{ NULL, 0, NULL, 0 },
};

struct events_args {
	bool is_json;
	unsigned long left; /* so many are wanted; 0 = all */
};

static enum cli_exit run_events(const struct cli *cli, int argc, char **argv);
static client_fn print_event;

const struct cli_command cmd_events = {
	.name = "events",
	.args = "[late|log|compare] [--count N] [--output text|json]",
	.summary = "late closes, logged packets, differences from the kernel, as they happen",
	.details = "late                 only late closes\n"
		   "log                  only what log statements say\n"
		   "compare              only differences from the kernel's tracker\n"
		   "-n, --count N        end after so many\n"
		   "-o, --output FORMAT  text, or json: one object a line\n",
	.run = run_events,
};

static bool read_count(const char *text, unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *out > 0;
}

static bool is_kind(const char *word)
{
	return strcmp(word, "late") == 0 || strcmp(word, "log") == 0 ||
	       strcmp(word, "compare") == 0;
}

static enum cli_exit run_events(const struct cli *cli, int argc, char **argv)
{
	struct events_args args = { 0 };
	json_t *parameters;
	int opt;

	while ((opt = getopt_long(argc, argv, "o:n:", options, NULL)) != -1) {
		switch (opt) {
		case 'n':
			if (!read_count(optarg, &args.left)) {
				return cli_usage(&cmd_events, "\"%s\" is no count", optarg);
			}
			break;
		case 'o':
			args.is_json = strcmp(optarg, "json") == 0;
			if (!args.is_json && strcmp(optarg, "text") != 0) {
				return cli_usage(&cmd_events, "no output \"%s\"", optarg);
			}
			break;
		default:
			return cli_usage(&cmd_events, "option not understood");
		}
	}
	if (optind + 1 < argc || (optind < argc && !is_kind(argv[optind]))) {
		return cli_usage(&cmd_events, "\"%s\" is not understood", argv[argc - 1]);
	}
	parameters = json_pack("{s:s}", "format", args.is_json ? "json" : "text");
	if (optind < argc) {
		json_object_set_new(parameters, "kinds", json_pack("[s]", argv[optind]));
	}
	return client_follow(cli, &cmd_events, "StreamEvents", parameters, print_event, &args);
}

/* "2026-11-22 15:04:05.678" */
static void print_time(json_int_t wall_ms)
{
	time_t sec = (time_t)(wall_ms / 1000);
	char text[32] = "";
	struct tm tm;

	if (localtime_r(&sec, &tm) != NULL) {
		(void)strftime(text, sizeof(text), "%F %T", &tm);
	}
	printf("%s.%03d ", text, (int)(wall_ms % 1000));
}

static enum cli_exit print_event(void *ctx, const json_t *parameters)
{
	struct events_args *args = ctx;
	json_int_t lost = json_integer_value(json_object_get(parameters, "lost"));
	const char *line = json_string_value(json_object_get(parameters, "line"));

	if (args->is_json) {
		json_dumpf(parameters, stdout, JSON_COMPACT);
	} else {
		if (lost > 0) {
			fprintf(stderr, "finwall events: %lld left out: read too slowly\n",
			        (long long)lost);
		}
		print_time(json_integer_value(json_object_get(parameters, "time_ms")));
		fputs(line != NULL ? line : "", stdout);
	}
	putchar('\n');
	/* whoever reads this waits for it */
	if (fflush(stdout) != 0) {
		return CLI_REFUSED;
	}
	return args->left > 0 && --args->left == 0 ? CLI_ENOUGH : CLI_OK;
}

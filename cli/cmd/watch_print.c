/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Streams of events and traces, printed as they come. See watch_print.h.
 */
#include "cmd/watch_print.h"

#include "client.h"
#include "cmd/filter_options.h"
#include "screen.h"

#include "text/num.h"

#include <getopt.h>
#include <string.h>
#include <time.h>

#define RATE_MAX 1000000

static client_fn print_message;

enum cli_exit watch_option(struct watch_args *args, int opt)
{
	switch (opt) {
	case 'n':
		if (!text_number(optarg, 1, UINT64_MAX, &args->left)) {
			return cli_usage(args->cmd, "invalid count \"%s\"", optarg);
		}
		return CLI_OK;
	case 'R':
		if (!text_number(optarg, 1, RATE_MAX, &args->rate)) {
			return cli_usage(args->cmd, "invalid rate \"%s\": expected 1 to %d", optarg,
			                 RATE_MAX);
		}
		return CLI_OK;
	case 'o':
		args->format = optarg;
		return CLI_OK;
	default:
		return filter_option(args->cmd, opt, args->filter);
	}
}

enum cli_exit watch_follow(const struct cli *cli, struct watch_args *args, const char *method,
                           json_t *parameters)
{
	bool is_text = strcmp(args->format, "text") == 0;
	enum cli_exit code;

	json_object_set_new(parameters, "format", json_string(args->format));
	if (json_object_size(args->filter) > 0) {
		json_object_set(parameters, "filter", args->filter);
	}
	if (args->rate != 0) {
		json_object_set_new(parameters, "rate", json_integer((json_int_t)args->rate));
	}
	args->out = is_text ? screen_open(stdout) : stdout;
	code = client_follow(cli, args->cmd, method, parameters, print_message, args);
	screen_close(args->out);
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

static void print_lines(const struct watch_args *args, const json_t *parameters)
{
	const char *line = json_string_value(json_object_get(parameters, "line"));
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(parameters, "lines"), i, item)
	{
		fprintf(args->out, "%s\n", json_string_value(item));
	}
	if (line == NULL) {
		return;
	}
	if (strcmp(args->format, "text") == 0) {
		print_time(args->out, json_integer_value(json_object_get(parameters, "time_ms")));
	}
	fprintf(args->out, "%s\n", line);
}

static enum cli_exit print_message(void *ctx, const json_t *parameters)
{
	struct watch_args *args = ctx;
	json_int_t lost = json_integer_value(json_object_get(parameters, "lost"));

	if (strcmp(args->format, "json") == 0) {
		json_dumpf(parameters, args->out, JSON_COMPACT);
		fputc('\n', args->out);
	} else {
		if (lost > 0) {
			fprintf(stderr,
			        "finwall %s: %lld %s left out: more than the rate, or output too "
			        "slow\n",
			        args->cmd->name, (long long)lost, args->what);
		}
		print_lines(args, parameters);
	}
	/* flush each one: the reader waits for it */
	if (fflush(args->out) != 0) {
		return CLI_REFUSED;
	}
	return args->left > 0 && --args->left == 0 ? CLI_ENOUGH : CLI_OK;
}

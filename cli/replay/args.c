/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the options of finwall replay.
 */
#include "replay/args.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/sweep.h"

enum {
	OPT_HOOK = 256,
	OPT_LOCAL,
	OPT_IIF,
	OPT_OIF,
	OPT_TIMEOUT,
	OPT_SET,
	OPT_DIFFERENCES,
	OPT_SWEEP,
	OPT_STEPS,
	OPT_PLOT,
	OPT_VERIFY,
};

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "hook", required_argument, NULL, OPT_HOOK },
	{ "local", required_argument, NULL, OPT_LOCAL },
	{ "iif", required_argument, NULL, OPT_IIF },
	{ "oif", required_argument, NULL, OPT_OIF },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "set", required_argument, NULL, OPT_SET },
	{ "packets", no_argument, NULL, 'v' },
	{ "differences", required_argument, NULL, OPT_DIFFERENCES },
	{ "output", required_argument, NULL, 'o' },
	{ "sweep", required_argument, NULL, OPT_SWEEP },
	{ "steps", required_argument, NULL, OPT_STEPS },
	{ "plot", required_argument, NULL, OPT_PLOT },
	{ "verify-checksums", no_argument, NULL, OPT_VERIFY },
	{ NULL, 0, NULL, 0 },
};

static enum cli_exit take_option(struct replay_args *args, int opt);
static enum cli_exit check_together(const struct replay_args *args);

enum cli_exit replay_args_parse(struct replay_args *args, int argc, char **argv)
{
	int opt;

	memset(args, 0, sizeof(*args));
	args->diffs_max = 20;
	args->steps_len = 12;
	args->place.hook = HOOK_FORWARD;
	args->place.hook_is_auto = true;
	args->place.locals = args->local;
	while ((opt = getopt_long(argc, argv, "c:o:v", options, NULL)) != -1) {
		enum cli_exit code = take_option(args, opt);

		if (code != CLI_OK) {
			return code;
		}
	}
	args->files = argv + optind;
	args->files_len = (size_t)(argc - optind);
	/* without an address of its own a host only forwards */
	if (args->place.locals_len == 0) {
		args->place.hook_is_auto = false;
	}
	return check_together(args);
}

static enum cli_exit take_hook(struct replay_args *args, const char *text)
{
	args->place.hook_is_auto = strcmp(text, "auto") == 0;
	args->place.hook = HOOK_FORWARD;
	if (args->place.hook_is_auto) {
		return CLI_OK;
	}
	for (size_t h = 0; h < HOOKS_LEN; h++) {
		if (strcmp(text, hook_name((enum hook)h)) == 0) {
			args->place.hook = (enum hook)h;
			return CLI_OK;
		}
	}
	return cli_usage(&cmd_replay, "no hook \"%s\": input, output, forward or auto", text);
}

/* Reads a whole decimal number that is not above max. */
static bool read_count(const char *text, uint64_t max, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *out <= max;
}

static enum cli_exit take_local(struct replay_args *args, const char *text)
{
	struct replay_local *l = &args->local[args->place.locals_len];
	const char *slash = strchr(text, '/');
	char addr[INET6_ADDRSTRLEN];
	uint64_t bits;

	if (args->place.locals_len == REPLAY_LOCALS_MAX) {
		return cli_usage(&cmd_replay, "more than %d --local", REPLAY_LOCALS_MAX);
	}
	snprintf(addr, sizeof(addr), "%.*s",
	         slash != NULL ? (int)(slash - text) : (int)strlen(text), text);
	memset(l, 0, sizeof(*l));
	if (inet_pton(AF_INET, addr, l->addr.bytes) == 1) {
		l->family = 4;
	} else if (inet_pton(AF_INET6, addr, l->addr.bytes) == 1) {
		l->family = 6;
	} else {
		return cli_usage(&cmd_replay, "\"%s\" is no address", text);
	}
	bits = l->family == 4 ? 32 : 128;
	if (slash != NULL && !read_count(slash + 1, bits, &bits)) {
		return cli_usage(&cmd_replay, "\"%s\": no such prefix length", text);
	}
	l->bits = (uint8_t)bits;
	args->place.locals_len++;
	return CLI_OK;
}

/* "strict, remembered, pickup" */
static void join_words(const char *const *words, char *out, size_t out_size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; words[i] != NULL && used < out_size; i++) {
		used += (size_t)snprintf(out + used, out_size - used, "%s%s", i == 0 ? "" : ", ",
		                         words[i]);
	}
}

/* What a setting may be, for people. */
static enum cli_exit say_range(const struct tunable *row, const char *text)
{
	char from[256];
	char to[64];

	switch (row->kind) {
	case TUNABLE_DURATION:
		return cli_usage(&cmd_replay, "\"%s\": %s to %s expected", text,
		                 replay_duration_text(row->min, from, sizeof(from)),
		                 replay_duration_text(row->max, to, sizeof(to)));
	case TUNABLE_COUNT:
		return cli_usage(&cmd_replay, "\"%s\": %lld to %lld expected", text,
		                 (long long)row->min, (long long)row->max);
	case TUNABLE_SWITCH:
		return cli_usage(&cmd_replay, "\"%s\": on or off expected", text);
	default:
		join_words(row->choices, from, sizeof(from));
		return cli_usage(&cmd_replay, "\"%s\": one of %s expected", text, from);
	}
}

static enum cli_exit take_setting(struct replay_args *args, const char *text, bool is_timeout)
{
	struct replay_setting *s = &args->setting[args->settings_len];
	const char *equals = strchr(text, '=');

	if (args->settings_len == REPLAY_SETTINGS_MAX) {
		return cli_usage(&cmd_replay, "more than %d settings", REPLAY_SETTINGS_MAX);
	}
	if (equals == NULL) {
		return cli_usage(&cmd_replay, "\"%s\": SETTING=VALUE expected", text);
	}
	s->row = replay_tunable(text, (size_t)(equals - text));
	if (s->row == NULL || (is_timeout && s->row->kind != TUNABLE_DURATION)) {
		return cli_usage(&cmd_replay, "no %s \"%.*s\"", is_timeout ? "timeout" : "setting",
		                 (int)(equals - text), text);
	}
	if (replay_value_parse(s->row, equals + 1, strlen(equals + 1), &s->value) < 0) {
		return say_range(s->row, text);
	}
	args->settings_len++;
	return CLI_OK;
}

static enum cli_exit take_output(struct replay_args *args, const char *text)
{
	args->is_json = strcmp(text, "json") == 0;
	if (!args->is_json && strcmp(text, "text") != 0) {
		return cli_usage(&cmd_replay, "no output \"%s\": text or json", text);
	}
	return CLI_OK;
}

static enum cli_exit take_number(struct replay_args *args, int opt, const char *text)
{
	uint64_t n;

	if (opt == OPT_DIFFERENCES) {
		args->diffs_max = UINT64_MAX;
		if (strcmp(text, "all") != 0 && !read_count(text, UINT64_MAX, &args->diffs_max)) {
			return cli_usage(&cmd_replay, "\"%s\": a number or all expected", text);
		}
		return CLI_OK;
	}
	if (!read_count(text, SWEEP_STEPS_MAX, &n) || n < 1) {
		return cli_usage(&cmd_replay, "\"%s\": 1 to %d steps expected", text,
		                 SWEEP_STEPS_MAX);
	}
	args->steps_len = (size_t)n;
	return CLI_OK;
}

static enum cli_exit take_option(struct replay_args *args, int opt)
{
	switch (opt) {
	case 'c':
		if (args->configs_len == REPLAY_LANES_MAX) {
			return cli_usage(&cmd_replay, "more than %d --config", REPLAY_LANES_MAX);
		}
		args->config_path[args->configs_len++] = optarg;
		return CLI_OK;
	case OPT_HOOK:
		return take_hook(args, optarg);
	case OPT_LOCAL:
		return take_local(args, optarg);
	case OPT_IIF:
		args->place.iif = optarg;
		return CLI_OK;
	case OPT_OIF:
		args->place.oif = optarg;
		return CLI_OK;
	case OPT_TIMEOUT:
	case OPT_SET:
		return take_setting(args, optarg, opt == OPT_TIMEOUT);
	case 'v':
		args->all_packets = true;
		return CLI_OK;
	case 'o':
		return take_output(args, optarg);
	case OPT_DIFFERENCES:
	case OPT_STEPS:
		return take_number(args, opt, optarg);
	case OPT_SWEEP:
		args->sweep = optarg;
		return CLI_OK;
	case OPT_PLOT:
		args->plot_path = optarg;
		return CLI_OK;
	case OPT_VERIFY:
		args->place.verify_checksums = true;
		return CLI_OK;
	default:
		return cli_usage(&cmd_replay, "option not understood");
	}
}

static enum cli_exit check_together(const struct replay_args *args)
{
	if (args->files_len == 0) {
		return cli_usage(&cmd_replay, "a capture file is wanted");
	}
	if (args->plot_path != NULL && args->sweep == NULL) {
		return cli_usage(&cmd_replay, "--plot draws a --sweep");
	}
	if (args->sweep != NULL && args->all_packets) {
		return cli_usage(&cmd_replay, "--packets and --sweep do not go together");
	}
	for (size_t i = 0; args->sweep != NULL && i < args->files_len; i++) {
		if (strcmp(args->files[i], "-") == 0) {
			return cli_usage(&cmd_replay,
			                 "--sweep reads files again: not from standard input");
		}
	}
	return CLI_OK;
}

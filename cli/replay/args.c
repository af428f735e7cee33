/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One function per kind of option.
 */
#include "replay/args.h"

#include "cmd/filter_options.h"
#include "replay/sweep.h"

#include "text/addr.h"
#include "text/num.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

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
	OPT_TRACE,
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
	{ "trace", no_argument, NULL, OPT_TRACE },
	{ "verdict", required_argument, NULL, FILTER_VERDICT },
	{ "reason", required_argument, NULL, FILTER_REASON },
	{ "mark", required_argument, NULL, FILTER_MARK },
	FILTER_LONG_OPTIONS,
	{ NULL, 0, NULL, 0 },
};

static enum cli_exit take_option(struct replay_args *args, json_t *filter, int opt);
static enum cli_exit check_together(const struct replay_args *args);
static enum cli_exit take_filter(struct replay_args *args, const json_t *filter);

enum cli_exit replay_args_parse(struct replay_args *args, const struct cli_command *cmd, int argc,
                                char **argv)
{
	json_t *filter = json_object();
	enum cli_exit code = CLI_OK;
	int opt;

	memset(args, 0, sizeof(*args));
	args->cmd = cmd;
	args->diffs_max = 20;
	args->steps_len = 12;
	args->vantage.hook = HOOK_FORWARD;
	args->vantage.hook_is_auto = true;
	args->vantage.locals = args->local;
	while (code == CLI_OK &&
	       (opt = getopt_long(argc, argv, "c:o:v" FILTER_SHORT_OPTIONS, options, NULL)) != -1) {
		code = take_option(args, filter, opt);
	}
	if (code == CLI_OK) {
		code = take_filter(args, filter);
	}
	json_decref(filter);
	if (code != CLI_OK) {
		return code;
	}
	args->files = argv + optind;
	args->files_len = (size_t)(argc - optind);
	/* without an own address all packets are forwarded */
	if (args->vantage.locals_len == 0) {
		args->vantage.hook_is_auto = false;
	}
	return check_together(args);
}

static enum cli_exit take_hook(struct replay_args *args, const char *text)
{
	args->vantage.hook_is_auto = strcmp(text, "auto") == 0;
	args->vantage.hook = HOOK_FORWARD;
	if (args->vantage.hook_is_auto) {
		return CLI_OK;
	}
	for (size_t h = 0; h < HOOKS_LEN; h++) {
		if (strcmp(text, hook_name((enum hook)h)) == 0) {
			args->vantage.hook = (enum hook)h;
			return CLI_OK;
		}
	}
	return cli_usage(args->cmd, "unknown hook \"%s\": expected input, output, forward or auto",
	                 text);
}

static enum cli_exit take_local(struct replay_args *args, const char *text)
{
	struct replay_local *l = &args->local[args->vantage.locals_len];
	struct text_addr prefix;

	if (args->vantage.locals_len == REPLAY_LOCALS_MAX) {
		return cli_usage(args->cmd, "more than %d --local", REPLAY_LOCALS_MAX);
	}
	if (!text_prefix(text, strlen(text), &prefix)) {
		return cli_usage(args->cmd, "\"%s\": expected an address or a prefix", text);
	}
	memset(l, 0, sizeof(*l));
	l->family = prefix.family;
	l->bits = prefix.bits;
	memcpy(l->addr.bytes, prefix.bytes, sizeof(prefix.bytes));
	args->vantage.locals_len++;
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

/* Prints the allowed values of a setting. */
static enum cli_exit report_range(const struct replay_args *args, const struct tunable *row,
                                  const char *text)
{
	char from[256];
	char to[64];

	switch (row->kind) {
	case TUNABLE_DURATION:
		return cli_usage(args->cmd, "\"%s\": expected %s to %s", text,
		                 setting_duration_text(row->min, from, sizeof(from)),
		                 setting_duration_text(row->max, to, sizeof(to)));
	case TUNABLE_COUNT:
		return cli_usage(args->cmd, "\"%s\": expected %lld to %lld", text,
		                 (long long)row->min, (long long)row->max);
	case TUNABLE_SWITCH:
		return cli_usage(args->cmd, "\"%s\": expected on or off", text);
	default:
		join_words(row->choices, from, sizeof(from));
		return cli_usage(args->cmd, "\"%s\": expected one of %s", text, from);
	}
}

static enum cli_exit take_setting(struct replay_args *args, const char *text, bool is_timeout)
{
	struct replay_setting *s = &args->setting[args->settings_len];
	const char *equals = strchr(text, '=');

	if (args->settings_len == REPLAY_SETTINGS_MAX) {
		return cli_usage(args->cmd, "more than %d settings", REPLAY_SETTINGS_MAX);
	}
	if (equals == NULL) {
		return cli_usage(args->cmd, "\"%s\": expected SETTING=VALUE", text);
	}
	s->row = setting_find(text, (size_t)(equals - text));
	if (s->row == NULL || (is_timeout && s->row->kind != TUNABLE_DURATION)) {
		return cli_usage(args->cmd, "unknown %s \"%.*s\"",
		                 is_timeout ? "timeout" : "setting", (int)(equals - text), text);
	}
	if (setting_parse_value(s->row, equals + 1, strlen(equals + 1), &s->value) < 0) {
		return report_range(args, s->row, text);
	}
	args->settings_len++;
	return CLI_OK;
}

static enum cli_exit take_output(struct replay_args *args, const char *text)
{
	args->is_json = strcmp(text, "json") == 0;
	if (!args->is_json && strcmp(text, "text") != 0) {
		return cli_usage(args->cmd, "unknown format \"%s\": expected text or json", text);
	}
	return CLI_OK;
}

static enum cli_exit take_number(struct replay_args *args, int opt, const char *text)
{
	uint64_t n;

	if (opt == OPT_DIFFERENCES) {
		args->diffs_max = UINT64_MAX;
		if (strcmp(text, "all") != 0 &&
		    !text_number(text, 0, UINT64_MAX, &args->diffs_max)) {
			return cli_usage(args->cmd, "\"%s\": expected a number or all", text);
		}
		return CLI_OK;
	}
	if (!text_number(text, 1, SWEEP_STEPS_MAX, &n)) {
		return cli_usage(args->cmd, "\"%s\": expected 1 to %d steps", text,
		                 SWEEP_STEPS_MAX);
	}
	args->steps_len = (size_t)n;
	return CLI_OK;
}

/* The filter of --trace. */
static enum cli_exit take_filter(struct replay_args *args, const json_t *filter)
{
	const char *wrong;

	if (json_object_size(filter) > 0 && !args->vantage.traces) {
		return cli_usage(args->cmd, "a filter needs --trace");
	}
	if (!watch_filter_parse(filter, &args->trace_filter, &wrong)) {
		return cli_usage(args->cmd, "invalid %s", wrong);
	}
	return CLI_OK;
}

static enum cli_exit take_option(struct replay_args *args, json_t *filter, int opt)
{
	switch (opt) {
	case 'c':
		if (args->configs_len == REPLAY_POLICIES_MAX) {
			return cli_usage(args->cmd, "more than %d --config", REPLAY_POLICIES_MAX);
		}
		args->config_path[args->configs_len++] = optarg;
		return CLI_OK;
	case OPT_HOOK:
		return take_hook(args, optarg);
	case OPT_LOCAL:
		return take_local(args, optarg);
	case OPT_IIF:
		args->vantage.iif = optarg;
		return CLI_OK;
	case OPT_OIF:
		args->vantage.oif = optarg;
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
		args->vantage.verify_checksums = true;
		return CLI_OK;
	case OPT_TRACE:
		args->vantage.traces = true;
		return CLI_OK;
	default:
		return filter_option(args->cmd, opt, filter);
	}
}

static enum cli_exit check_together(const struct replay_args *args)
{
	if (args->files_len == 0) {
		return cli_usage(args->cmd, "missing capture file");
	}
	if (args->plot_path != NULL && args->sweep == NULL) {
		return cli_usage(args->cmd, "--plot needs --sweep");
	}
	if (args->sweep != NULL && args->all_packets) {
		return cli_usage(args->cmd, "--packets and --sweep exclude each other");
	}
	if (args->sweep != NULL && args->vantage.traces) {
		return cli_usage(args->cmd, "--trace and --sweep exclude each other");
	}
	for (size_t i = 0; args->sweep != NULL && i < args->files_len; i++) {
		if (strcmp(args->files[i], "-") == 0) {
			return cli_usage(args->cmd, "--sweep reads files several times, so it "
			                            "cannot read standard input");
		}
	}
	return CLI_OK;
}

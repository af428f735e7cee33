/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall counter, finwall quota: lists and resets counters and quotas that have a name.
 */
#include "client.h"
#include "cmd/cmd.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct option options[] = {
	{ "table", required_argument, NULL, 't' },
	{ "output", required_argument, NULL, 'o' },
	{ "all", no_argument, NULL, 'a' },
	{ NULL, 0, NULL, 0 },
};

struct object_out {
	bool is_json;
	bool is_quota;
};

static enum cli_exit run_counter(const struct cli *cli, int argc, char **argv);
static enum cli_exit run_quota(const struct cli *cli, int argc, char **argv);
static client_fn print_objects;

#define OPTIONS_TEXT                                                                               \
	"\n"                                                                                       \
	"-t, --table NAME            of this table only; also \"FAMILY NAME\"\n"                   \
	"-a, --all                   reset: all of them\n"                                         \
	"-o, --output text|json\n"

const struct cli_command cmd_counter = {
	.name = "counter",
	.args = "list [NAME] | reset NAME | reset --all",
	.summary = "list and reset counters that have a name",
	.details = "list    packets and bytes of the counters that tables define\n"
		   "reset   likewise; from then on they count from 0\n" OPTIONS_TEXT,
	.run = run_counter,
};

const struct cli_command cmd_quota = {
	.name = "quota",
	.args = "list [NAME] | reset NAME | reset --all",
	.summary = "list and reset quotas that have a name",
	.details = "list    bytes that are used of the quotas that tables define\n"
		   "reset   likewise; from then on nothing of them is used\n" OPTIONS_TEXT,
	.run = run_quota,
};

static const struct cli_command *command_of(const struct object_out *out)
{
	return out->is_quota ? &cmd_quota : &cmd_counter;
}

/* What is wrong with the arguments behind the options, or NULL. */
static const char *why_wrong(int argc, char **argv, bool is_all)
{
	if (argc == 0) {
		return "missing subcommand";
	}
	if (strcmp(argv[0], "list") == 0) {
		return is_all     ? "--all is for reset only"
		       : argc > 2 ? "list: too many arguments"
		                  : NULL;
	}
	if (strcmp(argv[0], "reset") != 0) {
		return "unknown subcommand, expected list or reset";
	}
	return argc > 2                ? "reset: too many arguments"
	       : (argc == 2) == is_all ? "reset: expected NAME or --all"
	                               : NULL;
}

static enum cli_exit run(const struct cli *cli, int argc, char **argv, struct object_out *out)
{
	const struct cli_command *command = command_of(out);
	json_t *call = json_object();
	enum cli_exit code = CLI_OK;
	bool is_all = false;
	const char *wrong;
	int opt;

	while (code == CLI_OK && (opt = getopt_long(argc, argv, "t:o:a", options, NULL)) != -1) {
		switch (opt) {
		case 't':
			json_object_set_new(call, "table", ctl_json_text(optarg));
			break;
		case 'o':
			code = cli_output_format(command, optarg, &out->is_json);
			break;
		case 'a':
			is_all = true;
			break;
		default:
			code = cli_usage(command, "invalid option");
			break;
		}
	}
	argc -= optind;
	argv += optind;
	wrong = code == CLI_OK ? why_wrong(argc, argv, is_all) : NULL;
	if (wrong != NULL) {
		code = cli_usage(command, "%s", wrong);
	}
	if (code != CLI_OK) {
		json_decref(call);
		return code;
	}
	json_object_set_new(call, "kind", json_string(command->name));
	if (argc == 2) {
		json_object_set_new(call, "name", ctl_json_text(argv[1]));
	}
	return client_run(cli, command,
	                  strcmp(argv[0], "list") == 0 ? "ListObjects" : "ResetObjects", call,
	                  CTL_LAST, print_objects, out);
}

static enum cli_exit run_counter(const struct cli *cli, int argc, char **argv)
{
	struct object_out out = { .is_quota = false };

	return run(cli, argc, argv, &out);
}

static enum cli_exit run_quota(const struct cli *cli, int argc, char **argv)
{
	struct object_out out = { .is_quota = true };

	return run(cli, argc, argv, &out);
}

static void print_object(const struct object_out *out, const json_t *o)
{
	char table[160];

	(void)snprintf(table, sizeof(table), "%s %s", client_text(o, "family"),
	               client_text(o, "table"));
	printf("%-23s %-23s ", client_text(o, "name"), table);
	if (out->is_quota) {
		printf("%16lld %16lld  %s\n", client_number(o, "bytes"), client_number(o, "limit"),
		       json_is_true(json_object_get(o, "over")) ? "over" : "until");
	} else {
		printf("%16lld %16lld\n", client_number(o, "packets"), client_number(o, "bytes"));
	}
}

static enum cli_exit print_objects(void *ctx, const json_t *parameters)
{
	const struct object_out *out = ctx;
	const json_t *objects = json_object_get(parameters, "objects");
	const json_t *o;
	size_t i;

	if (out->is_json) {
		json_dumpf(objects, stdout, JSON_INDENT(2));
		puts("");
		return CLI_OK;
	}
	if (json_array_size(objects) > 0) {
		printf("%-23s %-23s %16s %16s%s\n", out->is_quota ? "QUOTA" : "COUNTER", "TABLE",
		       out->is_quota ? "USED" : "PACKETS", out->is_quota ? "LIMIT" : "BYTES",
		       out->is_quota ? "  MATCHES" : "");
	}
	json_array_foreach(objects, i, o)
	{
		print_object(out, o);
	}
	return ferror(stdout) ? CLI_REFUSED : CLI_OK;
}

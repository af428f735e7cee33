/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall get: prints one live connection, named as `finwall list` prints it, or those that match
 * filters.
 */
#include "cmd/cmd.h"
#include "cmd/connection_key.h"
#include "cmd/filter_options.h"
#include "cmd/list_output.h"

#include <getopt.h>
#include <stdbool.h>

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "type", required_argument, NULL, 't' },
	{ "id", required_argument, NULL, 'I' },
	FILTER_LONG_OPTIONS,
	FILTER_LIST_OPTIONS,
	{ NULL, 0, NULL, 0 },
};

static enum cli_exit run_get(const struct cli *cli, int argc, char **argv);

const struct cli_command cmd_get = {
	.name = "get",
	.args = "[--output text|json|conntrack] "
		"{PROTO FROM[:PORT] TO[:PORT] [--type N --id N] | FILTER...}",
	.summary = "print one connection, or those that match filters",
	.details = CONNECTION_KEY_HELP
	"\n"
	"-o, --output FORMAT  text, json, or conntrack (as conntrack -L), also with\n"
	"                     its options: extended,id,timestamp,ktimestamp\n"
	"\n"
	"The exit status is 1 if there is no such live connection.\n"
	"\n" FILTER_HELP FILTER_LIST_HELP,
	.run = run_get,
};

struct get_args {
	const char *format;
	json_t *key;    /* type and id, then the words */
	json_t *filter; /* of the filter options */
};

static enum cli_exit read_options(struct get_args *args, int argc, char **argv)
{
	enum cli_exit code = CLI_OK;
	int opt;

	while (code == CLI_OK &&
	       (opt = getopt_long(argc, argv, "o:" FILTER_SHORT_OPTIONS, options, NULL)) != -1) {
		switch (opt) {
		case 'o':
			args->format = optarg;
			break;
		case 't':
		case 'I':
			if (!connection_key_number(optarg, args->key, opt == 't' ? "type" : "id")) {
				code = cli_usage(&cmd_get, "expected PROTO FROM TO");
			}
			break;
		default:
			code = filter_option(&cmd_get, opt, args->filter);
			break;
		}
	}
	return code;
}

/* The exit status of a list without connections is that of a connection that does not exist. */
static enum cli_exit get_matching(const struct cli *cli, struct list_output *out, json_t *call,
                                  json_t *filter)
{
	enum cli_exit code;

	json_object_set(call, "filter", filter);
	code = list_output_run(out, cli, &cmd_get, "ListConnections", call, CTL_CONTINUES);
	if (code == CLI_OK && !out->has_items) {
		code = cli_refuse(&cmd_get, "no such connection");
	}
	return code;
}

static enum cli_exit get(const struct cli *cli, const struct get_args *args, int words_len,
                         char **words)
{
	bool is_filter = words_len == 0 && json_object_size(args->key) == 0 &&
	                 json_object_size(args->filter) > 0;
	struct list_output out;
	enum cli_exit code;
	json_t *call;

	code = list_output_init(&out, &cmd_get, VIEW_LIVE, args->format);
	if (code != CLI_OK) {
		return code;
	}
	if (!is_filter && (words_len != 3 || json_object_size(args->filter) > 0 ||
	                   !connection_key_read(words, args->key))) {
		code = cli_usage(&cmd_get, "expected PROTO FROM TO, or filters");
		list_output_fini(&out, code);
		return code;
	}
	call = is_filter ? json_object() : json_incref(args->key);
	json_object_set_new(call, "format", json_string(out.format));
	if (out.options != NULL) {
		json_object_set(call, "options", out.options);
	}
	code = is_filter ? get_matching(cli, &out, call, args->filter)
	                 : list_output_run(&out, cli, &cmd_get, "GetConnection", call, CTL_LAST);
	list_output_fini(&out, code);
	return code;
}

static enum cli_exit run_get(const struct cli *cli, int argc, char **argv)
{
	struct get_args args = { .format = "text", .key = json_object(), .filter = json_object() };
	enum cli_exit code = read_options(&args, argc, argv);

	if (code == CLI_OK) {
		code = get(cli, &args, argc - optind, argv + optind);
	}
	json_decref(args.key);
	json_decref(args.filter);
	return code;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall delete: deletes one connection, named as `finwall list` prints it, or those that match
 * filters.
 */
#include "client.h"
#include "cmd/cmd.h"
#include "cmd/connection_key.h"
#include "cmd/delete_matching.h"
#include "cmd/filter_options.h"

#include <getopt.h>
#include <stdbool.h>

static const struct option options[] = {
	{ "forget", no_argument, NULL, 'f' },
	{ "remember", no_argument, NULL, 'r' },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "type", required_argument, NULL, 't' },
	{ "id", required_argument, NULL, 'I' },
	FILTER_LONG_OPTIONS,
	FILTER_LIST_OPTIONS,
	{ NULL, 0, NULL, 0 },
};

struct delete_args {
	json_t *key;    /* type and id, then the words */
	json_t *filter; /* of the filter options */
	enum delete_keep keep;
	bool is_dry_run;
};

static enum cli_exit run_delete(const struct cli *cli, int argc, char **argv);
static enum cli_exit read_options(struct delete_args *args, int argc, char **argv);
static enum cli_exit delete_connections(const struct cli *cli, struct delete_args *args,
                                        char **words, int words_len);

const struct cli_command cmd_delete = {
	.name = "delete",
	.args = "{PROTO FROM[:PORT] TO[:PORT] [--type N --id N] | FILTER...} [--dry-run] "
		"[--remember | --forget]",
	.summary = "delete one connection, or those that match filters",
	.details = CONNECTION_KEY_HELP
	"\n"
	"The connections end, remembered ones too: their segments are INVALID until a new\n"
	"SYN is accepted.\n"
	"--remember     remember them instead, as if they had expired\n"
	"--forget       keep nothing of them: late data may open a new connection\n"
	"--dry-run      print the connections, and delete none\n"
	"\n" FILTER_HELP FILTER_LIST_HELP,
	.run = run_delete,
};

static enum cli_exit run_delete(const struct cli *cli, int argc, char **argv)
{
	struct delete_args args = { .key = json_object(), .filter = json_object() };
	enum cli_exit code = read_options(&args, argc, argv);

	if (code == CLI_OK) {
		code = delete_connections(cli, &args, argv + optind, argc - optind);
	}
	json_decref(args.key);
	json_decref(args.filter);
	return code;
}

static enum cli_exit read_options(struct delete_args *args, int argc, char **argv)
{
	int opt;

	while ((opt = getopt_long(argc, argv, FILTER_SHORT_OPTIONS, options, NULL)) != -1) {
		enum cli_exit code = CLI_OK;

		switch (opt) {
		case 'f':
		case 'r':
			if (args->keep != KEEP_END) {
				return cli_usage(&cmd_delete,
				                 "--remember and --forget exclude each other");
			}
			args->keep = opt == 'f' ? KEEP_NOTHING : KEEP_REMEMBER;
			break;
		case 'n':
			args->is_dry_run = true;
			break;
		case 't':
		case 'I':
			if (!connection_key_number(optarg, args->key, opt == 't' ? "type" : "id")) {
				return cli_usage(&cmd_delete, "invalid number \"%s\"", optarg);
			}
			break;
		default:
			code = filter_option(&cmd_delete, opt, args->filter);
			break;
		}
		if (code != CLI_OK) {
			return code;
		}
	}
	return CLI_OK;
}

static enum cli_exit delete_connections(const struct cli *cli, struct delete_args *args,
                                        char **words, int words_len)
{
	if (words_len == 0 && json_object_size(args->filter) > 0) {
		json_object_update(args->filter, args->key);
		if (args->is_dry_run) {
			return delete_matching_dry_run(cli, &cmd_delete, json_incref(args->filter),
			                               args->keep);
		}
		return delete_matching(cli, &cmd_delete, json_incref(args->filter), args->keep);
	}
	if (words_len != 3 || !connection_key_read(words, args->key)) {
		return cli_usage(&cmd_delete, "expected PROTO FROM TO, or filters");
	}
	if (json_object_size(args->filter) > 0) {
		return cli_usage(&cmd_delete, "PROTO FROM TO and filters exclude each other");
	}
	if (args->is_dry_run) {
		return delete_matching_dry_run(cli, &cmd_delete, json_incref(args->key),
		                               args->keep);
	}
	if (args->keep != KEEP_END) {
		json_object_set_new(args->key, args->keep == KEEP_NOTHING ? "forget" : "remember",
		                    json_true());
	}
	return client_run(cli, &cmd_delete, "Delete", json_incref(args->key), CTL_LAST, NULL, NULL);
}

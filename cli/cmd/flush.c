/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall flush: deletes all connections, or those that match filters.
 */
#include "client.h"
#include "cmd/cmd.h"
#include "cmd/delete_matching.h"
#include "cmd/filter_options.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

static const struct option options[] = {
	{ "forget", no_argument, NULL, 'f' },
	{ "remember", no_argument, NULL, 'r' },
	{ "dry-run", no_argument, NULL, 'n' },
	FILTER_LONG_OPTIONS,
	FILTER_LIST_OPTIONS,
	{ NULL, 0, NULL, 0 },
};

static enum cli_exit run_flush(const struct cli *cli, int argc, char **argv);
static enum cli_exit flush(const struct cli *cli, json_t *filter, enum delete_keep keep,
                           bool is_dry_run);
static client_fn print_count;

const struct cli_command cmd_flush = {
	.name = "flush",
	.args = "[FILTER...] [--dry-run] [--remember | --forget]",
	.summary = "delete all connections, or those that match filters",
	.details =
		"The connections end, remembered ones too: their segments are INVALID until a new\n"
		"SYN is accepted.\n"
		"--remember  remember them instead, as if they had expired\n"
		"--forget    keep nothing of them: late data may open a new connection\n"
		"--dry-run   print the connections, and delete none\n"
		"\n" FILTER_HELP FILTER_LIST_HELP,
	.run = run_flush,
};

static enum cli_exit run_flush(const struct cli *cli, int argc, char **argv)
{
	enum delete_keep keep = KEEP_END;
	json_t *filter = json_object();
	enum cli_exit code = CLI_OK;
	bool is_dry_run = false;
	int opt;

	while (code == CLI_OK &&
	       (opt = getopt_long(argc, argv, FILTER_SHORT_OPTIONS, options, NULL)) != -1) {
		switch (opt) {
		case 'f':
		case 'r':
			if (keep != KEEP_END) {
				code = cli_usage(&cmd_flush,
				                 "--remember and --forget exclude each other");
			}
			keep = opt == 'f' ? KEEP_NOTHING : KEEP_REMEMBER;
			break;
		case 'n':
			is_dry_run = true;
			break;
		default:
			code = filter_option(&cmd_flush, opt, filter);
			break;
		}
	}
	if (code == CLI_OK && optind < argc) {
		code = cli_usage(&cmd_flush, "unexpected argument \"%s\"", argv[optind]);
	}
	if (code == CLI_OK) {
		code = flush(cli, json_incref(filter), keep, is_dry_run);
	}
	json_decref(filter);
	return code;
}

/* Takes ownership of filter. */
static enum cli_exit flush(const struct cli *cli, json_t *filter, enum delete_keep keep,
                           bool is_dry_run)
{
	bool has_filter = json_object_size(filter) > 0;

	if (is_dry_run) {
		return delete_matching_dry_run(cli, &cmd_flush, filter, keep);
	}
	if (has_filter) {
		return delete_matching(cli, &cmd_flush, filter, keep);
	}
	json_decref(filter);
	return client_run(cli, &cmd_flush, "Flush",
	                  json_pack("{s:b, s:b}", "forget", keep == KEEP_NOTHING, "remember",
	                            keep == KEEP_REMEMBER),
	                  CTL_LAST, print_count, NULL);
}

static enum cli_exit print_count(void *ctx, const json_t *parameters)
{
	(void)ctx;
	printf("%lld connections flushed\n",
	       (long long)json_integer_value(json_object_get(parameters, "flushed")));
	return CLI_OK;
}

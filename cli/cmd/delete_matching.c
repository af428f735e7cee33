/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deletion by filter. See delete_matching.h.
 */
#include "cmd/delete_matching.h"

#include "client.h"
#include "cmd/list_columns.h"
#include "screen.h"

#include <stdio.h>
#include <string.h>

struct counts {
	long long deleted;
	long long remembered;
};

struct dry_run {
	FILE *out;
	enum flow_view_kind kind;
	enum delete_keep keep;
	struct list_columns columns;
	size_t len;
};

static client_fn read_counts;
static client_fn print_matches;

static void print_counts(long long deleted, long long remembered, const char *would)
{
	printf("%lld connections%s deleted, %lld remembered ones%s ended or forgotten\n", deleted,
	       would, remembered, would);
}

enum cli_exit delete_matching(const struct cli *cli, const struct cli_command *cmd, json_t *filter,
                              enum delete_keep keep)
{
	struct counts n = { 0 };
	enum cli_exit code =
		client_run(cli, cmd, "DeleteMatching",
	                   json_pack("{s:o, s:b, s:b}", "filter", filter, "forget",
	                             keep == KEEP_NOTHING, "remember", keep == KEEP_REMEMBER),
	                   CTL_CONTINUES, read_counts, &n);

	if (code == CLI_OK) {
		print_counts(n.deleted, n.remembered, "");
	}
	return code;
}

enum cli_exit delete_matching_dry_run(const struct cli *cli, const struct cli_command *cmd,
                                      json_t *filter, enum delete_keep keep)
{
	/* without a filter only those remembered connections are deleted that end */
	bool has_remembered =
		json_object_size(filter) > 0 ? keep != KEEP_REMEMBER : keep == KEEP_END;
	enum flow_view_kind last = has_remembered ? VIEW_REMEMBERED : VIEW_LIVE;
	size_t len[2] = { 0, 0 };
	enum cli_exit code = CLI_OK;

	for (enum flow_view_kind kind = VIEW_LIVE; kind <= last && code == CLI_OK; kind++) {
		struct dry_run run = { .out = screen_open(stdout), .kind = kind, .keep = keep };

		code = client_run(cli, cmd, "ListConnections",
		                  json_pack("{s:b, s:s, s:O}", "expired", kind == VIEW_REMEMBERED,
		                            "format", "json", "filter", filter),
		                  CTL_CONTINUES, print_matches, &run);
		screen_close(run.out);
		len[kind] = run.len;
	}
	json_decref(filter);
	if (code == CLI_OK) {
		print_counts((long long)len[VIEW_LIVE], (long long)len[VIEW_REMEMBERED],
		             " would be");
	}
	return code;
}

static enum cli_exit read_counts(void *ctx, const json_t *parameters)
{
	struct counts *n = ctx;

	n->deleted = client_number(parameters, "deleted");
	n->remembered = client_number(parameters, "remembered");
	return CLI_OK;
}

static enum cli_exit print_matches(void *ctx, const json_t *parameters)
{
	struct dry_run *run = ctx;
	json_t *wanted = json_array();
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(parameters, "connections"), i, item)
	{
		/* what has ended already stays as it is */
		if (run->kind == VIEW_LIVE || run->keep != KEEP_END ||
		    strcmp(client_text(item, "cause"), "deleted") != 0) {
			json_array_append(wanted, item);
		}
	}
	list_columns_print(&run->columns, run->kind, wanted, run->out);
	run->len += json_array_size(wanted);
	json_decref(wanted);
	return ferror(run->out) ? CLI_REFUSED : CLI_OK;
}

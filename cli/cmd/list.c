/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall list: prints the live or the remembered connections.
 *
 * Each line is printed when it arrives: memory does not grow with the table.
 */
#include "client.h"
#include "cmd/cmd.h"
#include "cmd/filter_options.h"
#include "cmd/list_columns.h"
#include "screen.h"

#include <finwall/flow_text.h>

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct option options[] = {
	{ "expired", no_argument, NULL, 'x' },
	{ "output", required_argument, NULL, 'o' },
	FILTER_LONG_OPTIONS,
	{ NULL, 0, NULL, 0 },
};

struct list_out {
	bool is_json;
	bool has_items;
	const char *heading; /* to be printed before the first line, or NULL */
	enum flow_view_kind kind;
	FILE *screen; /* of a terminal: print columns; NULL = print the daemon's lines */
	struct list_columns columns;
};

static enum cli_exit run_list(const struct cli *cli, int argc, char **argv);
static client_fn print_slice;
static client_fn print_columns;

const struct cli_command cmd_list = {
	.name = "list",
	.args = "[--expired] [--output text|json|conntrack] [FILTER...]",
	.summary = "list live or remembered connections",
	.details = "-x, --expired        remembered connections: their entry has expired\n"
		   "-o, --output FORMAT  text, json, or conntrack (format of conntrack -L)\n"
		   "\n" FILTER_HELP,
	.run = run_list,
};

static enum cli_exit run_list(const struct cli *cli, int argc, char **argv)
{
	struct list_out out = { 0 };
	enum flow_view_kind kind = VIEW_LIVE;
	const char *format = "text";
	json_t *filter = json_object();
	enum cli_exit code = CLI_OK;
	int opt;

	while ((opt = getopt_long(argc, argv, "xo:" FILTER_SHORT_OPTIONS, options, NULL)) != -1) {
		switch (opt) {
		case 'x':
			kind = VIEW_REMEMBERED;
			break;
		case 'o':
			format = optarg;
			break;
		default:
			code = filter_option(&cmd_list, opt, filter);
			break;
		}
		if (code != CLI_OK) {
			json_decref(filter);
			return code;
		}
	}
	if (optind < argc) {
		json_decref(filter);
		return cli_usage(&cmd_list, "unexpected argument \"%s\"", argv[optind]);
	}
	if (kind == VIEW_REMEMBERED && (json_object_get(filter, "interface") != NULL ||
	                                json_object_get(filter, "expires_under_s") != NULL)) {
		json_decref(filter);
		return cli_usage(&cmd_list, "--interface and --expires-under are for live "
		                            "connections, not with --expired");
	}
	if (strcmp(format, "text") != 0 && strcmp(format, "json") != 0 &&
	    strcmp(format, "conntrack") != 0) {
		json_decref(filter);
		return cli_usage(&cmd_list, "unknown output format \"%s\"", format);
	}
	out.kind = kind;
	out.is_json = strcmp(format, "json") == 0;
	out.heading = strcmp(format, "text") == 0 ? flow_text_heading(kind) : NULL;
	if (out.heading != NULL && screen_width() > 0) {
		out.screen = screen_open(stdout);
		format = "json";
	}
	code = client_run(cli, &cmd_list, "ListConnections",
	                  json_pack("{s:b, s:s, s:o}", "expired", kind == VIEW_REMEMBERED, "format",
	                            format, "filter", filter),
	                  CTL_CONTINUES, out.screen != NULL ? print_columns : print_slice, &out);
	if (out.screen != NULL) {
		screen_close(out.screen);
	}
	if (out.is_json && code == CLI_OK) {
		puts(out.has_items ? "\n]" : "[]");
	}
	return code;
}

static enum cli_exit print_slice(void *ctx, const json_t *parameters)
{
	const json_t *items = json_object_get(parameters, "lines");
	struct list_out *out = ctx;
	const json_t *item;
	size_t i;

	if (out->is_json) {
		items = json_object_get(parameters, "connections");
	}
	json_array_foreach(items, i, item)
	{
		if (out->heading != NULL) {
			puts(out->heading);
			out->heading = NULL;
		}
		if (out->is_json) {
			fputs(out->has_items ? ",\n" : "[\n", stdout);
			json_dumpf(item, stdout, JSON_COMPACT);
		} else {
			puts(json_string_value(item) != NULL ? json_string_value(item) : "");
		}
		out->has_items = true;
	}
	return ferror(stdout) ? CLI_REFUSED : CLI_OK;
}

static enum cli_exit print_columns(void *ctx, const json_t *parameters)
{
	struct list_out *out = ctx;

	list_columns_print(&out->columns, out->kind, json_object_get(parameters, "connections"),
	                   out->screen);
	return fflush(out->screen) != 0 ? CLI_REFUSED : CLI_OK;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall list: prints the live or the remembered connections, their numbers, or the first ones of
 * an order.
 */
#include "client.h"
#include "cmd/cmd.h"
#include "cmd/filter_options.h"
#include "cmd/list_count.h"
#include "cmd/list_output.h"
#include "cmd/list_sort.h"

#include "text/num.h"
#include <finwall/flow_text.h>

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SLICE_LEN 256

static const struct option options[] = {
	{ "expired", no_argument, NULL, 'x' },
	{ "output", required_argument, NULL, 'o' },
	{ "count", no_argument, NULL, 'c' },
	{ "sort", required_argument, NULL, 'S' },
	{ "limit", required_argument, NULL, 'l' },
	FILTER_LONG_OPTIONS,
	{ NULL, 0, NULL, 0 },
};

struct list_args {
	enum flow_view_kind kind;
	const char *format;
	json_t *filter;
	bool is_count;
	const char *order_name; /* NULL = as the daemon lists them */
	enum list_order order;
	uint64_t limit; /* 0 = not given */
};

static enum cli_exit run_list(const struct cli *cli, int argc, char **argv);
static enum cli_exit read_args(struct list_args *args, int argc, char **argv);
static enum cli_exit check_args(const struct list_args *args);
static enum cli_exit print_list(const struct cli *cli, const struct list_args *args);
static enum cli_exit print_sorted(struct list_output *out, struct list_sort *sort);
static client_fn add_slice;

const struct cli_command cmd_list = {
	.name = "list",
	.args = "[--expired] [--output text|json|conntrack] [FILTER...] "
		"[--count | [--sort expiry|state|address] [--limit N]]",
	.summary = "list live or remembered connections",
	.details =
		"-x, --expired        remembered connections: their entry has expired\n"
		"-o, --output FORMAT  text, json, or conntrack (format of conntrack -L)\n"
		"--count              print only their numbers, by protocol and state\n"
		"--sort ORDER         expiry: the next to expire first, or the last that ended;\n"
		"                     state; or address, of source and destination\n"
		"--limit N            with --sort: print the first N, 1 to 20000 (default 10000)\n"
		"\n" FILTER_HELP,
	.run = run_list,
};

static enum cli_exit run_list(const struct cli *cli, int argc, char **argv)
{
	struct list_args args = { .kind = VIEW_LIVE, .format = "text", .filter = json_object() };
	enum cli_exit code = read_args(&args, argc, argv);

	if (code == CLI_OK) {
		code = check_args(&args);
	}
	if (code == CLI_OK && args.is_count) {
		code = list_count(cli, &cmd_list, args.kind, json_incref(args.filter), args.format);
	} else if (code == CLI_OK) {
		code = print_list(cli, &args);
	}
	json_decref(args.filter);
	return code;
}

static enum cli_exit read_args(struct list_args *args, int argc, char **argv)
{
	enum cli_exit code = CLI_OK;
	int opt;

	while (code == CLI_OK &&
	       (opt = getopt_long(argc, argv, "xo:" FILTER_SHORT_OPTIONS, options, NULL)) != -1) {
		switch (opt) {
		case 'x':
			args->kind = VIEW_REMEMBERED;
			break;
		case 'o':
			args->format = optarg;
			break;
		case 'c':
			args->is_count = true;
			break;
		case 'S':
			args->order_name = optarg;
			if (!list_order_read(optarg, &args->order)) {
				code = cli_usage(&cmd_list, "unknown order \"%s\"", optarg);
			}
			break;
		case 'l':
			if (!text_number(optarg, 1, LIST_SORT_LIMIT_MAX, &args->limit)) {
				code = cli_usage(&cmd_list,
				                 "invalid limit \"%s\": expected 1 to %d", optarg,
				                 LIST_SORT_LIMIT_MAX);
			}
			break;
		default:
			code = filter_option(&cmd_list, opt, args->filter);
			break;
		}
	}
	if (code == CLI_OK && optind < argc) {
		code = cli_usage(&cmd_list, "unexpected argument \"%s\"", argv[optind]);
	}
	return code;
}

static enum cli_exit check_args(const struct list_args *args)
{
	if (args->kind == VIEW_REMEMBERED &&
	    (json_object_get(args->filter, "interface") != NULL ||
	     json_object_get(args->filter, "expires_under_s") != NULL)) {
		return cli_usage(&cmd_list, "--interface and --expires-under are for live "
		                            "connections, not with --expired");
	}
	if (args->is_count && args->order_name != NULL) {
		return cli_usage(&cmd_list, "--count and --sort exclude each other");
	}
	if (args->limit > 0 && args->order_name == NULL) {
		return cli_usage(&cmd_list, "--limit is for --sort only");
	}
	return CLI_OK;
}

static enum cli_exit print_list(const struct cli *cli, const struct list_args *args)
{
	size_t limit = args->limit > 0 ? args->limit : LIST_SORT_LIMIT_DEFAULT;
	struct list_sort *sort = NULL;
	struct list_output out;
	enum cli_exit code = list_output_init(&out, &cmd_list, args->kind, args->format);

	if (code != CLI_OK) {
		return code;
	}
	if (args->order_name != NULL) {
		sort = list_sort_new(args->order, limit);
		code = sort != NULL ? CLI_OK : cli_refuse(&cmd_list, "out of memory");
	}
	if (code == CLI_OK) {
		code = client_run(cli, &cmd_list, "ListConnections",
		                  json_pack("{s:b, s:s, s:O, s:b}", "expired",
		                            args->kind == VIEW_REMEMBERED, "format", out.format,
		                            "filter", args->filter, "with_connections",
		                            sort != NULL),
		                  CTL_CONTINUES, sort != NULL ? add_slice : list_output_print,
		                  sort != NULL ? (void *)sort : &out);
	}
	if (code == CLI_OK && sort != NULL) {
		code = print_sorted(&out, sort);
	}
	list_output_fini(&out, code);
	if (code == CLI_OK && sort != NULL && list_sort_left_out(sort) > 0) {
		fflush(stdout);
		fprintf(stderr, "finwall list: the first %zu by %s; %zu more are not printed\n",
		        limit, args->order_name, list_sort_left_out(sort));
	}
	list_sort_free(sort);
	return code;
}

static enum cli_exit add_slice(void *ctx, const json_t *parameters)
{
	const json_t *lines = json_object_get(parameters, "lines");
	const json_t *connection;
	size_t i;

	json_array_foreach(json_object_get(parameters, "connections"), i, connection)
	{
		if (!list_sort_add(ctx, connection, json_string_value(json_array_get(lines, i)))) {
			return cli_refuse(&cmd_list, "out of memory");
		}
	}
	return CLI_OK;
}

/* In slices, as the daemon sends a list. */
static enum cli_exit print_sorted(struct list_output *out, struct list_sort *sort)
{
	bool is_text = out->screen == NULL && !out->is_json;
	size_t len = list_sort_finish(sort);
	enum cli_exit code = CLI_OK;

	for (size_t at = 0; at < len && code == CLI_OK; at += SLICE_LEN) {
		json_t *items = json_array();
		json_t *slice;

		for (size_t i = at; i < len && i < at + SLICE_LEN; i++) {
			const char *text = list_sort_text(sort, i);

			json_array_append_new(items, is_text ? json_string(text)
			                                     : json_loads(text, 0, NULL));
		}
		slice = json_pack("{s:o}", is_text ? "lines" : "connections", items);
		code = list_output_print(out, slice);
		json_decref(slice);
	}
	return code;
}

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

#include "text/num.h"
#include "wire/flow_sort.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

static const struct option options[] = {
	{ "expired", no_argument, NULL, 'x' },
	{ "output", required_argument, NULL, 'o' },
	{ "count", no_argument, NULL, 'c' },
	{ "sort", required_argument, NULL, 'S' },
	{ "limit", required_argument, NULL, 'l' },
	{ "columns", required_argument, NULL, 'C' },
	FILTER_LONG_OPTIONS,
	FILTER_LIST_OPTIONS,
	{ NULL, 0, NULL, 0 },
};

struct list_args {
	enum flow_view_kind kind;
	const char *format;
	const char *columns; /* NULL = the usual ones */
	json_t *filter;
	bool is_count;
	const char *order_name; /* NULL = as the daemon lists them */
	uint64_t limit;         /* 0 = not given */
};

static enum cli_exit run_list(const struct cli *cli, int argc, char **argv);
static enum cli_exit read_args(struct list_args *args, int argc, char **argv);
static enum cli_exit check_args(const struct list_args *args);
static enum cli_exit print_list(const struct cli *cli, const struct list_args *args);

const struct cli_command cmd_list = {
	.name = "list",
	.args = "[--expired] [--output text|json|conntrack] [FILTER...] "
		"[--count | [--columns NAMES] [--sort ORDER] [--limit N]]",
	.summary = "list live or remembered connections",
	.details =
		"-x, --expired        remembered connections: their entry has expired\n"
		"-o, --output FORMAT  text, json, or conntrack (as conntrack -L), also with\n"
		"                     its options: extended,id,timestamp,ktimestamp\n"
		"--columns NAMES      print these, as proto,from,to; of proto, from, to, state,\n"
		"                     expires, ended, status, cause, hook, interface, age, idle,\n"
		"                     packets, bytes, rule\n"
		"--count              print only their numbers, by protocol and state\n"
		"--sort ORDER         expiry: the next to expire first, or the last that ended;\n"
		"                     state; address, of source and destination; with the setting\n"
		"                     connections accounting on: bytes, packets, age, idle\n"
		"--limit N            with --sort: print the first N, 1 to 20000 (default 10000)\n"
		"\n" FILTER_HELP FILTER_LIST_HELP,
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
	enum flow_order order;
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
			if (!flow_order_read(optarg, &order)) {
				code = cli_usage(&cmd_list, "unknown order \"%s\"", optarg);
			}
			break;
		case 'C':
			args->columns = optarg;
			break;
		case 'l':
			if (!text_number(optarg, 1, FLOW_SORT_LIMIT_MAX, &args->limit)) {
				code = cli_usage(&cmd_list,
				                 "invalid limit \"%s\": expected 1 to %d", optarg,
				                 FLOW_SORT_LIMIT_MAX);
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
	     json_object_get(args->filter, "expires_under_s") != NULL ||
	     json_object_get(args->filter, "idle_over_s") != NULL ||
	     json_object_get(args->filter, "rule") != NULL)) {
		return cli_usage(&cmd_list, "--interface, --expires-under, --idle-over and --rule "
		                            "are for live connections, not with --expired");
	}
	if (args->is_count && args->columns != NULL) {
		return cli_usage(&cmd_list, "--count and --columns exclude each other");
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
	json_int_t limit = args->limit > 0 ? (json_int_t)args->limit : FLOW_SORT_LIMIT_DEFAULT;
	struct list_output out;
	enum cli_exit code = list_output_init(&out, &cmd_list, args->kind, args->format);
	json_t *call;

	if (code == CLI_OK && args->columns != NULL) {
		code = list_output_columns(&out, &cmd_list, args->columns);
	}
	if (code != CLI_OK) {
		return code;
	}
	call = json_pack("{s:b, s:s, s:O}", "expired", args->kind == VIEW_REMEMBERED, "format",
	                 out.format, "filter", args->filter);
	if (out.options != NULL) {
		json_object_set(call, "options", out.options);
	}
	if (args->order_name != NULL) {
		json_object_set_new(call, "sort", json_string(args->order_name));
		json_object_set_new(call, "limit", json_integer(limit));
	}
	code = list_output_run(&out, cli, &cmd_list, "ListConnections", call, CTL_CONTINUES);
	list_output_fini(&out, code);
	if (code == CLI_OK && out.left_out > 0) {
		fflush(stdout);
		fprintf(stderr, "finwall list: the first %lld by %s; %lld more are not printed\n",
		        (long long)limit, args->order_name, out.left_out);
	}
	return code;
}

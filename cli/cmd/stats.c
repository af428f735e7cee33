/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall stats: everything that is counted, for people or as JSON.
 *
 * The daemon's answer names and explains its counters itself, so that nothing here has to be
 * changed when one is added.
 */
#include "cli.h"
#include "client.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "all", no_argument, NULL, 'a' },
	{ NULL, 0, NULL, 0 },
};

struct stats_args {
	bool is_json;
	bool with_zeroes;
	bool only_late_close;
};

static enum cli_exit run_stats(const struct cli *cli, int argc, char **argv);
static client_fn print_stats;
static void print_late(const json_t *late);
static bool is_late_close(const char *name);
static json_t *late_close_only(const json_t *stats);
static void print_head(const json_t *stats);
static void print_reasons(const json_t *reasons, const struct stats_args *args);
static void print_verdicts(const json_t *verdicts);
static void print_counters(const json_t *counters, const char *heading,
                           const struct stats_args *args);
static void print_compare(const json_t *compare, const struct stats_args *args);
static void print_queues(const json_t *queues, const struct stats_args *args);

const struct cli_command cmd_stats = {
	.name = "stats",
	.args = "[late-close] [--all] [--output text|json]",
	.summary = "counters: why packets were judged as they were, what became of them",
	.details = "late-close           only those of late FIN, RST and data\n"
		   "                     and, for each policy, what it let pass or would have\n"
		   "-a, --all            those that are zero, too\n"
		   "-o, --output FORMAT  text or json\n",
	.run = run_stats,
};

static enum cli_exit run_stats(const struct cli *cli, int argc, char **argv)
{
	struct stats_args args = { 0 };
	int opt;

	while ((opt = getopt_long(argc, argv, "o:a", options, NULL)) != -1) {
		switch (opt) {
		case 'a':
			args.with_zeroes = true;
			break;
		case 'o':
			args.is_json = strcmp(optarg, "json") == 0;
			if (!args.is_json && strcmp(optarg, "text") != 0) {
				return cli_usage(&cmd_stats, "no output \"%s\"", optarg);
			}
			break;
		default:
			return cli_usage(&cmd_stats, "option not understood");
		}
	}
	if (optind < argc) {
		args.only_late_close = strcmp(argv[optind], "late-close") == 0;
		if (!args.only_late_close || optind + 1 < argc) {
			return cli_usage(&cmd_stats, "\"%s\" is not understood", argv[argc - 1]);
		}
	}
	return client_ask(cli, &cmd_stats, "GetStats", NULL, CTL_LAST, print_stats, &args);
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "?";
}

static long long number_of(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

static enum cli_exit print_stats(void *ctx, const json_t *parameters)
{
	const struct stats_args *args = ctx;

	if (args->is_json) {
		json_t *reasons = args->only_late_close ? late_close_only(parameters) : NULL;

		json_dumpf(reasons != NULL ? reasons : parameters, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(reasons);
		return CLI_OK;
	}
	if (args->only_late_close) {
		print_reasons(json_object_get(parameters, "reasons"), args);
		print_late(json_object_get(parameters, "late"));
		return CLI_OK;
	}
	print_head(parameters);
	print_reasons(json_object_get(parameters, "reasons"), args);
	print_verdicts(json_object_get(parameters, "verdicts"));
	print_counters(json_object_get(parameters, "events"), "EVENT", args);
	print_compare(json_object_get(parameters, "compare"), args);
	print_queues(json_object_get(parameters, "queues"), args);
	return CLI_OK;
}

static bool is_late_close(const char *name)
{
	return strncmp(name, "late-", strlen("late-")) == 0;
}

static json_t *late_close_only(const json_t *stats)
{
	json_t *list = json_array();
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(stats, "reasons"), i, row)
	{
		if (is_late_close(text_of(row, "name"))) {
			json_array_append(list, row);
		}
	}
	return json_pack("{s:o, s:O*}", "reasons", list, "late", json_object_get(stats, "late"));
}

/* The policies' rows, the cases side by side, both in the daemon's order. */
static void print_late(const json_t *late)
{
	const char *policy = "";
	const json_t *row;
	size_t i;

	printf("\nWhat each policy did where it was in force, or would have done: passed/all\n");
	printf("%-12s", "POLICY");
	json_array_foreach(late, i, row)
	{
		if (strcmp(text_of(row, "policy"), text_of(json_array_get(late, 0), "policy")) ==
		    0) {
			printf(" %18s", text_of(row, "case"));
		}
	}
	json_array_foreach(late, i, row)
	{
		long long passed = number_of(row, "passed");
		char cell[48];

		if (strcmp(policy, text_of(row, "policy")) != 0) {
			policy = text_of(row, "policy");
			printf("\n%-12s", policy);
		}
		snprintf(cell, sizeof(cell), "%lld/%lld", passed,
		         passed + number_of(row, "refused"));
		printf(" %18s", cell);
	}
	printf("\n");
}

/* Only what is worth a word. */
static void print_helpers(const json_t *stats)
{
	const json_t *sender = json_object_get(stats, "raw_sender");

	if (json_is_true(json_object_get(sender, "running")) || number_of(sender, "restarts") > 0) {
		printf("raw sender %s, %lld restarts\n",
		       json_is_true(json_object_get(sender, "running")) ? "running" : "not running",
		       number_of(sender, "restarts"));
	}
	if (number_of(stats, "event_readers") > 0 || number_of(stats, "events_skipped") > 0) {
		printf("event readers %lld, %lld events left out for slow ones\n",
		       number_of(stats, "event_readers"), number_of(stats, "events_skipped"));
	}
}

static void print_head(const json_t *stats)
{
	const json_t *table = json_object_get(stats, "table");
	long long up_sec = number_of(stats, "uptime_ms") / 1000;

	printf("finwalld %s, up %lldd %lldh %lldm %llds, %lld reloads (%lld refused)\n",
	       text_of(stats, "version"), up_sec / 86400, up_sec / 3600 % 24, up_sec / 60 % 60,
	       up_sec % 60, number_of(stats, "reloads"), number_of(stats, "reloads_failed"));
	printf("connections %lld of %lld, remembered %lld of %lld\n",
	       number_of(table, "connections"), number_of(table, "connections_max"),
	       number_of(table, "remembered"), number_of(table, "remembered_max"));
	print_helpers(stats);
	putchar('\n');
}

static void print_reasons(const json_t *reasons, const struct stats_args *args)
{
	const json_t *row;
	size_t i;

	printf("%-18s %-12s %12s  %s\n", "REASON", "STATE", "PACKETS", "MEANING");
	json_array_foreach(reasons, i, row)
	{
		/* a short list is shown whole: that nothing was refused is worth knowing */
		bool is_wanted = args->only_late_close
		                         ? is_late_close(text_of(row, "name"))
		                         : args->with_zeroes || number_of(row, "packets") > 0;

		if (is_wanted) {
			printf("%-18s %-12s %12lld  %s\n", text_of(row, "name"),
			       text_of(row, "state"), number_of(row, "packets"),
			       text_of(row, "text"));
		}
	}
}

static void print_verdicts(const json_t *verdicts)
{
	const json_t *row;
	size_t i;

	printf("\n%-8s %-12s %12s %12s %12s %16s\n", "HOOK", "STATE", "ACCEPTED", "DROPPED",
	       "REJECTED", "BYTES ACCEPTED");
	json_array_foreach(verdicts, i, row)
	{
		const json_t *accept = json_object_get(row, "accept");
		long long accepted = number_of(accept, "packets");
		long long dropped = number_of(json_object_get(row, "drop"), "packets");
		long long rejected = number_of(json_object_get(row, "reject"), "packets");

		if (accepted + dropped + rejected > 0) {
			printf("%-8s %-12s %12lld %12lld %12lld %16lld\n", text_of(row, "hook"),
			       text_of(row, "state"), accepted, dropped, rejected,
			       number_of(accept, "bytes"));
		}
	}
}

static void print_counters(const json_t *counters, const char *heading,
                           const struct stats_args *args)
{
	const json_t *row;
	size_t i;

	printf("\n%-31s %12s  %s\n", heading, "COUNT", "MEANING");
	json_array_foreach(counters, i, row)
	{
		if (args->with_zeroes || number_of(row, "count") > 0) {
			printf("%-31s %12lld  %s\n", text_of(row, "name"), number_of(row, "count"),
			       text_of(row, "text"));
		}
	}
}

/* Microseconds, as sums of nanoseconds tell them too finely. */
static void print_latencies(const json_t *latencies)
{
	const json_t *row;
	size_t i;

	json_array_foreach(latencies, i, row)
	{
		printf("%-31s %12.1f  us, %s: half of all packets\n", text_of(row, "name"),
		       (double)number_of(row, "p50_ns") / 1e3, text_of(row, "text"));
		printf("%-31s %12.1f  us, 99 %%\n", "", (double)number_of(row, "p99_ns") / 1e3);
		printf("%-31s %12.1f  us, 99.9 %%\n", "", (double)number_of(row, "p999_ns") / 1e3);
	}
}

/* Only where it is asked for: otherwise all of it is zero. */
static void print_compare(const json_t *compare, const struct stats_args *args)
{
	const json_t *row;
	size_t i;

	if (!json_is_true(json_object_get(compare, "on"))) {
		return;
	}
	print_counters(json_object_get(compare, "results"), "COMPARED WITH KERNEL", args);
	printf("%-31s %12lld  of these, nothing explains\n", "differences",
	       number_of(compare, "differences"));
	printf("\n%-12s %-18s %12s\n", "FINWALL", "KERNEL", "PACKETS");
	json_array_foreach(json_object_get(compare, "states"), i, row)
	{
		printf("%-12s %-18s %12lld\n", text_of(row, "finwall"), text_of(row, "kernel"),
		       number_of(row, "packets"));
	}
}

/* What the kernel holds and lost comes first: it is what overload shows in. */
static void print_queues(const json_t *queues, const struct stats_args *args)
{
	const json_t *row;
	size_t i;

	json_array_foreach(queues, i, row)
	{
		const json_t *error;
		char heading[32];
		size_t nr;

		snprintf(heading, sizeof(heading), "QUEUE %lld", number_of(row, "number"));
		print_counters(json_object_get(row, "counters"), heading, args);
		printf("%-31s %12lld  packets in the kernel without a verdict\n", "waiting",
		       number_of(row, "waiting"));
		printf("%-31s %12lld  lost because the queue was full\n", "dropped",
		       number_of(row, "dropped"));
		printf("%-31s %12lld  lost because the receive buffer was full\n", "user-dropped",
		       number_of(row, "user_dropped"));
		json_array_foreach(json_object_get(row, "kernel_errors"), nr, error)
		{
			printf("%-31s %12lld  %s\n", "kernel-error", number_of(error, "count"),
			       text_of(error, "text"));
		}
		print_latencies(json_object_get(row, "latencies"));
	}
}

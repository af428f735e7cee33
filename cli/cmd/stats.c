/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall stats: prints all counters, as text or JSON.
 *
 * The daemon's reply has the name and the meaning of each counter, so a new counter needs no change
 * here.
 */
#include "client.h"
#include "cmd/cmd.h"
#include "cmd/stats_watch.h"
#include "queued.h"
#include "screen.h"

#include "text/num.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "all", no_argument, NULL, 'a' },
	{ "watch", optional_argument, NULL, 'w' },
	{ "zero", no_argument, NULL, 'z' },
	{ NULL, 0, NULL, 0 },
};

struct stats_args {
	FILE *out; /* for text */
	const char *socket_path;
	bool is_json;
	bool with_zeroes;
	bool only_late_close;
	bool zeroes;
	uint64_t watch_sec; /* 0 = print once */
};

static enum cli_exit run_stats(const struct cli *cli, int argc, char **argv);
static enum cli_exit read_words(struct stats_args *args, int argc, char **argv);
static client_fn print_stats;
static void print_late(FILE *out, const json_t *late);
static bool is_late_close(const char *name);
static json_t *late_close_only(const json_t *stats);
/* Why packets go to the queue nevertheless. */
static void print_queued(FILE *out, const json_t *queued)
{
	const json_t *row;
	size_t i;

	json_array_foreach(queued, i, row)
	{
		char text[QUEUED_TEXT_SIZE];

		queued_text(row, text);
		fprintf(out, "kernel fast path: queued: %s\n", text);
	}
}

/* Without a word where there is none by the configuration. */
static void print_fast_path(FILE *out, const json_t *fp)
{
	const char *why = client_text(fp, "why");

	if (fp == NULL || strcmp(why, "hook fast-path is off") == 0) {
		return;
	}
	if (why[0] != '\0') {
		fprintf(out, "no kernel fast path: %s\n", why);
		return;
	}
	fprintf(out,
	        "kernel fast path: %lld of %lld connections leased, %lld packets accepted there, "
	        "%lld bytes\n",
	        client_number(fp, "leased"), client_number(fp, "leased_max"),
	        client_number(fp, "packets"), client_number(fp, "bytes"));
	if (client_number(fp, "no_place") > 0) {
		fprintf(out, "kernel fast path: %lld leases not granted, no place for them\n",
		        client_number(fp, "no_place"));
	}
	print_queued(out, json_object_get(fp, "queued"));
}

/* Adds the reasons why packets are queued to the reply, if there is a kernel fast path. */
static void add_queued(const struct stats_args *args, json_t *fp)
{
	json_t *counted;

	if (!json_is_true(json_object_get(fp, "on"))) {
		return;
	}
	counted = queued_read(args->socket_path);
	if (counted != NULL) {
		json_object_set(fp, "queued", json_object_get(counted, "queued"));
		json_decref(counted);
	}
}

static void print_head(FILE *out, const json_t *stats);
static void print_reasons(const json_t *reasons, const struct stats_args *args);
static void print_verdicts(FILE *out, const json_t *verdicts);
static void print_counters(const json_t *counters, const char *heading,
                           const struct stats_args *args);
static void print_compare(const json_t *compare, const struct stats_args *args);
static void print_queues(const json_t *queues, const struct stats_args *args);

const struct cli_command cmd_stats = {
	.name = "stats",
	.args = "[late-close] [--all] [--output text|json] [--watch] [--zero]",
	.summary = "show counters: verdicts and their reasons, events, queues",
	.details =
		"late-close           counters of late FIN, RST and data only, and for each\n"
		"                     policy what it passed or would have passed\n"
		"-a, --all            show counters that are zero too\n"
		"-o, --output FORMAT  text or json\n"
		"-z, --zero           print the counters, then start them from 0, those of rules\n"
		"                     too; metrics are not affected\n"
		"--watch [SECONDS]    print the counters that change, with their rates, every\n"
		"                     2 seconds or as given, until interrupted\n",
	.run = run_stats,
};

static enum cli_exit run_stats(const struct cli *cli, int argc, char **argv)
{
	struct stats_args args = { .socket_path = cli->socket_path };
	enum cli_exit code;
	int opt;

	while ((opt = getopt_long(argc, argv, "o:az", options, NULL)) != -1) {
		switch (opt) {
		case 'a':
			args.with_zeroes = true;
			break;
		case 'o':
			if (cli_output_format(&cmd_stats, optarg, &args.is_json) != CLI_OK) {
				return CLI_USAGE;
			}
			break;
		case 'z':
			args.zeroes = true;
			break;
		case 'w':
			args.watch_sec = STATS_WATCH_SEC_DEFAULT;
			if (optarg != NULL &&
			    !text_number(optarg, 1, STATS_WATCH_SEC_MAX, &args.watch_sec)) {
				return cli_usage(&cmd_stats, "invalid interval \"%s\"", optarg);
			}
			break;
		default:
			return cli_usage(&cmd_stats, "invalid option");
		}
	}
	if (read_words(&args, argc, argv) != CLI_OK) {
		return CLI_USAGE;
	}
	if (args.watch_sec > 0 && (args.is_json || args.with_zeroes)) {
		return cli_usage(&cmd_stats, "--watch excludes --all and --output json");
	}
	if (args.watch_sec > 0 && args.zeroes) {
		return cli_usage(&cmd_stats, "--watch excludes --zero");
	}
	if (args.watch_sec > 0) {
		return stats_watch(cli, &cmd_stats, (unsigned)args.watch_sec, args.only_late_close);
	}
	args.out = args.is_json ? stdout : screen_open(stdout);
	code = client_run(cli, &cmd_stats, "GetStats",
	                  args.zeroes ? json_pack("{s:b}", "zero", 1) : NULL, CTL_LAST, print_stats,
	                  &args);
	screen_close(args.out);
	return code;
}

/* late-close; after --watch its interval too, which getopt takes for a word. */
static enum cli_exit read_words(struct stats_args *args, int argc, char **argv)
{
	for (int i = optind; i < argc; i++) {
		if (!args->only_late_close && strcmp(argv[i], "late-close") == 0) {
			args->only_late_close = true;
		} else if (args->watch_sec == 0 ||
		           !text_number(argv[i], 1, STATS_WATCH_SEC_MAX, &args->watch_sec)) {
			return cli_usage(&cmd_stats, "unexpected argument \"%s\"", argv[i]);
		}
	}
	return CLI_OK;
}

static enum cli_exit print_stats(void *ctx, const json_t *parameters)
{
	const struct stats_args *args = ctx;

	if (!args->only_late_close) {
		add_queued(args, json_object_get(parameters, "fast_path"));
	}
	if (args->is_json) {
		json_t *reasons = args->only_late_close ? late_close_only(parameters) : NULL;

		json_dumpf(reasons != NULL ? reasons : parameters, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(reasons);
		return CLI_OK;
	}
	if (args->only_late_close) {
		print_reasons(json_object_get(parameters, "reasons"), args);
		print_late(args->out, json_object_get(parameters, "late"));
		return CLI_OK;
	}
	print_head(args->out, parameters);
	print_reasons(json_object_get(parameters, "reasons"), args);
	print_verdicts(args->out, json_object_get(parameters, "verdicts"));
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
		if (is_late_close(client_text(row, "name"))) {
			json_array_append(list, row);
		}
	}
	return json_pack("{s:o, s:O*}", "reasons", list, "late", json_object_get(stats, "late"));
}

/* One row per policy, one column per case, both in the order of the reply. */
static void print_late(FILE *out, const json_t *late)
{
	const char *policy = "";
	const json_t *row;
	size_t i;

	fprintf(out, "\nLate packets that each policy passed, or would have passed, of all: "
	             "passed/all\n");
	fprintf(out, "%-11s", "POLICY");
	json_array_foreach(late, i, row)
	{
		if (strcmp(client_text(row, "policy"),
		           client_text(json_array_get(late, 0), "policy")) == 0) {
			fprintf(out, " %16s", client_text(row, "case"));
		}
	}
	json_array_foreach(late, i, row)
	{
		long long passed = client_number(row, "passed");
		char cell[48];

		if (strcmp(policy, client_text(row, "policy")) != 0) {
			policy = client_text(row, "policy");
			fprintf(out, "\n%-11s", policy);
		}
		snprintf(cell, sizeof(cell), "%lld/%lld", passed,
		         passed + client_number(row, "refused"));
		fprintf(out, " %16s", cell);
	}
	fprintf(out, "\n");
}

/* Prints a line only for helpers in use. */
static void print_helpers(FILE *out, const json_t *stats)
{
	const json_t *sender = json_object_get(stats, "raw_sender");

	if (json_is_true(json_object_get(sender, "running")) ||
	    client_number(sender, "restarts") > 0) {
		fprintf(out, "raw sender %s, %lld restarts\n",
		        json_is_true(json_object_get(sender, "running")) ? "running"
		                                                         : "not running",
		        client_number(sender, "restarts"));
	}
	if (client_number(stats, "event_readers") > 0 ||
	    client_number(stats, "events_skipped") > 0) {
		fprintf(out, "event readers %lld, %lld events not sent to slow readers\n",
		        client_number(stats, "event_readers"),
		        client_number(stats, "events_skipped"));
	}
}

/* Only if something is wrong, or was. */
static void print_hooks(FILE *out, const json_t *hooks)
{
	if (hooks != NULL && strcmp(client_text(hooks, "fault"), "none") != 0) {
		fprintf(out, "hook rules: %s\n", client_text(hooks, "text"));
	}
	if (client_number(hooks, "losses") > 0) {
		fprintf(out, "hook rules were lost or bypassed %lld time(s)\n",
		        client_number(hooks, "losses"));
	}
}

static void print_head(FILE *out, const json_t *stats)
{
	const json_t *table = json_object_get(stats, "table");
	long long up_sec = client_number(stats, "uptime_ms") / 1000;

	fprintf(out, "finwalld %s, up %lldd %lldh %lldm %llds, %lld reloads (%lld refused)\n",
	        client_text(stats, "version"), up_sec / 86400, up_sec / 3600 % 24, up_sec / 60 % 60,
	        up_sec % 60, client_number(stats, "reloads"),
	        client_number(stats, "reloads_failed"));
	fprintf(out, "connections %lld of %lld, remembered %lld of %lld\n",
	        client_number(table, "connections"), client_number(table, "connections_max"),
	        client_number(table, "remembered"), client_number(table, "remembered_max"));
	if (json_object_get(stats, "zeroed_ms_ago") != NULL) {
		fprintf(out, "counters since %lld s ago\n",
		        client_number(stats, "zeroed_ms_ago") / 1000);
	}
	if (json_object_get(stats, "confirm_ms") != NULL) {
		fprintf(out,
		        "the configuration before comes back in %lld s: finwall confirm keeps this "
		        "one\n",
		        client_number(stats, "confirm_ms") / 1000);
	}
	print_helpers(out, stats);
	print_hooks(out, json_object_get(stats, "hooks"));
	print_fast_path(out, json_object_get(stats, "fast_path"));
	fputc('\n', out);
}

static void print_reasons(const json_t *reasons, const struct stats_args *args)
{
	const json_t *row;
	size_t i;

	fprintf(args->out, "%-18s %-12s %12s  %s\n", "REASON", "STATE", "PACKETS", "MEANING");
	json_array_foreach(reasons, i, row)
	{
		/* late-close shows zero counters too: no refusal is a result */
		bool is_wanted = args->only_late_close
		                         ? is_late_close(client_text(row, "name"))
		                         : args->with_zeroes || client_number(row, "packets") > 0;

		if (is_wanted) {
			fprintf(args->out, "%-18s %-12s %12lld  %s\n", client_text(row, "name"),
			        client_text(row, "state"), client_number(row, "packets"),
			        client_text(row, "text"));
		}
	}
}

static void print_verdicts(FILE *out, const json_t *verdicts)
{
	const json_t *row;
	size_t i;

	fprintf(out, "\n%-8s %-12s %12s %12s %12s %16s\n", "HOOK", "STATE", "ACCEPTED", "DROPPED",
	        "REJECTED", "BYTES ACCEPTED");
	json_array_foreach(verdicts, i, row)
	{
		const json_t *accept = json_object_get(row, "accept");
		long long accepted = client_number(accept, "packets");
		long long dropped = client_number(json_object_get(row, "drop"), "packets");
		long long rejected = client_number(json_object_get(row, "reject"), "packets");

		if (accepted + dropped + rejected > 0) {
			fprintf(out, "%-8s %-12s %12lld %12lld %12lld %16lld\n",
			        client_text(row, "hook"), client_text(row, "state"), accepted,
			        dropped, rejected, client_number(accept, "bytes"));
		}
	}
}

static void print_counters(const json_t *counters, const char *heading,
                           const struct stats_args *args)
{
	const json_t *row;
	size_t i;

	fprintf(args->out, "\n%-31s %12s  %s\n", heading, "COUNT", "MEANING");
	json_array_foreach(counters, i, row)
	{
		if (args->with_zeroes || client_number(row, "count") > 0) {
			fprintf(args->out, "%-31s %12lld  %s\n", client_text(row, "name"),
			        client_number(row, "count"), client_text(row, "text"));
		}
	}
}

/* In microseconds. */
static void print_latencies(FILE *out, const json_t *latencies)
{
	const json_t *row;
	size_t i;

	json_array_foreach(latencies, i, row)
	{
		fprintf(out, "%-31s %12.1f  us, %s: 50 %%\n", client_text(row, "name"),
		        (double)client_number(row, "p50_ns") / 1e3, client_text(row, "text"));
		fprintf(out, "%-31s %12.1f  us, 99 %%\n", "",
		        (double)client_number(row, "p99_ns") / 1e3);
		fprintf(out, "%-31s %12.1f  us, 99.9 %%\n", "",
		        (double)client_number(row, "p999_ns") / 1e3);
	}
}

/* Prints nothing unless compare-kernel is on. */
static void print_compare(const json_t *compare, const struct stats_args *args)
{
	const json_t *row;
	size_t i;

	if (!json_is_true(json_object_get(compare, "on"))) {
		return;
	}
	print_counters(json_object_get(compare, "results"), "COMPARED WITH KERNEL", args);
	fprintf(args->out, "%-31s %12lld  of these, not explained\n", "differences",
	        client_number(compare, "differences"));
	fprintf(args->out, "\n%-12s %-18s %12s\n", "FINWALL", "KERNEL", "PACKETS");
	json_array_foreach(json_object_get(compare, "states"), i, row)
	{
		fprintf(args->out, "%-12s %-18s %12lld\n", client_text(row, "finwall"),
		        client_text(row, "kernel"), client_number(row, "packets"));
	}
}

/* Of each queue: the daemon's counters, the kernel's, the latencies. */
static void print_queues(const json_t *queues, const struct stats_args *args)
{
	const json_t *row;
	size_t i;

	json_array_foreach(queues, i, row)
	{
		const json_t *error;
		char heading[32];
		size_t nr;

		snprintf(heading, sizeof(heading), "QUEUE %lld", client_number(row, "number"));
		print_counters(json_object_get(row, "counters"), heading, args);
		fprintf(args->out, "%-31s %12lld  packets in the kernel without a verdict\n",
		        "waiting", client_number(row, "waiting"));
		fprintf(args->out, "%-31s %12lld  of these, held for a reply\n", "held",
		        client_number(row, "held"));
		fprintf(args->out, "%-31s %12lld  lost because the queue was full\n", "dropped",
		        client_number(row, "dropped"));
		fprintf(args->out, "%-31s %12lld  lost because the receive buffer was full\n",
		        "user-dropped", client_number(row, "user_dropped"));
		json_array_foreach(json_object_get(row, "kernel_errors"), nr, error)
		{
			fprintf(args->out, "%-31s %12lld  %s\n", "kernel-error",
			        client_number(error, "count"), client_text(error, "text"));
		}
		print_latencies(args->out, json_object_get(row, "latencies"));
	}
}

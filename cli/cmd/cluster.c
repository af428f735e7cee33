/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall cluster: this node, the engine of the cluster, and the other nodes.
 */
#include "client.h"
#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ NULL, 0, NULL, 0 },
};

static enum cli_exit run_cluster(const struct cli *cli, int argc, char **argv);

const struct cli_command cmd_cluster = {
	.name = "cluster",
	.args = "[--output text|json]",
	.summary = "show the nodes that share state with this one",
	.details = "-o, --output FORMAT  text or json\n"
		   "\n"
		   "Exit status 1: there is no cluster, or no connection to its engine.\n",
	.run = run_cluster,
};

static void print_times(const char *what, const json_t *times)
{
	if (client_number(times, "count") != 0) {
		printf("%s%lld, p50 %.1f ms, p99 %.1f ms", what, client_number(times, "count"),
		       (double)client_number(times, "p50_us") / 1000,
		       (double)client_number(times, "p99_us") / 1000);
	} else {
		printf("%snone", what);
	}
}

static void print_own(const json_t *o)
{
	const json_t *out = json_object_get(o, "out");
	const json_t *held = json_object_get(o, "held");
	bool is_connected = json_is_true(json_object_get(o, "connected"));
	const char *problem = client_text(o, "problem");

	printf("node %s of group %s, replicate %s\n", client_text(o, "node"),
	       client_text(o, "group"), client_text(o, "replicate"));
	printf("engine       %s: %s%s%s\n", client_text(o, "engine"),
	       is_connected ? "connected" : "not connected", *problem != '\0' ? ", " : "", problem);
	printf("entries      %lld own, %lld of other nodes\n", client_number(o, "own"),
	       client_number(o, "replicated"));
	printf("sent         %lld records in %lld messages, %lld bytes; %lld snapshots\n",
	       client_number(out, "records"), client_number(out, "messages"),
	       client_number(out, "bytes"), client_number(out, "snapshots"));
	print_times("acknowledged ", json_object_get(o, "acknowledged"));
	printf("\n");
	print_times("lag          ", json_object_get(o, "lag"));
	printf("\n");
	if (client_number(held, "count") != 0) {
		print_times("held packets ", held);
		printf("; %lld until their time was over%s\n", client_number(held, "late"),
		       json_is_true(json_object_get(o, "suspended")) ? "; none now: slow engine"
		                                                     : "");
	}
	if (client_number(out, "dropped") + client_number(out, "refused") != 0) {
		printf("dropped      %lld records; %lld messages were not taken\n",
		       client_number(out, "dropped"), client_number(out, "refused"));
	}
	if (client_number(o, "duplicates") != 0) {
		printf("another node has this node's name\n");
	}
}

static void print_node(const json_t *n)
{
	printf("%-16s  %-5s  %7lld  %7lld  %9lld  %10lld  %6lld  %7lld\n", client_text(n, "name"),
	       json_is_true(json_object_get(n, "alive")) ? "alive" : "gone",
	       client_number(n, "lag_ms"), client_number(n, "lag_max_ms"),
	       client_number(n, "messages"), client_number(n, "records"), client_number(n, "gaps"),
	       client_number(n, "refused") + client_number(n, "invalid"));
}

static enum cli_exit print_cluster(void *ctx, const json_t *o)
{
	const bool *is_json = ctx;
	const json_t *nodes = json_object_get(o, "nodes");
	const json_t *n;
	size_t i;

	if (*is_json) {
		json_dumpf(o, stdout, JSON_INDENT(2));
		printf("\n");
	} else if (!json_is_true(json_object_get(o, "on"))) {
		printf("no cluster: cluster engine is not set\n");
	} else {
		print_own(o);
		if (json_array_size(nodes) > 0) {
			printf("\n%-16s  %-5s  %7s  %7s  %9s  %10s  %6s  %7s\n", "NODE", "STATE",
			       "LAG ms", "MAX ms", "MESSAGES", "RECORDS", "GAPS", "INVALID");
		}
		json_array_foreach(nodes, i, n)
		{
			print_node(n);
		}
	}
	return json_is_true(json_object_get(o, "connected")) ? CLI_OK : CLI_REFUSED;
}

static enum cli_exit run_cluster(const struct cli *cli, int argc, char **argv)
{
	bool is_json = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		enum cli_exit code = opt == 'o' ? cli_output_format(&cmd_cluster, optarg, &is_json)
		                                : cli_usage(&cmd_cluster, "invalid option");

		if (code != CLI_OK) {
			return code;
		}
	}
	if (optind < argc) {
		return cli_usage(&cmd_cluster, "unexpected argument \"%s\"", argv[optind]);
	}
	return client_run(cli, &cmd_cluster, "GetCluster", NULL, CTL_LAST, print_cluster, &is_json);
}

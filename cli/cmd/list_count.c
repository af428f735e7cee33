/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers of connections. See list_count.h.
 */
#include "cmd/list_count.h"

#include "client.h"

#include <stdio.h>

static client_fn keep_counts;
static void print_counts(const json_t *counts);

enum cli_exit list_count(const struct cli *cli, const struct cli_command *cmd,
                         enum flow_view_kind kind, json_t *filter, const char *format)
{
	json_t *counts = NULL;
	enum cli_exit code;
	bool is_json;

	code = cli_output_format(cmd, format, &is_json);
	if (code != CLI_OK) {
		json_decref(filter);
		return code;
	}
	code = client_run(
		cli, cmd, "CountConnections",
		json_pack("{s:b, s:o}", "expired", kind == VIEW_REMEMBERED, "filter", filter),
		CTL_CONTINUES, keep_counts, &counts);
	if (code == CLI_OK && is_json) {
		json_dumpf(counts, stdout, JSON_INDENT(1));
		putchar('\n');
	} else if (code == CLI_OK) {
		print_counts(counts);
	}
	json_decref(counts);
	return code;
}

/* Those of the last reply. */
static enum cli_exit keep_counts(void *ctx, const json_t *parameters)
{
	json_t **counts = ctx;

	json_decref(*counts);
	*counts = json_incref(json_object_get(parameters, "counts"));
	return CLI_OK;
}

static void print_counts(const json_t *counts)
{
	long long total = 0;
	const json_t *row;
	size_t i;

	printf("%-10s %-12s %12s\n", "PROTO", "STATE", "CONNECTIONS");
	json_array_foreach(counts, i, row)
	{
		char number[16];

		snprintf(number, sizeof(number), "ip-%lld", client_number(row, "protocol_number"));
		printf("%-10s %-12s %12lld\n",
		       json_object_get(row, "protocol") != NULL ? client_text(row, "protocol")
		                                                : number,
		       client_text(row, "state"), client_number(row, "count"));
		total += client_number(row, "count");
	}
	printf("%-10s %-12s %12lld\n", "all", "", total);
}

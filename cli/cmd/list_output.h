/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections in the output formats of finwall list. Each is printed when it arrives: memory does
 * not grow with the table.
 */
#ifndef FINWALL_CLI_LIST_OUTPUT_H
#define FINWALL_CLI_LIST_OUTPUT_H

#include "client.h"
#include "cmd/list_columns.h"

struct list_output {
	enum flow_view_kind kind;
	const char *format;  /* to ask the daemon for */
	const char *heading; /* to be printed before the first line, or NULL */
	FILE *screen;        /* print columns there; NULL = print the daemon's lines */
	json_t *options;     /* of conntrack, to ask the daemon for; or NULL */
	bool is_json;
	bool has_items;
	long long left_out; /* of a sorted list */
	struct list_columns columns;
};

/* format: text, json or conntrack, or options of conntrack(8), as in its -o; several with commas.
 * Returns CLI_OK, or CLI_USAGE with a message. */
enum cli_exit list_output_init(struct list_output *out, const struct cli_command *cmd,
                               enum flow_view_kind kind, const char *format);

/* Prints these columns, LIST_COLUMNS_NAMES, whether on a terminal or not. Likewise. */
enum cli_exit list_output_columns(struct list_output *out, const struct cli_command *cmd,
                                  const char *names);

/* Calls ListConnections or GetConnection, and prints the replies. */
enum cli_exit list_output_run(struct list_output *out, const struct cli *cli,
                              const struct cli_command *cmd, const char *method, json_t *parameters,
                              enum ctl_more more);

/* code: of the call; only the array of a complete list is closed. */
void list_output_fini(struct list_output *out, enum cli_exit code);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall list on a terminal: connections in columns that are as wide as their contents, so that
 * most lines fit 80 columns. Pure but for the output; knows no socket.
 */
#ifndef FINWALL_CLI_LIST_COLUMNS_H
#define FINWALL_CLI_LIST_COLUMNS_H

#include <finwall/flow_text.h>

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#define LIST_COLUMNS_LEN 5 /* protocol, from, to, state, time; the status follows */

/* Zeroed before the first slice. */
struct list_columns {
	int width[LIST_COLUMNS_LEN];
	bool has_heading; /* printed */
};

/* Prints connections in the form of flow_json(). Columns become wider from slice to slice, never
 * narrower. The heading is printed with the first connection. */
void list_columns_print(struct list_columns *c, enum flow_view_kind kind, const json_t *items,
                        FILE *out);

#endif

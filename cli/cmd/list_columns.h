/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections in columns that are as wide as their contents, so that most lines fit 80 columns. On
 * a wider terminal there are more of them. Pure but for the output; knows no socket.
 */
#ifndef FINWALL_CLI_LIST_COLUMNS_H
#define FINWALL_CLI_LIST_COLUMNS_H

#include <finwall/flow_text.h>

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#define LIST_COLUMNS_MAX 16

/* Zeroed before the first slice: the usual columns. */
struct list_columns {
	unsigned terminal; /* its columns: what fits is added to the usual ones; 0 = nothing is */
	unsigned len;
	unsigned char column[LIST_COLUMNS_MAX];
	int width[LIST_COLUMNS_MAX];
	bool has_heading; /* printed */
};

/* For the help text and messages. */
#define LIST_COLUMNS_NAMES                                                                         \
	"proto, from, to, state, expires, ended, status, cause, hook, interface, age, idle, "      \
	"packets, bytes, rule"

/* Reads names with commas between them. Returns NULL, or the name that is wrong, in *text. */
const char *list_columns_read(struct list_columns *c, const char *text);

/* Prints connections in the form of flow_json(). Columns become wider from slice to slice, never
 * narrower. The heading is printed with the first connection. */
void list_columns_print(struct list_columns *c, enum flow_view_kind kind, const json_t *items,
                        FILE *out);

#endif

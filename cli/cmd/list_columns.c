/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections in columns. See list_columns.h.
 */
#include "cmd/list_columns.h"

#include <inttypes.h>
#include <string.h>

#define CELL_SIZE 64

enum column {
	COLUMN_PROTO,
	COLUMN_FROM,
	COLUMN_TO,
	COLUMN_STATE,
	COLUMN_TIME,
};

static void read_cells(const json_t *item, enum flow_view_kind kind,
                       char cell[LIST_COLUMNS_LEN][CELL_SIZE]);
static void print_cells(const struct list_columns *c, char cell[LIST_COLUMNS_LEN][CELL_SIZE],
                        FILE *out);
static void print_status(const json_t *item, enum flow_view_kind kind, FILE *out);
static void widen(struct list_columns *c, char cell[LIST_COLUMNS_LEN][CELL_SIZE]);

void list_columns_print(struct list_columns *c, enum flow_view_kind kind, const json_t *items,
                        FILE *out)
{
	char cell[LIST_COLUMNS_LEN][CELL_SIZE];
	char heading[LIST_COLUMNS_LEN][CELL_SIZE] = {
		"PROTO", "FROM", "TO", "STATE", "EXPIRES",
	};
	const json_t *item;
	size_t i;

	if (kind == VIEW_REMEMBERED) {
		strcpy(heading[COLUMN_TIME], "ENDED AGO");
	}
	widen(c, heading);
	json_array_foreach(items, i, item)
	{
		read_cells(item, kind, cell);
		widen(c, cell);
	}
	json_array_foreach(items, i, item)
	{
		if (!c->has_heading) {
			print_cells(c, heading, out);
			fputc('\n', out);
			c->has_heading = true;
		}
		read_cells(item, kind, cell);
		print_cells(c, cell, out);
		print_status(item, kind, out);
		fputc('\n', out);
	}
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static json_int_t number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

/* "192.0.2.1:80", "[2001:db8::1]:80", "192.0.2.1" */
static void end_text(const json_t *tuple, const char *address, const char *port, char *out)
{
	const char *addr = text_of(tuple, address);
	const json_t *number = json_object_get(tuple, port);

	if (number == NULL) {
		snprintf(out, CELL_SIZE, "%s", addr);
		return;
	}
	snprintf(out, CELL_SIZE, strchr(addr, ':') != NULL ? "[%s]:%" PRId64 : "%s:%" PRId64, addr,
	         (int64_t)json_integer_value(number));
}

/* Two units are exact enough to read: "4d23h", "19m59s", "7s". */
static void time_text(int64_t sec, char *out)
{
	if (sec >= 86400) {
		snprintf(out, CELL_SIZE, "%" PRId64 "d%" PRId64 "h", sec / 86400, sec / 3600 % 24);
	} else if (sec >= 3600) {
		snprintf(out, CELL_SIZE, "%" PRId64 "h%" PRId64 "m", sec / 3600, sec / 60 % 60);
	} else if (sec >= 60) {
		snprintf(out, CELL_SIZE, "%" PRId64 "m%" PRId64 "s", sec / 60, sec % 60);
	} else {
		snprintf(out, CELL_SIZE, "%" PRId64 "s", sec);
	}
}

static void read_cells(const json_t *item, enum flow_view_kind kind,
                       char cell[LIST_COLUMNS_LEN][CELL_SIZE])
{
	const json_t *tuple = json_object_get(item, "original");
	const char *proto = text_of(item, "protocol");
	const char *time = kind == VIEW_LIVE ? "expires_ms" : "ended_ms_ago";

	snprintf(cell[COLUMN_PROTO], CELL_SIZE, "%s", proto);
	if (*proto == '\0') {
		snprintf(cell[COLUMN_PROTO], CELL_SIZE, "ip-%d",
		         (int)number_of(item, "protocol_number"));
	}
	end_text(tuple, "source", "source_port", cell[COLUMN_FROM]);
	end_text(tuple, "destination", "destination_port", cell[COLUMN_TO]);
	snprintf(cell[COLUMN_STATE], CELL_SIZE, "%s", text_of(item, "state"));
	if (json_object_get(tuple, "type") != NULL) {
		snprintf(cell[COLUMN_STATE], CELL_SIZE, "type %d id %d",
		         (int)number_of(tuple, "type"), (int)number_of(tuple, "id"));
	} else if (*cell[COLUMN_STATE] == '\0') {
		strcpy(cell[COLUMN_STATE], "-");
	}
	time_text((int64_t)number_of(item, time) / 1000, cell[COLUMN_TIME]);
}

static void print_cells(const struct list_columns *c, char cell[LIST_COLUMNS_LEN][CELL_SIZE],
                        FILE *out)
{
	for (int i = 0; i < LIST_COLUMNS_LEN; i++) {
		fprintf(out, "%s%*s", i > 0 ? " " : "",
		        i == COLUMN_TIME ? c->width[i] : -c->width[i], cell[i]);
	}
}

/* The words of flow_text(). */
static void print_status(const json_t *item, enum flow_view_kind kind, FILE *out)
{
	if (kind == VIEW_REMEMBERED) {
		fprintf(out, " %s", text_of(item, "cause"));
		return;
	}
	fputs(json_is_true(json_object_get(item, "assured"))   ? " assured"
	      : json_is_true(json_object_get(item, "replied")) ? " replied"
	                                                       : " unreplied",
	      out);
	if (json_is_true(json_object_get(item, "revived"))) {
		fputs(" revived", out);
	}
	if (*text_of(item, "interface") != '\0') {
		fprintf(out, " %s %s", strcmp(text_of(item, "hook"), "output") == 0 ? "out" : "in",
		        text_of(item, "interface"));
	}
}

static void widen(struct list_columns *c, char cell[LIST_COLUMNS_LEN][CELL_SIZE])
{
	for (int i = 0; i < LIST_COLUMNS_LEN; i++) {
		int width = (int)strlen(cell[i]);

		c->width[i] = width > c->width[i] ? width : c->width[i];
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections in columns. See list_columns.h.
 */
#include "cmd/list_columns.h"

#include <inttypes.h>
#include <string.h>

#define CELL_SIZE 64

typedef void cell_fn(const json_t *item, char out[CELL_SIZE]);

static cell_fn proto_cell, from_cell, to_cell, state_cell, expires_cell, ended_cell, status_cell;
static cell_fn cause_cell, hook_cell, interface_cell, age_cell, idle_cell, packets_cell;
static cell_fn bytes_cell, rule_cell, flags_cell;

enum column {
	COLUMN_PROTO,
	COLUMN_FROM,
	COLUMN_TO,
	COLUMN_STATE,
	COLUMN_EXPIRES,
	COLUMN_ENDED,
	COLUMN_STATUS,
	COLUMN_CAUSE,
	COLUMN_HOOK,
	COLUMN_INTERFACE,
	COLUMN_AGE,
	COLUMN_IDLE,
	COLUMN_PACKETS,
	COLUMN_BYTES,
	COLUMN_RULE,
	COLUMN_FLAGS, /* status, and the interface with its direction: by default */
	COLUMNS_LEN,
};

static const struct {
	const char *name;
	const char *heading;
	cell_fn *cell;
	bool is_right; /* aligned */
} columns[COLUMNS_LEN] = {
	[COLUMN_PROTO] = { "proto", "PROTO", proto_cell, false },
	[COLUMN_FROM] = { "from", "FROM", from_cell, false },
	[COLUMN_TO] = { "to", "TO", to_cell, false },
	[COLUMN_STATE] = { "state", "STATE", state_cell, false },
	[COLUMN_EXPIRES] = { "expires", "EXPIRES", expires_cell, true },
	[COLUMN_ENDED] = { "ended", "ENDED AGO", ended_cell, true },
	[COLUMN_STATUS] = { "status", "STATUS", status_cell, false },
	[COLUMN_CAUSE] = { "cause", "CAUSE", cause_cell, false },
	[COLUMN_HOOK] = { "hook", "HOOK", hook_cell, false },
	[COLUMN_INTERFACE] = { "interface", "IFACE", interface_cell, false },
	[COLUMN_AGE] = { "age", "AGE", age_cell, true },
	[COLUMN_IDLE] = { "idle", "IDLE", idle_cell, true },
	[COLUMN_PACKETS] = { "packets", "PACKETS", packets_cell, true },
	[COLUMN_BYTES] = { "bytes", "BYTES", bytes_cell, true },
	[COLUMN_RULE] = { "rule", "RULE", rule_cell, false },
	[COLUMN_FLAGS] = { "", "", flags_cell, false },
};

static void use_usual(struct list_columns *c, enum flow_view_kind kind);
static void use_more(struct list_columns *c, const json_t *items);
static void widen(struct list_columns *c, const json_t *items);
static void print_line(const struct list_columns *c, const json_t *item, FILE *out);
static void read_cell(const json_t *item, unsigned column, char out[CELL_SIZE]);
static int cells_width(const json_t *items, unsigned column);

const char *list_columns_read(struct list_columns *c, const char *text)
{
	for (;;) {
		size_t size = strcspn(text, ",");
		unsigned i = 0;

		while (i < COLUMN_FLAGS && (strlen(columns[i].name) != size ||
		                            strncmp(text, columns[i].name, size) != 0)) {
			i++;
		}
		if (i == COLUMN_FLAGS || c->len == LIST_COLUMNS_MAX) {
			return text;
		}
		c->column[c->len++] = (unsigned char)i;
		if (text[size] == '\0') {
			return NULL;
		}
		text += size + 1;
	}
}

void list_columns_print(struct list_columns *c, enum flow_view_kind kind, const json_t *items,
                        FILE *out)
{
	const json_t *item;
	size_t i;

	if (json_array_size(items) == 0) {
		return;
	}
	if (c->len == 0) {
		use_usual(c, kind);
		use_more(c, items);
	}
	widen(c, items);
	if (!c->has_heading) {
		print_line(c, NULL, out);
		c->has_heading = true;
	}
	json_array_foreach(items, i, item)
	{
		print_line(c, item, out);
	}
}

static void use_usual(struct list_columns *c, enum flow_view_kind kind)
{
	const unsigned char usual[] = {
		COLUMN_PROTO,
		COLUMN_FROM,
		COLUMN_TO,
		COLUMN_STATE,
		kind == VIEW_LIVE ? COLUMN_EXPIRES : COLUMN_ENDED,
		kind == VIEW_LIVE ? COLUMN_FLAGS : COLUMN_CAUSE,
	};

	memcpy(c->column, usual, sizeof(usual));
	c->len = sizeof(usual);
}

/* Adds columns before the last one, as long as they have contents and the terminal is wide enough.
 */
static void use_more(struct list_columns *c, const json_t *items)
{
	static const unsigned char more[] = { COLUMN_BYTES, COLUMN_PACKETS, COLUMN_AGE, COLUMN_IDLE,
		                              COLUMN_RULE };
	unsigned used = 0;

	for (unsigned i = 0; i < c->len; i++) {
		used += (unsigned)cells_width(items, c->column[i]) + 1;
	}
	for (unsigned i = 0; i < sizeof(more); i++) {
		unsigned width = (unsigned)cells_width(items, more[i]) + 1;

		/* Some blanks for what is wider in the next slices. */
		if (width == 1 || used + width + 4 > c->terminal) {
			continue;
		}
		used += width;
		c->column[c->len] = c->column[c->len - 1];
		c->column[c->len - 1] = more[i];
		c->len++;
	}
}

/* The width of a column with its heading; 0 if no item has contents. */
static int cells_width(const json_t *items, unsigned column)
{
	int width = 0;
	const json_t *item;
	char cell[CELL_SIZE];
	size_t i;

	json_array_foreach(items, i, item)
	{
		read_cell(item, column, cell);
		width = (int)strlen(cell) > width ? (int)strlen(cell) : width;
	}
	if (width > 0 && (int)strlen(columns[column].heading) > width) {
		width = (int)strlen(columns[column].heading);
	}
	return width;
}

static void widen(struct list_columns *c, const json_t *items)
{
	for (unsigned i = 0; i < c->len; i++) {
		int width = cells_width(items, c->column[i]);

		c->width[i] = width > c->width[i] ? width : c->width[i];
	}
}

static void read_cell(const json_t *item, unsigned column, char out[CELL_SIZE])
{
	*out = '\0';
	columns[column].cell(item, out);
}

/* item: NULL = the heading. No blanks at the end. */
static void print_line(const struct list_columns *c, const json_t *item, FILE *out)
{
	int pad = 0;

	for (unsigned i = 0; i < c->len; i++) {
		unsigned column = c->column[i];
		char cell[CELL_SIZE];
		int size;

		if (item != NULL) {
			read_cell(item, column, cell);
		} else {
			snprintf(cell, sizeof(cell), "%s", columns[column].heading);
		}
		size = (int)strlen(cell);
		if (columns[column].is_right) {
			pad += c->width[i] > size ? c->width[i] - size : 0;
		}
		if (size > 0) {
			fprintf(out, "%*s%s", pad, "", cell);
			pad = 0;
		}
		pad += 1;
		if (!columns[column].is_right) {
			pad += c->width[i] > size ? c->width[i] - size : 0;
		}
	}
	fputc('\n', out);
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

static void proto_cell(const json_t *item, char out[CELL_SIZE])
{
	const char *proto = text_of(item, "protocol");

	if (*proto == '\0') {
		snprintf(out, CELL_SIZE, "ip-%d", (int)number_of(item, "protocol_number"));
		return;
	}
	snprintf(out, CELL_SIZE, "%s", proto);
}

/* "192.0.2.1:80", "[2001:db8::1]:80", "192.0.2.1" */
static void end_cell(const json_t *item, const char *address, const char *port, char out[CELL_SIZE])
{
	const json_t *tuple = json_object_get(item, "original");
	const char *addr = text_of(tuple, address);
	const json_t *number = json_object_get(tuple, port);

	if (number == NULL) {
		snprintf(out, CELL_SIZE, "%s", addr);
		return;
	}
	snprintf(out, CELL_SIZE, strchr(addr, ':') != NULL ? "[%s]:%" PRId64 : "%s:%" PRId64, addr,
	         (int64_t)json_integer_value(number));
}

static void from_cell(const json_t *item, char out[CELL_SIZE])
{
	end_cell(item, "source", "source_port", out);
}

static void to_cell(const json_t *item, char out[CELL_SIZE])
{
	end_cell(item, "destination", "destination_port", out);
}

static void state_cell(const json_t *item, char out[CELL_SIZE])
{
	const json_t *tuple = json_object_get(item, "original");
	const char *state = text_of(item, "state");

	if (json_object_get(tuple, "type") != NULL) {
		snprintf(out, CELL_SIZE, "type %d id %d", (int)number_of(tuple, "type"),
		         (int)number_of(tuple, "id"));
		return;
	}
	snprintf(out, CELL_SIZE, "%s", *state != '\0' ? state : "-");
}

/* Two units are exact enough to read: "4d23h", "19m59s", "7s". */
static void time_cell(const json_t *item, const char *member, char out[CELL_SIZE])
{
	const json_t *msec = json_object_get(item, member);
	int64_t sec = (int64_t)json_integer_value(msec) / 1000;

	if (msec == NULL) {
		return;
	}
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

static void expires_cell(const json_t *item, char out[CELL_SIZE])
{
	time_cell(item, "expires_ms", out);
}

static void ended_cell(const json_t *item, char out[CELL_SIZE])
{
	time_cell(item, "ended_ms_ago", out);
}

static void age_cell(const json_t *item, char out[CELL_SIZE])
{
	time_cell(item, "age_ms", out);
}

static void idle_cell(const json_t *item, char out[CELL_SIZE])
{
	time_cell(item, "idle_ms", out);
}

/* Of both directions: "7000", "12k", "34M" */
static void sum_cell(const json_t *item, const char *member, char out[CELL_SIZE])
{
	static const char units[] = " kMGTP";
	const json_t *original = json_object_get(item, "original");
	double n = (double)(number_of(original, member) +
	                    number_of(json_object_get(item, "reply"), member));
	unsigned u = 0;

	if (json_object_get(original, member) == NULL) {
		return;
	}
	while (n >= 9999.5 && u + 2 < sizeof(units)) {
		n /= 1000;
		u++;
	}
	if (u == 0) {
		snprintf(out, CELL_SIZE, "%.0f", n);
	} else {
		snprintf(out, CELL_SIZE, "%.0f%c", n, units[u]);
	}
}

static void packets_cell(const json_t *item, char out[CELL_SIZE])
{
	sum_cell(item, "packets", out);
}

static void bytes_cell(const json_t *item, char out[CELL_SIZE])
{
	sum_cell(item, "bytes", out);
}

/* "finwall.conf:12"; "policy input" */
static void rule_cell(const json_t *item, char out[CELL_SIZE])
{
	const json_t *rule = json_object_get(item, "rule");
	const json_t *policy = json_object_get(item, "policy_chain");
	const char *file = text_of(rule, "file");
	const char *name = strrchr(file, '/');

	if (rule != NULL) {
		snprintf(out, CELL_SIZE, "%.48s:%d", name != NULL ? name + 1 : file,
		         (int)number_of(rule, "line"));
	} else if (policy != NULL) {
		snprintf(out, CELL_SIZE, "policy %.48s", text_of(policy, "chain"));
	}
}

/* The words of flow_text(). */
static void status_cell(const json_t *item, char out[CELL_SIZE])
{
	snprintf(out, CELL_SIZE, "%s%s",
	         json_is_true(json_object_get(item, "assured"))   ? "assured"
	         : json_is_true(json_object_get(item, "replied")) ? "replied"
	                                                          : "unreplied",
	         json_is_true(json_object_get(item, "revived")) ? " revived" : "");
}

static void cause_cell(const json_t *item, char out[CELL_SIZE])
{
	snprintf(out, CELL_SIZE, "%s", text_of(item, "cause"));
}

static void hook_cell(const json_t *item, char out[CELL_SIZE])
{
	snprintf(out, CELL_SIZE, "%s", text_of(item, "hook"));
}

static void interface_cell(const json_t *item, char out[CELL_SIZE])
{
	snprintf(out, CELL_SIZE, "%s", text_of(item, "interface"));
}

static void flags_cell(const json_t *item, char out[CELL_SIZE])
{
	const char *name = text_of(item, "interface");
	size_t used;

	status_cell(item, out);
	used = strlen(out);
	if (*name != '\0') {
		snprintf(out + used, CELL_SIZE - used, " %s %s",
		         strcmp(text_of(item, "hook"), "output") == 0 ? "out" : "in", name);
	}
}

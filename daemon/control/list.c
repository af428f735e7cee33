/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ListConnections: live or remembered connections, a slice per reply. GetConnection: one of them.
 *
 * A slice is copied out of the engine, filtered and sent. The next one is taken when the client has
 * read most of its output. So a list of any length costs one slice of memory, and a slow client
 * delays nobody.
 */
#include "method.h"

#include "io/clock.h"
#include "io/ifname.h"

#include <finwall/flow_text.h>

#include <stdlib.h>
#include <string.h>

#define SLICE_LEN 256

enum list_format {
	LIST_JSON,
	LIST_TEXT,
	LIST_CONNTRACK,
	LIST_FORMATS_LEN,
};

static const char *const format_names[LIST_FORMATS_LEN] = { "json", "text", "conntrack" };

struct list {
	struct ctl_stream stream;
	const struct control_env *env;
	enum list_format format;
	enum flow_view_kind kind;
	struct flow_filter filter;
	struct engine_cursor cursor;
};

static void list_next(struct ctl_stream *s, struct ctl_client *c);
static const char *items_member(const struct list *l);
static void list_free(struct ctl_stream *s);
static bool read_format(const struct ctl_call *call, enum list_format *out);
static void slice_live(struct list *l, json_t *items);
static void slice_remembered(struct list *l, json_t *items);
static void add_item(const struct list *l, const struct flow_view *v, json_t *items);

void control_list_connections(struct control *ctl, struct ctl_client *c,
                              const struct ctl_call *call)
{
	const char *wrong = "format";
	bool is_expired = false;
	struct list *l;

	if (!call->wants_more) {
		ctl_client_error(c, "org.varlink.service.ExpectedMore", NULL);
		return;
	}
	l = calloc(1, sizeof(*l));
	if (l == NULL) {
		method_out_of_memory(c);
		return;
	}
	l->stream.next = list_next;
	l->stream.free = list_free;
	l->env = &ctl->env;
	if (!read_format(call, &l->format) ||
	    !flow_filter_parse(json_object_get(call->parameters, "filter"), &l->filter, &wrong)) {
		free(l);
		method_invalid_parameter(c, wrong);
		return;
	}
	if (!method_read_flag(call, "expired", &is_expired)) {
		free(l);
		method_invalid_parameter(c, "expired");
		return;
	}
	l->kind = is_expired ? VIEW_REMEMBERED : VIEW_LIVE;
	ctl_client_stream(c, &l->stream);
}

void control_get_connection(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	struct list l = { .env = &ctl->env, .kind = VIEW_LIVE };
	struct mono now = clock_now();
	const char *wrong = "format";
	char name[IFNAMSIZ];
	struct flow_view v;
	struct flowkey key;
	struct flow f;
	json_t *items;

	if (!read_format(call, &l.format) || !flow_key_parse(call->parameters, &key, &wrong)) {
		method_invalid_parameter(c, wrong);
		return;
	}
	if (!engine_find_flow(ctl->env.engine, &key, now, &f)) {
		method_refuse(c, CTL_ERROR("NotFound"), "no such connection");
		return;
	}
	items = json_array();
	flow_view_live(&f, now, ifnames_get(ctl->env.ifnames, f.ifindex, name), &v);
	add_item(&l, &v, items);
	ctl_client_reply(c, json_pack("{s:o}", items_member(&l), items), CTL_LAST);
}

/* One slice a turn, also when nothing in it matches the filter. */
static void list_next(struct ctl_stream *s, struct ctl_client *c)
{
	struct list *l = (struct list *)s;
	json_t *items = json_array();
	bool is_over;

	if (l->kind == VIEW_LIVE) {
		slice_live(l, items);
	} else {
		slice_remembered(l, items);
	}
	is_over = engine_list_is_over(l->env->engine, &l->cursor);
	ctl_client_reply(c, json_pack("{s:o}", items_member(l), items),
	                 is_over ? CTL_LAST : CTL_CONTINUES);
}

static const char *items_member(const struct list *l)
{
	return l->format == LIST_JSON ? "connections" : "lines";
}

static void list_free(struct ctl_stream *s)
{
	free(s);
}

static bool read_format(const struct ctl_call *call, enum list_format *out)
{
	const json_t *value = json_object_get(call->parameters, "format");
	const char *name = json_string_value(value);

	*out = LIST_JSON;
	if (value == NULL) {
		return true;
	}
	for (unsigned f = 0; name != NULL && f < LIST_FORMATS_LEN; f++) {
		if (strcmp(name, format_names[f]) == 0) {
			*out = f;
			return true;
		}
	}
	return false;
}

/* Append the next entries of the list. */
static void slice_live(struct list *l, json_t *items)
{
	struct mono now = clock_now();
	struct flow flows[SLICE_LEN];
	size_t n = engine_list_flows(l->env->engine, &l->cursor, now, flows, SLICE_LEN);

	for (size_t i = 0; i < n; i++) {
		struct flow_view v;
		char name[IFNAMSIZ];

		flow_view_live(&flows[i], now, ifnames_get(l->env->ifnames, flows[i].ifindex, name),
		               &v);
		add_item(l, &v, items);
	}
}

static void slice_remembered(struct list *l, json_t *items)
{
	struct mono now = clock_now();
	struct tomb_info tombs[SLICE_LEN];
	size_t n = engine_list_tombs(l->env->engine, &l->cursor, now, tombs, SLICE_LEN);

	for (size_t i = 0; i < n; i++) {
		struct flow_view v;

		flow_view_remembered(&tombs[i], now, &v);
		add_item(l, &v, items);
	}
}

static void add_item(const struct list *l, const struct flow_view *v, json_t *items)
{
	char line[FLOW_LINE_SIZE];

	if (!flow_filter_matches(&l->filter, v)) {
		return;
	}
	switch (l->format) {
	case LIST_TEXT:
		flow_text(v, line, sizeof(line));
		break;
	case LIST_CONNTRACK:
		flow_conntrack(v, line, sizeof(line));
		break;
	default:
		json_array_append_new(items, flow_json(v));
		return;
	}
	json_array_append_new(items, json_string(line));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ListConnections: live or remembered connections, a slice per reply. CountConnections: their
 * numbers, also in slices. GetConnection: one of them.
 *
 * A slice is copied out of the engine, filtered and sent. The next one is taken when the client has
 * read most of its output. So a list of any length costs one slice of memory, and a slow client
 * delays nobody.
 */
#include "method.h"

#include "generation.h"
#include "io/clock.h"
#include "io/ifname.h"
#include "wire/flow_sort.h"
#include "wire/trace_text.h"

#include <finwall/flow_text.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLICE_LEN 256

/* Counted are the TCP states, or for other protocols these three. */
#define STATES_LEN TCP_STATES_LEN
static const char *const status_names[] = { "unreplied", "replied", "assured" };
#define PROTOS_LEN 256

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
	struct flow_sort *sort; /* NULL = in the order of the table */
	size_t sorted_len;      /* after the whole table was read */
	size_t sorted_at;       /* those before were sent */
	bool is_sorted;
	unsigned options; /* CONNTRACK_* */
	struct flow_filter filter;
	struct engine_cursor cursor;
	json_t *items;                  /* of the slice: lines, or connections */
	uint64_t (*counts)[STATES_LEN]; /* by protocol; NULL = list */
};

static void list_next(struct ctl_stream *s, struct ctl_client *c);
static const char *items_member(const struct list *l);
static void count_next(struct ctl_stream *s, struct ctl_client *c);
static void list_free(struct ctl_stream *s);
static bool read_format(const struct ctl_call *call, enum list_format *out);
static bool read_options(const struct ctl_call *call, struct list *l);
static bool parse_selection(const struct ctl_call *call, struct list *l, const char **wrong);
static void next_slice(struct list *l);
static void slice_live(struct list *l);
static void slice_remembered(struct list *l);
static void add_item(struct list *l, const struct flow_view *v, uint32_t ifindex);
static void write_item(struct list *l, const struct flow_view *v);
static bool next_sorted(struct list *l);
static const char *read_sort(const struct ctl_call *call, struct list *l);
static void count_item(struct list *l, const struct flow_view *v);
static json_t *counts_json(const struct list *l);

void control_list_connections(struct control *ctl, struct ctl_client *c,
                              const struct ctl_call *call)
{
	const char *wrong = "format";
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
	if (!read_format(call, &l->format) || !parse_selection(call, l, &wrong)) {
		list_free(&l->stream);
		method_invalid_parameter(c, wrong);
		return;
	}
	if (!read_options(call, l)) {
		list_free(&l->stream);
		method_invalid_parameter(c, "options");
		return;
	}
	wrong = read_sort(call, l);
	if (wrong != NULL) {
		list_free(&l->stream);
		method_invalid_parameter(c, wrong);
		return;
	}
	ctl_client_stream(c, &l->stream);
}

void control_count_connections(struct control *ctl, struct ctl_client *c,
                               const struct ctl_call *call)
{
	const char *wrong;
	struct list *l;

	if (!call->wants_more) {
		ctl_client_error(c, "org.varlink.service.ExpectedMore", NULL);
		return;
	}
	l = calloc(1, sizeof(*l));
	if (l != NULL) {
		l->counts = calloc(PROTOS_LEN, sizeof(*l->counts));
	}
	if (l == NULL || l->counts == NULL) {
		free(l);
		method_out_of_memory(c);
		return;
	}
	l->stream.next = count_next;
	l->stream.free = list_free;
	l->env = &ctl->env;
	if (!parse_selection(call, l, &wrong)) {
		list_free(&l->stream);
		method_invalid_parameter(c, wrong);
		return;
	}
	ctl_client_stream(c, &l->stream);
}

static bool parse_selection(const struct ctl_call *call, struct list *l, const char **wrong)
{
	bool is_expired;

	if (!flow_filter_parse(json_object_get(call->parameters, "filter"), &l->filter, wrong)) {
		return false;
	}
	*wrong = "expired";
	if (!method_read_flag(call, "expired", &is_expired)) {
		return false;
	}
	l->kind = is_expired ? VIEW_REMEMBERED : VIEW_LIVE;
	return true;
}

void control_get_connection(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	struct list l = { .env = &ctl->env, .kind = VIEW_LIVE };
	struct mono now = clock_now();
	const char *wrong = "format";
	char name[IFNAMSIZ];
	struct flow_view v;
	struct flowkey key;
	struct flow_account account;
	struct flow f;

	if (!read_format(call, &l.format) || !flow_key_parse(call->parameters, &key, &wrong)) {
		method_invalid_parameter(c, wrong);
		return;
	}
	if (!read_options(call, &l)) {
		method_invalid_parameter(c, "options");
		return;
	}
	if (!engine_find_account(ctl->env.engine, &key, now, &f, &account)) {
		method_refuse(c, CTL_ERROR("NotFound"), "no such connection");
		return;
	}
	l.items = json_array();
	flow_view_live(&f, now, ifnames_get(ctl->env.ifnames, f.ifindex, name), &v);
	v.origin = f.timer[0];
	flow_view_account(&v, &account, now);
	write_item(&l, &v);
	ctl_client_reply(c, json_pack("{s:o}", items_member(&l), l.items), CTL_LAST);
}

/* One slice a turn, also when nothing in it matches the filter. */
static void list_next(struct ctl_stream *s, struct ctl_client *c)
{
	struct list *l = (struct list *)s;
	bool is_over;
	json_t *reply;

	l->items = json_array();
	if (l->sort != NULL) {
		is_over = next_sorted(l);
		if (json_array_size(l->items) == 0 && !is_over) {
			/* The table is still being read. */
			json_decref(l->items);
			l->items = NULL;
			ctl_client_again(c, 0);
			return;
		}
	} else {
		next_slice(l);
		is_over = engine_list_is_over(l->env->engine, &l->cursor);
	}
	reply = json_pack("{s:o}", items_member(l), l->items);
	if (l->sort != NULL && is_over) {
		json_object_set_new(reply, "left_out",
		                    json_integer((json_int_t)flow_sort_left_out(l->sort)));
	}
	l->items = NULL;
	ctl_client_reply(c, reply, is_over ? CTL_LAST : CTL_CONTINUES);
}

static void count_next(struct ctl_stream *s, struct ctl_client *c)
{
	struct list *l = (struct list *)s;
	bool is_over;

	next_slice(l);
	is_over = engine_list_is_over(l->env->engine, &l->cursor);
	ctl_client_reply(c, json_pack("{s:o}", "counts", is_over ? counts_json(l) : json_array()),
	                 is_over ? CTL_LAST : CTL_CONTINUES);
}

static void next_slice(struct list *l)
{
	if (l->kind == VIEW_LIVE) {
		slice_live(l);
	} else {
		slice_remembered(l);
	}
}

static const char *items_member(const struct list *l)
{
	return l->format == LIST_JSON ? "connections" : "lines";
}

static void list_free(struct ctl_stream *s)
{
	struct list *l = (struct list *)s;

	flow_sort_free(l->sort);
	free(l->counts);
	free(l);
}

/* Reads a slice of the table into the heap, or sends a slice of the result. Returns true at the
 * end. */
static bool next_sorted(struct list *l)
{
	struct flow_sort *sort = l->sort;

	if (!l->is_sorted) {
		next_slice(l);
		l->is_sorted = engine_list_is_over(l->env->engine, &l->cursor);
		if (!l->is_sorted) {
			return false;
		}
		l->sorted_len = flow_sort_finish(sort);
	}
	for (size_t i = 0; i < SLICE_LEN && l->sorted_at < l->sorted_len; i++) {
		struct flow_view v;
		char name[IFNAMSIZ];
		uint32_t ifindex;

		v = *flow_sort_at(sort, l->sorted_at++, &ifindex);
		if (v.kind == VIEW_LIVE) {
			const char *ifname = ifnames_get(l->env->ifnames, ifindex, name);

			v.ifname = ifname != NULL ? ifname : "";
		}
		write_item(l, &v);
	}
	return l->sorted_at == l->sorted_len;
}

/* Returns the name of the parameter that is wrong, or NULL. */
static const char *read_sort(const struct ctl_call *call, struct list *l)
{
	const json_t *sort = json_object_get(call->parameters, "sort");
	const json_t *limit = json_object_get(call->parameters, "limit");
	json_int_t n = limit != NULL ? json_integer_value(limit) : FLOW_SORT_LIMIT_DEFAULT;
	enum flow_order order;

	if (n < 1 || n > FLOW_SORT_LIMIT_MAX || (limit != NULL && sort == NULL)) {
		return "limit";
	}
	if (sort == NULL) {
		return NULL;
	}
	if (!json_is_string(sort) || !flow_order_read(json_string_value(sort), &order)) {
		return "sort";
	}
	l->sort = flow_sort_new(order, (size_t)n);
	return l->sort != NULL ? NULL : "sort";
}

/* Options of conntrack(8). */
static bool read_options(const struct ctl_call *call, struct list *l)
{
	static const struct {
		const char *name;
		unsigned flag;
	} options[] = {
		{ "extended", CONNTRACK_EXTENDED },
		{ "id", CONNTRACK_ID },
		{ "ktimestamp", CONNTRACK_KTIMESTAMP },
		{ "timestamp", 0 }, /* of events only, as in conntrack(8) */
	};
	const json_t *value = json_object_get(call->parameters, "options");
	const json_t *item;
	size_t i;

	if (value != NULL && !json_is_array(value)) {
		return false;
	}
	json_array_foreach(value, i, item)
	{
		const char *name = json_string_value(item);
		size_t o = 0;

		while (o < sizeof(options) / sizeof(options[0]) &&
		       (name == NULL || strcmp(name, options[o].name) != 0)) {
			o++;
		}
		if (o == sizeof(options) / sizeof(options[0])) {
			return false;
		}
		l->options |= options[o].flag;
	}
	return true;
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
static void slice_live(struct list *l)
{
	struct mono now = clock_now();
	struct flow flows[SLICE_LEN];
	struct flow_account accounts[SLICE_LEN];
	size_t n =
		engine_list_accounts(l->env->engine, &l->cursor, now, flows, accounts, SLICE_LEN);

	for (size_t i = 0; i < n; i++) {
		struct flow_view v;
		char name[IFNAMSIZ];

		flow_view_live(&flows[i], now, ifnames_get(l->env->ifnames, flows[i].ifindex, name),
		               &v);
		v.origin = flows[i].timer[0];
		flow_view_account(&v, &accounts[i], now);
		add_item(l, &v, flows[i].ifindex);
	}
}

static void slice_remembered(struct list *l)
{
	struct mono now = clock_now();
	struct tomb_info tombs[SLICE_LEN];
	size_t n = engine_list_tombs(l->env->engine, &l->cursor, now, tombs, SLICE_LEN);

	for (size_t i = 0; i < n; i++) {
		struct flow_view v;

		flow_view_remembered(&tombs[i], now, &v);
		add_item(l, &v, 0);
	}
}

/* A connection with the rule that let it in, if the rules in force have it. */
static json_t *connection_json(const struct list *l, const struct flow_view *v)
{
	const struct generation *g = l->env->generations->current;
	json_t *o = flow_json(v);
	uint32_t rule_nr;

	if (v->kind == VIEW_LIVE &&
	    flow_origin_rule(v->origin, g->shared.policy.generation, &rule_nr)) {
		rule_json_add(o, g->config, rule_nr, (enum base_chain)v->hook, v->orig.family);
	}
	return o;
}

static void add_item(struct list *l, const struct flow_view *v, uint32_t ifindex)
{
	if (!flow_filter_matches(&l->filter, v)) {
		return;
	}
	if (l->counts != NULL) {
		count_item(l, v);
	} else if (l->sort != NULL) {
		/* Without memory it is left out. */
		(void)flow_sort_add(l->sort, v, ifindex);
	} else {
		write_item(l, v);
	}
}

static void write_item(struct list *l, const struct flow_view *v)
{
	char line[FLOW_LINE_SIZE];

	switch (l->format) {
	case LIST_TEXT:
		flow_text(v, line, sizeof(line));
		break;
	case LIST_CONNTRACK:
		flow_conntrack(v, l->options, (int64_t)time(NULL), line, sizeof(line));
		break;
	default:
		json_array_append_new(l->items, connection_json(l, v));
		return;
	}
	json_array_append_new(l->items, json_string(line));
}

static void count_item(struct list *l, const struct flow_view *v)
{
	unsigned state = v->orig.proto == IPPROTO_TCP         ? v->tcp.state
	                 : (v->status & FLOW_ASSURED) != 0    ? 2
	                 : (v->status & FLOW_SEEN_REPLY) != 0 ? 1
	                                                      : 0;

	l->counts[v->orig.proto][state]++;
}

static json_t *counts_json(const struct list *l)
{
	json_t *counts = json_array();

	for (unsigned proto = 0; proto < PROTOS_LEN; proto++) {
		for (unsigned s = 0; s < STATES_LEN; s++) {
			if (l->counts[proto][s] > 0) {
				json_array_append_new(
					counts,
					json_pack("{s:s*, s:i, s:s, s:I}", "protocol",
				                  proto_name((uint8_t)proto), "protocol_number",
				                  (int)proto, "state",
				                  proto == IPPROTO_TCP ? tcp_state_name(s)
				                                       : status_names[s],
				                  "count", (json_int_t)l->counts[proto][s]));
			}
		}
	}
	return counts;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ListConnections: live or remembered connections, a slice per reply. CountConnections: their
 * numbers, also in slices. GetConnection: one of them.
 *
 * A slice is copied out of the engine, filtered and sent. The next one is taken when the client has
 * read most of its output. So a list of any length costs one slice of memory, and a slow client
 * delays nobody.
 */
#include "connection_texts.h"
#include "method.h"

#include "generation.h"
#include "io/clock.h"
#include "io/ifname.h"
#include "wire/flow_sort.h"

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
	json_t *lines;                  /* of the slice, unless the format is LIST_JSON */
	struct connection_texts texts;  /* of the slice, if it is */
	uint64_t (*counts)[STATES_LEN]; /* by protocol; NULL = list */
};

static void list_next(struct ctl_stream *s, struct ctl_client *c);
static void begin_slice(struct list *l);
static bool slice_is_empty(const struct list *l);
static void send_slice(struct list *l, struct ctl_client *c, json_t *rest, enum ctl_more more);
static void count_next(struct ctl_stream *s, struct ctl_client *c);
static void list_free(struct ctl_stream *s);
static bool read_format(const struct ctl_call *call, enum list_format *out);
static bool read_options(const struct ctl_call *call, struct list *l);
static bool parse_selection(struct ctl_client *c, const struct ctl_call *call, struct list *l);
static void next_slice(struct list *l);
static void slice_live(struct list *l);
static void slice_remembered(struct list *l);
static void add_item(struct list *l, struct flow_view *v, uint32_t ifindex,
                     const struct flow *live);
static void find_why(struct list *l, struct flow_view *v);
static void write_item(struct list *l, const struct flow_view *v);
static bool next_sorted(struct list *l);
static const char *read_sort(const struct ctl_call *call, struct list *l);
static void count_item(struct list *l, const struct flow_view *v);
static json_t *counts_json(const struct list *l);

void control_list_connections(struct control *ctl, struct ctl_client *c,
                              const struct ctl_call *call)
{
	const char *wrong;
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
	if (!read_format(call, &l->format)) {
		list_free(&l->stream);
		method_invalid_parameter(c, "format");
		return;
	}
	if (!parse_selection(c, call, l)) {
		list_free(&l->stream);
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
	if (!parse_selection(c, call, l)) {
		list_free(&l->stream);
		return;
	}
	ctl_client_stream(c, &l->stream);
}

/* Returns false after an error reply. */
static bool parse_selection(struct ctl_client *c, const struct ctl_call *call, struct list *l)
{
	bool is_expired;

	if (!method_read_flag(call, "expired", &is_expired)) {
		method_invalid_parameter(c, "expired");
		return false;
	}
	l->kind = is_expired ? VIEW_REMEMBERED : VIEW_LIVE;
	return method_read_filter(l->env, c, json_object_get(call->parameters, "filter"),
	                          &l->filter);
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
	begin_slice(&l);
	flow_view_live(&f, now, ifnames_get(ctl->env.ifnames, f.ifindex, name), &v);
	v.origin = f.timer[0];
	flow_view_account(&v, &account, now);
	engine_lease_why(ctl->env.engine, ctl->env.worker, &f, now, &v.queued);
	write_item(&l, &v);
	send_slice(&l, c, NULL, CTL_LAST);
	connection_texts_fini(&l.texts);
}

/* One slice a turn, also when nothing in it matches the filter. */
static void list_next(struct ctl_stream *s, struct ctl_client *c)
{
	struct list *l = (struct list *)s;
	json_t *rest = NULL;
	bool is_over;

	begin_slice(l);
	if (l->sort != NULL) {
		is_over = next_sorted(l);
		if (slice_is_empty(l) && !is_over) {
			/* The table is still being read. */
			ctl_client_again(c, 0);
			return;
		}
	} else {
		next_slice(l);
		is_over = engine_list_is_over(l->env->engine, &l->cursor);
	}
	if (l->sort != NULL && is_over) {
		rest = json_pack("{s:I}", "left_out", (json_int_t)flow_sort_left_out(l->sort));
	}
	send_slice(l, c, rest, is_over ? CTL_LAST : CTL_CONTINUES);
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

static void begin_slice(struct list *l)
{
	l->texts.size = 0;
	if (l->format != LIST_JSON) {
		json_decref(l->lines);
		l->lines = json_array();
	}
}

static bool slice_is_empty(const struct list *l)
{
	return l->format == LIST_JSON ? l->texts.size == 0 : json_array_size(l->lines) == 0;
}

/* rest: of the parameters; stolen. */
static void send_slice(struct list *l, struct ctl_client *c, json_t *rest, enum ctl_more more)
{
	if (l->format == LIST_JSON) {
		ctl_client_reply_array(c, "connections", l->texts.at, l->texts.size, rest, more);
		return;
	}
	if (rest == NULL) {
		rest = json_object();
	}
	json_object_set_new(rest, "lines", l->lines);
	l->lines = NULL;
	ctl_client_reply(c, rest, more);
}

static void list_free(struct ctl_stream *s)
{
	struct list *l = (struct list *)s;

	flow_sort_free(l->sort);
	connection_texts_fini(&l->texts);
	json_decref(l->lines);
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
			find_why(l, &v);
		}
		write_item(l, &v);
	}
	return l->sorted_at == l->sorted_len;
}

/* Why packets of a sorted connection go to the queue, if it still exists. */
static void find_why(struct list *l, struct flow_view *v)
{
	struct mono now = clock_now();
	struct flowkey key;
	enum key_side side;
	struct flow f;

	if (flowkey_from_tuple(&v->orig, &key, &side) &&
	    engine_find_flow(l->env->engine, &key, now, &f)) {
		engine_lease_why(l->env->engine, l->env->worker, &f, now, &v->queued);
	}
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
		add_item(l, &v, flows[i].ifindex, &flows[i]);
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
		add_item(l, &v, 0, NULL);
	}
}

/* live: NULL of a remembered one. */
static void add_item(struct list *l, struct flow_view *v, uint32_t ifindex, const struct flow *live)
{
	if (!method_wants_connection(l->env, &l->filter, v)) {
		return;
	}
	if (l->counts != NULL) {
		count_item(l, v);
	} else if (l->sort != NULL) {
		/* Without memory it is left out. */
		(void)flow_sort_add(l->sort, v, ifindex);
	} else {
		if (live != NULL) {
			engine_lease_why(l->env->engine, l->env->worker, live, clock_now(),
			                 &v->queued);
		}
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
		connection_texts_add(&l->texts, l->env->generations->current, v);
		return;
	}
	json_array_append_new(l->lines, json_string(line));
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

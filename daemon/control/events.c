/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * StreamEvents and StreamTraces: the workers' events and traces, to any number of clients.
 *
 * Nothing waits for a reader. Events beyond its backlog are skipped and counted, and so are those
 * that the workers left out for it; the next event that it gets carries the count. A reader that
 * reads nothing for 30 seconds is closed, like any client.
 */
#include "method.h"

#include "event_json.h"
#include "event_text.h"
#include "generation.h"
#include "io/clock.h"
#include "io/ifname.h"
#include "watch_text.h"
#include "wire/trace_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The most output that may wait for one reader: a few thousand events. */
#define BACKLOG_SIZE_MAX ((size_t)1 << 20)

/* Per second, if the reader does not choose. */
#define EVENTS_RATE 10000
#define TRACES_RATE 100
#define RATE_MAX    1000000

enum event_format {
	EVENTS_JSON,
	EVENTS_TEXT,
	EVENTS_CONNTRACK,
	EVENT_FORMATS_LEN,
};

static const char *const format_names[EVENT_FORMATS_LEN] = { "json", "text", "conntrack" };

/* What workers always report, and what they report for readers. */
#define KINDS_LEN 9
#define WATCHED   3 /* the first of the others; WATCH_TRACE has its own method */
static const char *const kind_names[KINDS_LEN] = {
	[WORKER_EVENT_LOG] = "log",
	[WORKER_EVENT_LATE] = "late",
	[WORKER_EVENT_COMPARE] = "compare",
	[WATCHED + WATCH_NEW] = "new",
	[WATCHED + WATCH_UPDATE] = "update",
	[WATCHED + WATCH_ASSURED] = "assured",
	[WATCHED + WATCH_DESTROY] = "destroy",
	[WATCHED + WATCH_REJECT] = "reject",
};

struct event_reader {
	struct ctl_stream stream;
	struct control *ctl;
	struct ctl_client *client;
	enum event_format format;
	unsigned kinds; /* a bit for each of kind_names */
	struct watch_filter filter;
	struct watcher *watcher; /* NULL: it wants nothing of what is made for readers only */
	uint32_t bit;            /* of it */
	uint64_t lost;           /* events skipped since the last one sent */
	uint32_t traces_len;     /* for their numbers */
	LIST_ENTRY(event_reader) link;
};

static void reader_free(struct ctl_stream *s)
{
	struct event_reader *r = (struct event_reader *)s;

	if (r->watcher != NULL) {
		watch_remove(r->ctl->env.watch, r->ctl->env.workers, r->watcher);
	}
	LIST_REMOVE(r, link);
	r->ctl->readers.len--;
	free(r);
}

static bool read_kinds(const struct ctl_call *call, unsigned *out)
{
	const json_t *value = json_object_get(call->parameters, "kinds");
	const json_t *item;
	size_t i;

	*out = 0;
	if (value == NULL) {
		*out = (1u << KINDS_LEN) - 1;
		return true;
	}
	json_array_foreach(value, i, item)
	{
		const char *name = json_string_value(item);
		unsigned kind = 0;

		while (name != NULL && kind < KINDS_LEN &&
		       (kind_names[kind] == NULL || strcmp(name, kind_names[kind]) != 0)) {
			kind++;
		}
		if (name == NULL || kind == KINDS_LEN) {
			return false;
		}
		*out |= 1u << kind;
	}
	return *out != 0;
}

static bool read_format(const struct ctl_call *call, enum event_format *out)
{
	const json_t *value = json_object_get(call->parameters, "format");
	const char *name = json_string_value(value);

	*out = EVENTS_JSON;
	if (value == NULL) {
		return true;
	}
	for (unsigned f = 0; name != NULL && f < EVENT_FORMATS_LEN; f++) {
		if (strcmp(name, format_names[f]) == 0) {
			*out = f;
			return true;
		}
	}
	return false;
}

static bool read_rate(const struct ctl_call *call, uint32_t usual, uint32_t *out)
{
	const json_t *value = json_object_get(call->parameters, "rate");
	json_int_t rate = value != NULL ? json_integer_value(value) : usual;

	*out = (uint32_t)rate;
	return rate >= 1 && rate <= RATE_MAX;
}

/* What only connections in a list have. */
static bool has_list_filter(const struct watch_filter *filter, const char **wrong)
{
	*wrong = filter->flows.rule_line != 0 ? "rule" : "idle_over_s";
	return filter->flows.rule_line != 0 || filter->flows.idle_over_ns != 0;
}

/* Starts a stream of these kinds; watched: bits of enum watch_kind among them. Returns false after
 * an error reply. */
static bool start_stream(struct control *ctl, struct ctl_client *c, const struct ctl_call *call,
                         unsigned kinds, uint32_t watched, uint32_t usual_rate)
{
	const char *wrong = "format";
	struct event_reader *r = calloc(1, sizeof(*r));
	uint32_t rate;
	int err;

	if (r == NULL) {
		method_out_of_memory(c);
		return false;
	}
	if (!read_format(call, &r->format) ||
	    !watch_filter_parse(json_object_get(call->parameters, "filter"), &r->filter, &wrong) ||
	    has_list_filter(&r->filter, &wrong)) {
		free(r);
		method_invalid_parameter(c, wrong);
		return false;
	}
	if (!read_rate(call, usual_rate, &rate)) {
		free(r);
		method_invalid_parameter(c, "rate");
		return false;
	}
	r->stream = (struct ctl_stream){ .free = reader_free, .is_endless = true };
	r->ctl = ctl;
	r->client = c;
	r->kinds = kinds;
	if (watched != 0) {
		err = watch_add(ctl->env.watch, ctl->env.workers, &r->filter,
		                ctl_client_access(c) == CTL_ACCESS_WRITE ? WATCHERS_WRITE
		                                                         : WATCHERS_READ,
		                watched, rate, &r->watcher);
		if (err != 0) {
			free(r);
			if (err == -EBUSY) {
				method_refuse(c, CTL_ERROR("TooManyReaders"),
				              "too many readers of events and traces");
			} else {
				method_out_of_memory(c);
			}
			return false;
		}
		r->bit = watch_bit(ctl->env.watch, r->watcher);
	}
	LIST_INSERT_HEAD(&ctl->readers.list, r, link);
	ctl->readers.len++;
	ctl_client_stream(c, &r->stream);
	return true;
}

void control_stream_events(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	unsigned kinds;

	if (!call->wants_more || call->is_oneway) {
		ctl_client_error(c, "org.varlink.service.ExpectedMore", NULL);
		return;
	}
	if (!read_kinds(call, &kinds)) {
		method_invalid_parameter(c, "kinds");
		return;
	}
	(void)start_stream(ctl, c, call, kinds, kinds >> WATCHED & ((1u << WATCH_TRACE) - 1),
	                   EVENTS_RATE);
}

void control_stream_traces(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	if (!call->wants_more || call->is_oneway) {
		ctl_client_error(c, "org.varlink.service.ExpectedMore", NULL);
		return;
	}
	/* Packets that the kernel fast path accepts would not be traced. Workers grant no leases
	 * while they trace. */
	if (start_stream(ctl, c, call, 0, 1u << WATCH_TRACE, TRACES_RATE)) {
		engine_stale_leases(ctl->env.engine);
	}
}

static json_t *make_json(const struct control_env *env, const struct worker_event *ev)
{
	const struct config *config = generations_config(env->generations, ev->generation);
	const struct ifnames *names = env->ifnames;
	char iif_name[IFNAMSIZ];
	char oif_name[IFNAMSIZ];
	json_t *o;

	switch (ev->kind) {
	case WORKER_EVENT_LATE:
		o = event_json_late(&ev->late);
		rule_json_add(o, config, ev->late.rule_nr, CHAIN_LATE, ev->late.tuple.family);
		return o;
	case WORKER_EVENT_COMPARE:
		return event_json_compare(&ev->compare,
		                          ifnames_get(names, ev->compare.packet.iif, iif_name),
		                          ifnames_get(names, ev->compare.packet.oif, oif_name));
	default:
		o = event_json_log(&ev->log, ruleset_log_prefix(ev->log.rules, ev->log.log_nr),
		                   ifnames_get(names, ev->log.iif, iif_name),
		                   ifnames_get(names, ev->log.oif, oif_name));
		rule_json_add(o, config, ruleset_log_rule(ev->log.rules, ev->log.log_nr),
		              (enum base_chain)ev->log.hook, 0);
		return o;
	}
}

static json_t *make_text(const struct control_env *env, const struct worker_event *ev)
{
	const struct config *config = generations_config(env->generations, ev->generation);
	const struct ifnames *names = env->ifnames;
	char iif_name[IFNAMSIZ];
	char oif_name[IFNAMSIZ];
	char text[EVENT_TEXT_SIZE];
	char place[RULE_PLACE_SIZE] = "";
	char *line;
	json_t *o;

	switch (ev->kind) {
	case WORKER_EVENT_LATE:
		event_text_late(&ev->late, text);
		rule_place_text(config, ev->late.rule_nr, CHAIN_LATE, ev->late.tuple.family, place);
		break;
	case WORKER_EVENT_COMPARE:
		event_text_compare(&ev->compare,
		                   ifnames_get(names, ev->compare.packet.iif, iif_name),
		                   ifnames_get(names, ev->compare.packet.oif, oif_name), text);
		break;
	default:
		event_text_log(&ev->log, ruleset_log_prefix(ev->log.rules, ev->log.log_nr),
		               ifnames_get(names, ev->log.iif, iif_name),
		               ifnames_get(names, ev->log.oif, oif_name), text);
		rule_place_text(config, ruleset_log_rule(ev->log.rules, ev->log.log_nr),
		                (enum base_chain)ev->log.hook, 0, place);
		break;
	}
	if (place[0] == '\0' || asprintf(&line, "%s rule=\"%s\"", text, place) < 0) {
		return ctl_json_text(text);
	}
	o = ctl_json_text(line);
	free(line);
	return o;
}

/* Returns a message without its event, or NULL when the reader has too much to read already. */
static json_t *begin_message(struct event_reader *r, json_int_t wall_ms)
{
	json_t *o;

	if (ctl_client_backlog(r->client) > BACKLOG_SIZE_MAX) {
		r->lost++;
		r->ctl->readers.skipped++;
		return NULL;
	}
	if (r->watcher != NULL) {
		r->lost += watch_take_left_out(r->watcher);
	}
	o = json_pack("{s:I}", "time_ms", wall_ms);
	if (r->lost > 0) {
		json_object_set_new(o, "lost", json_integer((json_int_t)r->lost));
		r->lost = 0;
	}
	return o;
}

static void send_event(struct event_reader *r, const struct worker_event *ev, json_int_t wall_ms)
{
	const struct control_env *env = &r->ctl->env;
	json_t *o = begin_message(r, wall_ms);

	if (o == NULL) {
		return;
	}
	if (r->format == EVENTS_JSON) {
		json_object_set_new(o, "event", make_json(env, ev));
	} else {
		json_object_set_new(o, "line", make_text(env, ev));
	}
	ctl_client_reply(r->client, o, CTL_CONTINUES);
}

/* The packet of an event. */
static const struct tuple *tuple_of(const struct worker_event *ev)
{
	switch (ev->kind) {
	case WORKER_EVENT_LATE:
		return &ev->late.tuple;
	case WORKER_EVENT_COMPARE:
		return &ev->compare.packet.tuple;
	default:
		return &ev->log.tuple;
	}
}

static bool reader_wants(const struct event_reader *r, const struct worker_event *ev)
{
	struct flow_view v = { .ifname = "" };

	if ((r->kinds & 1u << ev->kind) == 0) {
		return false;
	}
	if (r->filter.has_mark &&
	    (ev->kind != WORKER_EVENT_LOG || !watch_filter_wants_mark(&r->filter, ev->log.mark))) {
		return false;
	}
	v.orig = *tuple_of(ev);
	return watch_filter_wants_flow(&r->filter, &v);
}

static json_int_t wall_ms_now(void)
{
	return (json_int_t)(clock_wall_ns() / (uint64_t)NSEC_PER_MSEC);
}

void control_publish(struct control *c, const struct worker_event *ev)
{
	struct event_reader *r;
	json_int_t wall_ms;

	if (c == NULL || LIST_EMPTY(&c->readers.list)) {
		return;
	}
	wall_ms = wall_ms_now();
	LIST_FOREACH(r, &c->readers.list, link)
	{
		if (reader_wants(r, ev)) {
			send_event(r, ev, wall_ms);
		}
	}
}

/* records of the watch rings */

static void add_line(void *ctx, const char *text)
{
	json_array_append_new(ctx, ctl_json_text(text));
}

static void add_trace(struct event_reader *r, const struct trace *t, const char *iif,
                      const char *oif, json_t *o)
{
	const struct trace_names names = {
		.config = generations_config(r->ctl->env.generations, t->generation),
		.iif = iif,
		.oif = oif,
		.id = ++r->traces_len,
	};

	if (r->format == EVENTS_JSON) {
		json_object_set_new(o, "trace", trace_json(t, &names));
	} else {
		json_t *lines = json_array();

		trace_text(t, &names, add_line, lines);
		json_object_set_new(o, "lines", lines);
	}
}

static void add_flow(struct event_reader *r, const struct watch_flow *ev, const char *ifname,
                     json_t *o)
{
	const struct config *config = generations_config(r->ctl->env.generations, ev->generation);
	char text[WATCH_TEXT_SIZE];

	if (r->format == EVENTS_JSON) {
		json_object_set_new(o, "event", watch_json_flow(ev, config, ifname));
		return;
	}
	watch_text_flow(ev, config, r->format == EVENTS_CONNTRACK ? WATCH_CONNTRACK : WATCH_TEXT,
	                text);
	json_object_set_new(o, "line", ctl_json_text(text));
}

static void add_reject(struct event_reader *r, const struct watch_reject *ev, const char *iif,
                       const char *oif, json_t *o)
{
	const struct config *config = generations_config(r->ctl->env.generations, ev->generation);
	char text[WATCH_TEXT_SIZE];

	if (r->format == EVENTS_JSON) {
		json_object_set_new(o, "event", watch_json_reject(ev, config, iif, oif));
		return;
	}
	watch_text_reject(ev, config, iif, oif, text);
	json_object_set_new(o, "line", ctl_json_text(text));
}

/* The interfaces of a record. */
static void interfaces_of(enum watch_kind kind, const void *contents, uint32_t *iif, uint32_t *oif)
{
	const struct trace *t = contents;
	const struct watch_reject *reject = contents;
	const struct watch_flow *flow = contents;

	switch (kind) {
	case WATCH_TRACE:
		*iif = t->packet.iif;
		*oif = t->packet.oif;
		break;
	case WATCH_REJECT:
		*iif = reject->iif;
		*oif = reject->oif;
		break;
	default:
		*iif = flow->flow.ifindex;
		*oif = 0;
		break;
	}
}

static void send_record(struct event_reader *r, enum watch_kind kind, const void *contents,
                        const char *iif, const char *oif)
{
	json_t *o;

	if (!watch_filter_wants_interface(&r->filter, iif, oif)) {
		return;
	}
	o = begin_message(r, wall_ms_now());
	if (o == NULL) {
		return;
	}
	switch (kind) {
	case WATCH_TRACE:
		add_trace(r, contents, iif, oif, o);
		break;
	case WATCH_REJECT:
		add_reject(r, contents, iif, oif, o);
		break;
	default:
		add_flow(r, contents, iif, o);
		break;
	}
	ctl_client_reply(r->client, o, CTL_CONTINUES);
}

void control_publish_record(struct control *c, const struct watch_record *record,
                            const void *contents)
{
	enum watch_kind kind = (enum watch_kind)record->kind;
	struct event_reader *r;
	char iif_name[IFNAMSIZ];
	char oif_name[IFNAMSIZ];
	const char *iif;
	const char *oif;
	uint32_t iif_nr;
	uint32_t oif_nr;

	if (c == NULL) {
		return;
	}
	interfaces_of(kind, contents, &iif_nr, &oif_nr);
	iif = ifnames_get(c->env.ifnames, iif_nr, iif_name);
	oif = ifnames_get(c->env.ifnames, oif_nr, oif_name);
	LIST_FOREACH(r, &c->readers.list, link)
	{
		if ((r->bit & record->readers) != 0) {
			send_record(r, kind, contents, iif, oif);
		}
	}
}

void control_usage(const struct control *c, struct control_usage *out)
{
	*out = (struct control_usage){ 0 };
	if (c != NULL) {
		out->event_readers = c->readers.len;
		out->events_skipped = c->readers.skipped;
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * StreamEvents: the workers' events, to any number of clients.
 *
 * Nothing waits for a reader. Events beyond its backlog are skipped and counted, and the next event
 * that it gets carries the count. A reader that reads nothing for 30 seconds is closed, like any
 * client.
 */
#include "method.h"

#include "event_json.h"
#include "event_text.h"
#include "io/clock.h"
#include "io/ifname.h"

#include <stdlib.h>
#include <string.h>

/* The most output that may wait for one reader: a few thousand events. */
#define BACKLOG_SIZE_MAX ((size_t)1 << 20)

enum event_format {
	EVENTS_JSON,
	EVENTS_TEXT,
};

struct event_reader {
	struct ctl_stream stream;
	struct control *ctl;
	struct ctl_client *client;
	enum event_format format;
	unsigned kinds; /* a bit for each enum worker_event_kind */
	uint64_t lost;  /* events skipped since the last one sent */
	LIST_ENTRY(event_reader) link;
};

static const char *const kind_names[] = {
	[WORKER_EVENT_LOG] = "log",
	[WORKER_EVENT_LATE] = "late",
	[WORKER_EVENT_COMPARE] = "compare",
};

#define KINDS_LEN (sizeof(kind_names) / sizeof(kind_names[0]))

static void reader_free(struct ctl_stream *s)
{
	struct event_reader *r = (struct event_reader *)s;

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

		while (name != NULL && kind < KINDS_LEN && strcmp(name, kind_names[kind]) != 0) {
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

	*out = name != NULL && strcmp(name, "text") == 0 ? EVENTS_TEXT : EVENTS_JSON;
	return value == NULL ||
	       (name != NULL && (strcmp(name, "text") == 0 || strcmp(name, "json") == 0));
}

void control_stream_events(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	enum event_format format;
	struct event_reader *r;
	unsigned kinds;

	if (!call->wants_more) {
		ctl_client_error(c, "org.varlink.service.ExpectedMore", NULL);
		return;
	}
	if (!read_kinds(call, &kinds)) {
		method_invalid_parameter(c, "kinds");
		return;
	}
	if (!read_format(call, &format)) {
		method_invalid_parameter(c, "format");
		return;
	}
	r = calloc(1, sizeof(*r));
	if (r == NULL) {
		method_out_of_memory(c);
		return;
	}
	*r = (struct event_reader){
		.stream = { .free = reader_free, .is_endless = true },
		.ctl = ctl,
		.client = c,
		.format = format,
		.kinds = kinds,
	};
	LIST_INSERT_HEAD(&ctl->readers.list, r, link);
	ctl->readers.len++;
	ctl_client_stream(c, &r->stream);
}

static json_t *make_json(const struct ifnames *names, const struct worker_event *ev)
{
	char iif_name[IFNAMSIZ];
	char oif_name[IFNAMSIZ];

	switch (ev->kind) {
	case WORKER_EVENT_LATE:
		return event_json_late(&ev->late);
	case WORKER_EVENT_COMPARE:
		return event_json_compare(&ev->compare,
		                          ifnames_get(names, ev->compare.packet.iif, iif_name),
		                          ifnames_get(names, ev->compare.packet.oif, oif_name));
	default:
		return event_json_log(&ev->log, ruleset_log_prefix(ev->log.rules, ev->log.log_nr),
		                      ifnames_get(names, ev->log.iif, iif_name),
		                      ifnames_get(names, ev->log.oif, oif_name));
	}
}

static json_t *make_text(const struct ifnames *names, const struct worker_event *ev)
{
	char iif_name[IFNAMSIZ];
	char oif_name[IFNAMSIZ];
	char text[EVENT_TEXT_SIZE];

	switch (ev->kind) {
	case WORKER_EVENT_LATE:
		event_text_late(&ev->late, text);
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
		break;
	}
	return ctl_json_text(text);
}

static void send_event(struct event_reader *r, const struct worker_event *ev, json_int_t wall_ms)
{
	const struct ifnames *names = r->ctl->env.ifnames;
	bool is_text = r->format == EVENTS_TEXT;
	json_t *o;

	if (ctl_client_backlog(r->client) > BACKLOG_SIZE_MAX) {
		r->lost++;
		r->ctl->readers.skipped++;
		return;
	}
	o = json_pack("{s:I, s:o}", "time_ms", wall_ms, is_text ? "line" : "event",
	              is_text ? make_text(names, ev) : make_json(names, ev));
	if (r->lost > 0) {
		json_object_set_new(o, "lost", json_integer((json_int_t)r->lost));
		r->lost = 0;
	}
	ctl_client_reply(r->client, o, CTL_CONTINUES);
}

void control_publish(struct control *c, const struct worker_event *ev)
{
	struct event_reader *r;
	json_int_t wall_ms;

	if (c == NULL || LIST_EMPTY(&c->readers.list)) {
		return;
	}
	wall_ms = (json_int_t)(clock_wall_ns() / (uint64_t)NSEC_PER_MSEC);
	LIST_FOREACH(r, &c->readers.list, link)
	{
		if ((r->kinds & 1u << ev->kind) != 0) {
			send_event(r, ev, wall_ms);
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

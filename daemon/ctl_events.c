/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events: a stream of what the workers tell, to any client that asks.
 *
 * Nobody waits for a reader. What does not fit into its output any more is left out, counted, and
 * the count goes out with the next event that fits; a reader that takes nothing for long is closed
 * like any other client.
 */
#include "ctl_cmd.h"

#include "ctl_method.h"
#include "io/clock.h"
#include "io/ifname.h"

#include <stdlib.h>
#include <string.h>

/* What may wait for one reader; a few thousand events. */
#define BACKLOG_SIZE_MAX ((size_t)1 << 20)

enum event_format {
	EVENTS_JSON,
	EVENTS_TEXT,
};

struct event_reader {
	struct ctl_stream stream;
	struct daemon *daemon;
	struct ctl_client *client;
	enum event_format format;
	unsigned kinds; /* a bit for each enum event_kind that is wanted */
	uint64_t lost;  /* since the last one that it got */
	LIST_ENTRY(event_reader) link;
};

static const char *const kind_names[] = {
	[EVENT_LOG] = "log",
	[EVENT_LATE] = "late",
	[EVENT_COMPARE] = "compare",
};

#define KINDS_LEN (sizeof(kind_names) / sizeof(kind_names[0]))

/* Events go out when they happen; there is nothing to be made when the reader has read on. */
static void reader_next(struct ctl_stream *s, struct ctl_client *c)
{
	(void)s;
	(void)c;
}

static void reader_free(struct ctl_stream *s)
{
	struct event_reader *r = (struct event_reader *)s;

	LIST_REMOVE(r, link);
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

void ctl_stream_events(struct daemon *d, struct ctl_client *c, const struct ctl_call *call)
{
	enum event_format format;
	struct event_reader *r;
	unsigned kinds;

	if (!call->wants_more) {
		ctl_client_error(c, "org.varlink.service.ExpectedMore", NULL);
		return;
	}
	if (!read_kinds(call, &kinds)) {
		ctl_wrong_parameter(c, "kinds");
		return;
	}
	if (!read_format(call, &format)) {
		ctl_wrong_parameter(c, "format");
		return;
	}
	r = calloc(1, sizeof(*r));
	if (r == NULL) {
		ctl_refuse(c, CTL_ERROR("OutOfMemory"), "out of memory");
		return;
	}
	*r = (struct event_reader){
		.stream = { .next = reader_next, .free = reader_free, .is_endless = true },
		.daemon = d,
		.client = c,
		.format = format,
		.kinds = kinds,
	};
	LIST_INSERT_HEAD(&d->event_readers, r, link);
	ctl_client_stream(c, &r->stream);
}

static json_t *make_json(const struct daemon *d, const struct event *ev)
{
	char iif_name[IFNAMSIZ];
	char oif_name[IFNAMSIZ];

	switch (ev->kind) {
	case EVENT_LATE:
		return event_late_json(&ev->late);
	case EVENT_COMPARE:
		return event_compare_json(
			&ev->compare, ifnames_get(d->ifnames, ev->compare.packet.iif, iif_name),
			ifnames_get(d->ifnames, ev->compare.packet.oif, oif_name));
	default:
		return event_log_json(&ev->log, ruleset_log_prefix(ev->log.rules, ev->log.log_nr),
		                      ifnames_get(d->ifnames, ev->log.iif, iif_name),
		                      ifnames_get(d->ifnames, ev->log.oif, oif_name));
	}
}

static json_t *make_text(const struct daemon *d, const struct event *ev)
{
	char iif_name[IFNAMSIZ];
	char oif_name[IFNAMSIZ];
	char text[EVENT_TEXT_SIZE];

	switch (ev->kind) {
	case EVENT_LATE:
		event_late_text(&ev->late, text);
		break;
	case EVENT_COMPARE:
		event_compare_text(&ev->compare,
		                   ifnames_get(d->ifnames, ev->compare.packet.iif, iif_name),
		                   ifnames_get(d->ifnames, ev->compare.packet.oif, oif_name), text);
		break;
	default:
		event_log_text(&ev->log, ruleset_log_prefix(ev->log.rules, ev->log.log_nr),
		               ifnames_get(d->ifnames, ev->log.iif, iif_name),
		               ifnames_get(d->ifnames, ev->log.oif, oif_name), text);
		break;
	}
	return ctl_json_text(text);
}

static void tell(struct event_reader *r, const struct event *ev, json_int_t wall_ms)
{
	bool is_text = r->format == EVENTS_TEXT;
	json_t *o;

	if (ctl_client_backlog(r->client) > BACKLOG_SIZE_MAX) {
		r->lost++;
		r->daemon->events_skipped++;
		return;
	}
	o = json_pack("{s:I, s:o}", "time_ms", wall_ms, is_text ? "line" : "event",
	              is_text ? make_text(r->daemon, ev) : make_json(r->daemon, ev));
	if (r->lost > 0) {
		json_object_set_new(o, "lost", json_integer((json_int_t)r->lost));
		r->lost = 0;
	}
	ctl_client_reply(r->client, o, CTL_CONTINUES);
}

void ctl_tell_event(struct daemon *d, const struct event *ev)
{
	struct event_reader *r;
	json_int_t wall_ms;

	if (LIST_EMPTY(&d->event_readers)) {
		return;
	}
	wall_ms = (json_int_t)(clock_wall_ns() / (uint64_t)NSEC_PER_MSEC);
	LIST_FOREACH(r, &d->event_readers, link)
	{
		if ((r->kinds & 1u << ev->kind) != 0) {
			tell(r, ev, wall_ms);
		}
	}
}

unsigned ctl_event_readers(const struct daemon *d)
{
	const struct event_reader *r;
	unsigned n = 0;

	LIST_FOREACH(r, &d->event_readers, link)
	{
		n++;
	}
	return n;
}

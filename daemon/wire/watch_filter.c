/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filters of traces and events. A packet of a connection matches if the connection does, whatever
 * its direction; one without a connection matches as the packet that would open it.
 */
#include "wire/watch_filter.h"

#include "text/num.h"

#include <string.h>

typedef const char *name_fn(unsigned nr);

static const char *hook_at(unsigned nr)
{
	return hook_name((enum hook)nr);
}

static const char *verdict_at(unsigned nr)
{
	return verdict_name((enum verdict)nr);
}

static const char *reason_at(unsigned nr)
{
	return reason_name((enum reason)nr);
}

/* "drop,reject": sets the element of each name. Returns false for anything else. */
static bool read_names(const json_t *value, name_fn *name, unsigned len, bool *out)
{
	const char *text = json_string_value(value);
	bool is_any = false;

	while (text != NULL) {
		size_t size = strcspn(text, ",");
		unsigned nr = 0;

		while (nr < len &&
		       (strlen(name(nr)) != size || memcmp(text, name(nr), size) != 0)) {
			nr++;
		}
		if (nr == len) {
			return false;
		}
		out[nr] = is_any = true;
		text = text[size] == ',' ? text + size + 1 : NULL;
	}
	return is_any;
}

/* The same as bits. */
static bool read_bits(const json_t *value, name_fn *name, unsigned len, uint8_t *out)
{
	bool named[8] = { false };

	if (!read_names(value, name, len, named)) {
		return false;
	}
	*out = 0;
	for (unsigned nr = 0; nr < len; nr++) {
		*out |= (uint8_t)(named[nr] << nr);
	}
	return true;
}

_Static_assert(HOOKS_LEN <= 8 && VERDICTS_LEN <= 8, "a bit for each");

static bool read_packet_mark(const json_t *value, struct watch_filter *out)
{
	const char *text = json_string_value(value);

	out->has_mark = text != NULL && text_mark(text, &out->mark, &out->mark_mask);
	return out->has_mark;
}

bool watch_filter_wants_mark(const struct watch_filter *filter, uint32_t mark)
{
	return !filter->has_mark || (mark & filter->mark_mask) == filter->mark;
}

/* Returns whether the member is one of those that only packets have; *good: whether it is valid. */
static bool read_own(const char *name, const json_t *value, struct watch_filter *out, bool *good)
{
	if (strcmp(name, "hook") == 0) {
		*good = read_bits(value, hook_at, HOOKS_LEN, &out->hooks);
		return true;
	}
	if (strcmp(name, "verdict") == 0) {
		*good = read_bits(value, verdict_at, VERDICTS_LEN, &out->verdicts);
		return true;
	}
	if (strcmp(name, "packet_mark") == 0) {
		*good = read_packet_mark(value, out);
		return true;
	}
	if (strcmp(name, "reason") == 0) {
		*good = read_names(value, reason_at, REASONS_LEN, out->reasons);
		out->has_reasons = true;
		return true;
	}
	return false;
}

bool watch_filter_parse(const json_t *object, struct watch_filter *out, const char **wrong)
{
	json_t *rest;
	const char *name;
	json_t *value;
	bool good = true;

	memset(out, 0, sizeof(*out));
	*wrong = "filter";
	if (object == NULL) {
		return true;
	}
	rest = json_is_object(object) ? json_object() : NULL;
	if (rest == NULL) {
		return false;
	}
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		if (!read_own(name, value, out, &good)) {
			json_object_set(rest, name, value);
		}
		if (!good) {
			*wrong = name;
			break;
		}
	}
	if (good) {
		const char *of_rest;

		good = flow_filter_parse(rest, &out->flows, &of_rest);
		/* the name in object, which outlives rest */
		json_object_foreach((json_t *)(uintptr_t)object, name, value)
		{
			if (!good && strcmp(name, of_rest) == 0) {
				*wrong = name;
			}
		}
	}
	out->is_selective = json_object_size(rest) > 0;
	json_decref(rest);
	return good;
}

/* The connection of a packet: its entry, a remembered one, or that which it would open. */
static void view_of(const struct trace *t, struct flow_view *v)
{
	const struct trace_packet *p = &t->packet;

	if (t->entry == TRACE_LIVE || t->entry == TRACE_DUE) {
		flow_view_live(&t->before, t->now, NULL, v);
		return;
	}
	if (t->has_tomb) {
		flow_view_remembered(&t->tomb, t->now, v);
		v->kind = VIEW_LIVE;
		return;
	}
	memset(v, 0, sizeof(*v));
	v->orig = p->tuple;
	v->orig.proto = p->l4_proto;
	v->ifname = "";
}

bool watch_filter_wants_flow(const struct watch_filter *filter, const struct flow_view *v)
{
	struct flow_filter without_name;

	if (!filter->is_selective) {
		return true;
	}
	without_name = filter->flows;
	without_name.ifname[0] = '\0';
	return flow_filter_matches(&without_name, v);
}

bool watch_filter_may_want(const struct watch_filter *filter, const struct trace *t)
{
	struct flow_view v;

	if (filter->hooks != 0 && (filter->hooks >> t->packet.hook & 1) == 0) {
		return false;
	}
	if (!watch_filter_wants_mark(filter, t->packet.mark)) {
		return false;
	}
	if (!filter->is_selective) {
		return true;
	}
	if (t->packet.depth == PKT_NOTHING) {
		return false;
	}
	view_of(t, &v);
	return watch_filter_wants_flow(filter, &v);
}

bool watch_filter_wants_decision(const struct watch_filter *filter, const struct decision *d)
{
	return (filter->verdicts == 0 || (filter->verdicts >> d->verdict & 1) != 0) &&
	       (!filter->has_reasons || (d->reason < REASONS_LEN && filter->reasons[d->reason]));
}

static bool name_matches(const char *pattern, const char *name)
{
	size_t size = strlen(pattern);

	if (pattern[size - 1] == '*') {
		return strncmp(pattern, name, size - 1) == 0;
	}
	return strcmp(pattern, name) == 0;
}

bool watch_filter_wants_interface(const struct watch_filter *filter, const char *iif,
                                  const char *oif)
{
	const char *pattern = filter->flows.ifname;

	return pattern[0] == '\0' || name_matches(pattern, iif) || name_matches(pattern, oif);
}

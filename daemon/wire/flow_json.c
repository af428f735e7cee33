/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections as JSON. The names of members are stable; doc/finwall.8 lists them.
 *
 * The text is written without a tree of JSON values: a list has a million of them.
 */
#include <finwall/ctl_msg.h>
#include <finwall/flow_text.h>
#include <finwall/stats.h>

#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writer {
	char *out;
	size_t used;
};

static void put(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put_name(struct writer *w, const char *name);
static void put_tuple(struct writer *w, const struct flow_view *v, enum flow_dir dir);
static void put_tcp_side(struct writer *w, const struct tcp_conn *c, enum flow_dir dir);

json_t *flow_json(const struct flow_view *v)
{
	char text[FLOW_JSON_SIZE];

	return json_loadb(text, flow_json_text(v, text), 0, NULL);
}

size_t flow_json_text(const struct flow_view *v, char out[FLOW_JSON_SIZE])
{
	const char *protocol = proto_name(v->orig.proto);
	struct writer w = { .out = out };

	put(&w, "{\"family\":\"%s\"", v->orig.family == 4 ? "ipv4" : "ipv6");
	if (protocol != NULL) {
		put(&w, ",\"protocol\":\"%s\"", protocol);
	}
	put(&w, ",\"protocol_number\":%u", v->orig.proto);
	put_tuple(&w, v, DIR_ORIG);
	put_tuple(&w, v, DIR_REPLY);
	put(&w, ",\"replied\":%s,\"assured\":%s,\"revived\":%s",
	    (v->status & FLOW_SEEN_REPLY) != 0 ? "true" : "false",
	    (v->status & FLOW_ASSURED) != 0 ? "true" : "false",
	    (v->status & FLOW_REVIVED) != 0 ? "true" : "false");
	if (v->mark != 0) {
		put(&w, ",\"mark\":%" PRIu32, v->mark);
	}
	if (v->kind == VIEW_LIVE) {
		put(&w, ",\"expires_ms\":%" PRId64 ",\"hook\":\"%s\",\"interface\":",
		    v->time_ns / NSEC_PER_MSEC, hook_name(v->hook));
		put_name(&w, v->ifname);
		if (v->account.start.ns != 0) {
			put(&w, ",\"age_ms\":%" PRId64 ",\"idle_ms\":%" PRId64,
			    v->age_ns / NSEC_PER_MSEC, v->idle_ns / NSEC_PER_MSEC);
		}
		put(&w, ",\"leased\":%s", (v->status & FLOW_LEASED) != 0 ? "true" : "false");
	} else {
		put(&w, ",\"ended_ms_ago\":%" PRId64 ",\"cause\":\"%s\"",
		    v->time_ns / NSEC_PER_MSEC, tomb_cause_name(v->cause));
	}
	if (v->orig.proto == IPPROTO_TCP) {
		put(&w, ",\"state\":\"%s\",\"tcp\":{\"original\":", tcp_state_name(v->tcp.state));
		put_tcp_side(&w, &v->tcp, DIR_ORIG);
		put(&w, ",\"reply\":");
		put_tcp_side(&w, &v->tcp, DIR_REPLY);
		put(&w, "}");
	}
	put(&w, "}");
	return w.used;
}

/* FLOW_JSON_SIZE is enough for the longest of everything. */
static void put(struct writer *w, const char *fmt, ...)
{
	va_list args;
	int size;

	va_start(args, fmt);
	size = vsnprintf(w->out + w->used, FLOW_JSON_SIZE - w->used, fmt, args);
	va_end(args);
	if (size > 0 && (size_t)size < FLOW_JSON_SIZE - w->used) {
		w->used += (size_t)size;
	}
}

static bool is_plain(const char *name)
{
	for (; *name != '\0'; name++) {
		if (*name < ' ' || *name > '~' || *name == '"' || *name == '\\') {
			return false;
		}
	}
	return true;
}

/* The kernel allows nearly any byte in the name of an interface. */
static void put_name(struct writer *w, const char *name)
{
	json_t *string;
	char *text;

	if (is_plain(name)) {
		put(w, "\"%s\"", name);
		return;
	}
	string = ctl_json_text(name);
	text = json_dumps(string, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	put(w, "%s", text != NULL ? text : "\"?\"");
	free(text);
	json_decref(string);
}

static void put_tuple(struct writer *w, const struct flow_view *v, enum flow_dir dir)
{
	const struct tuple *t = dir == DIR_ORIG ? &v->orig : &v->reply;
	char src[ADDR_TEXT_SIZE];
	char dst[ADDR_TEXT_SIZE];

	put(w, ",\"%s\":{\"source\":\"%s\",\"destination\":\"%s\"",
	    dir == DIR_ORIG ? "original" : "reply", addr_text(&t->src, t->family, src),
	    addr_text(&t->dst, t->family, dst));
	switch (t->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		put(w, ",\"source_port\":%u,\"destination_port\":%u", t->sport, t->dport);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		put(w, ",\"type\":%u,\"code\":%u,\"id\":%u", t->dport >> 8, t->dport & 0xffu,
		    t->sport);
		break;
	default:
		break;
	}
	/* Only where packets are counted. */
	if (v->kind == VIEW_LIVE && v->account.start.ns != 0) {
		put(w, ",\"packets\":%" PRId64 ",\"bytes\":%" PRId64,
		    (int64_t)v->account.packets[dir], (int64_t)v->account.bytes[dir]);
	}
	put(w, "}");
}

static void put_tcp_side(struct writer *w, const struct tcp_conn *c, enum flow_dir dir)
{
	const struct tcp_seen *s = &c->seen[dir];

	put(w,
	    "{\"end\":%u,\"max_end\":%u,\"max_window\":%u,\"max_ack\":%u,\"scale\":%u,"
	    "\"flags\":%u}",
	    s->end, s->maxend, s->maxwin_bytes, s->maxack, (unsigned)c->scale[dir],
	    (unsigned)(c->flags[dir] & TCP_SIDE_KERNEL));
}

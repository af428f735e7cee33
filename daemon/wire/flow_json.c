/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections as JSON. The names of members are stable; doc/finwall.8 lists them.
 */
#include <finwall/flow_text.h>
#include <finwall/stats.h>

#include <netinet/in.h>

static json_t *tuple_json(const struct tuple *t);
static void add_account(json_t *o, const struct flow_view *v);
static json_t *tcp_side_json(const struct tcp_conn *c, enum flow_dir dir);

json_t *flow_json(const struct flow_view *v)
{
	const char *name = proto_name(v->orig.proto);
	json_t *o = json_pack("{s:s, s:i, s:o, s:o, s:b, s:b, s:b}", "family",
	                      v->orig.family == 4 ? "ipv4" : "ipv6", "protocol_number",
	                      (int)v->orig.proto, "original", tuple_json(&v->orig), "reply",
	                      tuple_json(&v->reply), "replied", (v->status & FLOW_SEEN_REPLY) != 0,
	                      "assured", (v->status & FLOW_ASSURED) != 0, "revived",
	                      (v->status & FLOW_REVIVED) != 0);

	if (o == NULL) {
		return NULL;
	}
	if (name != NULL) {
		json_object_set_new(o, "protocol", json_string(name));
	}
	if (v->mark != 0) {
		json_object_set_new(o, "mark", json_integer((json_int_t)v->mark));
	}
	if (v->kind == VIEW_LIVE) {
		json_object_set_new(o, "expires_ms", json_integer(v->time_ns / NSEC_PER_MSEC));
		json_object_set_new(o, "hook", json_string(hook_name(v->hook)));
		json_object_set_new(o, "interface", json_string(v->ifname));
		add_account(o, v);
		json_object_set_new(o, "leased", json_boolean((v->status & FLOW_LEASED) != 0));
	} else {
		json_object_set_new(o, "ended_ms_ago", json_integer(v->time_ns / NSEC_PER_MSEC));
		json_object_set_new(o, "cause", json_string(tomb_cause_name(v->cause)));
	}
	if (v->orig.proto == IPPROTO_TCP) {
		json_object_set_new(o, "state", json_string(tcp_state_name(v->tcp.state)));
		json_object_set_new(o, "tcp",
		                    json_pack("{s:o, s:o}", "original",
		                              tcp_side_json(&v->tcp, DIR_ORIG), "reply",
		                              tcp_side_json(&v->tcp, DIR_REPLY)));
	}
	return o;
}

/* Only where packets are counted. */
static void add_account(json_t *o, const struct flow_view *v)
{
	static const char *const dirs[] = { [DIR_ORIG] = "original", [DIR_REPLY] = "reply" };

	if (v->account.start.ns == 0) {
		return;
	}
	for (unsigned dir = 0; dir < 2; dir++) {
		json_t *tuple = json_object_get(o, dirs[dir]);

		json_object_set_new(tuple, "packets",
		                    json_integer((json_int_t)v->account.packets[dir]));
		json_object_set_new(tuple, "bytes",
		                    json_integer((json_int_t)v->account.bytes[dir]));
	}
	json_object_set_new(o, "age_ms", json_integer(v->age_ns / NSEC_PER_MSEC));
	json_object_set_new(o, "idle_ms", json_integer(v->idle_ns / NSEC_PER_MSEC));
}

static json_t *tuple_json(const struct tuple *t)
{
	char src[ADDR_TEXT_SIZE];
	char dst[ADDR_TEXT_SIZE];
	json_t *o = json_pack("{s:s, s:s}", "source", addr_text(&t->src, t->family, src),
	                      "destination", addr_text(&t->dst, t->family, dst));

	switch (t->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		json_object_set_new(o, "source_port", json_integer(t->sport));
		json_object_set_new(o, "destination_port", json_integer(t->dport));
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		json_object_set_new(o, "type", json_integer(t->dport >> 8));
		json_object_set_new(o, "code", json_integer(t->dport & 0xff));
		json_object_set_new(o, "id", json_integer(t->sport));
		break;
	default:
		break;
	}
	return o;
}

static json_t *tcp_side_json(const struct tcp_conn *c, enum flow_dir dir)
{
	const struct tcp_seen *s = &c->seen[dir];

	return json_pack("{s:I, s:I, s:I, s:I, s:i, s:i}", "end", (json_int_t)s->end, "max_end",
	                 (json_int_t)s->maxend, "max_window", (json_int_t)s->maxwin_bytes,
	                 "max_ack", (json_int_t)s->maxack, "scale", (int)c->scale[dir], "flags",
	                 (int)(c->flags[dir] & TCP_SIDE_KERNEL));
}

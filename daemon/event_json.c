/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events as JSON. The names of members are stable; doc/finwall.8 lists them.
 */
#include "event_json.h"

#include "event_text.h"

#include <finwall/ctl_msg.h>
#include <finwall/flow_text.h>
#include <finwall/tunables.h>

static json_t *tuple_json(const struct tuple *t, const char *type, bool has_ports)
{
	char src[ADDR_TEXT_SIZE];
	char dst[ADDR_TEXT_SIZE];
	json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "type", type, "family",
	                      t->family == 4 ? "ipv4" : "ipv6", "source",
	                      addr_text(&t->src, t->family, src), "destination",
	                      addr_text(&t->dst, t->family, dst));

	if (has_ports) {
		json_object_set_new(o, "source_port", json_integer(t->sport));
		json_object_set_new(o, "destination_port", json_integer(t->dport));
	}
	return o;
}

json_t *event_json_late(const struct late_event *ev)
{
	json_t *o = tuple_json(&ev->tuple, "late", true);

	json_object_set_new(o, "class", json_string(event_text_class(ev->class_nr)));
	json_object_set_new(o, "policy", json_string(late_policy_name(ev->policy)));
	json_object_set_new(o, "outcome", json_string(reason_name(ev->reason)));
	json_object_set_new(o, "verdict", json_string(verdict_name(ev->verdict)));
	if (ev->has_tomb != 0) {
		json_object_set_new(o, "remembered",
		                    json_pack("{s:s, s:s, s:I, s:I}", "state",
		                              tcp_state_name(ev->tcp_state), "cause",
		                              tomb_cause_name(ev->cause), "ended_ms_ago",
		                              (json_int_t)(ev->gone_ns / NSEC_PER_MSEC),
		                              "seq_distance", (json_int_t)ev->seq_distance));
	}
	return o;
}

/* The members that all events of a packet have. */
static json_t *packet_json(const struct packet_event *ev, const char *type, const char *iif_name,
                           const char *oif_name)
{
	bool is_tcp = ev->l4_proto == IPPROTO_NR_TCP;
	bool has_ports = ev->depth >= PKT_PORTS && (is_tcp || ev->l4_proto == IPPROTO_NR_UDP);
	json_t *o = ev->depth == PKT_NOTHING ? json_pack("{s:s}", "type", type)
	                                     : tuple_json(&ev->tuple, type, has_ports);

	json_object_set_new(o, "hook", json_string(hook_name(ev->hook)));
	json_object_set_new(o, "state", json_string(ct_state_name(ev->state)));
	json_object_set_new(o, "in", ctl_json_text(iif_name));
	json_object_set_new(o, "out", ctl_json_text(oif_name));
	json_object_set_new(o, "length", json_integer((json_int_t)ev->true_size));
	json_object_set_new(o, "mark", json_integer((json_int_t)ev->mark));
	if (ev->depth != PKT_NOTHING) {
		json_object_set_new(o, "protocol_number", json_integer(ev->l4_proto));
	}
	if (ev->depth == PKT_FULL && is_tcp) {
		json_object_set_new(o, "flags", json_integer(ev->tcp_flags));
	}
	return o;
}

json_t *event_json_log(const struct packet_event *ev, const char *prefix, const char *iif_name,
                       const char *oif_name)
{
	json_t *o = packet_json(ev, "log", iif_name, oif_name);

	json_object_set_new(o, "prefix", ctl_json_text(prefix));
	return o;
}

json_t *event_json_compare(const struct compare_event *ev, const char *iif_name,
                           const char *oif_name)
{
	json_t *o = packet_json(&ev->packet, "compare", iif_name, oif_name);

	json_object_set_new(o, "state", json_string(ct_state_name(ev->decision.state)));
	json_object_set_new(o, "kernel_state", json_string(kernel_state_name(ev->kernel_state)));
	json_object_set_new(o, "outcome", json_string(reason_name(ev->decision.reason)));
	json_object_set_new(o, "verdict", json_string(verdict_name(ev->decision.verdict)));
	return o;
}

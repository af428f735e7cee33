/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines and JSON of events. The names of members are stable; doc/finwall.8 lists them.
 */
#include "watch_text.h"

#include "wire/trace_text.h"

#include <finwall/ctl_msg.h>
#include <finwall/flow_text.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static enum flow_line_kind line_kind(unsigned changes)
{
	return (changes & FLOW_CHANGE_NEW) != 0       ? FLOW_LINE_NEW
	       : (changes & FLOW_CHANGE_DESTROY) != 0 ? FLOW_LINE_DESTROY
	                                              : FLOW_LINE_UPDATE;
}

static void add(char out[WATCH_TEXT_SIZE], const char *name, const char *value)
{
	size_t size = strlen(out);

	(void)snprintf(out + size, WATCH_TEXT_SIZE - size, " %s=%s", name, value);
}

static void add_rule(char out[WATCH_TEXT_SIZE], const struct config *config, uint32_t rule_nr,
                     uint8_t hook, uint8_t family)
{
	char place[RULE_PLACE_SIZE];

	rule_place_text(config, rule_nr, (enum base_chain)hook, family, place);
	if (place[0] != '\0') {
		size_t size = strlen(out);

		(void)snprintf(out + size, WATCH_TEXT_SIZE - size, " rule=\"%s\"", place);
	}
}

/* What it has carried, in both directions, and for how long. */
static void add_account(char out[WATCH_TEXT_SIZE], const struct watch_flow *ev)
{
	const struct flow_account *a = &ev->account;
	size_t size = strlen(out);

	if (a->start.ns != 0) {
		(void)snprintf(out + size, WATCH_TEXT_SIZE - size,
		               " packets=%" PRIu64 "/%" PRIu64 " bytes=%" PRIu64 "/%" PRIu64
		               " duration=%" PRId64 ".%03" PRId64,
		               a->packets[0], a->packets[1], a->bytes[0], a->bytes[1],
		               mono_diff(ev->now, a->start) / NSEC_PER_SEC,
		               mono_diff(ev->now, a->start) % NSEC_PER_SEC / NSEC_PER_MSEC);
	}
}

void watch_text_flow(const struct watch_flow *ev, const struct config *config,
                     enum watch_format format, char out[WATCH_TEXT_SIZE])
{
	struct flow_view v;

	flow_view_live(&ev->flow, ev->now, NULL, &v);
	flow_conntrack_event(&v, line_kind(ev->changes), out, FLOW_LINE_SIZE);
	if (format == WATCH_CONNTRACK) {
		return;
	}
	if ((ev->flow.status & FLOW_REVIVED) != 0) {
		add(out, "revived", "yes");
	}
	if ((ev->changes & FLOW_CHANGE_DESTROY) != 0) {
		add(out, "end", flow_end_name((enum flow_end)ev->end));
		add_account(out, ev);
	}
	if (ev->has_rule && (ev->changes & FLOW_CHANGE_UPDATE) == 0) {
		add_rule(out, config, ev->rule_nr, ev->hook, ev->flow.key.family);
	}
}

json_t *watch_json_flow(const struct watch_flow *ev, const struct config *config,
                        const char *ifname)
{
	const char *type = (ev->changes & FLOW_CHANGE_NEW) != 0       ? "new"
	                   : (ev->changes & FLOW_CHANGE_DESTROY) != 0 ? "destroy"
	                   : (ev->changes & FLOW_CHANGE_ASSURED) != 0 ? "assured"
	                                                              : "update";
	struct flow_view v;
	json_t *o;

	flow_view_live(&ev->flow, ev->now, ifname, &v);
	flow_view_account(&v, &ev->account, ev->now);
	o = json_pack("{s:s, s:o}", "type", type, "connection", flow_json(&v));
	if (o == NULL) {
		return NULL;
	}
	if ((ev->changes & FLOW_CHANGE_DESTROY) != 0) {
		json_object_set_new(o, "end", json_string(flow_end_name((enum flow_end)ev->end)));
	}
	if (ev->has_rule) {
		rule_json_add(o, config, ev->rule_nr, (enum base_chain)ev->hook,
		              ev->flow.key.family);
	}
	return o;
}

static bool has_ports(const struct watch_reject *ev)
{
	return ev->depth >= PKT_PORTS &&
	       (ev->tuple.proto == IPPROTO_NR_TCP || ev->tuple.proto == IPPROTO_NR_UDP);
}

void watch_text_reject(const struct watch_reject *ev, const struct config *config, const char *iif,
                       const char *oif, char out[WATCH_TEXT_SIZE])
{
	const char *proto = proto_name(ev->tuple.proto);
	char src[ADDR_TEXT_SIZE] = "";
	char dst[ADDR_TEXT_SIZE] = "";
	char ports[32] = "";
	char number[8];

	(void)snprintf(number, sizeof(number), "%u", ev->tuple.proto);
	if (has_ports(ev)) {
		(void)snprintf(ports, sizeof(ports), " sport=%u dport=%u", ev->tuple.sport,
		               ev->tuple.dport);
	}
	addr_text(&ev->tuple.src, ev->tuple.family, src);
	addr_text(&ev->tuple.dst, ev->tuple.family, dst);
	(void)snprintf(out, WATCH_TEXT_SIZE,
	               " [REJECT] %-8s %u src=%s dst=%s%s in=%s out=%s hook=%s state=%s "
	               "with=\"%s\"",
	               proto != NULL ? proto : number, ev->tuple.proto, src, dst, ports, iif, oif,
	               hook_name((enum hook)ev->hook), ct_state_name((enum ct_state)ev->state),
	               reject_with_text(ev->with, ev->tuple.family));
	add_rule(out, config, ev->rule_nr, ev->hook, ev->tuple.family);
}

json_t *watch_json_reject(const struct watch_reject *ev, const struct config *config,
                          const char *iif, const char *oif)
{
	char src[ADDR_TEXT_SIZE] = "";
	char dst[ADDR_TEXT_SIZE] = "";
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:I, s:s}", "type", "reject",
	                      "family", ev->tuple.family == 4 ? "ipv4" : "ipv6", "source",
	                      addr_text(&ev->tuple.src, ev->tuple.family, src), "destination",
	                      addr_text(&ev->tuple.dst, ev->tuple.family, dst), "protocol_number",
	                      (int)ev->tuple.proto, "hook", hook_name((enum hook)ev->hook), "state",
	                      ct_state_name((enum ct_state)ev->state), "length",
	                      (json_int_t)ev->true_size, "with",
	                      reject_with_text(ev->with, ev->tuple.family));

	if (o == NULL) {
		return NULL;
	}
	if (has_ports(ev)) {
		json_object_set_new(o, "source_port", json_integer(ev->tuple.sport));
		json_object_set_new(o, "destination_port", json_integer(ev->tuple.dport));
	}
	json_object_set_new(o, "in", ctl_json_text(iif));
	json_object_set_new(o, "out", ctl_json_text(oif));
	rule_json_add(o, config, ev->rule_nr, (enum base_chain)ev->hook, ev->tuple.family);
	return o;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traces as JSON. The names of members are stable; doc/finwall.8 lists them.
 */
#include "wire/trace_text.h"

#include <finwall/ctl_msg.h>
#include <finwall/flow_text.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static json_t *place_json(const struct rule_place *at)
{
	json_t *o = json_pack("{s:s, s:s, s:s}", "family", at->family, "table", at->table, "chain",
	                      at->chain);

	if (o != NULL && at->file != NULL) {
		json_object_set_new(o, "file", ctl_json_text(at->file));
		json_object_set_new(o, "line", json_integer(at->line));
	}
	return o;
}

void rule_json_add(json_t *object, const struct config *config, uint32_t rule_nr,
                   enum base_chain base, uint8_t family)
{
	struct rule_place at;
	json_t *rule;
	char *text;

	if (config == NULL) {
		return;
	}
	if (!config_rule_place(config, rule_nr, &at)) {
		if (config_base_place(config, base, family, &at)) {
			json_object_set_new(object, "policy_chain", place_json(&at));
		}
		return;
	}
	rule = place_json(&at);
	text = config_rule_text(config, rule_nr);
	if (text != NULL) {
		json_object_set_new(rule, "text", ctl_json_text(text));
		free(text);
	}
	json_object_set_new(object, "rule", rule);
}

void rule_place_text(const struct config *config, uint32_t rule_nr, enum base_chain base,
                     uint8_t family, char out[RULE_PLACE_SIZE])
{
	struct rule_place at = { .file = NULL };

	out[0] = '\0';
	if (config == NULL || (!config_rule_place(config, rule_nr, &at) &&
	                       !config_base_place(config, base, family, &at))) {
		return;
	}
	if (at.file == NULL) {
		(void)snprintf(out, RULE_PLACE_SIZE, "%s %s %s", at.family, at.table, at.chain);
		return;
	}
	(void)snprintf(out, RULE_PLACE_SIZE, "%s %s %s %s:%" PRIu32, at.family, at.table, at.chain,
	               at.file, at.line);
}

static json_t *tuple_json(const struct tuple *t, bool has_ports)
{
	char src[ADDR_TEXT_SIZE];
	char dst[ADDR_TEXT_SIZE];
	json_t *o = json_pack("{s:s, s:s, s:s, s:i}", "family", t->family == 4 ? "ipv4" : "ipv6",
	                      "source", addr_text(&t->src, t->family, src), "destination",
	                      addr_text(&t->dst, t->family, dst), "protocol_number", (int)t->proto);

	if (o != NULL && has_ports) {
		json_object_set_new(o, "source_port", json_integer(t->sport));
		json_object_set_new(o, "destination_port", json_integer(t->dport));
	}
	return o;
}

static json_t *packet_json(const struct trace_packet *p, const struct trace_names *names)
{
	bool has_ports = p->depth >= PKT_PORTS &&
	                 (p->l4_proto == IPPROTO_NR_TCP || p->l4_proto == IPPROTO_NR_UDP);
	json_t *o = p->depth == PKT_NOTHING ? json_object() : tuple_json(&p->tuple, has_ports);

	if (o == NULL) {
		return NULL;
	}
	if (p->depth != PKT_NOTHING) {
		json_object_set_new(o, "protocol_number", json_integer(p->l4_proto));
	}
	json_object_set_new(o, "hook", json_string(hook_name((enum hook)p->hook)));
	json_object_set_new(o, "in", ctl_json_text(names->iif));
	json_object_set_new(o, "out", ctl_json_text(names->oif));
	json_object_set_new(o, "length", json_integer((json_int_t)p->true_size));
	json_object_set_new(o, "mark", json_integer((json_int_t)p->mark));
	if (p->depth == PKT_FULL && p->l4_proto == IPPROTO_NR_TCP) {
		json_object_set_new(o, "sequence", json_integer((json_int_t)p->seq));
		json_object_set_new(o, "acknowledgement", json_integer((json_int_t)p->ack));
		json_object_set_new(o, "flags", json_integer(p->tcp_flags));
		json_object_set_new(o, "window", json_integer(p->win));
	}
	if (p->depth >= PKT_PORTS &&
	    (p->l4_proto == IPPROTO_NR_ICMP || p->l4_proto == IPPROTO_NR_ICMPV6)) {
		json_object_set_new(o, "type", json_integer(p->icmp_type));
		json_object_set_new(o, "code", json_integer(p->icmp_code));
	}
	return o;
}

static json_t *entry_json(const struct flow *f, struct mono now)
{
	struct flow_view v;

	flow_view_live(f, now, NULL, &v);
	return flow_json(&v);
}

static const char *then_word(const struct rule_step *step)
{
	switch ((enum rule_step_then)step->then) {
	case STEP_JUMP:
		return "jump";
	case STEP_GOTO:
		return "goto";
	case STEP_RETURN:
		return "return";
	case STEP_VERDICT:
		return rule_code_word(step->code);
	default:
		return "continue";
	}
}

static json_t *step_json(const struct rule_step *step, const struct trace_names *names)
{
	static const char *const kinds[] = { "chain", "rule", "end", "policy", "setting" };
	static const char *const bases[CHAINS_LEN] = { "input", "forward",    "output", "late",
		                                       "idle",  "prerouting", "output" };
	const struct config *c = names->config;
	json_t *o = json_pack("{s:s}", "step", kinds[step->kind]);
	struct rule_place at;

	if (o == NULL) {
		return NULL;
	}
	switch ((enum rule_step_kind)step->kind) {
	case STEP_CHAIN:
		json_object_set_new(o, "hook", json_string(bases[step->chain]));
		json_object_set_new(o, "state",
		                    json_string(ct_state_name((enum ct_state)step->state)));
		break;
	case STEP_RULE:
		rule_json_add(o, c, step->rule_nr, CHAIN_INPUT, 0);
		json_object_set_new(o, "verdict", json_string(then_word(step)));
		if (c != NULL && (step->then == STEP_JUMP || step->then == STEP_GOTO) &&
		    config_chain_place(c, step->chain_nr, &at)) {
			json_object_set_new(o, "target", json_string(at.chain));
		}
		break;
	case STEP_END:
		if (c != NULL && config_chain_place(c, step->chain_nr, &at)) {
			json_object_set_new(o, "chain", place_json(&at));
		}
		break;
	case STEP_POLICY:
		if (c != NULL &&
		    config_base_place(c, (enum base_chain)step->chain, step->family, &at)) {
			json_object_set_new(o, "policy_chain", place_json(&at));
		}
		json_object_set_new(o, "verdict", json_string(rule_code_word(step->code)));
		break;
	case STEP_SETTING:
		json_object_set_new(o, "verdict", json_string(rule_code_word(step->code)));
		break;
	}
	return o;
}

json_t *trace_json(const struct trace *t, const struct trace_names *names)
{
	static const char *const entries[] = { "not-looked-up", "none", "live", "due" };
	const struct decision *d = &t->decision;
	json_t *o = json_pack("{s:s, s:I, s:o, s:s}", "type", "trace", "id", (json_int_t)names->id,
	                      "packet", packet_json(&t->packet, names), "entry", entries[t->entry]);
	json_t *steps = json_array();

	if (o == NULL) {
		json_decref(steps);
		return NULL;
	}
	if (t->entry == TRACE_LIVE || t->entry == TRACE_DUE) {
		json_object_set_new(o, "before", entry_json(&t->before, t->now));
	}
	if (t->has_tomb) {
		struct flow_view v;

		flow_view_remembered(&t->tomb, t->now, &v);
		json_object_set_new(o, "remembered", flow_json(&v));
	}
	if (t->has_fit) {
		json_object_set_new(
			o, "window_check",
			json_pack("{s:b, s:b, s:b, s:b}", "begins_inside",
		                  (t->fit & TRACE_SEQ_INSIDE) != 0, "is_recent",
		                  (t->fit & TRACE_SEQ_RECENT) != 0, "acknowledges_sent_data",
		                  (t->fit & TRACE_ACK_SEEN) != 0, "acknowledgement_is_recent",
		                  (t->fit & TRACE_ACK_RECENT) != 0));
	}
	for (uint32_t i = 0; i < t->steps.len; i++) {
		json_array_append_new(steps, step_json(&t->steps.step[i], names));
	}
	json_object_set_new(o, "steps", steps);
	if (t->steps.left_out > 0) {
		json_object_set_new(o, "steps_left_out", json_integer(t->steps.left_out));
	}
	if (t->has_after) {
		json_object_set_new(o, "after", entry_json(&t->after, t->now));
	}
	if (d->is_held != 0) {
		json_object_set_new(o, "verdict", json_string("held"));
		return o;
	}
	json_object_set_new(o, "state", json_string(ct_state_name((enum ct_state)d->state)));
	if (d->reason < REASONS_LEN) {
		json_object_set_new(o, "reason", json_string(reason_name((enum reason)d->reason)));
	}
	json_object_set_new(o, "direction", json_string(d->dir == DIR_ORIG ? "original" : "reply"));
	json_object_set_new(o, "verdict", json_string(verdict_name((enum verdict)d->verdict)));
	rule_json_add(o, names->config, d->rule_nr, (enum base_chain)t->packet.hook,
	              t->packet.tuple.family);
	return o;
}

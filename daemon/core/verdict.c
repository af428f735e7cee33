/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chains of a policy: the rules where there are any, the settings where there are none. Must not
 * know shards, and changes no flow.
 */
#include "verdict.h"

/* What the settings say where the policy has no such chain. */
static void default_verdict(const struct tunables *tun, enum base_chain chain,
                            struct rule_result *out)
{
	*out = (struct rule_result){ .code = RULE_ACCEPT, .rule_nr = UINT32_MAX };
	if (chain == CHAIN_LATE) {
		out->code = (uint8_t)(RULE_LATE_FIRST + tun->late_close);
	}
	if (chain == CHAIN_IDLE) {
		out->code = (uint8_t)(RULE_IDLE_FIRST + tun->on_idle);
	}
}

bool verdict_has_chain(const struct policy *policy, enum base_chain chain)
{
	return policy->rules != NULL && ruleset_has_chain(policy->rules, chain);
}

static __attribute__((noinline, cold)) void note_setting(enum base_chain chain, enum ct_state state,
                                                         uint8_t code, struct rule_trace *steps)
{
	struct rule_step step = {
		.kind = STEP_CHAIN, .chain = (uint8_t)chain, .state = (uint8_t)state, .code = code
	};

	rule_trace_add(steps, &step);
	step.kind = STEP_SETTING;
	rule_trace_add(steps, &step);
}

/* in->counts is set by the caller. */
static inline void eval(const struct context *cx, enum base_chain chain, struct rule_input *in,
                        struct rule_result *out)
{
	/* What other policies would do is no step. */
	struct rule_trace *steps =
		in->mode != EVAL_DRY && in->mode != EVAL_AGAIN ? cx->worker->steps : NULL;

	if (!verdict_has_chain(cx->policy, chain)) {
		default_verdict(&cx->policy->tun, chain, out);
		if (steps != NULL) {
			note_setting(chain, in->state, out->code, steps);
		}
		return;
	}
	in->now = cx->now;
	in->log = cx->worker->sink.log;
	in->log_ctx = cx->worker->sink.ctx;
	in->ifname = cx->worker->sink.ifname;
	if (steps != NULL) {
		ruleset_eval_traced(cx->policy->rules, cx->worker->counters, chain, in, out, steps);
		return;
	}
	ruleset_eval(cx->policy->rules, cx->worker->counters, chain, in, out);
}

void verdict_eval(const struct context *cx, enum base_chain chain, struct rule_input *in,
                  struct rule_result *out)
{
	in->counts = cx->counts;
	eval(cx, chain, in, out);
}

/* Rules match packets: this one has the flow's tuple in a direction, and no interface. */
static void packet_of(const struct flow *f, enum hook hook, enum flow_dir dir, struct frame *frame,
                      struct pkt *pkt)
{
	enum key_side opener = flow_orig_side(f);
	enum key_side other = opener == SIDE_LO ? SIDE_HI : SIDE_LO;

	*frame = (struct frame){ .hook = hook };
	*pkt = (struct pkt){
		.frame = frame,
		.depth = PKT_PORTS,
		.reach = PKT_REACH_PROTO + 4, /* the ports */
		.kind = f->key.proto == IPPROTO_NR_UDP ? PKT_KIND_UDP : PKT_KIND_TCP,
		.l4_proto = f->key.proto,
	};
	flowkey_to_tuple(&f->key, dir == DIR_ORIG ? opener : other, &pkt->tuple);
	pkt->th_sport = pkt->tuple.sport;
	pkt->th_dport = pkt->tuple.dport;
}

enum idle_policy verdict_eval_idle(const struct context *cx, const struct flow *f)
{
	struct frame frame;
	struct pkt pkt;
	struct rule_input in = { .pkt = &pkt, .state = CT_ESTABLISHED, .dir = DIR_ORIG };
	struct rule_result rules;

	packet_of(f, (enum hook)f->hook, DIR_ORIG, &frame, &pkt);
	frame.iif = f->hook == HOOK_OUTPUT ? 0 : f->ifindex;
	frame.oif = f->hook == HOOK_OUTPUT ? f->ifindex : 0;
	eval(cx, CHAIN_IDLE, &in, &rules);
	return (enum idle_policy)(rules.code - RULE_IDLE_FIRST);
}

static enum base_chain raw_chain(enum hook hook)
{
	return hook == HOOK_OUTPUT ? CHAIN_RAW_OUTPUT : CHAIN_PREROUTING;
}

/* The incoming interface is known of the direction of the first packet, and of answers to this
 * machine, which come back the same way. */
const char *verdict_obstacle(const struct context *cx, const struct flow *f, enum hook hook,
                             enum flow_dir dir, enum ct_state state, uint32_t *rule_nr)
{
	const enum base_chain chain = (enum base_chain)hook;
	struct frame frame;
	struct pkt pkt;
	struct rule_input in = { .pkt = &pkt, .state = state, .dir = dir };
	struct rule_result r;
	const char *word = NULL;
	bool reads_iif;

	*rule_nr = UINT32_MAX;
	packet_of(f, hook, dir, &frame, &pkt);
	if (hook == HOOK_INPUT || (hook == HOOK_FORWARD && dir == DIR_ORIG)) {
		frame.iif = f->ifindex;
	}
	if (!verdict_is_constant(cx, chain, &in, &r, &reads_iif)) {
		word = ruleset_obstacle(cx->policy->rules, chain, &in, rule_nr);
	} else if (verdict_of(&r) != VERDICT_ACCEPT) {
		*rule_nr = r.rule_nr;
		word = "dropped";
	}
	return reads_iif && frame.iif == 0 && hook != HOOK_OUTPUT ? NULL : word;
}

uint8_t verdict_raw_hooks(const struct policy *policy)
{
	unsigned hooks = 0;

	for (unsigned hook = 0; hook < HOOKS_LEN; hook++) {
		hooks |= (unsigned)verdict_has_chain(policy, raw_chain((enum hook)hook)) << hook;
	}
	return (uint8_t)hooks;
}

void verdict_eval_raw(const struct context *cx, const struct pkt *pkt, struct rule_result *out)
{
	const enum base_chain chain = raw_chain((enum hook)pkt->frame->hook);
	struct rule_input in = { .pkt = pkt, .state = CT_INVALID, .mode = EVAL_DRY };
	struct frame frame;
	struct pkt before;

	if (pkt->frame->hook == HOOK_FORWARD) {
		/* as it was before the route: without output interface, its hop limit as received
		 */
		frame = *pkt->frame;
		frame.oif = 0;
		before = *pkt;
		before.frame = &frame;
		before.ttl++;
		in.pkt = &before;
	}
	eval(cx, chain, &in, out);
}

bool verdict_is_fixed(const struct policy *policy, enum base_chain chain, uint8_t family,
                      enum ct_state state, struct rule_result *out)
{
	if (!verdict_has_chain(policy, chain)) {
		default_verdict(&policy->tun, chain, out);
		return true;
	}
	return ruleset_is_fixed(policy->rules, chain, family, state, out);
}

bool verdict_is_constant(const struct context *cx, enum base_chain chain, struct rule_input *in,
                         struct rule_result *out, bool *reads_iif)
{
	*reads_iif = false;
	if (!verdict_has_chain(cx->policy, chain)) {
		default_verdict(&cx->policy->tun, chain, out);
		return true;
	}
	in->mode = EVAL_DRY;
	in->now = cx->now;
	in->log_ctx = cx->worker->sink.ctx;
	in->ifname = cx->worker->sink.ifname;
	return ruleset_is_constant(cx->policy->rules, chain, in, out, reads_iif);
}

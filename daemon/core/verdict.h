/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Evaluation of a chain on a packet, or on a flow whose timeout has run out. Where the policy has
 * no such chain its settings decide.
 */
#ifndef FINWALL_CORE_VERDICT_H
#define FINWALL_CORE_VERDICT_H

#include <finwall/engine.h>

/* The same for all packets of a batch, and for all flows that one call expires. */
struct context {
	const struct policy *policy;
	struct engine_worker *worker;
	struct conncount *counts; /* the engine's */
	struct mono now;
	uint8_t raw_hooks; /* verdict_raw_hooks() of the policy; where packets are decided */
};

/*
 * Evaluates a chain. The caller fills pkt, state, dir, mode and claim of *in; the rest is taken
 * from the context. in->mode (ruleset.h) selects the effects on counters, log and rate limits.
 */
void verdict_eval(const struct context *cx, enum base_chain chain, struct rule_input *in,
                  struct rule_result *out);

/*
 * Evaluates the idle chain on a TCP flow. The rules see the opener's tuple, the hook and interface
 * of the first packet, state ESTABLISHED and direction original; `ct count` matches nothing.
 */
enum idle_policy verdict_eval_idle(const struct context *cx, const struct flow *f);

/* False where the policy has no such chain: packets get a default verdict. */
bool verdict_has_chain(const struct policy *policy, enum base_chain chain);

/*
 * True when the chain gives each packet of this family (4 or 6) and state the same verdict without
 * reading it, counting or logging; *out is then that verdict.
 */
bool verdict_is_fixed(const struct policy *policy, enum base_chain chain, uint8_t family,
                      enum ct_state state, struct rule_result *out);

/* The same for all packets of this packet's connection and direction; see ruleset_is_constant().
 * The caller fills pkt, state and dir of *in. */
bool verdict_is_constant(const struct context *cx, enum base_chain chain, struct rule_input *in,
                         struct rule_result *out, bool *reads_iif);

/*
 * Why the chain of this hook does not accept all packets of a flow in this direction and state: a
 * word, or NULL if it does, as far as the flow's record shows. *rule_nr: the rule that is the
 * reason, UINT32_MAX = the chain's policy.
 */
const char *verdict_obstacle(const struct context *cx, const struct flow *f, enum hook hook,
                             enum flow_dir dir, enum ct_state state, uint32_t *rule_nr);

/* The hooks whose packets rules see before the tracker does, a bit each. */
uint8_t verdict_raw_hooks(const struct policy *policy);

/*
 * Evaluates the rules before the tracker, which the packet's hook has, without effects, as those
 * are the kernel's, which has the same rules.
 */
void verdict_eval_raw(const struct context *cx, const struct pkt *pkt, struct rule_result *out);

static inline enum verdict verdict_of(const struct rule_result *r)
{
	switch (r->code) {
	case RULE_ACCEPT:
		return VERDICT_ACCEPT;
	case RULE_REJECT:
		return VERDICT_REJECT;
	default:
		return VERDICT_DROP;
	}
}

#endif

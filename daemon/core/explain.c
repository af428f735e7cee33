/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Explanations: the rules on a packet that does not exist. Shares the evaluation with the packets'
 * path and changes nothing.
 */
#include "trace.h"

void engine_explain(struct engine *e, struct engine_worker *w, struct mono now,
                    const struct frame *frame, enum ct_state state, enum flow_dir dir,
                    struct trace *out)
{
	const struct context cx = {
		.policy = w->policy, .worker = w, .counts = &e->counts, .now = now
	};
	struct decoded d = { .cx = &cx };
	struct rule_input in = {
		.pkt = &d.pkt, .state = state, .dir = dir, .mode = EVAL_EXPLAIN, .now = now
	};
	struct rule_result rules;
	enum key_side side = SIDE_LO;

	d.broken = (uint8_t)pkt_decode(frame, &d.pkt);
	if (d.broken == REASON_NONE && d.pkt.kind != PKT_KIND_ICMP_ERROR &&
	    !flowkey_from_tuple(&d.pkt.tuple, &d.key, &side)) {
		d.broken = REASON_ICMP_TYPE;
	}
	d.side = (uint8_t)side;
	d.hash = flowkey_hash(&d.key, &e->cfg.hash_key);
	d.shard = shard_of(e, d.hash);
	shard_lock(e, d.shard);
	trace_fill(&d, out);
	shard_unlock(d.shard);
	out->is_explained = true;
	w->steps = &out->steps;
	verdict_eval(&cx, (enum base_chain)frame->hook, &in, &rules);
	w->steps = NULL;
	out->decision = (struct decision){
		.verdict = (uint8_t)verdict_of(&rules),
		.reject_with = rules.reject_with,
		.state = (uint8_t)state,
		.dir = (uint8_t)dir,
		.reason = REASON_NONE,
		.mark_is_set = rules.mark_is_set,
		.mark = rules.mark,
		.rule_nr = rules.rule_nr,
	};
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why packets of a connection go to the queue: found when a list asks, so that it costs packets
 * nothing. lease_offer.c decides; this names its reasons.
 */
#include "lease_offer.h"

/* Of a flow whose state allows no lease. */
static const char *word_of_state(const struct flow *f)
{
	if ((f->extras & FLOW_EXTRA_ONE_WAY) != 0) {
		return "one-way";
	}
	if ((f->extras & FLOW_EXTRA_TIMEOUTS) != 0) {
		return "timeouts";
	}
	if ((f->probes & FLOW_PROBE_REPLICATED) != 0) {
		return "cluster";
	}
	if (f->probes != 0) {
		return "probed";
	}
	if (f->key.proto != IPPROTO_NR_TCP && f->key.proto != IPPROTO_NR_UDP) {
		return "protocol";
	}
	if (f->key.proto == IPPROTO_NR_TCP && (f->status & FLOW_KNOWN) != 0) {
		return "unproved";
	}
	return f->key.proto == IPPROTO_NR_TCP && flow_is_closed(f) ? "closed" : "opening";
}

/* The hook that packets of a direction pass. */
static enum hook hook_of(const struct flow *f, enum flow_dir dir)
{
	if (f->hook == HOOK_FORWARD || dir == DIR_ORIG) {
		return (enum hook)f->hook;
	}
	return f->hook == HOOK_INPUT ? HOOK_OUTPUT : HOOK_INPUT;
}

static bool set_by_rules(const struct context *cx, const struct flow *f, enum flow_dir dir,
                         enum ct_state state, struct lease_why *out)
{
	struct rule_result r;
	enum hook hook = hook_of(f, dir);

	if (verdict_is_fixed(cx->policy, (enum base_chain)hook, f->key.family, state, &r) &&
	    verdict_of(&r) == VERDICT_ACCEPT) {
		return false;
	}
	out->word = verdict_obstacle(cx, f, hook, dir, state, &out->rule_nr);
	out->is_by_rules = 1;
	out->hook = (uint8_t)hook;
	out->dir = (uint8_t)dir;
	return out->word != NULL;
}

void engine_lease_why(struct engine *e, struct engine_worker *w, const struct flow *f,
                      struct mono now, struct lease_why *out)
{
	const struct context cx = { .policy = w->policy, .worker = w, .now = now };
	enum lease_chance chance = lease_chance(f);

	*out = (struct lease_why){ .rule_nr = UINT32_MAX };
	if (!leases_are_on(e)) {
		return;
	}
	if (verdict_raw_hooks(w->policy) != 0) {
		out->word = "notrack";
		return;
	}
	/* Other nodes get to know of an opening packet by packet. */
	if (!lease_is_held(f) &&
	    (chance == LEASE_NEVER || (chance == LEASE_OPENING && e->shard[0].marks != NULL))) {
		out->word = word_of_state(f);
		return;
	}
	if (set_by_rules(&cx, f, DIR_ORIG, CT_ESTABLISHED, out) ||
	    set_by_rules(&cx, f, DIR_REPLY, CT_ESTABLISHED, out)) {
		return;
	}
	*out = (struct lease_why){ .rule_nr = UINT32_MAX };
	if (!lease_is_held(f)) {
		/* Its next packet may get one; or there is no place. */
		out->word = "waits";
	}
}

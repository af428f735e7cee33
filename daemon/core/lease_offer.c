/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which flows are leased. See lease_offer.h.
 *
 * The conditions on a TCP connection are those of the fast path (fastpath.c): its packets change
 * windows and deadline only. They hold as long as the kernel side owns it, because every packet
 * that could change anything else is sent to the queue. UDP: with datagrams of both ends; further
 * ones move the deadline, and make it a stream.
 */
#include "lease_offer.h"

#include "tcp_window.h"

static bool can_be_leased(const struct flow *f)
{
	if (((~f->status & FLOW_SEEN_REPLY) | (f->status & FLOW_LEASED) | f->probes |
	     (f->extras & FLOW_EXTRA_SLOW)) != 0) {
		return false;
	}
	switch (f->key.proto) {
	case IPPROTO_NR_TCP:
		return (f->status & (FLOW_ASSURED | FLOW_KNOWN)) == FLOW_ASSURED &&
		       is_plain(&f->conn.tcp, SEG_ACK);
	case IPPROTO_NR_UDP:
		return true;
	default:
		return false;
	}
}

/* The hooks that accept all packets of open connections, a bit each. */
static uint8_t accepting_hooks(const struct policy *policy, uint8_t family)
{
	struct rule_result r;
	unsigned hooks = 0;

	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if (verdict_is_fixed(policy, (enum base_chain)h, family, CT_ESTABLISHED, &r) &&
		    verdict_of(&r) == VERDICT_ACCEPT) {
			hooks |= 1u << h;
		}
	}
	return (uint8_t)hooks;
}

static void grant(const struct context *cx, struct shard *s, struct flow *f, uint64_t hash,
                  const struct lease_terms *terms)
{
	(void)lease_grant(&s->leases, &s->flows, f, hash, terms, cx->worker->lease_generation,
	                  cx->now);
}

void lease_offer_fixed(const struct context *cx, struct shard *s, struct flow *f, uint64_t hash,
                       enum hook hook)
{
	struct lease_terms terms = { .hooks = { 0 } };
	uint8_t hooks;

	if (!can_be_leased(f)) {
		return;
	}
	hooks = accepting_hooks(cx->policy, f->key.family);
	if ((hooks & 1u << hook) != 0) {
		terms.hooks[DIR_ORIG] = hooks;
		terms.hooks[DIR_REPLY] = hooks;
		grant(cx, s, f, hash, &terms);
	}
}

/*
 * The rules read the packet, but nothing that other packets of its connection and direction do not
 * have: they are accepted as well. Those of the other direction are known when one of them comes to
 * the queue; until then the kernel side does not accept them.
 */
static void offer_constant(const struct context *cx, struct shard *s, struct flow *f, uint64_t hash,
                           const struct pkt *pkt, enum flow_dir dir)
{
	const enum hook hook = (enum hook)pkt->frame->hook;
	struct rule_input in = { .pkt = pkt, .state = CT_ESTABLISHED, .dir = dir };
	struct lease_terms terms;
	struct rule_result r;
	bool reads_iif;
	uint32_t iif;

	if (!verdict_is_constant(cx, (enum base_chain)hook, &in, &r, &reads_iif) ||
	    verdict_of(&r) != VERDICT_ACCEPT) {
		return;
	}
	lease_recall(&s->leases, &s->flows, f, cx->worker->lease_generation, &terms);
	iif = reads_iif ? pkt->frame->iif : 0;
	if (terms.iif[dir] != iif) {
		terms.hooks[dir] = 0;
		terms.iif[dir] = iif;
	}
	terms.hooks[dir] |= (uint8_t)(1u << hook);
	grant(cx, s, f, hash, &terms);
}

void lease_offer(const struct context *cx, struct shard *s, struct flow *f, uint64_t hash,
                 const struct pkt *pkt, enum flow_dir dir)
{
	struct rule_result r;

	if (!can_be_leased(f)) {
		if ((f->status & (FLOW_LEASED | FLOW_HAD_LEASE)) == FLOW_HAD_LEASE) {
			/* It ends, or its windows are in doubt: others may need the place. */
			shard_end_lease(s, f);
		}
		return;
	}
	if (verdict_is_fixed(cx->policy, (enum base_chain)pkt->frame->hook, f->key.family,
	                     CT_ESTABLISHED, &r)) {
		lease_offer_fixed(cx, s, f, hash, (enum hook)pkt->frame->hook);
	} else {
		offer_constant(cx, s, f, hash, pkt, dir);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which flows are leased. See lease_offer.h.
 *
 * The conditions on a TCP connection are those of the fast path (fastpath.c): its packets change
 * windows and deadline only. They hold as long as the kernel side owns it, because every packet
 * that could change anything else is sent to the queue. UDP: a stream, whose datagrams move the
 * deadline only.
 */
#include "lease_offer.h"

#include "tcp_window.h"

#define STATUS_NEEDED (FLOW_SEEN_REPLY | FLOW_ASSURED)

static bool can_be_leased(const struct flow *f)
{
	if (((~f->status & STATUS_NEEDED) | (f->status & FLOW_LEASED) | f->probes) != 0) {
		return false;
	}
	switch (f->key.proto) {
	case IPPROTO_NR_TCP:
		return (f->status & FLOW_KNOWN) == 0 && is_plain(&f->conn.tcp, SEG_ACK);
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

void lease_offer(const struct context *cx, struct shard *s, struct flow *f, uint64_t hash,
                 enum hook hook)
{
	uint8_t hooks;

	if (!can_be_leased(f)) {
		return;
	}
	hooks = accepting_hooks(cx->policy, f->key.family);
	if ((hooks & 1u << hook) != 0) {
		(void)lease_grant(&s->leases, &s->flows, f, hash, hooks,
		                  cx->worker->lease_generation, cx->now);
	}
}

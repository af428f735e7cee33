/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which flows are leased: those of which every packet that needs only the window check is accepted,
 * whatever it contains.
 */
#ifndef FINWALL_CORE_LEASE_OFFER_H
#define FINWALL_CORE_LEASE_OFFER_H

#include "shard.h"
#include "verdict.h"

static inline bool leases_are_on(const struct engine *e)
{
	return atomic_load_explicit(&e->leases.is_on, memory_order_relaxed) != 0;
}

/* Whether the state of a flow allows a lease. */
enum lease_chance {
	LEASE_NEVER,
	LEASE_OPENING, /* with space in the table, and without a cluster and open questions */
	LEASE_OFFERED,
};
enum lease_chance lease_chance(const struct flow *f);

/*
 * A packet of the flow was accepted: grants a lease if the flow can have one. The caller holds the
 * shard's lock. _fixed: all packets of open connections are accepted in this hook; otherwise the
 * rules are evaluated for this packet.
 */
void lease_offer(const struct context *cx, struct shard *s, struct flow *f, uint64_t hash,
                 const struct pkt *pkt, enum flow_dir dir);
void lease_offer_fixed(const struct context *cx, struct shard *s, struct flow *f, uint64_t hash,
                       enum hook hook);

#endif

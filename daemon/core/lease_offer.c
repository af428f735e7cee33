/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which flows are leased. See lease_offer.h.
 *
 * A TCP connection of which everything is known, from its SYN on: the kernel side has the tracker's
 * step (tcp_step.h), and sends every packet to the queue that needs more. UDP: datagrams move the
 * deadline, and make it a stream.
 *
 * The kernel side accepts packets of open connections only. So of a connection that has not been
 * answered it takes the answers.
 */
#include "lease_offer.h"

/* The part of the table that connections without an answer may fill, and be leased. */
#define OPENING_MAX(len) ((len) - (len) / 8)

/*
 * A flood would need a lease for each SYN, and none of them is answered. While a question to an end
 * is open, its answer may look like a segment of a connection that has been opened meanwhile
 * (verify.c). Other nodes get to know of an opening packet by packet.
 */
static bool opening_can_be_leased(const struct shard *s, struct mono now)
{
	return s->marks == NULL && s->flows.used < OPENING_MAX(s->flows.pool_len) &&
	       mono_is_due(s->questions.until, now);
}

static enum lease_chance tcp_chance(const struct flow *f)
{
	if ((f->status & FLOW_KNOWN) != 0) {
		return LEASE_NEVER;
	}
	switch ((enum tcp_state)f->conn.tcp.state) {
	case TCP_SYN_SENT:
	case TCP_SYN_RECV:
		return LEASE_OPENING;
	case TCP_ESTABLISHED:
		return (f->status & FLOW_ASSURED) != 0 ? LEASE_OFFERED : LEASE_OPENING;
	case TCP_FIN_WAIT:
	case TCP_CLOSE_WAIT:
	case TCP_LAST_ACK:
		return LEASE_OFFERED;
	default:
		return LEASE_NEVER;
	}
}

enum lease_chance lease_chance(const struct flow *f)
{
	if ((f->probes | (f->extras & FLOW_EXTRA_SLOW)) != 0) {
		return LEASE_NEVER;
	}
	switch (f->key.proto) {
	case IPPROTO_NR_TCP:
		return tcp_chance(f);
	case IPPROTO_NR_UDP:
		return (f->status & FLOW_SEEN_REPLY) != 0 ? LEASE_OFFERED : LEASE_OPENING;
	default:
		return LEASE_NEVER;
	}
}

static bool can_be_leased(const struct shard *s, const struct flow *f, struct mono now)
{
	enum lease_chance chance;

	if ((f->status & FLOW_LEASED) != 0) {
		return false;
	}
	chance = lease_chance(f);
	return chance == LEASE_OFFERED ||
	       (chance == LEASE_OPENING && opening_can_be_leased(s, now));
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
	struct lease_terms terms;
	uint8_t hooks;

	if (!can_be_leased(s, f, cx->now)) {
		return;
	}
	hooks = accepting_hooks(cx->policy, f->key.family);
	if ((hooks & 1u << hook) != 0) {
		lease_recall(&s->leases, &s->flows, f, cx->worker->lease_generation, &terms);
		terms.hooks[DIR_ORIG] |= hooks;
		terms.hooks[DIR_REPLY] |= hooks;
		grant(cx, s, f, hash, &terms);
	}
}

/*
 * True if the chain accepts this packet in this state, and reads nothing that other packets of its
 * connection and direction do not have. *iif: the incoming interface that it depends on, 0 = any.
 */
static bool accepts_all_like(const struct context *cx, const struct pkt *pkt, enum ct_state state,
                             enum flow_dir dir, uint32_t *iif)
{
	const enum base_chain chain = (enum base_chain)pkt->frame->hook;
	struct rule_input in = { .pkt = pkt, .state = state, .dir = dir };
	struct rule_result r;
	bool reads_iif;

	if (!verdict_is_constant(cx, chain, &in, &r, &reads_iif) ||
	    verdict_of(&r) != VERDICT_ACCEPT) {
		return false;
	}
	*iif = reads_iif ? pkt->frame->iif : 0;
	return true;
}

/* True if one of these hooks has a chain: packets of the others are not queued. */
static bool are_queued(const struct policy *policy, uint8_t hooks)
{
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if ((hooks & 1u << h) != 0 && verdict_has_chain(policy, (enum base_chain)h)) {
			return true;
		}
	}
	return false;
}

/*
 * This direction stays in the queue. What is known of the other one still holds: else each packet
 * of this direction would bring one of the other to the queue.
 */
static void grant_other(const struct context *cx, struct shard *s, struct flow *f, uint64_t hash,
                        struct lease_terms *terms, enum flow_dir dir)
{
	terms->hooks[dir] = 0;
	if (dir == DIR_ORIG) {
		terms->new_hooks = 0;
	}
	if (are_queued(cx->policy, terms->hooks[dir_other(dir)])) {
		grant(cx, s, f, hash, terms);
	}
}

/*
 * The rules read the packet: all like it are accepted as well. Those of the other direction are
 * known when one of them comes to the queue; until then the kernel side accepts them in hooks whose
 * chain accepts everything.
 */
static void offer(const struct context *cx, struct shard *s, struct flow *f, uint64_t hash,
                  const struct pkt *pkt, enum flow_dir dir)
{
	const enum hook hook = (enum hook)pkt->frame->hook;
	const uint8_t fixed = accepting_hooks(cx->policy, f->key.family);
	struct lease_terms terms;
	uint32_t iif = 0;

	lease_recall(&s->leases, &s->flows, f, cx->worker->lease_generation, &terms);
	if ((fixed & 1u << hook) == 0) {
		if (!accepts_all_like(cx, pkt, CT_ESTABLISHED, dir, &iif)) {
			grant_other(cx, s, f, hash, &terms, dir);
			return;
		}
		if (terms.iif[dir] != iif) {
			terms.hooks[dir] = 0;
			terms.new_hooks = 0;
			terms.iif[dir] = iif;
		}
		terms.hooks[dir] |= (uint8_t)(1u << hook);
	}
	terms.hooks[DIR_ORIG] |= fixed;
	terms.hooks[DIR_REPLY] |= fixed;
	/* The chain accepts it as a new one, and all like it. */
	if ((f->status & FLOW_SEEN_REPLY) == 0 && f->key.proto == IPPROTO_NR_UDP &&
	    accepts_all_like(cx, pkt, CT_NEW, dir, &iif)) {
		terms.new_hooks |= (uint8_t)(1u << hook);
		terms.iif[dir] = iif != 0 ? iif : terms.iif[dir];
	}
	grant(cx, s, f, hash, &terms);
}

void lease_offer(const struct context *cx, struct shard *s, struct flow *f, uint64_t hash,
                 const struct pkt *pkt, enum flow_dir dir)
{
	if (!can_be_leased(s, f, cx->now)) {
		if ((f->status & (FLOW_LEASED | FLOW_HAD_LEASE)) == FLOW_HAD_LEASE) {
			/* It ends, or its windows are in doubt: others may need the place. */
			shard_end_lease(s, f);
		}
		return;
	}
	offer(cx, s, f, hash, pkt, dir);
}

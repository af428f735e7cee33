/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Refusals of rejected packets; see refusal.h. */
#include "refusal.h"

#include <string.h>

/* The kernel refuses the packet as soon as it has the verdict. */
#define REFUSAL_TTL_NS NSEC_PER_SEC

#define ICMP_UNREACHABLE   3 /* RFC 792 */
#define ICMPV6_UNREACHABLE 1 /* RFC 4443 */

static unsigned set_nr(uint64_t hash)
{
	/* The bits that select the shard, and those above them. */
	return (unsigned)(hash >> 48) % REFUSAL_SETS;
}

/* The RST that answers a segment: RFC 9293, 3.10.7.1. */
static void expect_rst(struct refusal *r, const struct pkt_tcp *tcp)
{
	if ((tcp->flags & TCP_ACK) != 0) {
		r->rst_seq = tcp->ack;
		r->rst_flags = TCP_RST;
		return;
	}
	r->rst_ack = tcp->seq + tcp->payload_size + ((tcp->flags & TCP_SYN) != 0) +
	             ((tcp->flags & TCP_FIN) != 0);
	r->rst_flags = TCP_RST | TCP_ACK;
}

void refusal_add(struct refusals *r, const struct pkt *p, uint64_t hash, uint8_t side,
                 struct mono now)
{
	struct refusal *set = r->set[set_nr(hash)];
	struct refusal *to = &set[0];

	for (unsigned way = 0; way < REFUSAL_WAYS; way++) {
		if (set[way].hash == hash) {
			to = &set[way];
			break;
		}
		if (set[way].until.ns < to->until.ns) {
			to = &set[way];
		}
	}
	memset(to, 0, sizeof(*to));
	to->hash = hash;
	to->until = mono_add(now, REFUSAL_TTL_NS);
	to->side = side;
	to->hook = p->frame->hook;
	if (p->kind == PKT_KIND_TCP) {
		expect_rst(to, &p->tcp);
	}
}

/* The kernel sends it: by the output hook, and to a sender on this machine by the input hook too.
 */
static bool hook_fits(const struct refusal *r, enum hook hook)
{
	return hook == HOOK_OUTPUT || (hook == HOOK_INPUT && r->hook == HOOK_OUTPUT);
}

static bool rst_fits(const struct refusal *r, const struct pkt_tcp *tcp, uint8_t side)
{
	return tcp->flags == r->rst_flags && tcp->payload_size == 0 && tcp->seq == r->rst_seq &&
	       ((tcp->flags & TCP_ACK) == 0 || tcp->ack == r->rst_ack) && side != r->side;
}

static bool error_fits(const struct refusal *r, const struct pkt *p, uint8_t side)
{
	return p->icmp_type == (p->tuple.family == 4 ? ICMP_UNREACHABLE : ICMPV6_UNREACHABLE) &&
	       side == r->side;
}

bool refusal_passes(const struct refusals *r, const struct pkt *p, uint64_t hash, uint8_t side,
                    struct mono now)
{
	const struct refusal *set = r->set[set_nr(hash)];

	for (unsigned way = 0; way < REFUSAL_WAYS; way++) {
		const struct refusal *one = &set[way];

		if (one->hash == hash && !mono_is_due(one->until, now) &&
		    hook_fits(one, (enum hook)p->frame->hook)) {
			return p->kind == PKT_KIND_TCP ? rst_fits(one, &p->tcp, side)
			                               : error_fits(one, p, side);
		}
	}
	return false;
}

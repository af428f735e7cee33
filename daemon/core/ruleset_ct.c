/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What rules read and set of a packet's connection: marks, what it has carried, its timeouts. Must
 * not know the connection table: the connection is a struct rule_ct, which the caller fills and
 * applies.
 */
#include "ruleset_code.h"

static uint64_t sum_of(const uint64_t by_dir[2], unsigned dirs)
{
	return ((dirs & RS_ACCOUNT_ORIG) != 0 ? by_dir[DIR_ORIG] : 0) +
	       ((dirs & RS_ACCOUNT_REPLY) != 0 ? by_dir[DIR_REPLY] : 0);
}

bool ruleset_account_fits(const struct rs_account *a, const struct rule_input *in)
{
	uint64_t packets;
	uint64_t bytes;
	uint64_t n;

	if (in->ct == NULL) {
		return a->lo == 0;
	}
	packets = sum_of(in->ct->packets, a->dirs);
	bytes = sum_of(in->ct->bytes, a->dirs);
	switch ((enum rs_account_what)a->what) {
	case RS_ACCOUNT_PACKETS:
		n = packets;
		break;
	case RS_ACCOUNT_BYTES:
		n = bytes;
		break;
	default:
		n = packets != 0 ? bytes / packets : 0;
		break;
	}
	return a->lo <= n && n <= a->hi;
}

bool ruleset_change_mark(const struct rs_mark_change *c, const struct rule_input *in,
                         uint32_t *mark)
{
	uint32_t from = c->from_ct != 0 ? ruleset_ct_mark(in) : *mark;
	uint32_t change = (from & c->keep) ^ c->flip;

	if (c->to_ct == 0) {
		*mark = (*mark & c->own) ^ change;
		return true;
	}
	if (in->ct != NULL) {
		in->ct->mark = (in->ct->mark & c->own) ^ change;
		in->ct->mark_is_set = true;
	}
	return false;
}

void ruleset_give_timeouts(const struct rs_timeouts *t, const struct rule_input *in)
{
	const struct pkt *p = in->pkt;

	if (in->ct != NULL && p->l4_proto == t->l4_proto &&
	    (t->family == 0 || t->family == p->tuple.family)) {
		in->ct->timeouts = t->id;
		in->ct->timeouts_are_set = true;
	}
}

unsigned ruleset_ct_uses(const struct ruleset *rs)
{
	return rs->ct_uses;
}

static void set_if(int64_t *out, int64_t ns)
{
	*out = ns != 0 ? ns : *out;
}

bool ruleset_set_timeouts(const struct ruleset *rs, uint32_t id, struct tunables *tun)
{
	const struct rs_timeouts *t = rs->timeouts;

	while (t < rs->timeouts + rs->timeouts_len && t->id != id) {
		t++;
	}
	if (t == rs->timeouts + rs->timeouts_len) {
		return false;
	}
	for (unsigned state = 0; state < TCP_STATES_LEN; state++) {
		set_if(&tun->tcp_timeout_ns[state], t->tcp_ns[state]);
	}
	set_if(&tun->tcp_retrans_ns, t->retrans_ns);
	set_if(&tun->tcp_unacked_ns, t->unacked_ns);
	set_if(&tun->udp_unreplied_ns, t->udp_unreplied_ns);
	set_if(&tun->udp_replied_ns, t->udp_replied_ns);
	return true;
}

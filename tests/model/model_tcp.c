/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TCP tracker against tcp_model.c. Random segments at the limits of the expected numbers, from
 * both ends, with time passing and random settings. After each segment all observable state must be
 * equal.
 *
 * usage: model_tcp [SEED]
 */
#include "rng.h"
#include "tcp_model.h"

#include <string.h>

static const unsigned legal_flags[] = {
	TCP_SYN,           TCP_SYN | TCP_URG, TCP_SYN | TCP_ACK,           TCP_RST,
	TCP_RST | TCP_ACK, TCP_FIN | TCP_ACK, TCP_FIN | TCP_ACK | TCP_URG, TCP_ACK,
	TCP_ACK | TCP_URG, TCP_ACK | TCP_PSH, TCP_SYN | TCP_ECE | TCP_CWR,
};

static uint32_t near(struct rng *r, uint32_t v)
{
	static const int32_t delta[] = { 0, 0,  0,    0,     0,     1,      -1,
		                         2, -2, 1000, -1000, 66000, -66000, -66001 };

	return v + (uint32_t)delta[rng_below(r, sizeof(delta) / sizeof(delta[0]))];
}

static uint32_t pick_seq(struct rng *r, const struct model *m, const struct side *s,
                         const struct side *rcv)
{
	switch (rng_below(r, 12)) {
	case 0:
	case 1:
	case 2:
	case 3:
		return s->end;
	case 4:
		return near(r, s->end);
	case 5:
		return near(r, s->maxend);
	case 6:
		return near(r, rcv->maxack);
	case 7:
		return near(r, m->last_end);
	case 8:
		return near(r, s->end - rcv->maxwin);
	case 9:
		return m->last_ack;
	case 10:
		return 0;
	default:
		return (uint32_t)rng_u64(r);
	}
}

static uint32_t pick_ack(struct rng *r, const struct model *m, const struct side *s,
                         const struct side *rcv)
{
	switch (rng_below(r, 12)) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
		return rcv->end;
	case 5:
		return near(r, rcv->end);
	case 6:
		return near(r, rcv->end - s->maxwin);
	case 7:
		return m->last_end;
	case 8:
		return near(r, s->maxack);
	case 9:
		return 0;
	case 10:
		return m->last_ack;
	default:
		return (uint32_t)rng_u64(r);
	}
}

static size_t pick_options(struct rng *r, uint32_t near_ack, uint8_t *o)
{
	static const uint8_t syn_full[] = { 2, 4, 5, 180, 4, 2, 1, 3, 3, 7 };
	static const uint8_t scale_20[] = { 3, 3, 20, 3, 3, 2, 0, 0 };
	static const uint8_t sackok[] = { 4, 2, 1, 1 };
	static const uint8_t cut[] = { 1, 1, 1, 3 };
	static const uint8_t bad_len[] = { 8, 1, 3, 3, 5, 0, 0, 0 };
	static const uint8_t too_long[] = { 3, 3, 4, 9, 40, 4, 2, 0 };
	static const uint8_t stamp[] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2 };
	size_t n = 0;

#define USE(a) (memcpy(o, a, sizeof(a)), sizeof(a))
	switch (rng_below(r, 10)) {
	case 0:
	case 1:
		return USE(syn_full);
	case 2:
		return USE(scale_20);
	case 3:
		return USE(sackok);
	case 4:
		return rng_below(r, 2) != 0 ? USE(cut) : USE(bad_len);
	case 5:
		return rng_below(r, 2) != 0 ? USE(too_long) : USE(stamp);
	case 6:
	case 7:
		break;
	default:
		return 0;
	}
#undef USE
	o[n++] = 1;
	o[n++] = 1;
	o[n++] = 5;
	o[n++] = (uint8_t)(rng_below(r, 8) == 0 ? 11 : 18);
	for (unsigned i = 0; i < 4; i++) {
		uint32_t edge = near(r, near_ack);

		o[n++] = (uint8_t)(edge >> 24);
		o[n++] = (uint8_t)(edge >> 16);
		o[n++] = (uint8_t)(edge >> 8);
		o[n++] = (uint8_t)edge;
	}
	return n;
}

static void pick_settings(struct rng *r, struct tunables *tun)
{
	*tun = seg_tunables();
	tun->tcp_loose = rng_below(r, 4) != 0;
	tun->tcp_be_liberal = rng_below(r, 6) == 0;
	tun->tcp_ignore_invalid_rst = rng_below(r, 4) == 0;
	tun->tcp_max_retrans = rng_below(r, 5);
	tun->tcp_kernel = rng_below(r, 2) != 0 ? KERNEL_NEWEST : KERNEL_6_18;
	if (rng_below(r, 2) != 0) {
		for (unsigned s = 1; s < TCP_STATES_LEN; s++) {
			tun->tcp_timeout_ns[s] = sec_to_ns(1 + rng_below(r, 500));
		}
		tun->tcp_retrans_ns = sec_to_ns(1 + rng_below(r, 500));
		tun->tcp_unacked_ns = sec_to_ns(1 + rng_below(r, 500));
	}
}

/* Returns the name of the first difference, or NULL. */
static const char *difference(const struct seg_conn *c, const struct model *m, enum outcome o)
{
	static const enum track_verdict verdict[] = { TRACK_ACCEPT, TRACK_IGNORE, TRACK_INVALID };
	unsigned status = (m->seen_reply ? FLOW_SEEN_REPLY : 0) | (m->assured ? FLOW_ASSURED : 0);

	if (c->verdict != verdict[o]) {
		return "verdict";
	}
	if (c->exists != m->exists) {
		return "existence";
	}
	if (!m->exists) {
		return NULL;
	}
	if ((unsigned)c->orig != m->orig) {
		return "direction";
	}
	if (c->t.state != m->state) {
		return "state";
	}
	if (c->status != status) {
		return "status";
	}
	if (c->deadline.ns != m->expiry) {
		return "deadline";
	}
	for (unsigned d = 0; d < 2; d++) {
		const struct tcp_seen *a = &c->t.seen[d];
		const struct side *b = &m->seen[d];

		if (a->end != b->end || a->maxend != b->maxend || a->maxwin_bytes != b->maxwin) {
			return "window";
		}
		if ((b->flags & TCP_SIDE_MAXACK) != 0 && a->maxack != b->maxack) {
			return "maxack";
		}
		if (c->t.scale[d] != b->scale) {
			return "scale";
		}
		if ((c->t.flags[d] & TCP_SIDE_KERNEL) != b->flags) {
			return "flags";
		}
	}
	return NULL;
}

static void print_both(const struct seg_conn *c, const struct model *m, enum outcome o)
{
	printf("  tracker: verdict %d exists %d state %u status %x left %lld reason %u\n",
	       c->verdict, c->exists, c->t.state, c->status, (long long)seg_left(c), c->fx.reason);
	printf("  model:   verdict %d exists %d state %u status %x left %lld\n", (int)o, m->exists,
	       m->state, m->seen_reply * FLOW_SEEN_REPLY + m->assured * FLOW_ASSURED,
	       (long long)(m->expiry - c->now.ns));
	for (unsigned d = 0; d < 2; d++) {
		printf("  tracker[%u]: end %u maxend %u maxwin %u maxack %u scale %u flags %x\n", d,
		       c->t.seen[d].end, c->t.seen[d].maxend, c->t.seen[d].maxwin_bytes,
		       c->t.seen[d].maxack, c->t.scale[d], c->t.flags[d]);
		printf("  model[%u]:   end %u maxend %u maxwin %u maxack %u scale %u flags %x\n", d,
		       m->seen[d].end, m->seen[d].maxend, m->seen[d].maxwin, m->seen[d].maxack,
		       m->seen[d].scale, m->seen[d].flags);
	}
}

/* Plays one connection. Returns false at the first difference. */
static bool one_connection(struct rng *r, unsigned long *sent, unsigned long outcomes[3])
{
	struct seg_conn c;
	struct model m;

	seg_conn_init(&c);
	memset(&m, 0, sizeof(m));
	pick_settings(r, &c.tun);
	for (unsigned i = 0; i < 40; i++) {
		enum end from = rng_below(r, 2) != 0 ? END_A : END_B;
		unsigned dir = m.exists ? (unsigned)from != m.orig : 0;
		const struct side *s = &m.seen[dir];
		const struct side *rcv = &m.seen[!dir];
		struct model was = m;
		uint32_t ack = pick_ack(r, &m, s, rcv);
		uint8_t opts[40];
		size_t opts_size = pick_options(r, ack, opts);
		unsigned flags = legal_flags[rng_below(r, 11)];
		struct pkt p;
		enum outcome o;
		const char *what;

		if (m.exists && rng_below(r, 2) != 0) {
			/*
			 * The segment that a real end would send next, so that connections reach
			 * later states.
			 */
			flags = m.state == SS && dir == 1 ? TCP_SYN | TCP_ACK : TCP_ACK;
		}
		p = seg_make(flags, pick_seq(r, &m, s, rcv), ack,
		             rng_below(r, 3) == 0 ? 1 + rng_below(r, 3000) : 0,
		             rng_below(r, 6) == 0 ? 0 : rng_below(r, 65536), opts, opts_size);
		if (rng_below(r, 6) == 0) {
			p.tcp.seq = m.last_seq;
			p.tcp.ack = m.last_ack;
			p.tcp.payload_size = m.last_end - m.last_seq;
			p.tcp.win = m.last_win;
			if (p.tcp.payload_size > 3000) {
				p.tcp.payload_size = 0;
			}
		}
		c.now = mono_add(c.now, rng_below(r, 8) == 0 ? sec_to_ns(rng_below(r, 130))
		                                             : (int64_t)rng_below(r, 1000000));
		seg_send(&c, from, &p);
		o = model_send(&m, from, &p.tcp, &c.tun, c.now.ns);
		outcomes[o]++;
		(*sent)++;
		what = difference(&c, &m, o);
		if (what != NULL) {
			printf("segment %u: %s differs\n", i, what);
			printf("  from %c dir %u flags %02x seq %u ack %u size %u win %u opts %zu; "
			       "state was %u last_index %u last_dir %u last_end %u\n",
			       from == END_A ? 'A' : 'B', dir, flags, p.tcp.seq, p.tcp.ack,
			       p.tcp.payload_size, p.tcp.win, opts_size, was.state, was.last_index,
			       was.last_dir, was.last_end);
			print_both(&c, &m, o);
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	uint64_t seed = rng_seed(argc, argv);
	unsigned long sent = 0;
	unsigned long outcomes[3] = { 0, 0, 0 };

	for (unsigned i = 0; i < 5000; i++) {
		struct rng r;

		rng_init(&r, seed + i);
		if (!one_connection(&r, &sent, outcomes)) {
			printf("to repeat: model_tcp %llu\n", (unsigned long long)(seed + i));
			return EXIT_FAILURE;
		}
	}
	printf("%lu segments: %lu accepted, %lu ignored, %lu invalid\n", sent, outcomes[0],
	       outcomes[1], outcomes[2]);
	return EXIT_SUCCESS;
}

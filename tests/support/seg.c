/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segments and the driver of tcp_track(). Section numbers refer to doc/tcp-tracking.md.
 */
#include "seg.h"

#include <string.h>

enum tcp_class seg_class(unsigned flags)
{
	if ((flags & TCP_RST) != 0) {
		return SEG_RST;
	}
	if ((flags & TCP_SYN) != 0) {
		return (flags & TCP_ACK) != 0 ? SEG_SYNACK : SEG_SYN;
	}
	if ((flags & TCP_FIN) != 0) {
		return SEG_FIN;
	}
	return (flags & TCP_ACK) != 0 ? SEG_ACK : SEG_NONE;
}

struct pkt seg_make(unsigned flags, uint32_t seq, uint32_t ack, uint32_t payload_size, unsigned win,
                    const uint8_t *opts, size_t opts_size)
{
	struct pkt p;

	memset(&p, 0, sizeof(p));
	p.depth = PKT_FULL;
	p.kind = PKT_KIND_TCP;
	p.l4_proto = IPPROTO_NR_TCP;
	p.tuple.proto = IPPROTO_NR_TCP;
	p.tuple.family = 4;
	p.tcp.seq = seq;
	p.tcp.ack = ack;
	p.tcp.payload_size = payload_size;
	p.tcp.win = (uint16_t)win;
	p.tcp.flags = (uint8_t)flags;
	p.tcp.class_nr = (uint8_t)seg_class(flags);
	p.tcp.opts = opts;
	p.tcp.opts_size = (uint8_t)opts_size;
	return p;
}

struct tunables seg_tunables(void)
{
	struct tunables t;

	memset(&t, 0, sizeof(t));
	t.tcp_timeout_ns[TCP_SYN_SENT] = sec_to_ns(120);
	t.tcp_timeout_ns[TCP_SYN_RECV] = sec_to_ns(60);
	t.tcp_timeout_ns[TCP_ESTABLISHED] = sec_to_ns(432000);
	t.tcp_timeout_ns[TCP_FIN_WAIT] = sec_to_ns(120);
	t.tcp_timeout_ns[TCP_CLOSE_WAIT] = sec_to_ns(60);
	t.tcp_timeout_ns[TCP_LAST_ACK] = sec_to_ns(30);
	t.tcp_timeout_ns[TCP_TIME_WAIT] = sec_to_ns(120);
	t.tcp_timeout_ns[TCP_CLOSE] = sec_to_ns(10);
	t.tcp_timeout_ns[TCP_SYN_SENT2] = sec_to_ns(120);
	t.tcp_retrans_ns = sec_to_ns(300);
	t.tcp_unacked_ns = sec_to_ns(300);
	t.tcp_loose = 1;
	t.tcp_max_retrans = 3;
	t.tcp_kernel = KERNEL_NEWEST;
	t.udp_unreplied_ns = sec_to_ns(30);
	t.udp_replied_ns = sec_to_ns(120);
	t.icmp_ns = sec_to_ns(30);
	t.icmpv6_ns = sec_to_ns(30);
	t.generic_ns = sec_to_ns(600);
	return t;
}

void seg_conn_init(struct seg_conn *c)
{
	memset(c, 0, sizeof(*c));
	c->now.ns = sec_to_ns(1000);
	c->tun = seg_tunables();
}

int64_t seg_left(const struct seg_conn *c)
{
	return c->exists ? mono_diff(c->deadline, c->now) : 0;
}

/* Sections 2.6 and 5: creates the entry that the segment would open. */
static bool open_entry(struct seg_conn *c, enum end from, const struct pkt *p)
{
	enum reason r = tcp_open(&c->t, p, &c->tun);

	if (r != REASON_NONE) {
		c->verdict = TRACK_INVALID;
		c->state = CT_INVALID;
		c->fx.reason = (uint8_t)r;
		return false;
	}
	c->exists = true;
	c->orig = from;
	c->status = 0;
	c->deadline = c->now;
	return true;
}

/* Section 2, steps 7 and 8. */
static void apply(struct seg_conn *c, enum flow_dir dir)
{
	bool replied = dir == DIR_REPLY || (c->status & FLOW_SEEN_REPLY) != 0;

	if (c->fx.timeout_ns != 0) {
		c->deadline = mono_add(c->now, c->fx.timeout_ns);
	}
	if (c->verdict == TRACK_INVALID) {
		c->state = CT_INVALID;
		return;
	}
	c->state = replied ? CT_ESTABLISHED : CT_NEW;
	if (c->fx.set_assured) {
		c->status |= FLOW_ASSURED;
	}
	if (dir == DIR_REPLY) {
		c->status |= FLOW_SEEN_REPLY;
	}
	if (c->fx.delete_it) {
		c->exists = false;
	}
}

void seg_send(struct seg_conn *c, enum end from, const struct pkt *p)
{
	c->repeats = 0;
	if (c->exists && mono_is_due(c->deadline, c->now)) {
		c->exists = false;
	}
	for (;;) {
		enum flow_dir dir;

		memset(&c->fx, 0, sizeof(c->fx));
		if (!c->exists && !open_entry(c, from, p)) {
			return;
		}
		dir = from == c->orig ? DIR_ORIG : DIR_REPLY;
		c->verdict = tcp_track(&c->t, p, dir, c->status, mono_diff(c->deadline, c->now),
		                       &c->tun, &c->fx);
		if (c->verdict != TRACK_REPEAT) {
			apply(c, dir);
			return;
		}
		c->exists = false;
		c->repeats++;
	}
}

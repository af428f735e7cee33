/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The window check after van Rooij (2001), the update that follows it, and the time to live: used
 * by the tracker (tcp_track.c), the fast path (fastpath.c) and the kernel fast path
 * (daemon/bpf/fastpath.bpf.c), for which it is compiled for another target. Section numbers are
 * those of doc/tcp-tracking.md.
 *
 * Everything is inlined: with the class of the segment known at compile time, half of the code is
 * removed. The branches of the update are unpredictable, so it uses conditional moves.
 */
#ifndef FINWALL_CORE_TCP_WINDOW_H
#define FINWALL_CORE_TCP_WINDOW_H

#include "tcp_track.h"

#include <finwall/bytes.h>

/* Acknowledgements up to this far back are accepted with any window. */
#define ACK_WINDOW_MIN_BYTES 66000u

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* A segment for the window check, which may replace ack, sack, seq and end (7.4). */
struct seg {
	/* for options; unused in the fast paths */
#ifdef __bpf__
	const struct opts_read *opts;
#else
	const struct pkt_tcp *tcp;
#endif
	uint32_t seq;
	uint32_t ack;
	uint32_t sack; /* ack, or the highest SACK edge */
	uint32_t end;  /* seq + payload, SYN and FIN counted */
	uint16_t win;  /* raw */
	enum tcp_class class_nr;
	enum flow_dir dir;
	enum flow_dir other;
	unsigned status; /* FLOW_*, before this segment */
	bool is_syn;
	bool has_ack;
};

static inline uint32_t at_least_one(uint32_t win)
{
	return win == 0 ? 1 : win;
}

/*
 * Options that the tracker ignores in an open connection: none, or two fillers and a timestamp, as
 * in most segments (RFC 7323, appendix A).
 */
static inline bool opts_are_plain(const uint8_t *opts, size_t size)
{
	return size == 0 || (size == 12 && load_be32(opts) == 0x0101080a);
}

/*
 * Data or acknowledgement in an open connection of which both sides were seen: nearly every
 * segment. Sections 6.1 to 6.6 and 7.3 do not apply to it.
 */
static inline bool is_plain(const struct tcp_conn *t, enum tcp_class class_nr)
{
	return class_nr == SEG_ACK && t->state == TCP_ESTABLISHED && t->seen[0].maxwin_bytes != 0 &&
	       t->seen[1].maxwin_bytes != 0;
}

/* Section 7.4: the four conditions. */
struct fit {
	bool seq_is_inside; /* begins within the window */
	bool seq_is_recent;
	bool ack_was_seen;
	bool ack_is_recent;
};

static ALWAYS_INLINE struct fit fit_of(const struct tcp_conn *t, const struct seg *s)
{
	const struct tcp_seen *snd = &t->seen[s->dir];
	const struct tcp_seen *rcv = &t->seen[s->other];
	uint32_t ack_window =
		snd->maxwin_bytes > ACK_WINDOW_MIN_BYTES ? snd->maxwin_bytes : ACK_WINDOW_MIN_BYTES;

	return (struct fit){
		.seq_is_inside = seq_before(s->seq, snd->maxend + 1),
		.seq_is_recent = seq_after(s->end, snd->end - rcv->maxwin_bytes - 1),
		.ack_was_seen = seq_before(s->sack, rcv->end + 1),
		.ack_is_recent = seq_after(s->sack, rcv->end - ack_window - 1),
	};
}

/* Counts repetitions of the same acknowledgement. */
static ALWAYS_INLINE void note_retransmission(struct tcp_conn *t, const struct seg *s)
{
	bool again = ((t->last_seq ^ s->seq) | (t->last_ack ^ s->ack) | (t->last_end ^ s->end) |
	              (uint32_t)(t->last_win ^ s->win) |
	              (uint32_t)(t->last_dir ^ (unsigned)s->dir)) == 0;

	t->retrans = (uint8_t)(again ? t->retrans + 1 : 0);
	t->last_dir = (uint8_t)s->dir;
	t->last_seq = s->seq;
	t->last_ack = s->ack;
	t->last_end = s->end;
	t->last_win = s->win;
}

/* Section 7.5: the windows after a segment that fits. */
static ALWAYS_INLINE void update_windows(struct tcp_conn *t, const struct seg *s)
{
	struct tcp_seen *snd = &t->seen[s->dir];
	struct tcp_seen *rcv = &t->seen[s->other];
	uint32_t win = s->is_syn ? s->win : (uint32_t)s->win << t->scale[s->dir];
	uint32_t offered = win + (s->sack - s->ack);
	unsigned flags = t->flags[s->dir];
	bool is_further = seq_after(s->end, snd->end);
	bool acks_more =
		s->has_ack & (((flags & TCP_SIDE_MAXACK) == 0) | seq_after(s->ack, snd->maxack));
	bool widens = seq_after(s->sack + win, rcv->maxend - 1);
	bool all_acked = s->ack == rcv->end;

	snd->maxwin_bytes = snd->maxwin_bytes < offered ? offered : snd->maxwin_bytes;
	snd->end = pick_u32(is_further, s->end, snd->end);
	flags |= is_further * TCP_SIDE_UNACKED;
	snd->maxack = pick_u32(acks_more, s->ack, snd->maxack);
	flags |= acks_more * TCP_SIDE_MAXACK;
	t->flags[s->dir] = (uint8_t)flags;
	if (rcv->maxwin_bytes != 0 && seq_after(s->end, snd->maxend)) {
		rcv->maxwin_bytes += s->end - snd->maxend;
	}
	rcv->maxend = pick_u32(widens, s->sack + at_least_one(win), rcv->maxend);
	t->flags[s->other] &= (uint8_t) ~(all_acked * TCP_SIDE_UNACKED);
	if (s->class_nr == SEG_ACK) {
		note_retransmission(t, s);
	}
}

/* Section 8: what the time to live depends on besides class and state. */
enum ttl_fact {
	TTL_RETRANSMITTED = 1, /* too often */
	TTL_UNACKED = 2,       /* of either side */
	TTL_NO_WINDOW = 4,     /* the last segment offered none */
	TTL_FACTS_LEN = 8,
};

static ALWAYS_INLINE unsigned ttl_facts_of(const struct tcp_conn *t, uint32_t max_retrans)
{
	return (t->retrans >= max_retrans ? TTL_RETRANSMITTED : 0u) |
	       (((t->flags[0] | t->flags[1]) & TCP_SIDE_UNACKED) != 0 ? TTL_UNACKED : 0u) |
	       (t->last_win == 0 ? TTL_NO_WINDOW : 0u);
}

static ALWAYS_INLINE unsigned ttl_facts(const struct tcp_conn *t, const struct tunables *tun)
{
	return ttl_facts_of(t, tun->tcp_max_retrans);
}

/* Section 8: the time to live after a segment of this class, in this state. */
static inline int64_t ttl_ns(const struct tunables *tun, enum tcp_state state,
                             enum tcp_class class_nr, unsigned facts)
{
	int64_t normal_ns = tun->tcp_timeout_ns[state];
	bool is_rst = class_nr == SEG_RST;

	if ((facts & TTL_RETRANSMITTED) != 0 && normal_ns > tun->tcp_retrans_ns) {
		return tun->tcp_retrans_ns;
	}
	if (is_rst && tun->tcp_kernel == KERNEL_6_18) {
		return tun->tcp_timeout_ns[TCP_CLOSE];
	}
	if (is_rst && state == TCP_ESTABLISHED && normal_ns > tun->tcp_unacked_ns) {
		return tun->tcp_unacked_ns;
	}
	if ((facts & TTL_UNACKED) != 0 && normal_ns > tun->tcp_unacked_ns) {
		return tun->tcp_unacked_ns;
	}
	if ((facts & TTL_NO_WINDOW) != 0 && normal_ns > tun->tcp_retrans_ns) {
		return tun->tcp_retrans_ns;
	}
	return normal_ns;
}

#endif

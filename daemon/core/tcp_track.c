/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP connection tracking: the state array, and the window check after van Rooij (2001).
 *
 * A segment is looked up in the array (class of its flags x state of the connection). Then come the
 * special cases: reopening, ignored segments, resets. All other segments must fit the windows
 * before the entry is updated. Section numbers are those of doc/tcp-tracking.md. Where the kernel's
 * tracker updates part of an entry before it refuses a segment, this one does the same.
 *
 * Must not know the flow table or a clock.
 */
#include "tcp_track.h"

#include "tcp_window.h"

#include <finwall/bytes.h>

#include <string.h>

#define SCALE_MAX 14

/* TCP option kinds: RFC 9293, 2018, 7323. */
#define OPT_END            0
#define OPT_NOP            1
#define OPT_WSCALE         3
#define OPT_SACK_PERMITTED 4
#define OPT_SACK           5

/* Section 7.6 does not shorten the life of an entry that has less than this left. */
#define STRAY_CLOSERS_MIN_NS sec_to_ns(120)

/* Section 4. The rows are classes, the columns states, both in the order of their enums. */
/* clang-format off */
enum {
	NO = TCP_NONE, SS = TCP_SYN_SENT, SR = TCP_SYN_RECV, ES = TCP_ESTABLISHED, FW = TCP_FIN_WAIT,
	CW = TCP_CLOSE_WAIT, LA = TCP_LAST_ACK, TW = TCP_TIME_WAIT, CL = TCP_CLOSE, S2 = TCP_SYN_SENT2,
	IV = TCP_TO_INVALID, IG = TCP_TO_IGNORE,
};

static const uint8_t table[2][SEGS_LEN][TCP_STATES_LEN] = {
	[DIR_ORIG] = {
		/*               NO  SS  SR  ES  FW  CW  LA  TW  CL  S2 */
		[SEG_SYN]    = { SS, SS, IG, IG, IG, IG, IG, SS, SS, S2 }, /* opens, or may reopen */
		[SEG_SYNACK] = { IV, IV, SR, IV, IV, IV, IV, IV, IV, SR }, /* simultaneous open only */
		[SEG_FIN]    = { IV, IV, FW, FW, LA, LA, LA, TW, CL, IV }, /* first FIN, second, repeated */
		[SEG_ACK]    = { ES, IV, ES, ES, CW, CW, TW, TW, CL, IV }, /* pickup; data; FIN acknowledged */
		[SEG_RST]    = { IV, CL, CL, CL, CL, CL, CL, CL, CL, CL },
		[SEG_NONE]   = { IV, IV, IV, IV, IV, IV, IV, IV, IV, IV },
	},
	[DIR_REPLY] = {
		/*               NO  SS  SR  ES  FW  CW  LA  TW  CL  S2 */
		[SEG_SYN]    = { IV, S2, IV, IV, IV, IV, IV, SS, IV, S2 }, /* simultaneous open; roles swap */
		[SEG_SYNACK] = { IV, SR, IG, IG, IG, IG, IG, IG, IG, SR }, /* answer; or to an ignored SYN */
		[SEG_FIN]    = { IV, IV, FW, FW, LA, LA, LA, TW, CL, IV },
		[SEG_ACK]    = { IV, IG, SR, ES, CW, CW, TW, TW, CL, IG },
		[SEG_RST]    = { IV, CL, CL, CL, CL, CL, CL, CL, CL, CL },
		[SEG_NONE]   = { IV, IV, IV, IV, IV, IV, IV, IV, IV, IV },
	},
};
/* clang-format on */

/* The result of a reset's own checks (6.6). */
enum rst_check {
	RST_NEEDS_WINDOW,
	RST_PASSES,
	RST_REFUSED,
};

static enum track_verdict track_plain(struct tcp_conn *t, const struct pkt_tcp *tcp,
                                      enum flow_dir dir, unsigned status, int64_t remaining_ns,
                                      const struct tunables *tun, struct track_effect *fx);
static enum track_verdict track_any(struct tcp_conn *t, const struct pkt *p, enum flow_dir dir,
                                    unsigned status, int64_t remaining_ns,
                                    const struct tunables *tun, struct track_effect *fx);
static enum track_verdict miss(struct tcp_conn *t, const struct seg *s, enum reason why,
                               int64_t remaining_ns, const struct tunables *tun,
                               struct track_effect *fx);
static uint32_t highest_sack(const struct pkt_tcp *tcp, uint32_t ack);
static struct seg seg_of(const struct pkt *p, enum flow_dir dir, unsigned status);
static void open_side(struct tcp_conn *t, enum flow_dir dir, const struct seg *s);
static void parse_options(const struct pkt_tcp *tcp, uint8_t *flags, uint8_t *scale);
static bool is_reopen(const struct tcp_conn *t, const struct seg *s);
static bool is_resync(const struct tcp_conn *t, const struct seg *s);
static void resync(struct tcp_conn *t, const struct seg *s);
static void note_ignored(struct tcp_conn *t, const struct seg *s);
static enum rst_check check_rst(const struct tcp_conn *t, const struct seg *s,
                                const struct tunables *tun, unsigned *to);
static enum reason check_window(struct tcp_conn *t, struct seg *s, const struct tunables *tun);
static ALWAYS_INLINE enum reason fit_window(struct tcp_conn *t, const struct seg *s,
                                            const struct tunables *tun);
static void note_stray_closer(struct tcp_conn *t, const struct seg *s, int64_t remaining_ns,
                              const struct tunables *tun, struct track_effect *fx);
static ALWAYS_INLINE enum track_verdict settle(struct tcp_conn *t, const struct seg *s,
                                               unsigned from, unsigned to,
                                               const struct tunables *tun, struct track_effect *fx);

const char *tcp_state_name(enum tcp_state s)
{
	static const char *const names[TCP_STATES_LEN] = {
		[TCP_NONE] = "NONE",         [TCP_SYN_SENT] = "SYN_SENT",
		[TCP_SYN_RECV] = "SYN_RECV", [TCP_ESTABLISHED] = "ESTABLISHED",
		[TCP_FIN_WAIT] = "FIN_WAIT", [TCP_CLOSE_WAIT] = "CLOSE_WAIT",
		[TCP_LAST_ACK] = "LAST_ACK", [TCP_TIME_WAIT] = "TIME_WAIT",
		[TCP_CLOSE] = "CLOSE",       [TCP_SYN_SENT2] = "SYN_SENT2",
	};

	return names[s];
}

unsigned tcp_table(enum flow_dir dir, enum tcp_class class_nr, enum tcp_state from)
{
	return table[dir][class_nr][from];
}

/* Section 5. */
enum reason tcp_open(struct tcp_conn *t, const struct pkt *p, const struct tunables *tun)
{
	struct seg s = seg_of(p, DIR_ORIG, 0);

	memset(t, 0, sizeof(*t));
	t->last_class = SEG_NONE;
	switch (s.class_nr) {
	case SEG_SYN:
		open_side(t, DIR_ORIG, &s);
		return REASON_NONE;
	case SEG_ACK:
		if (tun->tcp_loose == 0) {
			return REASON_TCP_NO_PICKUP;
		}
		t->seen[DIR_ORIG].end = s.end;
		t->seen[DIR_ORIG].maxwin_bytes = at_least_one(s.win);
		t->seen[DIR_ORIG].maxend = s.end + t->seen[DIR_ORIG].maxwin_bytes;
		t->flags[DIR_ORIG] = TCP_SIDE_SACK | TCP_SIDE_LIBERAL;
		t->flags[DIR_REPLY] = TCP_SIDE_SACK | TCP_SIDE_LIBERAL;
		return REASON_NONE;
	case SEG_FIN:
	case SEG_RST:
		return REASON_LATE_STRICT;
	default:
		return REASON_TCP_NO_ENTRY;
	}
}

void tcp_pickup_close(struct tcp_conn *t, const struct pkt *p)
{
	struct seg s = seg_of(p, DIR_ORIG, 0);

	memset(t, 0, sizeof(*t));
	t->seen[DIR_ORIG].end = s.end;
	t->seen[DIR_ORIG].maxwin_bytes = at_least_one(s.win);
	t->seen[DIR_ORIG].maxend = s.end + t->seen[DIR_ORIG].maxwin_bytes;
	t->flags[DIR_ORIG] = TCP_SIDE_SACK | TCP_SIDE_LIBERAL | TCP_SIDE_CLOSE_INIT;
	t->flags[DIR_REPLY] = TCP_SIDE_SACK | TCP_SIDE_LIBERAL;
	t->state = s.class_nr == SEG_FIN ? TCP_FIN_WAIT : TCP_CLOSE;
	t->last_class = (uint8_t)s.class_nr;
}

/* Section 6. */
enum track_verdict tcp_track(struct tcp_conn *t, const struct pkt *p, enum flow_dir dir,
                             unsigned status, int64_t remaining_ns, const struct tunables *tun,
                             struct track_effect *fx)
{
	*fx = (struct track_effect){ .reason = REASON_TCP_TRACKED };
	return is_plain(t, (enum tcp_class)p->tcp.class_nr)
	               ? track_plain(t, &p->tcp, dir, status, remaining_ns, tun, fx)
	               : track_any(t, p, dir, status, remaining_ns, tun, fx);
}

/* A RST that its receiver must accept, as far as the windows are known (RFC 5961, 3.2). */
static bool is_exact_rst(const struct tcp_conn *t, const struct seg *s)
{
	bool is_expected =
		(t->flags[s->other] & TCP_SIDE_MAXACK) != 0 && s->seq == t->seen[s->other].maxack;

	return s->class_nr == SEG_RST && (is_expected || (t->seen[s->dir].maxwin_bytes != 0 &&
	                                                  s->seq == t->seen[s->dir].end));
}

/* Notes which side has closed: the state array is the kernel's, and does not say. */
static void note_close(struct tcp_conn *t, const struct seg *s, unsigned to, bool rst_is_exact)
{
	if (s->class_nr == SEG_FIN && t->seen[s->dir].end == s->end) {
		t->flags[s->dir] |= TCP_SIDE_FIN;
	}
	if (rst_is_exact && to == CL) {
		t->flags[s->dir] |= TCP_SIDE_RESET;
	}
}

static enum track_verdict track_any(struct tcp_conn *t, const struct pkt *p, enum flow_dir dir,
                                    unsigned status, int64_t remaining_ns,
                                    const struct tunables *tun, struct track_effect *fx)
{
	struct seg s = seg_of(p, dir, status);
	bool rst_is_exact = is_exact_rst(t, &s);
	unsigned from = t->state;
	unsigned to = table[dir][s.class_nr][from];
	enum reason why;

	if (to == SS && (from == TW || from == CL)) { /* 6.1 */
		if (is_reopen(t, &s)) {
			fx->reason = REASON_TCP_REOPEN;
			return TRACK_REPEAT;
		}
		to = IG;
	}
	if (to == IV) { /* 6.3 */
		fx->reason = REASON_TCP_STATE;
		return TRACK_INVALID;
	}
	if (to == IG) { /* 6.2 */
		if (!is_resync(t, &s)) {
			note_ignored(t, &s);
			fx->reason = REASON_TCP_IGNORED;
			return TRACK_IGNORE;
		}
		resync(t, &s);
		from = SS;
		to = SR;
	}
	if (to == TW && from == LA && s.class_nr == SEG_ACK && t->last_dir != dir &&
	    t->last_class == SEG_SYN && (t->last_flags & TCP_LAST_CHALLENGE) != 0) { /* 6.4 */
		t->last_flags &= (uint8_t)~TCP_LAST_CHALLENGE;
		fx->reason = REASON_TCP_CHALLENGE;
		return TRACK_IGNORE;
	}
	if (to == S2) { /* 6.5 */
		t->last_flags |= TCP_LAST_SIMOPEN;
	}
	if (to == SR && dir == DIR_REPLY && s.class_nr == SEG_ACK &&
	    (t->last_flags & TCP_LAST_SIMOPEN) != 0) {
		to = ES;
	}
	if (to == CL && s.class_nr == SEG_RST) { /* 6.6 */
		switch (check_rst(t, &s, tun, &to)) {
		case RST_REFUSED:
			fx->reason = REASON_TCP_RST_SEQ;
			return TRACK_INVALID;
		case RST_PASSES:
			note_close(t, &s, to, rst_is_exact);
			return settle(t, &s, from, to, tun, fx);
		case RST_NEEDS_WINDOW:
			break;
		}
	}
	why = check_window(t, &s, tun); /* 6.7 */
	if (why == REASON_NONE) {
		note_close(t, &s, to, rst_is_exact);
		return settle(t, &s, from, to, tun, fx);
	}
	return miss(t, &s, why, remaining_ns, tun, fx);
}

/* The segment does not fit the window: it is ignored, or invalid. */
static enum track_verdict miss(struct tcp_conn *t, const struct seg *s, enum reason why,
                               int64_t remaining_ns, const struct tunables *tun,
                               struct track_effect *fx)
{
	fx->reason = (uint8_t)why;
	if (reason_state(why) != CT_INVALID) {
		return TRACK_IGNORE;
	}
	note_stray_closer(t, s, remaining_ns, tun, fx);
	return TRACK_INVALID;
}

static struct seg seg_of(const struct pkt *p, enum flow_dir dir, unsigned status)
{
	const struct pkt_tcp *tcp = &p->tcp;

	return (struct seg){
		.tcp = tcp,
		.seq = tcp->seq,
		.ack = tcp->ack,
		.sack = tcp->ack,
		.end = tcp->seq + tcp->payload_size + ((tcp->flags & TCP_SYN) != 0) +
		       ((tcp->flags & TCP_FIN) != 0),
		.win = tcp->win,
		.class_nr = tcp->class_nr,
		.dir = dir,
		.other = dir_other(dir),
		.status = status,
		.is_syn = (tcp->flags & TCP_SYN) != 0,
		.has_ack = (tcp->flags & TCP_ACK) != 0,
	};
}

/* A segment for which is_plain(): most conditions are constants here. */
static enum track_verdict track_plain(struct tcp_conn *t, const struct pkt_tcp *tcp,
                                      enum flow_dir dir, unsigned status, int64_t remaining_ns,
                                      const struct tunables *tun, struct track_effect *fx)
{
	struct seg s = {
		.tcp = tcp,
		.seq = tcp->seq,
		.ack = tcp->ack,
		.sack = tcp->ack,
		.end = tcp->seq + tcp->payload_size,
		.win = tcp->win,
		.class_nr = SEG_ACK,
		.dir = dir,
		.other = dir_other(dir),
		.status = status,
		.is_syn = false,
		.has_ack = true,
	};
	enum reason why;

	if ((t->flags[s.other] & TCP_SIDE_SACK) != 0) {
		s.sack = highest_sack(tcp, s.ack);
	}
	why = fit_window(t, &s, tun);
	if (why == REASON_NONE) {
		return settle(t, &s, TCP_ESTABLISHED, TCP_ESTABLISHED, tun, fx);
	}
	return miss(t, &s, why, remaining_ns, tun, fx);
}

/* "Init sender" of 7.3: the side that sent a SYN or SYN+ACK. */
static void open_side(struct tcp_conn *t, enum flow_dir dir, const struct seg *s)
{
	struct tcp_seen *side = &t->seen[dir];

	side->end = s->end;
	side->maxend = s->end;
	side->maxwin_bytes = at_least_one(s->win);
	parse_options(s->tcp, &t->flags[dir], &t->scale[dir]);
}

/* The next option of a list: its kind and body. Returns false at the end and at the first broken
 * one. */
static bool next_option(struct cursor *c, uint8_t *kind, struct cursor *body)
{
	uint8_t size;

	do {
		if (!rd_u8(c, kind) || *kind == OPT_END) {
			return false;
		}
	} while (*kind == OPT_NOP);
	if (!rd_u8(c, &size) || size < 2) {
		return false;
	}
	body->at = c->at;
	if (!rd_skip(c, size - 2u)) {
		return false;
	}
	body->end = c->at;
	return true;
}

/* Section 7.1. Without any option byte the old values stay. */
static void parse_options(const struct pkt_tcp *tcp, uint8_t *flags, uint8_t *scale)
{
	struct cursor c = { tcp->opts, tcp->opts + tcp->opts_size };
	struct cursor body;
	uint8_t kind;

	if (tcp->opts_size == 0) {
		return;
	}
	*scale = 0;
	*flags &= TCP_SIDE_LIBERAL;
	while (next_option(&c, &kind, &body)) {
		if (kind == OPT_SACK_PERMITTED && cursor_left(&body) == 0) {
			*flags |= TCP_SIDE_SACK;
		}
		if (kind == OPT_WSCALE && cursor_left(&body) == 1) {
			*flags |= TCP_SIDE_WSCALE;
			*scale = body.at[0] < SCALE_MAX ? body.at[0] : SCALE_MAX;
		}
	}
}

/* Section 7.2: the highest right edge of the first SACK option, or ack. */
static uint32_t highest_sack(const struct pkt_tcp *tcp, uint32_t ack)
{
	struct cursor c = { tcp->opts, tcp->opts + tcp->opts_size };
	struct cursor body;
	uint8_t kind;

	if (opts_are_plain(tcp->opts, tcp->opts_size)) {
		return ack;
	}
	while (next_option(&c, &kind, &body)) {
		size_t size = cursor_left(&body);
		uint32_t edge;

		if (kind != OPT_SACK || size < 8 || size % 8 != 0) {
			continue;
		}
		while (rd_skip(&body, 4) && rd_be32(&body, &edge)) {
			if (seq_after(edge, ack)) {
				ack = edge;
			}
		}
		break;
	}
	return ack;
}

/* Section 6.1: a SYN replaces a connection whose end was seen, or that its own sender reset. */
static bool is_reopen(const struct tcp_conn *t, const struct seg *s)
{
	return ((t->flags[0] | t->flags[1]) & TCP_SIDE_CLOSE_INIT) != 0 ||
	       (t->last_dir == s->dir && t->last_class == SEG_RST);
}

/* Section 6.2: a SYN+ACK to the SYN that was ignored: the entry must follow the ends. */
static bool is_resync(const struct tcp_conn *t, const struct seg *s)
{
	return s->class_nr == SEG_SYNACK && t->last_class == SEG_SYN && t->last_dir != s->dir &&
	       s->ack == t->last_end;
}

static void resync(struct tcp_conn *t, const struct seg *s)
{
	struct tcp_seen *opener = &t->seen[t->last_dir];

	opener->end = t->last_end;
	opener->maxend = t->last_end;
	opener->maxwin_bytes = at_least_one(t->last_win);
	t->scale[t->last_dir] = t->last_scale;
	t->last_flags &= (uint8_t)~TCP_LAST_CHALLENGE;
	t->flags[t->last_dir] = t->last_flags;
	t->seen[s->dir] = (struct tcp_seen){ 0 };
	t->scale[s->dir] = 0;
	t->flags[s->dir] &= TCP_SIDE_LIBERAL;
}

static void note_ignored(struct tcp_conn *t, const struct seg *s)
{
	t->last_class = (uint8_t)s->class_nr;
	t->last_dir = (uint8_t)s->dir;
	t->last_seq = s->seq;
	t->last_end = s->end;
	t->last_win = s->win;
	if (s->class_nr == SEG_SYN && s->dir == DIR_ORIG) {
		t->last_flags = 0;
		t->last_scale = 0;
		parse_options(s->tcp, &t->last_flags, &t->last_scale);
		if (t->state == TCP_LAST_ACK) {
			t->last_flags |= TCP_LAST_CHALLENGE;
		}
	}
	if (t->state == TCP_SYN_SENT && s->class_nr == SEG_ACK && s->dir == DIR_REPLY) {
		t->last_ack = s->ack;
	}
}

static bool is_closing(unsigned state)
{
	return state == FW || state == CW || state == LA || state == TW || state == CL;
}

/* Section 6.6; *to becomes the present state for a reset that passes but must not close (RFC 5961).
 */
static enum rst_check check_rst(const struct tcp_conn *t, const struct seg *s,
                                const struct tunables *tun, unsigned *to)
{
	bool proven = t->state == TCP_ESTABLISHED && (s->status & FLOW_ASSURED) != 0;
	uint32_t maxack = t->seen[s->other].maxack;

	if (is_closing(t->state)) {
		return RST_PASSES;
	}
	if ((t->flags[s->other] & TCP_SIDE_MAXACK) != 0 && t->last_class != SEG_SYN) {
		if (s->seq == 0 && !proven) {
			return RST_NEEDS_WINDOW;
		}
		if (seq_before(s->seq, maxack) && tun->tcp_ignore_invalid_rst == 0) {
			return RST_REFUSED;
		}
		if (!proven || s->seq == maxack) {
			return RST_NEEDS_WINDOW;
		}
		if (t->last_class == SEG_ACK && t->last_dir == s->dir && s->seq == t->last_end) {
			return RST_NEEDS_WINDOW;
		}
		*to = t->state;
	}
	if ((((s->status & FLOW_SEEN_REPLY) != 0 && t->last_class == SEG_SYN &&
	      t->last_dir != s->dir) ||
	     ((s->status & FLOW_ASSURED) == 0 && t->last_class == SEG_ACK)) &&
	    s->ack == t->last_end) {
		return RST_PASSES;
	}
	if (t->state == TCP_SYN_SENT && t->last_class == SEG_ACK && t->last_dir == DIR_REPLY &&
	    s->seq == t->last_ack) {
		return RST_PASSES;
	}
	return RST_NEEDS_WINDOW;
}

/*
 * Section 7.3: first sight of a side. Returns true when the segment is to be accepted without
 * looking at its acknowledgement, because it has none.
 */
static bool init_windows(struct tcp_conn *t, const struct seg *s)
{
	struct tcp_seen *snd = &t->seen[s->dir];
	struct tcp_seen *rcv = &t->seen[s->other];

	if (s->is_syn) {
		bool first = snd->maxwin_bytes == 0;
		bool opening = t->state == TCP_SYN_SENT || t->state == TCP_SYN_RECV;

		if (!first && !(opening && seq_after(s->end, snd->end))) {
			return false;
		}
		open_side(t, s->dir, s);
		if (s->dir == DIR_REPLY && (t->flags[0] & t->flags[1] & TCP_SIDE_WSCALE) == 0) {
			t->scale[0] = 0;
			t->scale[1] = 0;
		}
		return !s->has_ack && (first || s->dir == DIR_REPLY);
	}
	if (snd->maxwin_bytes != 0) {
		return false;
	}
	snd->end = s->end;
	snd->maxwin_bytes = at_least_one((uint32_t)s->win << t->scale[s->dir]);
	snd->maxend = s->end + snd->maxwin_bytes;
	if (rcv->maxwin_bytes == 0) {
		rcv->end = s->sack;
		rcv->maxend = s->sack;
	} else if (s->sack == rcv->end + 1) {
		rcv->end++; /* an answer to a keepalive */
	}
	return false;
}

/* Section 7.4: REASON_NONE when the segment fits, otherwise why it is ignored or invalid. */
static ALWAYS_INLINE enum reason judge_window(struct tcp_conn *t, const struct seg *s)
{
	struct tcp_seen *snd = &t->seen[s->dir];
	const struct tcp_seen *rcv = &t->seen[s->other];
	struct fit fit = fit_of(t, s);

	if (!fit.seq_is_inside) {
		uint32_t over = s->end - snd->maxend + 1;

		if (rcv->maxwin_bytes == 0 || !fit.seq_is_recent || !fit.ack_is_recent ||
		    !fit.ack_was_seen || over > rcv->maxwin_bytes) {
			return REASON_TCP_SEQ_OVER;
		}
		snd->end = s->end;
		t->flags[s->dir] |= TCP_SIDE_UNACKED;
		return REASON_TCP_OVERSHOOT;
	}
	if (!fit.ack_was_seen) {
		return REASON_TCP_ACK_UNSEEN;
	}
	if (rcv->maxwin_bytes != 0 && !fit.seq_is_recent) {
		return REASON_TCP_OLD_DATA;
	}
	return fit.ack_is_recent ? REASON_NONE : REASON_TCP_OLD_ACK;
}

/* Section 7. */
static enum reason check_window(struct tcp_conn *t, struct seg *s, const struct tunables *tun)
{
	const struct tcp_seen *rcv = &t->seen[s->other];
	unsigned flags = s->tcp->flags;

	if ((t->flags[s->other] & TCP_SIDE_SACK) != 0) {
		s->sack = highest_sack(s->tcp, s->ack);
	}
	if (init_windows(t, s)) {
		return REASON_NONE;
	}
	if ((flags & TCP_ACK) == 0 || ((flags & TCP_RST) != 0 && s->ack == 0)) {
		s->ack = rcv->end;
		s->sack = rcv->end;
	}
	if ((flags & TCP_RST) != 0 && s->seq == 0 && t->state == TCP_SYN_SENT) {
		s->seq = t->seen[s->dir].end;
		s->end = s->seq;
	}
	return fit_window(t, s, tun);
}

/* The four conditions, and the update if they hold; liberal sides need not fit. */
static ALWAYS_INLINE enum reason fit_window(struct tcp_conn *t, const struct seg *s,
                                            const struct tunables *tun)
{
	enum reason why = judge_window(t, s);

	if (why == REASON_NONE) {
		update_windows(t, s);
		return REASON_NONE;
	}
	if ((t->flags[s->dir] & TCP_SIDE_LIBERAL) != 0 || tun->tcp_be_liberal != 0) {
		return REASON_NONE;
	}
	return why;
}

/*
 * Section 7.6: a FIN or RST outside the window from each side in turn means that the connection is
 * probably closed and the entry out of step. They stay invalid, but the entry's life is shortened.
 */
static void note_stray_closer(struct tcp_conn *t, const struct seg *s, int64_t remaining_ns,
                              const struct tunables *tun, struct track_effect *fx)
{
	bool is_closer = s->class_nr == SEG_FIN || s->class_nr == SEG_RST;

	if (!is_closer || (s->status & FLOW_ASSURED) == 0) {
		return;
	}
	if (t->last_dir != s->dir && (t->last_class == SEG_FIN || t->last_class == SEG_RST)) {
		if (remaining_ns >= STRAY_CLOSERS_MIN_NS && remaining_ns > tun->tcp_unacked_ns) {
			fx->timeout_ns = tun->tcp_unacked_ns;
		}
		return;
	}
	t->last_class = (uint8_t)s->class_nr;
	t->last_dir = (uint8_t)s->dir;
}

/* Section 6.8: the segment is accepted. */
static ALWAYS_INLINE enum track_verdict settle(struct tcp_conn *t, const struct seg *s,
                                               unsigned from, unsigned to,
                                               const struct tunables *tun, struct track_effect *fx)
{
	int64_t timeout_ns;

	t->last_class = (uint8_t)s->class_nr;
	t->last_dir = (uint8_t)s->dir;
	t->state = (uint8_t)to;
	if (from != to && to == FW) {
		t->flags[s->dir] |= TCP_SIDE_CLOSE_INIT;
	}
	timeout_ns = ttl_ns(tun, (enum tcp_state)to, s->class_nr, ttl_facts(t, tun));
	if ((s->status & FLOW_SEEN_REPLY) == 0) {
		if (s->class_nr == SEG_RST) {
			fx->delete_it = 1;
			return TRACK_ACCEPT;
		}
		if (s->class_nr == SEG_SYN && from == SS) {
			return TRACK_ACCEPT; /* a repeated SYN does not extend the deadline */
		}
		if (to == ES && timeout_ns > tun->tcp_unacked_ns) {
			timeout_ns = tun->tcp_unacked_ns;
		}
	} else if ((s->status & FLOW_ASSURED) == 0 && (from == SR || from == ES) && to == ES) {
		fx->set_assured = 1;
	}
	fx->timeout_ns = timeout_ns;
	return TRACK_ACCEPT;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One segment of a TCP connection: the state array, the special cases, and the windows; everything
 * but the time to live and the opening of an entry. Used by the tracker (tcp_track.c) and by the
 * kernel fast path (daemon/bpf/fastpath.bpf.c), for which it is compiled for another target.
 * Section numbers are those of doc/tcp-tracking.md.
 *
 * For the kernel the loops are bounded, and options are read by index, before the step. Where the
 * kernel's tracker updates part of an entry before it refuses a segment, this one does the same:
 * the kernel fast path works on a copy of the entry.
 */
#ifndef FINWALL_CORE_TCP_STEP_H
#define FINWALL_CORE_TCP_STEP_H

#include "tcp_window.h"

#include <finwall/bytes.h>

#define SCALE_MAX 14

/* TCP option kinds: RFC 9293, 2018, 7323. */
#define OPT_END            0
#define OPT_NOP            1
#define OPT_WSCALE         3
#define OPT_SACK_PERMITTED 4
#define OPT_SACK           5

/* Bytes of options, at most. */
#define OPTS_MAX 40u

/* Blocks in a SACK option, at most. */
#define SACK_BLOCKS_MAX 4u

/*
 * The kernel's verifier must see that an index is within the buffer of the options, which has
 * OPTS_BUF bytes there. It follows a loop with all values that it knows of variables; what is
 * loaded from memory it does not know, so that it follows each turn once.
 */
#define OPTS_BUF 64u
#ifdef __bpf__
#define OPT_AT(i) ((i) & (OPTS_BUF - 1))
#define OPT_KEPT  volatile
#else
#define OPT_AT(i) (i)
#define OPT_KEPT
#endif

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

/* The state after a segment of this class. The kernel's verifier must see the bound of the index.
 */
static ALWAYS_INLINE unsigned state_after(enum flow_dir dir, enum tcp_class class_nr, unsigned from)
{
#ifdef __bpf__
	uint64_t at = ((uint64_t)dir * SEGS_LEN + class_nr) * TCP_STATES_LEN + from;

	/* The compiler keeps the comparison, and keeps it before the access. */
	__asm__ volatile("" : "+r"(at));
	if (at >= sizeof(table)) {
		return IV;
	}
	__asm__ volatile("" : "+r"(at));
	return (&table[0][0][0])[at];
#else
	return table[dir][class_nr][from];
#endif
}

/* What the settings say. */
struct step_rules {
	bool be_liberal;
	bool ignores_invalid_rst;
};

/* The result of a reset's own checks (6.6). */
enum rst_check {
	RST_NEEDS_WINDOW,
	RST_PASSES,
	RST_REFUSED,
};

/* A RST that its receiver must accept, as far as the windows are known (RFC 5961, 3.2). */
static ALWAYS_INLINE bool is_exact_rst(const struct tcp_conn *t, const struct seg *s)
{
	bool is_expected =
		(t->flags[s->other] & TCP_SIDE_MAXACK) != 0 && s->seq == t->seen[s->other].maxack;

	return s->class_nr == SEG_RST && (is_expected || (t->seen[s->dir].maxwin_bytes != 0 &&
	                                                  s->seq == t->seen[s->dir].end));
}

/* Notes which side has closed: the state array is the kernel's, and does not say. */
static ALWAYS_INLINE void note_close(struct tcp_conn *t, const struct seg *s, unsigned to,
                                     bool rst_is_exact)
{
	if (s->class_nr == SEG_FIN && t->seen[s->dir].end == s->end) {
		t->flags[s->dir] |= TCP_SIDE_FIN;
	}
	if (rst_is_exact && to == CL) {
		t->flags[s->dir] |= TCP_SIDE_RESET;
	}
}

enum opt_found {
	OPT_IS_THERE,
	OPT_IS_FILLER,
	OPT_IS_LAST, /* the end, or a broken one */
};

/* Reads the option at *at, which is in the list, and moves *at behind it. Its body is the size
 * bytes before that. */
static ALWAYS_INLINE enum opt_found next_option(const struct pkt_tcp *tcp, OPT_KEPT uint32_t *at,
                                                uint8_t *kind, uint32_t *size)
{
	uint32_t i = *at;

	*kind = tcp->opts[OPT_AT(i)];
	*at = i + 1;
	if (*kind == OPT_END) {
		return OPT_IS_LAST;
	}
	if (*kind == OPT_NOP) {
		return OPT_IS_FILLER;
	}
	if (i + 1 >= tcp->opts_size) {
		return OPT_IS_LAST;
	}
	*size = tcp->opts[OPT_AT(i + 1)];
	if (*size < 2 || *size > tcp->opts_size - i) {
		return OPT_IS_LAST;
	}
	*at = i + *size;
	*size -= 2;
	return OPT_IS_THERE;
}

/* Section 7.1. Without any option byte the old values stay. *at: 0. */
static ALWAYS_INLINE void parse_options(const struct pkt_tcp *tcp, OPT_KEPT uint32_t *at,
                                        OPT_KEPT uint8_t *flags, OPT_KEPT uint8_t *scale)
{
	if (tcp->opts_size == 0) {
		return;
	}
	*scale = 0;
	*flags &= TCP_SIDE_LIBERAL;
	for (unsigned n = 0; n < OPTS_MAX && *at < tcp->opts_size; n++) {
		enum opt_found found;
		uint32_t size = 0;
		uint8_t kind;

		found = next_option(tcp, at, &kind, &size);
		if (found == OPT_IS_LAST) {
			break;
		}
		if (found == OPT_IS_FILLER) {
			continue;
		}
		if (kind == OPT_SACK_PERMITTED && size == 0) {
			*flags |= TCP_SIDE_SACK;
		}
		if (kind == OPT_WSCALE && size == 1) {
			uint8_t value = tcp->opts[OPT_AT(*at - 1)];

			*flags |= TCP_SIDE_WSCALE;
			*scale = value < SCALE_MAX ? value : SCALE_MAX;
		}
	}
}

static ALWAYS_INLINE uint32_t opt_be32(const struct pkt_tcp *tcp, uint32_t at)
{
	return (uint32_t)tcp->opts[OPT_AT(at)] << 24 | (uint32_t)tcp->opts[OPT_AT(at + 1)] << 16 |
	       (uint32_t)tcp->opts[OPT_AT(at + 2)] << 8 | tcp->opts[OPT_AT(at + 3)];
}

/* Section 7.2: moves *sack to the highest right edge of the first SACK option. *at: 0; *sack: the
 * acknowledgement. */
static ALWAYS_INLINE void highest_sack(const struct pkt_tcp *tcp, OPT_KEPT uint32_t *at,
                                       OPT_KEPT uint32_t *sack)
{
	if (opts_are_plain(tcp->opts, tcp->opts_size)) {
		return;
	}
	for (unsigned n = 0; n < OPTS_MAX && *at < tcp->opts_size; n++) {
		enum opt_found found;
		uint32_t size = 0;
		uint8_t kind;

		found = next_option(tcp, at, &kind, &size);
		if (found == OPT_IS_LAST) {
			break;
		}
		if (found == OPT_IS_FILLER || kind != OPT_SACK || size < 8 || size % 8 != 0) {
			continue;
		}
		for (unsigned block = 0; block < SACK_BLOCKS_MAX && block * 8 < size; block++) {
			uint32_t edge = opt_be32(tcp, *at - size + block * 8 + 4);

			if (seq_after(edge, *sack)) {
				*sack = edge;
			}
		}
		break;
	}
}

/*
 * The options of a segment: parsed where they are needed; but before its step in the kernel, whose
 * verifier follows all ways through a function at once.
 */
#ifdef __bpf__
struct opts_read {
	uint32_t sack; /* highest_sack() */
	uint8_t are_there;
	uint8_t flags; /* parse_options(), of a side without flags */
	uint8_t scale;
	uint8_t unused;
};

static ALWAYS_INLINE void seg_options(const struct seg *s, uint8_t *flags, uint8_t *scale)
{
	if (s->opts->are_there) {
		*scale = s->opts->scale;
		*flags = (uint8_t)((*flags & TCP_SIDE_LIBERAL) | s->opts->flags);
	}
}

static ALWAYS_INLINE uint32_t seg_sack(const struct seg *s)
{
	return s->opts->sack;
}
#else
static ALWAYS_INLINE void seg_options(const struct seg *s, uint8_t *flags, uint8_t *scale)
{
	uint32_t at = 0;

	parse_options(s->tcp, &at, flags, scale);
}

static ALWAYS_INLINE uint32_t seg_sack(const struct seg *s)
{
	uint32_t sack = s->ack;
	uint32_t at = 0;

	highest_sack(s->tcp, &at, &sack);
	return sack;
}
#endif

/* "Init sender" of 7.3: the side that sent a SYN or SYN+ACK. */
static ALWAYS_INLINE void open_side(struct tcp_conn *t, enum flow_dir dir, const struct seg *s)
{
	struct tcp_seen *side = &t->seen[dir];

	side->end = s->end;
	side->maxend = s->end;
	side->maxwin_bytes = at_least_one(s->win);
	seg_options(s, &t->flags[dir], &t->scale[dir]);
}

/* Section 6.1: a SYN replaces a connection whose end was seen, or that its own sender reset. */
static ALWAYS_INLINE bool is_reopen(const struct tcp_conn *t, const struct seg *s)
{
	return ((t->flags[0] | t->flags[1]) & TCP_SIDE_CLOSE_INIT) != 0 ||
	       (t->last_dir == s->dir && t->last_class == SEG_RST);
}

/* Section 6.2: a SYN+ACK to the SYN that was ignored: the entry must follow the ends. */
static ALWAYS_INLINE bool is_resync(const struct tcp_conn *t, const struct seg *s)
{
	return s->class_nr == SEG_SYNACK && t->last_class == SEG_SYN && t->last_dir != s->dir &&
	       s->ack == t->last_end;
}

static ALWAYS_INLINE void resync(struct tcp_conn *t, const struct seg *s)
{
	/* Always 0 or 1; the kernel's verifier must see it. */
	unsigned dir = t->last_dir & 1;
	struct tcp_seen *opener = &t->seen[dir];

	opener->end = t->last_end;
	opener->maxend = t->last_end;
	opener->maxwin_bytes = at_least_one(t->last_win);
	t->scale[dir] = t->last_scale;
	t->last_flags &= (uint8_t)~TCP_LAST_CHALLENGE;
	t->flags[dir] = t->last_flags;
	t->seen[s->dir] = (struct tcp_seen){ 0 };
	t->scale[s->dir] = 0;
	t->flags[s->dir] &= TCP_SIDE_LIBERAL;
}

static ALWAYS_INLINE void note_ignored(struct tcp_conn *t, const struct seg *s)
{
	t->last_class = (uint8_t)s->class_nr;
	t->last_dir = (uint8_t)s->dir;
	t->last_seq = s->seq;
	t->last_end = s->end;
	t->last_win = s->win;
	if (s->class_nr == SEG_SYN && s->dir == DIR_ORIG) {
		t->last_flags = 0;
		t->last_scale = 0;
		seg_options(s, &t->last_flags, &t->last_scale);
		if (t->state == TCP_LAST_ACK) {
			t->last_flags |= TCP_LAST_CHALLENGE;
		}
	}
	if (t->state == TCP_SYN_SENT && s->class_nr == SEG_ACK && s->dir == DIR_REPLY) {
		t->last_ack = s->ack;
	}
}

static ALWAYS_INLINE bool is_closing(unsigned state)
{
	return state == FW || state == CW || state == LA || state == TW || state == CL;
}

/* Section 6.6; *to becomes the present state for a reset that passes but must not close (RFC 5961).
 */
static ALWAYS_INLINE enum rst_check check_rst(const struct tcp_conn *t, const struct seg *s,
                                              const struct step_rules *r, unsigned *to)
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
		if (seq_before(s->seq, maxack) && !r->ignores_invalid_rst) {
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
static ALWAYS_INLINE bool init_windows(struct tcp_conn *t, const struct seg *s)
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

/* The four conditions, and the update if they hold; liberal sides need not fit. */
static ALWAYS_INLINE enum reason fit_window(struct tcp_conn *t, const struct seg *s,
                                            const struct step_rules *r)
{
	enum reason why = judge_window(t, s);

	if (why == REASON_NONE) {
		update_windows(t, s);
		return REASON_NONE;
	}
	if ((t->flags[s->dir] & TCP_SIDE_LIBERAL) != 0 || r->be_liberal) {
		return REASON_NONE;
	}
	return why;
}

/* Section 7. */
static ALWAYS_INLINE enum reason check_window(struct tcp_conn *t, struct seg *s,
                                              const struct step_rules *r)
{
	const struct tcp_seen *rcv = &t->seen[s->other];
	bool is_rst = s->class_nr == SEG_RST;

	if ((t->flags[s->other] & TCP_SIDE_SACK) != 0) {
		s->sack = seg_sack(s);
	}
	if (init_windows(t, s)) {
		return REASON_NONE;
	}
	if (!s->has_ack || (is_rst && s->ack == 0)) {
		s->ack = rcv->end;
		s->sack = rcv->end;
	}
	if (is_rst && s->seq == 0 && t->state == TCP_SYN_SENT) {
		s->seq = t->seen[s->dir].end;
		s->end = s->seq;
	}
	return fit_window(t, s, r);
}

enum step_result {
	STEP_ACCEPT, /* it fits; step_settle() is next */
	STEP_IGNORE, /* accepted without effect on state and windows */
	STEP_INVALID,
	STEP_REPEAT, /* the connection is closed, and this SYN opens another one */
	STEP_MISS,   /* it does not fit the windows */
};

struct step {
	unsigned from; /* states before it and after it; STEP_ACCEPT only */
	unsigned to;
	enum reason why; /* unless STEP_ACCEPT */
};

/* A segment of a connection, to be judged with the entry t, of which windows are updated. */
static ALWAYS_INLINE enum step_result tcp_step(struct tcp_conn *t, struct seg *s,
                                               const struct step_rules *r, struct step *out)
{
	bool rst_is_exact = is_exact_rst(t, s);
	unsigned from = t->state;
	unsigned to = state_after(s->dir, s->class_nr, from);

	if (to == SS && (from == TW || from == CL)) { /* 6.1 */
		if (is_reopen(t, s)) {
			out->why = REASON_TCP_REOPEN;
			return STEP_REPEAT;
		}
		to = IG;
	}
	if (to == IV) { /* 6.3 */
		out->why = REASON_TCP_STATE;
		return STEP_INVALID;
	}
	if (to == IG) { /* 6.2 */
		if (!is_resync(t, s)) {
			note_ignored(t, s);
			out->why = REASON_TCP_IGNORED;
			return STEP_IGNORE;
		}
		resync(t, s);
		from = SS;
		to = SR;
	}
	if (to == TW && from == LA && s->class_nr == SEG_ACK && t->last_dir != s->dir &&
	    t->last_class == SEG_SYN && (t->last_flags & TCP_LAST_CHALLENGE) != 0) { /* 6.4 */
		t->last_flags &= (uint8_t)~TCP_LAST_CHALLENGE;
		out->why = REASON_TCP_CHALLENGE;
		return STEP_IGNORE;
	}
	if (to == S2) { /* 6.5 */
		t->last_flags |= TCP_LAST_SIMOPEN;
	}
	if (to == SR && s->dir == DIR_REPLY && s->class_nr == SEG_ACK &&
	    (t->last_flags & TCP_LAST_SIMOPEN) != 0) {
		to = ES;
	}
	if (to == CL && s->class_nr == SEG_RST) { /* 6.6 */
		switch (check_rst(t, s, r, &to)) {
		case RST_REFUSED:
			out->why = REASON_TCP_RST_SEQ;
			return STEP_INVALID;
		case RST_PASSES:
			note_close(t, s, to, rst_is_exact);
			out->from = from;
			out->to = to;
			return STEP_ACCEPT;
		case RST_NEEDS_WINDOW:
			break;
		}
	}
	out->why = check_window(t, s, r); /* 6.7 */
	if (out->why != REASON_NONE) {
		return STEP_MISS;
	}
	note_close(t, s, to, rst_is_exact);
	out->from = from;
	out->to = to;
	return STEP_ACCEPT;
}

/* Section 6.8: the segment is accepted. */
static ALWAYS_INLINE void step_settle(struct tcp_conn *t, const struct seg *s, unsigned from,
                                      unsigned to)
{
	t->last_class = (uint8_t)s->class_nr;
	t->last_dir = (uint8_t)s->dir;
	t->state = (uint8_t)to;
	if (from != to && to == FW) {
		t->flags[s->dir] |= TCP_SIDE_CLOSE_INIT;
	}
}

/* Section 8: an accepted segment makes the entry ASSURED. status: FLOW_* before it. */
static ALWAYS_INLINE bool step_assures(unsigned status, unsigned from, unsigned to)
{
	return (status & (FLOW_SEEN_REPLY | FLOW_ASSURED)) == FLOW_SEEN_REPLY &&
	       (from == SR || from == ES) && to == ES;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps of doc/tcp-tracking.md, one function per section.
 */
#include "tcp_model.h"

#include <string.h>

static const unsigned char table[2][5][10] = {
	{
		{ SS, SS, IG, IG, IG, IG, IG, SS, SS, S2 },
		{ IV, IV, SR, IV, IV, IV, IV, IV, IV, SR },
		{ IV, IV, FW, FW, LA, LA, LA, TW, CL, IV },
		{ ES, IV, ES, ES, CW, CW, TW, TW, CL, IV },
		{ IV, CL, CL, CL, CL, CL, CL, CL, CL, CL },
	},
	{
		{ IV, S2, IV, IV, IV, IV, IV, SS, IV, S2 },
		{ IV, SR, IG, IG, IG, IG, IG, IG, IG, SR },
		{ IV, IV, FW, FW, LA, LA, LA, TW, CL, IV },
		{ IV, IG, SR, ES, CW, CW, TW, TW, CL, IG },
		{ IV, CL, CL, CL, CL, CL, CL, CL, CL, CL },
	},
};

/* One segment and its context, so that the steps need few arguments. */
struct step {
	struct model *m;
	const struct pkt_tcp *p;
	const struct tunables *tun;
	int64_t now;
	unsigned dir;
	unsigned class_nr;
	unsigned old_state;
	unsigned new_state;
	uint32_t end;
};

static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static bool after(uint32_t a, uint32_t b)
{
	return before(b, a);
}

static bool has(const struct pkt_tcp *p, unsigned flag)
{
	return (p->flags & flag) != 0;
}

static uint32_t end_of(const struct pkt_tcp *p)
{
	return p->seq + p->payload_size + has(p, TCP_SYN) + has(p, TCP_FIN);
}

static uint32_t at_least_1(uint32_t win)
{
	return win == 0 ? 1 : win;
}

/*
 * Section 7.1: moves *at to the next option. Returns false at the end of the options, or before one
 * that does not fit.
 */
static bool next_option(const struct pkt_tcp *p, unsigned *at, unsigned *kind, unsigned *len)
{
	while (*at < p->opts_size && p->opts[*at] == 1) {
		(*at)++;
	}
	if (*at + 1 >= p->opts_size || p->opts[*at] == 0) {
		return false;
	}
	*kind = p->opts[*at];
	*len = p->opts[*at + 1];
	return *len >= 2 && *at + *len <= p->opts_size;
}

/* Section 7.1 */
static void parse_options(struct side *s, const struct pkt_tcp *p)
{
	unsigned kind;
	unsigned len;

	if (p->opts_size == 0) {
		return;
	}
	s->scale = 0;
	s->flags &= TCP_SIDE_LIBERAL;
	for (unsigned i = 0; next_option(p, &i, &kind, &len); i += len) {
		if (kind == 4 && len == 2) {
			s->flags |= TCP_SIDE_SACK;
		}
		if (kind == 3 && len == 3) {
			s->scale = p->opts[i + 2] > 14 ? 14 : p->opts[i + 2];
			s->flags |= TCP_SIDE_WSCALE;
		}
	}
}

/* Section 7.2 */
static uint32_t highest_sack(const struct side *receiver, const struct pkt_tcp *p)
{
	uint32_t sack = p->ack;
	unsigned kind;
	unsigned len;

	if ((receiver->flags & TCP_SIDE_SACK) == 0) {
		return sack;
	}
	for (unsigned i = 0; next_option(p, &i, &kind, &len); i += len) {
		if (kind != 5 || len < 10 || (len - 2) % 8 != 0) {
			continue;
		}
		for (unsigned k = i + 2; k < i + len; k += 8) {
			uint32_t right = (uint32_t)p->opts[k + 4] << 24 |
			                 (uint32_t)p->opts[k + 5] << 16 |
			                 (uint32_t)p->opts[k + 6] << 8 | p->opts[k + 7];

			if (after(right, sack)) {
				sack = right;
			}
		}
		return sack;
	}
	return sack;
}

/* Section 7.3, "init sender" */
static void init_sender(const struct step *st)
{
	struct side *s = &st->m->seen[st->dir];
	struct side *r = &st->m->seen[!st->dir];

	s->end = s->maxend = st->end;
	s->maxwin = at_least_1(st->p->win);
	parse_options(s, st->p);
	if (st->dir == 1 && ((s->flags & r->flags) & TCP_SIDE_WSCALE) == 0) {
		s->scale = r->scale = 0;
	}
}

/* Section 7.5 */
static void update(const struct step *st, uint32_t seq, uint32_t end, uint32_t ack, uint32_t sack)
{
	struct model *m = st->m;
	struct side *s = &m->seen[st->dir];
	struct side *r = &m->seen[!st->dir];
	uint32_t win = has(st->p, TCP_SYN) ? st->p->win : (uint32_t)st->p->win << s->scale;
	uint32_t swin = win + (sack - ack);

	if (s->maxwin < swin) {
		s->maxwin = swin;
	}
	if (after(end, s->end)) {
		s->end = end;
		s->flags |= TCP_SIDE_UNACKED;
	}
	if (has(st->p, TCP_ACK)) {
		if ((s->flags & TCP_SIDE_MAXACK) == 0 || after(ack, s->maxack)) {
			s->maxack = ack;
		}
		s->flags |= TCP_SIDE_MAXACK;
	}
	if (r->maxwin != 0 && after(end, s->maxend)) {
		r->maxwin += end - s->maxend;
	}
	if (after(sack + win, r->maxend - 1)) {
		r->maxend = sack + win + (win == 0);
	}
	if (ack == r->end) {
		r->flags &= ~TCP_SIDE_UNACKED;
	}
	if (st->class_nr != SEG_ACK) {
		return;
	}
	if (m->last_dir == st->dir && m->last_seq == seq && m->last_ack == ack &&
	    m->last_end == end && m->last_win == st->p->win) {
		m->retrans++;
	} else {
		m->last_dir = st->dir;
		m->last_seq = seq;
		m->last_ack = ack;
		m->last_end = end;
		m->last_win = st->p->win;
		m->retrans = 0;
	}
}

/* Sections 7.3 to 7.5 */
static enum outcome window_check(const struct step *st)
{
	struct model *m = st->m;
	const struct pkt_tcp *p = st->p;
	struct side *s = &m->seen[st->dir];
	struct side *r = &m->seen[!st->dir];
	uint32_t seq = p->seq;
	uint32_t end = st->end;
	uint32_t ack = p->ack;
	uint32_t sack = highest_sack(r, p);
	bool lib = (s->flags & TCP_SIDE_LIBERAL) != 0 || st->tun->tcp_be_liberal != 0;
	uint32_t a;

	if (s->maxwin == 0 && has(p, TCP_SYN)) {
		init_sender(st);
		if (!has(p, TCP_ACK)) {
			return OUT_ACCEPT;
		}
	} else if (s->maxwin == 0) {
		s->end = end;
		s->maxwin = at_least_1((uint32_t)p->win << s->scale);
		s->maxend = end + s->maxwin;
		if (r->maxwin == 0) {
			r->end = r->maxend = sack;
		} else if (sack == r->end + 1) {
			r->end++;
		}
	} else if (has(p, TCP_SYN) && after(end, s->end) && (m->state == SS || m->state == SR)) {
		init_sender(st);
		if (st->dir == 1 && !has(p, TCP_ACK)) {
			return OUT_ACCEPT;
		}
	}
	if (!has(p, TCP_ACK) || (has(p, TCP_RST) && ack == 0)) {
		ack = sack = r->end;
	}
	if (has(p, TCP_RST) && seq == 0 && m->state == SS) {
		seq = end = s->end;
	}
	a = s->maxwin > 66000 ? s->maxwin : 66000;
	if (!before(seq, s->maxend + 1)) {
		uint32_t over = end - s->maxend + 1;

		if (r->maxwin != 0 && after(end, s->end - r->maxwin - 1) &&
		    after(sack, r->end - a - 1) && over <= r->maxwin && before(sack, r->end + 1)) {
			s->end = end;
			s->flags |= TCP_SIDE_UNACKED;
			return lib ? OUT_ACCEPT : OUT_IGNORE;
		}
		return lib ? OUT_ACCEPT : OUT_INVALID;
	}
	if (!before(sack, r->end + 1)) {
		return lib ? OUT_ACCEPT : OUT_INVALID;
	}
	if (r->maxwin != 0 && !after(end, s->end - r->maxwin - 1)) {
		return lib ? OUT_ACCEPT : OUT_IGNORE;
	}
	if (!after(sack, r->end - a - 1)) {
		return lib ? OUT_ACCEPT : OUT_IGNORE;
	}
	update(st, seq, end, ack, sack);
	return OUT_ACCEPT;
}

/* Section 7.6 */
static void after_invalid(const struct step *st)
{
	struct model *m = st->m;

	if (!m->assured || (st->class_nr != SEG_FIN && st->class_nr != SEG_RST)) {
		return;
	}
	if (m->last_dir != st->dir && (m->last_index == SEG_FIN || m->last_index == SEG_RST)) {
		int64_t left = m->expiry - st->now;

		if (left >= sec_to_ns(120) && left > st->tun->tcp_unacked_ns) {
			m->expiry = st->now + st->tun->tcp_unacked_ns;
		}
	} else {
		m->last_index = st->class_nr;
		m->last_dir = st->dir;
	}
}

/* Section 8 */
static int64_t timeout_of(const struct step *st)
{
	const struct tunables *tun = st->tun;
	const struct model *m = st->m;
	int64_t t = tun->tcp_timeout_ns[st->new_state];
	bool unacked = ((m->seen[0].flags | m->seen[1].flags) & TCP_SIDE_UNACKED) != 0;

	if (m->retrans >= tun->tcp_max_retrans && t > tun->tcp_retrans_ns) {
		return tun->tcp_retrans_ns;
	}
	if (tun->tcp_kernel == KERNEL_6_18 && st->class_nr == SEG_RST) {
		return tun->tcp_timeout_ns[CL];
	}
	if (st->class_nr == SEG_RST && st->new_state == ES && t > tun->tcp_unacked_ns) {
		return tun->tcp_unacked_ns;
	}
	if (unacked && t > tun->tcp_unacked_ns) {
		return tun->tcp_unacked_ns;
	}
	if (m->last_win == 0 && t > tun->tcp_retrans_ns) {
		return tun->tcp_retrans_ns;
	}
	return t;
}

/* Section 6.8 */
static enum outcome conclude(const struct step *st)
{
	struct model *m = st->m;
	int64_t t;

	m->last_index = st->class_nr;
	m->last_dir = st->dir;
	m->state = st->new_state;
	if (st->old_state != st->new_state && st->new_state == FW) {
		m->seen[st->dir].flags |= TCP_SIDE_CLOSE_INIT;
	}
	t = timeout_of(st);
	if (!m->seen_reply) {
		if (st->class_nr == SEG_RST) {
			m->exists = false;
			return OUT_ACCEPT;
		}
		if (st->class_nr == SEG_SYN && st->old_state == SS) {
			return OUT_ACCEPT;
		}
		if (st->new_state == ES && t > st->tun->tcp_unacked_ns) {
			t = st->tun->tcp_unacked_ns;
		}
	} else if (!m->assured && (st->old_state == SR || st->old_state == ES) &&
	           st->new_state == ES) {
		m->assured = true;
	}
	m->expiry = st->now + t;
	return OUT_ACCEPT;
}

static enum outcome check_and_conclude(const struct step *st)
{
	enum outcome o = window_check(st);

	if (o == OUT_INVALID) {
		after_invalid(st);
	}
	return o == OUT_ACCEPT ? conclude(st) : o;
}

/* Section 6.2; the window check may follow. */
static enum outcome ignored(struct step *st)
{
	struct model *m = st->m;
	const struct pkt_tcp *p = st->p;

	if (st->class_nr == SEG_SYNACK && m->last_index == SEG_SYN && m->last_dir != st->dir &&
	    p->ack == m->last_end) {
		struct side *opener = &m->seen[m->last_dir];
		struct side *s = &m->seen[st->dir];

		st->old_state = SS;
		st->new_state = SR;
		opener->end = opener->maxend = m->last_end;
		opener->maxwin = at_least_1(m->last_win);
		opener->scale = m->last_wscale;
		m->last_flags &= ~TCP_LAST_CHALLENGE;
		opener->flags = m->last_flags;
		s->end = s->maxend = s->maxwin = s->maxack = 0;
		s->scale = 0;
		s->flags &= TCP_SIDE_LIBERAL;
		return check_and_conclude(st);
	}
	m->last_index = st->class_nr;
	m->last_dir = st->dir;
	m->last_seq = p->seq;
	m->last_end = st->end;
	m->last_win = p->win;
	if (st->class_nr == SEG_SYN && st->dir == 0) {
		struct side scratch;

		memset(&scratch, 0, sizeof(scratch));
		parse_options(&scratch, p);
		m->last_flags = scratch.flags & (TCP_SIDE_WSCALE | TCP_SIDE_SACK);
		m->last_wscale = (scratch.flags & TCP_SIDE_WSCALE) != 0 ? scratch.scale : 0;
		if (st->old_state == LA) {
			m->last_flags |= TCP_LAST_CHALLENGE;
		}
	}
	if (st->old_state == SS && st->class_nr == SEG_ACK && st->dir == 1) {
		m->last_ack = p->ack;
	}
	return OUT_IGNORE;
}

/* Section 6.6 */
static enum outcome reset(struct step *st)
{
	struct model *m = st->m;
	const struct pkt_tcp *p = st->p;
	const struct side *r = &m->seen[!st->dir];
	bool est = m->state == ES && m->assured;

	if (m->state >= FW && m->state <= CL) {
		return conclude(st);
	}
	if ((r->flags & TCP_SIDE_MAXACK) != 0 && m->last_index != SEG_SYN) {
		if (p->seq == 0 && !est) {
			return check_and_conclude(st);
		}
		if (before(p->seq, r->maxack) && st->tun->tcp_ignore_invalid_rst == 0) {
			return OUT_INVALID;
		}
		if (!est || p->seq == r->maxack) {
			return check_and_conclude(st);
		}
		if (m->last_index == SEG_ACK && m->last_dir == st->dir && p->seq == m->last_end) {
			return check_and_conclude(st);
		}
		st->new_state = st->old_state;
	}
	if (((m->seen_reply && m->last_index == SEG_SYN && m->last_dir != st->dir) ||
	     (!m->assured && m->last_index == SEG_ACK)) &&
	    p->ack == m->last_end) {
		return conclude(st);
	}
	if (st->old_state == SS && m->last_index == SEG_ACK && m->last_dir == 1 &&
	    p->seq == m->last_ack) {
		return conclude(st);
	}
	return check_and_conclude(st);
}

/* Section 6; *repeat: the entry is deleted and the segment is looked up again. */
static enum outcome track(struct step *st, bool *repeat)
{
	struct model *m = st->m;

	*repeat = false;
	if (st->new_state == SS && (st->old_state == TW || st->old_state == CL)) {
		if (((m->seen[0].flags | m->seen[1].flags) & TCP_SIDE_CLOSE_INIT) != 0 ||
		    (m->last_dir == st->dir && m->last_index == SEG_RST)) {
			*repeat = true;
			return OUT_IGNORE;
		}
		st->new_state = IG;
	}
	switch (st->new_state) {
	case IG:
		return ignored(st);
	case IV:
		return OUT_INVALID;
	case TW:
		if (st->old_state == LA && st->class_nr == SEG_ACK && m->last_dir != st->dir &&
		    m->last_index == SEG_SYN && (m->last_flags & TCP_LAST_CHALLENGE) != 0) {
			m->last_flags &= ~TCP_LAST_CHALLENGE;
			return OUT_IGNORE;
		}
		break;
	case S2:
		m->last_flags |= TCP_LAST_SIMOPEN;
		break;
	case SR:
		if (st->dir == 1 && st->class_nr == SEG_ACK &&
		    (m->last_flags & TCP_LAST_SIMOPEN) != 0) {
			st->new_state = ES;
		}
		break;
	case CL:
		if (st->class_nr == SEG_RST) {
			return reset(st);
		}
		break;
	default:
		break;
	}
	return check_and_conclude(st);
}

/* Section 5 */
static bool model_open(struct model *m, enum end from, const struct pkt_tcp *p,
                       const struct tunables *tun, int64_t now)
{
	unsigned class_nr = seg_class(p->flags);
	unsigned to = table[0][class_nr][NO];

	if (to == IV || (class_nr == SEG_ACK && tun->tcp_loose == 0)) {
		return false;
	}
	memset(m, 0, sizeof(*m));
	m->exists = true;
	m->orig = from;
	m->expiry = now;
	m->last_index = SEG_NONE;
	m->seen[0].end = m->seen[0].maxend = end_of(p);
	m->seen[0].maxwin = at_least_1(p->win);
	if (class_nr == SEG_SYN) {
		parse_options(&m->seen[0], p);
	} else {
		m->seen[0].maxend += m->seen[0].maxwin;
		m->seen[0].flags = m->seen[1].flags = TCP_SIDE_SACK | TCP_SIDE_LIBERAL;
	}
	return true;
}

enum outcome model_send(struct model *m, enum end from, const struct pkt_tcp *p,
                        const struct tunables *tun, int64_t now)
{
	if (m->exists && now >= m->expiry) {
		m->exists = false;
	}
	for (;;) {
		struct step st;
		enum outcome o;
		bool repeat;

		if (!m->exists && !model_open(m, from, p, tun, now)) {
			return OUT_INVALID;
		}
		st = (struct step){ .m = m, .p = p, .tun = tun, .now = now };
		st.dir = from != m->orig;
		st.class_nr = seg_class(p->flags);
		st.end = end_of(p);
		st.old_state = m->state;
		st.new_state = table[st.dir][st.class_nr][m->state];
		o = track(&st, &repeat);
		if (repeat) {
			m->exists = false;
			continue;
		}
		if (o != OUT_INVALID && st.dir == 1) {
			m->seen_reply = true;
		}
		return o;
	}
}

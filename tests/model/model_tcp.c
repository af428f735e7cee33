/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TCP tracker against a second implementation, written directly from doc/tcp-tracking.md,
 * sections 4 to 8, without regard to speed. Random segments at the limits of the expected numbers,
 * from both ends, with time passing and random settings. After each segment all observable state
 * must be equal.
 *
 * usage: model_tcp [SEED]
 */
#include "rng.h"
#include "seg.h"

#include <string.h>

enum { NO, SS, SR, ES, FW, CW, LA, TW, CL, S2, IV, IG };

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

struct side {
	uint32_t end;
	uint32_t maxend;
	uint32_t maxwin;
	uint32_t maxack;
	unsigned scale;
	unsigned flags;
};

struct twin {
	bool exists;
	unsigned orig;
	unsigned state;
	struct side seen[2];
	unsigned last_dir;
	unsigned last_index;
	uint32_t last_seq;
	uint32_t last_ack;
	uint32_t last_end;
	uint16_t last_win;
	unsigned last_wscale;
	unsigned last_flags;
	uint8_t retrans;
	bool seen_reply;
	bool assured;
	int64_t expiry;
};

enum outcome { OUT_ACCEPT, OUT_IGNORE, OUT_INVALID };

/* One segment and its context, so that the steps need few arguments. */
struct step {
	struct twin *m;
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

/* Section 7.1 */
static void parse_options(struct side *s, const struct pkt_tcp *p)
{
	unsigned i = 0;

	if (p->opts_size == 0) {
		return;
	}
	s->scale = 0;
	s->flags &= TCP_SIDE_LIBERAL;
	while (i < p->opts_size) {
		unsigned kind = p->opts[i];
		unsigned len;

		if (kind == 0) {
			return;
		}
		if (kind == 1) {
			i++;
			continue;
		}
		if (i + 1 >= p->opts_size) {
			return;
		}
		len = p->opts[i + 1];
		if (len < 2 || i + len > p->opts_size) {
			return;
		}
		if (kind == 4 && len == 2) {
			s->flags |= TCP_SIDE_SACK;
		}
		if (kind == 3 && len == 3) {
			s->scale = p->opts[i + 2] > 14 ? 14 : p->opts[i + 2];
			s->flags |= TCP_SIDE_WSCALE;
		}
		i += len;
	}
}

/* Section 7.2 */
static uint32_t highest_sack(const struct side *receiver, const struct pkt_tcp *p)
{
	uint32_t sack = p->ack;
	unsigned i = 0;

	if ((receiver->flags & TCP_SIDE_SACK) == 0) {
		return sack;
	}
	while (i < p->opts_size) {
		unsigned kind = p->opts[i];
		unsigned len;

		if (kind == 0) {
			return sack;
		}
		if (kind == 1) {
			i++;
			continue;
		}
		if (i + 1 >= p->opts_size) {
			return sack;
		}
		len = p->opts[i + 1];
		if (len < 2 || i + len > p->opts_size) {
			return sack;
		}
		if (kind == 5 && len >= 10 && (len - 2) % 8 == 0) {
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
		i += len;
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
	struct twin *m = st->m;
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
	struct twin *m = st->m;
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
	struct twin *m = st->m;

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
	const struct twin *m = st->m;
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
	struct twin *m = st->m;
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
	struct twin *m = st->m;
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
	struct twin *m = st->m;
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
static enum outcome judge(struct step *st, bool *repeat)
{
	struct twin *m = st->m;

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
static bool open_twin(struct twin *m, enum end from, const struct pkt_tcp *p,
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

static enum outcome twin_send(struct twin *m, enum end from, const struct pkt_tcp *p,
                              const struct tunables *tun, int64_t now)
{
	if (m->exists && now >= m->expiry) {
		m->exists = false;
	}
	for (;;) {
		struct step st;
		enum outcome o;
		bool repeat;

		if (!m->exists && !open_twin(m, from, p, tun, now)) {
			return OUT_INVALID;
		}
		st = (struct step){ .m = m, .p = p, .tun = tun, .now = now };
		st.dir = from != m->orig;
		st.class_nr = seg_class(p->flags);
		st.end = end_of(p);
		st.old_state = m->state;
		st.new_state = table[st.dir][st.class_nr][m->state];
		o = judge(&st, &repeat);
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

/* --- comparison --- */

static const unsigned legal_flags[] = {
	TCP_SYN,           TCP_SYN | TCP_URG, TCP_SYN | TCP_ACK,           TCP_RST,
	TCP_RST | TCP_ACK, TCP_FIN | TCP_ACK, TCP_FIN | TCP_ACK | TCP_URG, TCP_ACK,
	TCP_ACK | TCP_URG, TCP_ACK | TCP_PSH, TCP_SYN | TCP_ECE | TCP_CWR,
};

static uint32_t wobble(struct rng *r, uint32_t v)
{
	static const int32_t delta[] = { 0, 0,  0,    0,     0,     1,      -1,
		                         2, -2, 1000, -1000, 66000, -66000, -66001 };

	return v + (uint32_t)delta[rng_below(r, sizeof(delta) / sizeof(delta[0]))];
}

static uint32_t pick_seq(struct rng *r, const struct twin *m, const struct side *s,
                         const struct side *rcv)
{
	switch (rng_below(r, 12)) {
	case 0:
	case 1:
	case 2:
	case 3:
		return s->end;
	case 4:
		return wobble(r, s->end);
	case 5:
		return wobble(r, s->maxend);
	case 6:
		return wobble(r, rcv->maxack);
	case 7:
		return wobble(r, m->last_end);
	case 8:
		return wobble(r, s->end - rcv->maxwin);
	case 9:
		return m->last_ack;
	case 10:
		return 0;
	default:
		return (uint32_t)rng_u64(r);
	}
}

static uint32_t pick_ack(struct rng *r, const struct twin *m, const struct side *s,
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
		return wobble(r, rcv->end);
	case 6:
		return wobble(r, rcv->end - s->maxwin);
	case 7:
		return m->last_end;
	case 8:
		return wobble(r, s->maxack);
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
		uint32_t edge = wobble(r, near_ack);

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
static const char *difference(const struct seg_conn *c, const struct twin *m, enum outcome o)
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
		if (c->t.flags[d] != b->flags) {
			return "flags";
		}
	}
	return NULL;
}

static void show(const struct seg_conn *c, const struct twin *m, enum outcome o)
{
	printf("  tracker: verdict %d exists %d state %u status %x left %lld reason %u\n",
	       c->verdict, c->exists, c->t.state, c->status, (long long)seg_left(c), c->fx.reason);
	printf("  twin:    verdict %d exists %d state %u status %x left %lld\n", (int)o, m->exists,
	       m->state, m->seen_reply * FLOW_SEEN_REPLY + m->assured * FLOW_ASSURED,
	       (long long)(m->expiry - c->now.ns));
	for (unsigned d = 0; d < 2; d++) {
		printf("  tracker[%u]: end %u maxend %u maxwin %u maxack %u scale %u flags %x\n", d,
		       c->t.seen[d].end, c->t.seen[d].maxend, c->t.seen[d].maxwin_bytes,
		       c->t.seen[d].maxack, c->t.scale[d], c->t.flags[d]);
		printf("  twin[%u]:    end %u maxend %u maxwin %u maxack %u scale %u flags %x\n", d,
		       m->seen[d].end, m->seen[d].maxend, m->seen[d].maxwin, m->seen[d].maxack,
		       m->seen[d].scale, m->seen[d].flags);
	}
}

/* Plays one connection. Returns false at the first difference. */
static bool one_connection(struct rng *r, unsigned long *sent, unsigned long accepted[3])
{
	struct seg_conn c;
	struct twin m;

	seg_conn_init(&c);
	memset(&m, 0, sizeof(m));
	pick_settings(r, &c.tun);
	for (unsigned i = 0; i < 40; i++) {
		enum end from = rng_below(r, 2) != 0 ? END_A : END_B;
		unsigned dir = m.exists ? (unsigned)from != m.orig : 0;
		const struct side *s = &m.seen[dir];
		const struct side *rcv = &m.seen[!dir];
		struct twin was = m;
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
		o = twin_send(&m, from, &p.tcp, &c.tun, c.now.ns);
		accepted[o]++;
		(*sent)++;
		what = difference(&c, &m, o);
		if (what != NULL) {
			printf("segment %u: %s differs\n", i, what);
			printf("  from %c dir %u flags %02x seq %u ack %u size %u win %u opts %zu; "
			       "state was %u last_index %u last_dir %u last_end %u\n",
			       from == END_A ? 'A' : 'B', dir, flags, p.tcp.seq, p.tcp.ack,
			       p.tcp.payload_size, p.tcp.win, opts_size, was.state, was.last_index,
			       was.last_dir, was.last_end);
			show(&c, &m, o);
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	uint64_t seed = rng_seed(argc, argv);
	unsigned long sent = 0;
	unsigned long outcome[3] = { 0, 0, 0 };

	for (unsigned i = 0; i < 5000; i++) {
		struct rng r;

		rng_init(&r, seed + i);
		if (!one_connection(&r, &sent, outcome)) {
			printf("again with: model_tcp %llu\n", (unsigned long long)(seed + i));
			return EXIT_FAILURE;
		}
	}
	printf("%lu segments: %lu accepted, %lu ignored, %lu invalid\n", sent, outcome[0],
	       outcome[1], outcome[2]);
	return EXIT_SUCCESS;
}

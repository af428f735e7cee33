/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Late segments against remembered connections; see late_close.h, and doc/late-close.md for why. */
#include "late_close.h"

#include <finwall/bytes.h>

uint32_t late_expected_seq(const struct tcp_conn *t, enum flow_dir dir)
{
	enum flow_dir receiver = dir_other(dir);

	return (t->flags[receiver] & TCP_SIDE_MAXACK) != 0 ? t->seen[receiver].maxack
	                                                   : t->seen[dir].end;
}

uint32_t late_link(const struct tuple *to, uint32_t ifindex)
{
	return ip_is_link_local(to->family, &to->dst) ? ifindex : 0;
}

struct raw_request late_request(const struct tcp_conn *t, const struct flowkey *key,
                                enum key_side orig_side, enum flow_dir dir, enum raw_kind kind,
                                uint32_t ifindex)
{
	enum key_side sender = (dir == DIR_ORIG) == (orig_side == SIDE_LO) ? SIDE_LO : SIDE_HI;
	struct raw_request req = {
		.seq = late_expected_seq(t, dir) - (kind == RAW_KEEPALIVE),
		.ack = late_expected_seq(t, dir_other(dir)),
		.kind = (uint16_t)kind,
	};
	uint32_t win = t->seen[dir].maxwin_bytes >> t->scale[dir];

	req.win = win > UINT16_MAX ? UINT16_MAX : (uint16_t)win;
	flowkey_to_tuple(key, sender, &req.tuple);
	req.ifindex = late_link(&req.tuple, ifindex);
	return req;
}

enum reason late_judge(const struct tcp_conn *remembered, const struct pkt *p, enum flow_dir dir,
                       const struct tunables *tun, struct tcp_conn *revived,
                       struct track_effect *fx)
{
	struct tunables exact = *tun;

	if (p->tcp.class_nr == SEG_RST && p->tcp.seq != late_expected_seq(remembered, dir)) {
		return REASON_LATE_RST;
	}
	exact.tcp_be_liberal = 0;
	exact.tcp_ignore_invalid_rst = 0;
	*revived = *remembered;
	revived->flags[0] &= (uint8_t)~TCP_SIDE_LIBERAL;
	revived->flags[1] &= (uint8_t)~TCP_SIDE_LIBERAL;
	/* A remembered entry was replied and ASSURED, and has no time to live left. */
	switch (tcp_track(revived, p, dir, FLOW_SEEN_REPLY | FLOW_ASSURED, 0, &exact, fx)) {
	case TRACK_ACCEPT:
		break;
	case TRACK_INVALID:
		return fx->reason == REASON_TCP_STATE ? REASON_LATE_STATE : REASON_LATE_WINDOW;
	default:
		return REASON_LATE_WINDOW;
	}
	revived->flags[0] |= remembered->flags[0] & TCP_SIDE_LIBERAL;
	revived->flags[1] |= remembered->flags[1] & TCP_SIDE_LIBERAL;
	return p->tcp.class_nr == SEG_ACK ? REASON_LATE_RESURRECTED : REASON_LATE_REVIVED;
}

bool late_may_have_moved(const struct tcp_conn *remembered, const struct pkt *p, enum flow_dir dir)
{
	uint32_t seq_moved = p->tcp.seq - late_expected_seq(remembered, dir);
	uint32_t ack_moved = p->tcp.ack - late_expected_seq(remembered, dir_other(dir));

	if ((p->tcp.flags & TCP_ACK) == 0) {
		ack_moved = 0;
	}
	return seq_moved <= LATE_MOVED_MAX && ack_moved <= LATE_MOVED_MAX - seq_moved;
}

/* The number that acknowledges all of a segment; a keepalive begins one below the next number. */
static bool acks_all(const struct unproved *s, uint32_t ack)
{
	return ack == s->end || (s->seq == s->end && ack == s->end + 1);
}

bool late_answers(const struct tcp_conn *remembered, const struct unproved *first,
                  const struct pkt *p, enum flow_dir dir, const struct tunables *tun,
                  struct tcp_conn *revived, struct track_effect *fx)
{
	enum flow_dir other = dir_other(dir);
	const struct pkt_tcp *tcp = &p->tcp;
	/* Both ends may close at once: then neither has the other's FIN yet. */
	bool crossed =
		first->class_nr == SEG_FIN && tcp->class_nr == SEG_FIN && tcp->ack == first->seq;
	uint32_t win[2];

	if (first->when.ns == 0 || tcp->seq != first->ack ||
	    !(crossed || acks_all(first, tcp->ack)) || tcp->class_nr == SEG_RST) {
		return false;
	}
	*revived = *remembered;
	win[other] = (uint32_t)first->win << remembered->scale[other];
	win[dir] = (uint32_t)tcp->win << remembered->scale[dir];
	for (unsigned d = 0; d < 2; d++) {
		revived->seen[d].maxwin_bytes = win[d] == 0 ? 1 : win[d];
		revived->flags[d] |= TCP_SIDE_MAXACK;
		revived->flags[d] &= (uint8_t)~TCP_SIDE_UNACKED;
	}
	revived->seen[other].end = crossed ? first->end : tcp->ack;
	revived->seen[other].maxack = first->ack;
	revived->seen[other].maxend = revived->seen[other].end + revived->seen[dir].maxwin_bytes;
	revived->seen[dir].end = first->ack;
	revived->seen[dir].maxack = tcp->ack;
	revived->seen[dir].maxend = first->ack + revived->seen[other].maxwin_bytes;
	if (first->class_nr == SEG_FIN) {
		revived->flags[other] |= TCP_SIDE_CLOSE_INIT | TCP_SIDE_FIN;
	}
	revived->state = (uint8_t)tcp_table(other, (enum tcp_class)first->class_nr,
	                                    (enum tcp_state)remembered->state);
	return tcp_track(revived, p, dir, FLOW_SEEN_REPLY | FLOW_ASSURED, 0, tun, fx) ==
	       TRACK_ACCEPT;
}

/* One side of a connection whose both ends have shown their numbers. */
static void set_side(struct tcp_conn *t, enum flow_dir d, uint32_t end, uint32_t ack, uint16_t win)
{
	uint32_t win_bytes = (uint32_t)win << t->scale[d];

	t->seen[d].end = end;
	t->seen[d].maxack = ack;
	t->seen[d].maxwin_bytes = win_bytes == 0 ? 1 : win_bytes;
	t->flags[d] |= TCP_SIDE_MAXACK;
	t->flags[d] &= (uint8_t)~TCP_SIDE_UNACKED;
}

bool late_prove(const struct tcp_conn *remembered, const struct pkt *p, enum flow_dir dir,
                uint32_t expects, uint32_t next, uint16_t win, const struct tunables *tun,
                struct tcp_conn *revived, struct track_effect *fx)
{
	enum flow_dir other = dir_other(dir);
	const struct pkt_tcp *tcp = &p->tcp;
	uint32_t ack = (tcp->flags & TCP_ACK) != 0 ? tcp->ack : next;

	if (remembered != NULL) {
		*revived = *remembered;
	} else {
		/* The scale of its windows is unknown: they are not enforced. */
		*revived = (struct tcp_conn){
			.flags = { TCP_SIDE_SACK | TCP_SIDE_LIBERAL,
			           TCP_SIDE_SACK | TCP_SIDE_LIBERAL },
			.state = TCP_ESTABLISHED,
			.last_class = SEG_NONE,
		};
	}
	set_side(revived, dir, expects, ack, tcp->win);
	set_side(revived, other, next, expects, win);
	revived->seen[dir].maxend = expects + revived->seen[other].maxwin_bytes;
	revived->seen[other].maxend = ack + revived->seen[dir].maxwin_bytes;
	if (seq_after(next, revived->seen[other].maxend)) {
		revived->seen[other].maxend = next;
	}
	if (tcp_track(revived, p, dir, FLOW_SEEN_REPLY | FLOW_ASSURED, 0, tun, fx) ==
	    TRACK_ACCEPT) {
		return true;
	}
	if (remembered == NULL) {
		return false;
	}
	/* What is remembered of its state is wrong: the ends know better. */
	return late_prove(NULL, p, dir, expects, next, win, tun, revived, fx);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tracker of connections of one direction. See one_way.h. */
#include "one_way.h"

#include "tcp_window.h"

/* How far the number of a RST may be from the next one of its sender: an unscaled window. */
#define RST_DISTANCE_MAX 65535

bool one_way_is_open(const struct flow *f)
{
	if (f->key.proto != IPPROTO_NR_TCP) {
		return true;
	}
	switch ((enum tcp_state)f->conn.tcp.state) {
	case TCP_SYN_SENT:
	case TCP_SYN_SENT2:
	case TCP_SYN_RECV:
		return false;
	default:
		return true;
	}
}

/* A RST of another number closes nothing: it may be forged. */
static bool rst_is_in_sequence(const struct tcp_conn *t, const struct pkt_tcp *tcp,
                               enum flow_dir dir)
{
	int32_t distance = (int32_t)(tcp->seq - t->seen[dir].end);

	/* of the other direction nothing may have been seen */
	return t->seen[dir].maxwin_bytes == 0 ||
	       (distance <= RST_DISTANCE_MAX && distance >= -RST_DISTANCE_MAX);
}

static void note_end(struct tcp_conn *t, const struct pkt_tcp *tcp, enum flow_dir dir)
{
	bool is_longer =
		tcp->class_nr == SEG_SYN || tcp->class_nr == SEG_SYNACK || tcp->class_nr == SEG_FIN;
	uint32_t end = tcp->seq + tcp->payload_size + is_longer;
	struct tcp_seen *seen = &t->seen[dir];

	if (seen->maxwin_bytes == 0 || seq_after(end, seen->end)) {
		seen->end = end;
		seen->maxend = end;
	}
	seen->maxwin_bytes = seen->maxwin_bytes == 0 ? 1 : seen->maxwin_bytes;
}

static bool is_closing(const struct tcp_conn *t)
{
	return t->state == TCP_FIN_WAIT || t->state == TCP_CLOSE_WAIT || t->state == TCP_LAST_ACK ||
	       t->state == TCP_TIME_WAIT || t->state == TCP_CLOSE;
}

/* The state after a FIN: one side has closed, or both. */
static uint8_t after_fin(struct tcp_conn *t, enum flow_dir dir)
{
	t->flags[dir] |= TCP_SIDE_FIN;
	return (t->flags[dir_other(dir)] & TCP_SIDE_FIN) != 0 ? TCP_TIME_WAIT : TCP_FIN_WAIT;
}

static enum track_verdict track_tcp(struct tcp_conn *t, const struct pkt_tcp *tcp,
                                    enum flow_dir dir, const struct tunables *tun,
                                    struct track_effect *fx)
{
	switch ((enum tcp_class)tcp->class_nr) {
	case SEG_SYN:
		if (is_closing(t)) {
			return TRACK_REPEAT;
		}
		break;
	case SEG_SYNACK:
		t->state = t->state == TCP_SYN_SENT ? TCP_SYN_RECV : t->state;
		break;
	case SEG_FIN:
		t->state = is_closing(t) && t->state != TCP_FIN_WAIT ? t->state : after_fin(t, dir);
		break;
	case SEG_RST:
		if (!rst_is_in_sequence(t, tcp, dir)) {
			fx->reason = REASON_TCP_IGNORED;
			return TRACK_IGNORE;
		}
		t->state = TCP_CLOSE;
		break;
	default:
		t->state = is_closing(t) ? t->state : TCP_ESTABLISHED;
		break;
	}
	note_end(t, tcp, dir);
	t->last_dir = (uint8_t)dir;
	t->last_class = tcp->class_nr;
	fx->timeout_ns = tun->tcp_timeout_ns[t->state];
	return TRACK_ACCEPT;
}

enum track_verdict one_way_track(struct flow *f, const struct pkt *p, enum flow_dir dir,
                                 struct mono now, const struct tunables *tun,
                                 struct track_effect *fx)
{
	*fx = (struct track_effect){ .reason = REASON_TCP_TRACKED };
	switch ((enum pkt_kind)p->kind) {
	case PKT_KIND_TCP:
		return track_tcp(&f->conn.tcp, &p->tcp, dir, tun, fx);
	case PKT_KIND_UDP:
		fx->timeout_ns = mono_diff(now, f->conn.udp.stream_from) > 0
		                         ? tun->udp_replied_ns
		                         : tun->udp_unreplied_ns;
		return TRACK_ACCEPT;
	default:
		fx->timeout_ns = tunables_other_ttl_ns(tun, p->l4_proto);
		return TRACK_ACCEPT;
	}
}

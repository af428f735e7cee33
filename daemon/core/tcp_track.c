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

#include "tcp_step.h"

#include <finwall/bytes.h>

#include <string.h>

/* Section 7.6 does not shorten the life of an entry that has less than this left. */
#define STRAY_CLOSERS_MIN_NS sec_to_ns(120)

static enum track_verdict track_plain(struct tcp_conn *t, const struct pkt_tcp *tcp,
                                      enum flow_dir dir, unsigned status, int64_t remaining_ns,
                                      const struct tunables *tun, struct track_effect *fx);
static enum track_verdict track_any(struct tcp_conn *t, const struct pkt *p, enum flow_dir dir,
                                    unsigned status, int64_t remaining_ns,
                                    const struct tunables *tun, struct track_effect *fx);
static enum track_verdict miss(struct tcp_conn *t, const struct seg *s, enum reason why,
                               int64_t remaining_ns, const struct tunables *tun,
                               struct track_effect *fx);
static struct seg seg_of(const struct pkt *p, enum flow_dir dir, unsigned status);
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

static struct step_rules rules_of(const struct tunables *tun)
{
	return (struct step_rules){
		.be_liberal = tun->tcp_be_liberal != 0,
		.ignores_invalid_rst = tun->tcp_ignore_invalid_rst != 0,
	};
}

static enum track_verdict track_any(struct tcp_conn *t, const struct pkt *p, enum flow_dir dir,
                                    unsigned status, int64_t remaining_ns,
                                    const struct tunables *tun, struct track_effect *fx)
{
	struct seg s = seg_of(p, dir, status);
	const struct step_rules rules = rules_of(tun);
	struct step step;

	switch (tcp_step(t, &s, &rules, &step)) {
	case STEP_ACCEPT:
		return settle(t, &s, step.from, step.to, tun, fx);
	case STEP_IGNORE:
		fx->reason = (uint8_t)step.why;
		return TRACK_IGNORE;
	case STEP_INVALID:
		fx->reason = (uint8_t)step.why;
		return TRACK_INVALID;
	case STEP_REPEAT:
		fx->reason = (uint8_t)step.why;
		return TRACK_REPEAT;
	default:
		return miss(t, &s, step.why, remaining_ns, tun, fx);
	}
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
	const struct step_rules rules = rules_of(tun);
	enum reason why;

	if ((t->flags[s.other] & TCP_SIDE_SACK) != 0) {
		s.sack = seg_sack(&s);
	}
	why = fit_window(t, &s, &rules);
	if (why == REASON_NONE) {
		return settle(t, &s, TCP_ESTABLISHED, TCP_ESTABLISHED, tun, fx);
	}
	return miss(t, &s, why, remaining_ns, tun, fx);
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

/* Section 6.8: the segment is accepted, and has a time to live. */
static ALWAYS_INLINE enum track_verdict settle(struct tcp_conn *t, const struct seg *s,
                                               unsigned from, unsigned to,
                                               const struct tunables *tun, struct track_effect *fx)
{
	int64_t timeout_ns;

	step_settle(t, s, from, to);
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
	} else if (step_assures(s->status, from, to)) {
		fx->set_assured = 1;
	}
	fx->timeout_ns = timeout_ns;
	return TRACK_ACCEPT;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions to other ends. See questions.h; RFC 9293, 3.10.7.4, and RFC 5961 for the answers. */
#include "questions.h"

#include <finwall/bytes.h>

#include <string.h>

#define QUESTION_WAYS 8u
#define LEN_MIN       64u
#define LEN_MAX       65536u

/* An end may have this much in flight, RFC 7323's largest window. */
#define UNACKED_MAX (UINT32_C(1) << 30)

uint32_t questions_len(uint32_t flows_max)
{
	uint32_t len = LEN_MIN;

	while (len < flows_max && len < LEN_MAX) {
		len *= 2;
	}
	return len;
}

size_t questions_size(uint32_t len)
{
	return len * sizeof(struct question);
}

void questions_init(struct questions *qs, void *mem, uint32_t len)
{
	*qs = (struct questions){ .place = mem, .sets = len / QUESTION_WAYS };
}

static bool is_in_use(const struct question *q, struct mono now)
{
	int64_t keep_ns = q->answer != ANSWER_NONE ? ANSWER_KEEP_NS : q->keep_ns;
	struct mono from = q->answer != ANSWER_NONE ? q->heard : q->probed;

	return q->probed.ns != 0 && mono_diff(now, from) < keep_ns;
}

static struct question *set_of(const struct questions *qs, uint64_t hash)
{
	return &qs->place[(size_t)(hash & (qs->sets - 1)) * QUESTION_WAYS];
}

struct question *questions_find(const struct questions *qs, uint64_t hash, enum key_side side,
                                struct mono now)
{
	struct question *set = set_of(qs, hash);

	/* Usually no question is open, and no answer counts: the set is not loaded. */
	if (mono_is_due(mono_add(qs->until, ANSWER_KEEP_NS), now)) {
		return NULL;
	}
	for (unsigned way = 0; way < QUESTION_WAYS; way++) {
		if (set[way].hash == hash && set[way].side == side && is_in_use(&set[way], now)) {
			return &set[way];
		}
	}
	return NULL;
}

struct question *questions_add(struct questions *qs, uint64_t hash, enum key_side side,
                               struct mono now)
{
	struct question *set = set_of(qs, hash);

	struct question *found = NULL;

	for (unsigned way = 0; way < QUESTION_WAYS; way++) {
		struct question *q = &set[way];

		if (!is_in_use(q, now)) {
			found = q;
			break;
		}
		/* What is kept without a segment that waits only spares probes. */
		if (q->held_len == 0 && (found == NULL || q->probed.ns < found->probed.ns)) {
			found = q;
		}
	}
	if (found != NULL) {
		memset(found, 0, sizeof(*found));
		found->hash = hash;
		found->side = (uint8_t)side;
	}
	return found;
}

void question_note_probe(struct questions *qs, struct question *q, uint32_t seq, uint32_t ack,
                         int64_t keep_ns, struct mono now)
{
	struct mono until;

	q->keep_ns = keep_ns > QUESTION_KEEP_NS ? keep_ns : QUESTION_KEEP_NS;
	until = mono_add(now, q->keep_ns);
	q->probed = now;
	q->probe_seq = seq;
	q->probe_ack = ack;
	q->unanswered += q->unanswered < UINT8_MAX;
	if (until.ns > qs->until.ns) {
		qs->until = until;
	}
}

bool question_is_answered(const struct question *q, struct mono now)
{
	return q->answer != ANSWER_NONE && mono_diff(now, q->heard) < ANSWER_KEEP_NS;
}

/* True when the packet takes the way of the held segment backwards. */
static bool is_way_back(const struct question *q, const struct frame *f)
{
	switch ((enum hook)q->hook) {
	case HOOK_INPUT:
		return f->hook == HOOK_OUTPUT;
	case HOOK_OUTPUT:
		return (f->hook == HOOK_INPUT && f->iif == q->oif) ||
		       (f->hook == HOOK_OUTPUT && f->oif == q->oif); /* the loopback device */
	default:
		return f->hook == HOOK_FORWARD && f->iif == q->oif && f->oif == q->iif;
	}
}

/* RFC 9293, 3.10.7.1. Some ends send one with ACK, as if the probe had none. */
static bool is_reset_of(const struct question *q, const struct pkt_tcp *tcp)
{
	return tcp->seq == q->probe_ack ||
	       ((tcp->flags & TCP_ACK) != 0 && tcp->ack - q->probe_seq <= 1);
}

bool question_hear(struct question *q, const struct pkt *p, struct mono now)
{
	const struct pkt_tcp *tcp = &p->tcp;

	if (q->unanswered == 0 || !is_way_back(q, p->frame)) {
		return false;
	}
	switch ((enum tcp_class)tcp->class_nr) {
	case SEG_ACK:
		/* a further answer is equal: other ACKs are the connection's own */
		if (tcp->payload_size != 0 || (q->answer == ANSWER_ACK && tcp->ack != q->expects)) {
			return false;
		}
		q->answer = ANSWER_ACK;
		break;
	case SEG_RST:
		if (!is_reset_of(q, tcp)) {
			return false;
		}
		q->answer = ANSWER_RST;
		break;
	default:
		return false;
	}
	q->unanswered--;
	q->heard = now;
	q->expects = tcp->ack;
	q->next = tcp->seq;
	q->win = tcp->win;
	q->held_len = 0;
	return true;
}

/* A keepalive begins one below the next number. */
static bool begins_at(const struct pkt_tcp *tcp, uint32_t next)
{
	bool is_keepalive =
		tcp->class_nr == SEG_ACK && tcp->payload_size <= 1 && tcp->seq + 1 == next;

	return tcp->seq == next || is_keepalive;
}

/* Also if the answer was a keepalive itself, one below the end's next number. */
static bool acks_sent(const struct pkt_tcp *tcp, uint32_t next)
{
	return (tcp->flags & TCP_ACK) == 0 || next + 1 - tcp->ack <= UNACKED_MAX;
}

enum reason question_judge(const struct question *q, const struct pkt_tcp *tcp)
{
	if (q->answer == ANSWER_RST) {
		return REASON_LATE_REFUTED_RST;
	}
	return begins_at(tcp, q->expects) && acks_sent(tcp, q->next) ? REASON_LATE_VERIFIED
	                                                             : REASON_LATE_REFUTED_SEQ;
}

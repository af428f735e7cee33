/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The witness of a connection whose windows were not seen from the start. See knowledge.h. */
#include "knowledge.h"

#include "late_close.h"

#include <finwall/bytes.h>

#include <string.h>

/* Sides of a flag that has one bit per direction. */
#define BIT_OF(flag, dir) ((uint16_t)((flag) & -(flag)) << (dir))

static bool has(const struct witness *w, unsigned flag, enum flow_dir dir)
{
	return (w->flags & BIT_OF(flag, dir)) != 0;
}

static void set(struct witness *w, unsigned flag, enum flow_dir dir, bool on)
{
	unsigned bit = BIT_OF(flag, dir);

	w->flags = (uint16_t)(on ? w->flags | bit : w->flags & ~bit);
}

/*
 * True when ack acknowledges all that side dir has sent. A keepalive begins one below the next
 * number, and its answer acknowledges that number.
 */
static bool acks_all(const struct witness *w, enum flow_dir dir, uint32_t ack)
{
	return ack == w->end[dir] || (has(w, WITNESS_EMPTY, dir) && ack == w->end[dir] + 1);
}

static void agree(struct witness *w)
{
	for (unsigned d = 0; d < 2; d++) {
		w->agreed[d] = w->ack[1 - d];
		w->agreed_win[d] = w->win[d];
		if (has(w, WITNESS_FIN, (enum flow_dir)d) && w->agreed[d] == w->fin[d]) {
			set(w, WITNESS_FIN, (enum flow_dir)d, false);
		}
	}
	w->flags |= WITNESS_AGREED | WITNESS_CURRENT;
}

bool witness_hear(struct witness *w, enum flow_dir dir, uint32_t seq, uint32_t end, uint32_t ack,
                  uint16_t win)
{
	enum flow_dir other = dir_other(dir);

	w->end[dir] = end;
	w->ack[dir] = ack;
	w->win[dir] = win;
	set(w, WITNESS_HEARD, dir, true);
	set(w, WITNESS_EMPTY, dir, seq == end);
	if (has(w, WITNESS_HEARD, other) && acks_all(w, other, ack) &&
	    acks_all(w, dir, w->ack[other])) {
		agree(w);
		return true;
	}
	if (ack != w->agreed[other] || !acks_all(w, dir, w->agreed[dir])) {
		w->flags &= (uint16_t)~WITNESS_CURRENT;
	}
	return false;
}

void witness_note_fin(struct witness *w, enum flow_dir dir, uint32_t end)
{
	set(w, WITNESS_FIN, dir, true);
	w->fin[dir] = end;
}

bool knowledge_proves_rst(const struct flow *f, const struct witness *w, enum flow_dir dir,
                          uint32_t seq)
{
	switch (status_knowledge(f->status)) {
	case KNOWN_EXACT:
		return true;
	case KNOWN_GAP:
		return seq == late_expected_seq(&f->conn.tcp, dir);
	default:
		return (w->flags & WITNESS_AGREED) != 0 && seq == w->agreed[dir];
	}
}

void knowledge_set_windows(struct tcp_conn *t, const struct witness *w)
{
	for (unsigned d = 0; d < 2; d++) {
		uint32_t win = (uint32_t)w->agreed_win[d] << t->scale[d];

		t->seen[d].end = w->agreed[d];
		t->seen[d].maxwin_bytes = win == 0 ? 1 : win;
		t->seen[d].maxack = w->agreed[1 - d];
		t->seen[1 - d].maxend = w->agreed[1 - d] + (win == 0 ? 1 : win);
		t->flags[d] |= TCP_SIDE_MAXACK;
		t->flags[d] &= (uint8_t)~TCP_SIDE_UNACKED;
	}
}

static void forget_windows(struct tcp_conn *t)
{
	memset(t->seen, 0, sizeof(t->seen));
	for (unsigned d = 0; d < 2; d++) {
		t->flags[d] &= (uint8_t) ~(TCP_SIDE_MAXACK | TCP_SIDE_UNACKED);
		t->flags[d] |= TCP_SIDE_LIBERAL;
	}
}

/* The connection as it was before a closer that may have been forged. */
static void reopen(struct tcp_conn *t)
{
	t->state = TCP_ESTABLISHED;
	for (unsigned d = 0; d < 2; d++) {
		t->flags[d] &= (uint8_t) ~(TCP_SIDE_CLOSE_INIT | TCP_SIDE_FIN | TCP_SIDE_RESET);
	}
}

void knowledge_to_remember(const struct flow *f, const struct witness *w, struct flow *out)
{
	enum knowledge known = status_knowledge(f->status);

	*out = *f;
	out->status &= (uint8_t) ~(FLOW_LEASED | FLOW_HAD_LEASE);
	if (known == KNOWN_EXACT || (f->status & FLOW_ASSURED) == 0) {
		return;
	}
	if (w != NULL && (w->flags & WITNESS_CLOSED) != 0) {
		reopen(&out->conn.tcp);
	}
	if (w != NULL && (w->flags & WITNESS_AGREED) != 0) {
		knowledge_set_windows(&out->conn.tcp, w);
		known = (w->flags & WITNESS_CURRENT) != 0 ? KNOWN_EXACT : KNOWN_GAP;
	} else if (known != KNOWN_GAP) {
		forget_windows(&out->conn.tcp);
		known = KNOWN_NOTHING;
	}
	out->status = status_with_knowledge(out->status, known);
}

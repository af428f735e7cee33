/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An open-addressing table of connections that grows by doubling; nothing is ever taken out, a
 * tuple that opens again is used again. Only segments with an ACK that are no RST make a record, so
 * that a scan costs nothing.
 */
#include "replay/conns.h"

#include "io/mem.h"

#include <errno.h>
#include <stdlib.h>

#define SLOTS_MIN 1024

/* Bits of a connection. */
enum {
	SPOKE_LO = 1, /* that side of the key has sent an ACK or SYN+ACK */
	SPOKE_HI = 2,
	SPOKE_BOTH = SPOKE_LO | SPOKE_HI,
	CLOSED = 4, /* a FIN or RST was seen */
};

/* Bits of a connection in one lane. */
enum {
	LATE = 1,
	DROPPED = 2, /* at least one late close was dropped */
	CUT_LO = 4,  /* this side's close was dropped, and none of it has passed since */
	CUT_HI = 8,
	CUT_BOTH = CUT_LO | CUT_HI,
	HELD = 16, /* the lane had it open */
};

struct conn {
	struct flowkey key; /* family 0 = a free slot */
	uint8_t bits;
	uint8_t lane[REPLAY_LANES_MAX];
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct conn) == 64, "one cache line");

static struct conn *new_slots(size_t len);
static struct conn *find_slot(const struct conns *t, const struct flowkey *key, uint64_t hash);
static int make_room(struct conns *t);
static void speak(struct conns *t, struct conn *c, enum key_side side,
                  const struct conn_fate *fate);
static void close_end(struct conns *t, struct conn *c, const struct pkt *p, enum key_side side,
                      const struct conn_fate *fate);
static void settle(struct conns *t, struct conn *c);

int conns_init(struct conns *t, size_t lanes_len)
{
	memset(t, 0, sizeof(*t));
	t->lanes_len = lanes_len;
	t->slots = new_slots(SLOTS_MIN);
	if (t->slots == NULL) {
		return -ENOMEM;
	}
	t->slots_len = SLOTS_MIN;
	return mem_random(&t->sip, sizeof(t->sip));
}

void conns_fini(struct conns *t)
{
	free(t->slots);
	t->slots = NULL;
}

void conns_refer(const struct conns *t, const struct pkt *p, struct conn_ref *ref)
{
	/* a TCP tuple always has an inverse */
	(void)flowkey_from_tuple(&p->tuple, &ref->key, &ref->side);
	ref->hash = flowkey_hash(&ref->key, &t->sip);
	__builtin_prefetch(&t->slots[ref->hash & (t->slots_len - 1)]);
}

int conns_see(struct conns *t, const struct pkt *p, const struct conn_ref *ref, bool opens,
              const struct conn_fate *fate)
{
	struct conn *c = find_slot(t, &ref->key, ref->hash);

	switch (p->tcp.class_nr) {
	case SEG_SYN:
		if (opens && c->key.family != 0) {
			settle(t, c);
			c->bits = 0;
			memset(c->lane, 0, sizeof(c->lane));
		}
		return 0;
	case SEG_SYNACK:
	case SEG_ACK:
		if (c->key.family == 0) {
			if (make_room(t) < 0) {
				return -ENOMEM;
			}
			c = find_slot(t, &ref->key, ref->hash);
			c->key = ref->key;
			t->used++;
		}
		speak(t, c, ref->side, fate);
		return 0;
	case SEG_FIN:
	case SEG_RST:
		close_end(t, c, p, ref->side, fate);
		return 0;
	default:
		return 0;
	}
}

void conns_finish(struct conns *t)
{
	for (size_t i = 0; i < t->slots_len; i++) {
		if (t->slots[i].key.family != 0) {
			settle(t, &t->slots[i]);
		}
	}
}

/* Free slots, or NULL. */
static struct conn *new_slots(size_t len)
{
	struct conn *slots = aligned_alloc(sizeof(*slots), len * sizeof(*slots));

	return slots != NULL ? memset(slots, 0, len * sizeof(*slots)) : NULL;
}

/* The slot of the key, or the free one where it would go. */
static struct conn *find_slot(const struct conns *t, const struct flowkey *key, uint64_t hash)
{
	size_t mask = t->slots_len - 1;
	size_t nr = (size_t)hash & mask;

	while (t->slots[nr].key.family != 0 && !flowkey_equal(&t->slots[nr].key, key)) {
		nr = (nr + 1) & mask;
	}
	return &t->slots[nr];
}

/* Doubles the table when it is three quarters full. */
static int make_room(struct conns *t)
{
	struct conns bigger = *t;

	if (t->used + 1 <= t->slots_len / 4 * 3) {
		return 0;
	}
	bigger.slots_len = t->slots_len * 2;
	bigger.slots = new_slots(bigger.slots_len);
	if (bigger.slots == NULL) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < t->slots_len; i++) {
		if (t->slots[i].key.family != 0) {
			const struct flowkey *key = &t->slots[i].key;

			*find_slot(&bigger, key, flowkey_hash(key, &t->sip)) = t->slots[i];
		}
	}
	free(t->slots);
	t->slots = bigger.slots;
	t->slots_len = bigger.slots_len;
	return 0;
}

static void speak(struct conns *t, struct conn *c, enum key_side side, const struct conn_fate *fate)
{
	bool was_both = (c->bits & SPOKE_BOTH) == SPOKE_BOTH;

	c->bits |= side == SIDE_LO ? SPOKE_LO : SPOKE_HI;
	if (!was_both && (c->bits & SPOKE_BOTH) == SPOKE_BOTH) {
		t->seen++;
	}
	for (size_t i = 0; i < REPLAY_LANES_MAX && i < t->lanes_len; i++) {
		c->lane[i] |= fate[i].is_open ? HELD : 0;
	}
}

/* A FIN tells the other end that this one has finished; a RST that passes ends both. */
static void close_end(struct conns *t, struct conn *c, const struct pkt *p, enum key_side side,
                      const struct conn_fate *fate)
{
	uint8_t mine = side == SIDE_LO ? CUT_LO : CUT_HI;
	uint8_t told = p->tcp.class_nr == SEG_RST ? CUT_BOTH : mine;
	bool is_known = (c->bits & SPOKE_BOTH) == SPOKE_BOTH;

	if (is_known && (c->bits & CLOSED) == 0) {
		c->bits |= CLOSED;
		t->closed++;
	}
	for (size_t i = 0; i < REPLAY_LANES_MAX && i < t->lanes_len; i++) {
		uint8_t *lane = &c->lane[i];

		if (!is_known || (*lane & HELD) == 0) {
			t->lane[i].strays_passed += fate[i].is_late && fate[i].passed;
			t->lane[i].strays_dropped += fate[i].is_late && !fate[i].passed;
			continue;
		}
		if (fate[i].is_late) {
			*lane |= fate[i].passed ? LATE : LATE | DROPPED | mine;
		}
		if (fate[i].passed) {
			*lane &= (uint8_t)~told;
		}
	}
}

/* Adds to the totals how the connection ended. */
static void settle(struct conns *t, struct conn *c)
{
	for (size_t i = 0; i < REPLAY_LANES_MAX && i < t->lanes_len; i++) {
		struct conn_totals *sum = &t->lane[i];
		uint8_t lane = c->lane[i];

		if ((lane & LATE) == 0) {
			continue;
		}
		sum->late++;
		if ((lane & CUT_BOTH) != 0) {
			sum->hung++;
		} else if ((lane & DROPPED) != 0) {
			sum->recovered++;
		} else {
			sum->saved++;
		}
	}
}

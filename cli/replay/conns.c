/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash table with open addressing that doubles when it is three quarters full. Entries are never
 * removed; a tuple that opens again keeps its entry. Only an ACK or SYN+ACK adds an entry, so a
 * port scan adds none.
 */
#include "replay/conns.h"

#include "io/mem.h"

#include <errno.h>
#include <stdlib.h>

#define SLOTS_MIN 1024

/* Flags of a connection. */
enum {
	ACKED_LO = 1, /* that side of the key has sent an ACK or SYN+ACK */
	ACKED_HI = 2,
	ACKED_BOTH = ACKED_LO | ACKED_HI,
	CLOSED = 4, /* a FIN or RST was captured */
};

/* Flags of a connection under one policy. */
enum {
	LATE = 1,
	DROPPED = 2, /* at least one late close was dropped */
	LOST_LO = 4, /* a close of that side was dropped, and none of it has passed since */
	LOST_HI = 8,
	LOST_BOTH = LOST_LO | LOST_HI,
	WAS_OPEN = 16, /* the policy's table had it open */
};

struct conn {
	struct flowkey key; /* family 0 = an empty slot */
	uint8_t flags;
	uint8_t by_policy[REPLAY_POLICIES_MAX]; /* flags */
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct conn) == 64, "one cache line");

static struct conn *new_slots(size_t len);
static struct conn *find_slot(const struct conns *t, const struct flowkey *key, uint64_t hash);
static int grow(struct conns *t);
static void note_ack(struct conns *t, struct conn *c, enum key_side side,
                     const struct conn_outcome *outcome);
static void note_close(struct conns *t, struct conn *c, const struct pkt *p, enum key_side side,
                       const struct conn_outcome *outcome);
static void add_to_totals(struct conns *t, struct conn *c);

int conns_init(struct conns *t, size_t policies_len)
{
	memset(t, 0, sizeof(*t));
	t->policies_len = policies_len;
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

void conns_find(const struct conns *t, const struct pkt *p, struct conn_ref *ref)
{
	/* a TCP tuple always has an inverse */
	(void)flowkey_from_tuple(&p->tuple, &ref->key, &ref->side);
	ref->hash = flowkey_hash(&ref->key, &t->sip);
	__builtin_prefetch(&t->slots[ref->hash & (t->slots_len - 1)]);
}

int conns_add(struct conns *t, const struct pkt *p, const struct conn_ref *ref, bool opens,
              const struct conn_outcome *outcome)
{
	struct conn *c = find_slot(t, &ref->key, ref->hash);

	switch (p->tcp.class_nr) {
	case SEG_SYN:
		if (opens && c->key.family != 0) {
			add_to_totals(t, c);
			c->flags = 0;
			memset(c->by_policy, 0, sizeof(c->by_policy));
		}
		return 0;
	case SEG_SYNACK:
	case SEG_ACK:
		if (c->key.family == 0) {
			if (grow(t) < 0) {
				return -ENOMEM;
			}
			c = find_slot(t, &ref->key, ref->hash);
			c->key = ref->key;
			t->used++;
		}
		note_ack(t, c, ref->side, outcome);
		return 0;
	case SEG_FIN:
	case SEG_RST:
		note_close(t, c, p, ref->side, outcome);
		return 0;
	default:
		return 0;
	}
}

void conns_finish(struct conns *t)
{
	for (size_t i = 0; i < t->slots_len; i++) {
		if (t->slots[i].key.family != 0) {
			add_to_totals(t, &t->slots[i]);
		}
	}
}

/* Returns empty slots, or NULL. */
static struct conn *new_slots(size_t len)
{
	struct conn *slots = aligned_alloc(sizeof(*slots), len * sizeof(*slots));

	return slots != NULL ? memset(slots, 0, len * sizeof(*slots)) : NULL;
}

/* Returns the slot of the key, or the empty slot where it would be. */
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
static int grow(struct conns *t)
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

static void note_ack(struct conns *t, struct conn *c, enum key_side side,
                     const struct conn_outcome *outcome)
{
	bool was_both = (c->flags & ACKED_BOTH) == ACKED_BOTH;

	c->flags |= side == SIDE_LO ? ACKED_LO : ACKED_HI;
	if (!was_both && (c->flags & ACKED_BOTH) == ACKED_BOTH) {
		t->seen++;
	}
	for (size_t i = 0; i < REPLAY_POLICIES_MAX && i < t->policies_len; i++) {
		c->by_policy[i] |= outcome[i].is_open ? WAS_OPEN : 0;
	}
}

/* A FIN that passes closes its side for the other end; a RST that passes closes both sides. */
static void note_close(struct conns *t, struct conn *c, const struct pkt *p, enum key_side side,
                       const struct conn_outcome *outcome)
{
	uint8_t mine = side == SIDE_LO ? LOST_LO : LOST_HI;
	uint8_t delivered = p->tcp.class_nr == SEG_RST ? LOST_BOTH : mine;
	bool is_known = (c->flags & ACKED_BOTH) == ACKED_BOTH;

	if (is_known && (c->flags & CLOSED) == 0) {
		c->flags |= CLOSED;
		t->closed++;
	}
	for (size_t i = 0; i < REPLAY_POLICIES_MAX && i < t->policies_len; i++) {
		uint8_t *flags = &c->by_policy[i];

		if (!is_known || (*flags & WAS_OPEN) == 0) {
			t->totals[i].strays_passed += outcome[i].is_late && outcome[i].passed;
			t->totals[i].strays_dropped += outcome[i].is_late && !outcome[i].passed;
			continue;
		}
		if (outcome[i].is_late) {
			*flags |= outcome[i].passed ? LATE : LATE | DROPPED | mine;
		}
		if (outcome[i].passed) {
			*flags &= (uint8_t)~delivered;
		}
	}
}

/* Adds the end of the connection to the totals. */
static void add_to_totals(struct conns *t, struct conn *c)
{
	for (size_t i = 0; i < REPLAY_POLICIES_MAX && i < t->policies_len; i++) {
		struct conn_totals *sum = &t->totals[i];
		uint8_t flags = c->by_policy[i];

		if ((flags & LATE) == 0) {
			continue;
		}
		sum->late++;
		if ((flags & LOST_BOTH) != 0) {
			sum->hung++;
		} else if ((flags & DROPPED) != 0) {
			sum->recovered++;
		} else {
			sum->saved++;
		}
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The graveyard. A connection fits into 64 bytes, IPv6 included:
 *   - each side's end, exactly; its highest acknowledgement, exactly, as the distance from the
 * other side's end (24 bits);
 *   - each side's largest window, and the space left in it, as 15-bit floats, rounded up;
 *   - the state, as one of the four that are remembered;
 *   - when the entry ended, in seconds (24 bits: 194 days; `remember` is limited to less).
 * The last segment is not kept: after an idle timeout the tracker does not need it.
 *
 * Must not know why an entry is remembered or revived.
 */
#include "graveyard.h"

#include <finwall/bytes.h>

#include <string.h>

#define TOMB_NIL    UINT32_MAX
#define ENDED_MASK  0xffffffu
#define UNACKED_MAX 0xffffffu
#define FLOAT_BITS  10
#define FLOAT_ONE   (1u << FLOAT_BITS)
#define FLOAT_MASK  0x7fffu /* 5 bits of exponent, 10 of fraction */
#define FLAGS_MASK  0x3fu   /* TCP_SIDE_* that are kept */
#define SCALE_MASK  15u

struct tomb_side {
	uint32_t unacked : 24; /* the other side's end minus this side's maxack */
	uint32_t flags : 6;    /* TCP_SIDE_* */
	uint32_t extra : 2;    /* side 0: state; side 1: cause */
};

struct tomb_windows {
	uint16_t maxwin : 15; /* float */
	uint16_t extra0 : 1;  /* side 0: not deleted; side 1: the opener is the high side */
	uint16_t space : 15;  /* float: maxend minus end */
	uint16_t extra1 : 1;  /* side 0: IPv6; side 1: unused */
};

struct tomb {
	union ip_addr lo;
	union ip_addr hi;
	uint16_t lo_port;
	uint16_t hi_port;
	uint32_t end[2];
	struct tomb_side side[2];
	struct tomb_windows win[2];
	uint32_t ended_s : 24;
	uint32_t scale0 : 4;
	uint32_t scale1 : 4;
};

_Static_assert(sizeof(struct tomb) == 64, "documented: 64 bytes each");
_Static_assert(sizeof(struct tomb_copy) == sizeof(struct tomb), "a copy holds a tombstone");

static const uint8_t states[4] = { TCP_ESTABLISHED, TCP_FIN_WAIT, TCP_CLOSE_WAIT, TCP_LAST_ACK };

const char *tomb_cause_name(enum tomb_cause c)
{
	static const char *const names[TOMB_CAUSES_LEN] = {
		[TOMB_IDLE] = "idle",
		[TOMB_EVICTED] = "evicted",
		[TOMB_FLUSHED] = "flushed",
		[TOMB_RESTART] = "restart",
	};

	return names[c];
}

/* The smallest 15-bit float (5 bits of exponent, 10 of fraction) that is not below v. */
static unsigned float_up(uint32_t v)
{
	unsigned shift = 0;
	uint64_t fraction = v;

	if (v < FLOAT_ONE) {
		return v;
	}
	while (fraction >= 2 * FLOAT_ONE) {
		shift++;
		fraction = ((uint64_t)v + (UINT64_C(1) << shift) - 1) >> shift;
	}
	return (shift + 1) << FLOAT_BITS | ((unsigned)fraction & (FLOAT_ONE - 1));
}

static uint32_t float_value(unsigned f)
{
	unsigned shift = f >> FLOAT_BITS;
	uint64_t v = f & (FLOAT_ONE - 1);

	if (shift > 0) {
		v = (v | FLOAT_ONE) << (shift - 1);
	}
	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

static int state_nr(unsigned state)
{
	for (int i = 0; i < 4; i++) {
		if (states[i] == state) {
			return i;
		}
	}
	return -1;
}

/*
 * What a side has sent that its window allowed. A segment just beyond the window moves the
 * tracker's end, as in the kernel, without being validated: it is left out here.
 */
static uint32_t proper_end(const struct tcp_conn *t, unsigned dir)
{
	const struct tcp_seen *s = &t->seen[dir];

	return seq_before(s->maxend, s->end) ? s->maxend : s->end;
}

static uint32_t unacked(const struct tcp_conn *t, enum flow_dir dir)
{
	return (t->flags[dir] & TCP_SIDE_MAXACK) == 0
	               ? 0
	               : proper_end(t, dir_other(dir)) - t->seen[dir].maxack;
}

static uint32_t seconds_of(struct mono now)
{
	return (uint32_t)(now.ns / NSEC_PER_SEC);
}

/* Ages compare modulo 2^24 seconds. */
static uint32_t age_s(const struct tomb *b, struct mono now)
{
	return (seconds_of(now) - b->ended_s) & ENDED_MASK;
}

static bool is_alive(const struct tomb *b)
{
	return b->win[0].extra0 != 0;
}

static void key_of(const struct tomb *b, struct flowkey *key)
{
	memset(key, 0, sizeof(*key));
	key->lo = b->lo;
	key->hi = b->hi;
	key->lo_port = b->lo_port;
	key->hi_port = b->hi_port;
	key->proto = IPPROTO_NR_TCP;
	key->family = b->win[0].extra1 != 0 ? 6 : 4;
}

size_t graveyard_size(uint32_t tombs_max)
{
	if (tombs_max == 0) {
		return 0;
	}
	return (size_t)tombs_max * sizeof(struct tomb) +
	       (size_t)hindex_buckets_for(tombs_max) * sizeof(struct hindex_bucket);
}

void graveyard_init(struct graveyard *g, void *mem, uint32_t tombs_max, const struct sipkey *sip)
{
	struct tomb *ring = mem;

	g->ring = ring;
	g->ring_len = tombs_max;
	g->head = 0;
	g->used = 0;
	g->alive = 0;
	g->sip = *sip;
	hindex_init(&g->index, (struct hindex_bucket *)(void *)(ring + tombs_max),
	            tombs_max == 0 ? 0 : hindex_buckets_for(tombs_max));
}

bool graveyard_wants(const struct flow *f)
{
	return f->key.proto == IPPROTO_NR_TCP && (f->status & FLOW_ASSURED) != 0 &&
	       state_nr(f->conn.tcp.state) >= 0 && unacked(&f->conn.tcp, DIR_ORIG) <= UNACKED_MAX &&
	       unacked(&f->conn.tcp, DIR_REPLY) <= UNACKED_MAX;
}

static void write_tomb(struct tomb *b, const struct flow *f, enum tomb_cause cause, struct mono now)
{
	const struct tcp_conn *t = &f->conn.tcp;

	memset(b, 0, sizeof(*b));
	b->lo = f->key.lo;
	b->hi = f->key.hi;
	b->lo_port = f->key.lo_port;
	b->hi_port = f->key.hi_port;
	for (unsigned d = 0; d < 2; d++) {
		uint32_t end = proper_end(t, d);
		uint32_t space = t->seen[d].maxend - end;

		b->end[d] = end;
		b->side[d].unacked = unacked(t, (enum flow_dir)d) & UNACKED_MAX;
		b->side[d].flags = t->flags[d] & FLAGS_MASK;
		b->win[d].maxwin = float_up(t->seen[d].maxwin_bytes) & FLOAT_MASK;
		b->win[d].space = float_up(space) & FLOAT_MASK;
	}
	b->side[0].extra = (unsigned)state_nr(t->state) & 3;
	b->side[1].extra = (unsigned)cause & 3;
	b->win[0].extra0 = 1;
	b->win[1].extra0 = (f->status & FLOW_ORIG_HI) != 0;
	b->win[0].extra1 = f->key.family == 6;
	b->ended_s = seconds_of(now) & ENDED_MASK;
	b->scale0 = t->scale[0] & SCALE_MASK;
	b->scale1 = t->scale[1] & SCALE_MASK;
}

bool graveyard_add(struct graveyard *g, const struct flow *f, uint64_t hash, enum tomb_cause cause,
                   struct mono now)
{
	bool evicted = false;
	uint32_t nr = g->head;

	if (g->ring_len == 0) {
		return false;
	}
	if (is_alive(&g->ring[nr])) {
		struct flowkey key;

		key_of(&g->ring[nr], &key);
		graveyard_del(g, nr, flowkey_hash(&key, &g->sip));
		evicted = true;
	}
	write_tomb(&g->ring[nr], f, cause, now);
	hindex_add(&g->index, hash, nr);
	g->alive++;
	g->head = nr + 1 == g->ring_len ? 0 : nr + 1;
	if (g->used < g->ring_len) {
		g->used++;
	}
	return evicted;
}

void graveyard_prefetch_bucket(const struct graveyard *g, uint64_t hash)
{
	if (g->ring_len > 0) {
		hindex_prefetch(&g->index, hash);
	}
}

void graveyard_prefetch_tomb(const struct graveyard *g, uint64_t hash)
{
	/* Reads unlocked; hidden from the thread sanitizer. */
#ifndef __SANITIZE_THREAD__
	struct hindex_iter it;
	uint32_t nr = g->ring_len == 0 ? HINDEX_NIL : hindex_first(&g->index, hash, &it);

	if (nr < g->ring_len) {
		__builtin_prefetch(&g->ring[nr]);
	}
#else
	(void)g;
	(void)hash;
#endif
}

uint32_t graveyard_find(const struct graveyard *g, const struct flowkey *key, uint64_t hash)
{
	struct hindex_iter it;

	if (g->alive == 0) {
		return TOMB_NIL;
	}
	for (uint32_t nr = hindex_first(&g->index, hash, &it); nr != HINDEX_NIL;
	     nr = hindex_next(&g->index, &it)) {
		struct flowkey found;

		key_of(&g->ring[nr], &found);
		if (flowkey_equal(&found, key)) {
			return nr;
		}
	}
	return TOMB_NIL;
}

static void read_tomb(const struct tomb *b, struct mono now, struct tomb_info *out)
{
	struct tcp_conn *t = &out->conn;

	memset(out, 0, sizeof(*out));
	key_of(b, &out->key);
	for (unsigned d = 0; d < 2; d++) {
		t->seen[d].end = b->end[d];
		t->seen[d].maxend = b->end[d] + float_value(b->win[d].space);
		t->seen[d].maxwin_bytes = float_value(b->win[d].maxwin);
		t->flags[d] = b->side[d].flags;
		if ((b->side[d].flags & TCP_SIDE_MAXACK) != 0) {
			t->seen[d].maxack = b->end[1 - d] - b->side[d].unacked;
		}
	}
	t->scale[0] = b->scale0;
	t->scale[1] = b->scale1;
	t->state = states[b->side[0].extra];
	t->last_class = SEG_NONE;
	out->status = FLOW_SEEN_REPLY | FLOW_ASSURED;
	if (b->win[1].extra0 != 0) {
		out->status |= FLOW_ORIG_HI;
	}
	out->cause = b->side[1].extra;
	out->ended = (struct mono){ sec_to_ns((int64_t)(now.ns / NSEC_PER_SEC) - age_s(b, now)) };
}

void graveyard_read(const struct graveyard *g, uint32_t nr, struct mono now, struct tomb_info *out)
{
	read_tomb(&g->ring[nr], now, out);
}

void graveyard_del(struct graveyard *g, uint32_t nr, uint64_t hash)
{
	hindex_del(&g->index, hash, nr);
	g->ring[nr].win[0].extra0 = 0;
	g->alive--;
}

/* The place written `back` writes ago; 1 is the last. */
static uint32_t behind_head(const struct graveyard *g, uint32_t back)
{
	return g->head >= back ? g->head - back : g->head + (g->ring_len - back);
}

unsigned graveyard_age(struct graveyard *g, struct mono now, int64_t remember_ns, unsigned budget)
{
	unsigned deleted = 0;

	while (g->used > 0 && budget-- > 0) {
		uint32_t nr = behind_head(g, g->used);
		const struct tomb *b = &g->ring[nr];

		if (is_alive(b)) {
			struct flowkey key;

			if (sec_to_ns(age_s(b, now)) < remember_ns) {
				break;
			}
			key_of(b, &key);
			graveyard_del(g, nr, flowkey_hash(&key, &g->sip));
			deleted++;
		}
		g->used--;
	}
	return deleted;
}

uint32_t graveyard_places(const struct graveyard *g, uint32_t head, uint32_t used, uint32_t cursor,
                          uint32_t max, const struct tomb_copy **first)
{
	uint32_t left = cursor < used ? used - cursor : 0;
	uint32_t nr = left <= head ? head - left : g->ring_len - (left - head);
	uint32_t to_end = g->ring_len - nr;
	const void *at = &g->ring[nr];

	*first = at;
	left = left < max ? left : max;
	return left < to_end ? left : to_end;
}

bool graveyard_read_copy(const struct tomb_copy *copy, struct mono now, struct tomb_info *out)
{
	struct tomb b;

	memcpy(&b, copy, sizeof(b));
	if (!is_alive(&b)) {
		return false;
	}
	read_tomb(&b, now, out);
	return true;
}

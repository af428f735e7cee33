/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The graveyard. A connection fits into 64 bytes, IPv6 included:
 *   - each side's end, exactly; its highest acknowledgement, exactly, as the distance from the
 * other side's end (24 bits);
 *   - each side's largest window, and the space left in it, as 15-bit floats, rounded up;
 *   - the state, as one of the four that are remembered;
 *   - what is known of the windows: whether they are those before a gap; if they are unknown, both
 * largest windows are zero, as known ones never are.
 * A mark, and timeouts of its own, are in an array of their own, for those that have any.
 * The last segment is not kept: after an idle timeout the tracker does not need it. The links of
 * the queue and the time of the end, in seconds, are in an array of their own, so that ageing reads
 * no tombstone.
 *
 * Must not know why an entry is remembered or revived.
 */
#include "graveyard.h"

#include <finwall/bytes.h>

#include <string.h>

#define TOMB_NIL    UINT32_MAX
#define UNACKED_MAX 0xffffffu
#define FLOAT_BITS  10
#define FLOAT_ONE   (1u << FLOAT_BITS)
#define FLOAT_MASK  0x7fffu /* 5 bits of exponent, 10 of fraction */
#define SCALE_MASK  15u

struct tomb_side {
	uint32_t unacked : 24; /* the other side's end minus this side's maxack */
	uint32_t flags : 8;    /* TCP_SIDE_* */
};

struct tomb_windows {
	uint16_t maxwin : 15; /* float */
	uint16_t extra0 : 1;  /* side 0: not deleted; side 1: the opener is the high side */
	uint16_t space : 15;  /* float: maxend minus end */
	uint16_t extra1 : 1;  /* side 0: IPv6; side 1: windows before a gap */
};

struct tomb {
	union ip_addr lo;
	union ip_addr hi;
	uint16_t lo_port;
	uint16_t hi_port;
	uint32_t end[2];
	struct tomb_side side[2];
	struct tomb_windows win[2];
	uint32_t state : 2; /* an index into states */
	uint32_t cause : 4; /* enum tomb_cause */
	uint32_t queue : 6; /* where it is linked */
	uint32_t scale0 : 4;
	uint32_t scale1 : 4;
	uint32_t has_extra : 1;
};

struct tomb_link {
	uint32_t next; /* in its queue, or in the list of free places */
	uint32_t prev;
	uint32_t ended_s;
};

_Static_assert(sizeof(struct tomb) == 64, "documented: 64 bytes each");
_Static_assert(sizeof(struct tomb_link) == 12, "documented: 12 bytes each");
_Static_assert(sizeof(((struct tomb_copy *)0)->word) == sizeof(struct tomb),
               "it holds a tombstone");
_Static_assert(TOMB_CAUSES_LEN <= 16 && TOMB_QUEUES <= 64, "they fit into their bits");

static const uint8_t states[4] = { TCP_ESTABLISHED, TCP_FIN_WAIT, TCP_CLOSE_WAIT, TCP_LAST_ACK };

const char *tomb_cause_name(enum tomb_cause c)
{
	static const char *const names[TOMB_CAUSES_LEN] = {
		[TOMB_IDLE] = "idle",       [TOMB_EVICTED] = "evicted", [TOMB_FLUSHED] = "flushed",
		[TOMB_RESTART] = "restart", [TOMB_DELETED] = "deleted",
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

static uint32_t age_s(uint32_t ended_s, struct mono now)
{
	int32_t age = (int32_t)(seconds_of(now) - ended_s);

	return age < 0 ? 0 : (uint32_t)age;
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

static size_t links_size(uint32_t tombs_max)
{
	return ((size_t)tombs_max * sizeof(struct tomb_link) + 63) & ~(size_t)63;
}

size_t graveyard_size(uint32_t tombs_max)
{
	if (tombs_max == 0) {
		return 0;
	}
	return (size_t)tombs_max * sizeof(struct tomb) + links_size(tombs_max) +
	       (size_t)hindex_buckets_for(tombs_max) * sizeof(struct hindex_bucket);
}

void graveyard_init(struct graveyard *g, void *mem, uint32_t tombs_max, const struct sipkey *sip)
{
	struct tomb *pool = mem;
	unsigned char *links = (unsigned char *)(pool + tombs_max);

	memset(g, 0, sizeof(*g));
	g->pool = pool;
	g->link = (struct tomb_link *)(void *)links;
	g->pool_len = tombs_max;
	g->free_list = TOMB_NIL;
	g->sip = *sip;
	for (unsigned q = 0; q < TOMB_QUEUES; q++) {
		g->queue[q].first = TOMB_NIL;
		g->queue[q].last = TOMB_NIL;
	}
	hindex_init(&g->index, (struct hindex_bucket *)(void *)(links + links_size(tombs_max)),
	            tombs_max == 0 ? 0 : hindex_buckets_for(tombs_max));
}

/* True when the side's FIN was acknowledged. */
static bool has_closed(const struct tcp_conn *t, unsigned dir)
{
	return (t->flags[dir] & TCP_SIDE_FIN) != 0 && (t->flags[1 - dir] & TCP_SIDE_MAXACK) != 0 &&
	       !seq_before(t->seen[1 - dir].maxack, t->seen[dir].end);
}

/* True when the connection has ended for both ends. */
static bool is_over(const struct tcp_conn *t)
{
	return ((t->flags[0] | t->flags[1]) & TCP_SIDE_RESET) != 0 ||
	       (has_closed(t, 0) && has_closed(t, 1));
}

/* The state to remember, or -1. TIME_WAIT and CLOSE of a connection that is not over: by its FINs.
 */
static int remembered_state(const struct tcp_conn *t)
{
	unsigned fins = ((t->flags[0] & TCP_SIDE_FIN) != 0) + ((t->flags[1] & TCP_SIDE_FIN) != 0);

	if (t->state != TCP_TIME_WAIT && t->state != TCP_CLOSE) {
		return state_nr(t->state);
	}
	if (is_over(t)) {
		return -1;
	}
	if (fins == 2) {
		return state_nr(TCP_LAST_ACK);
	}
	return state_nr(fins == 1 || t->state == TCP_TIME_WAIT ? TCP_CLOSE_WAIT : TCP_ESTABLISHED);
}

bool graveyard_wants(const struct flow *f)
{
	return f->key.proto == IPPROTO_NR_TCP && (f->status & FLOW_ASSURED) != 0 &&
	       remembered_state(&f->conn.tcp) >= 0 &&
	       unacked(&f->conn.tcp, DIR_ORIG) <= UNACKED_MAX &&
	       unacked(&f->conn.tcp, DIR_REPLY) <= UNACKED_MAX;
}

bool graveyard_can_end(const struct flow *f)
{
	return f->key.proto == IPPROTO_NR_TCP &&
	       (f->conn.tcp.state == TCP_SYN_RECV || f->conn.tcp.state == TCP_SYN_SENT2 ||
	        remembered_state(&f->conn.tcp) >= 0);
}

static void write_tomb(struct tomb *b, const struct flow *f, enum tomb_cause cause)
{
	const struct tcp_conn *t = &f->conn.tcp;
	int state = remembered_state(t);

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
		b->side[d].flags = t->flags[d];
		b->win[d].maxwin = float_up(t->seen[d].maxwin_bytes) & FLOAT_MASK;
		b->win[d].space = float_up(space) & FLOAT_MASK;
	}
	b->state = (unsigned)(state < 0 ? 0 : state) & 3;
	b->cause = (unsigned)cause & 15;
	b->win[0].extra0 = 1;
	b->win[1].extra0 = (f->status & FLOW_ORIG_HI) != 0;
	b->win[0].extra1 = f->key.family == 6;
	b->win[1].extra1 = status_knowledge(f->status) == KNOWN_GAP;
	b->scale0 = t->scale[0] & SCALE_MASK;
	b->scale1 = t->scale[1] & SCALE_MASK;
}

static bool is_closing_queue(unsigned queue)
{
	return queue >= TOMB_SOURCES;
}

/* An IPv6 source is its /64. Deleted connections are with the open ones: connections that are
 * opened and closed at once do not replace them. */
static unsigned queue_for(const struct graveyard *g, const struct tomb *b)
{
	const union ip_addr *opener = b->win[1].extra0 != 0 ? &b->hi : &b->lo;
	uint64_t source = opener->half[0];

	return (unsigned)(siphash13(&g->sip, &source, 1) % TOMB_SOURCES) +
	       (states[b->state] == TCP_ESTABLISHED || b->cause == TOMB_DELETED ? 0 : TOMB_SOURCES);
}

static void enqueue(struct graveyard *g, uint32_t nr, uint32_t ended_s)
{
	unsigned queue = queue_for(g, &g->pool[nr]);
	struct tomb_queue *q = &g->queue[queue];

	g->pool[nr].queue = queue & 63;
	g->link[nr] = (struct tomb_link){ .next = TOMB_NIL, .prev = q->last, .ended_s = ended_s };
	if (q->last != TOMB_NIL) {
		g->link[q->last].next = nr;
	} else {
		q->first = nr;
		q->ended_s = ended_s;
	}
	q->last = nr;
	q->len++;
	g->closing += is_closing_queue(queue);
}

static void dequeue(struct graveyard *g, uint32_t nr)
{
	struct tomb_queue *q = &g->queue[g->pool[nr].queue];
	const struct tomb_link *l = &g->link[nr];

	if (l->next != TOMB_NIL) {
		g->link[l->next].prev = l->prev;
	} else {
		q->last = l->prev;
	}
	if (l->prev != TOMB_NIL) {
		g->link[l->prev].next = l->next;
	} else {
		q->first = l->next;
		q->ended_s = l->next != TOMB_NIL ? g->link[l->next].ended_s : 0;
	}
	q->len--;
	g->closing -= is_closing_queue(g->pool[nr].queue);
}

static void del(struct graveyard *g, uint32_t nr, uint64_t hash)
{
	hindex_del(&g->index, hash, nr);
	dequeue(g, nr);
	g->pool[nr].win[0].extra0 = 0;
	g->link[nr].next = g->free_list;
	g->free_list = nr;
	g->alive--;
}

static void del_place(struct graveyard *g, uint32_t nr)
{
	struct flowkey key;

	key_of(&g->pool[nr], &key);
	del(g, nr, flowkey_hash(&key, &g->sip));
}

/*
 * The tombstone whose place is used again when all are in use: the oldest of the kind and source
 * that has more than its share, or else the oldest of its kind.
 */
static uint32_t victim(const struct graveyard *g)
{
	bool of_closing =
		g->closing >= g->pool_len / TOMB_CLOSING_SHARE + 1 || g->closing == g->alive;
	const struct tomb_queue *q = &g->queue[of_closing ? TOMB_SOURCES : 0];
	uint32_t kind_len = of_closing ? g->closing : g->pool_len;
	const struct tomb_queue *oldest = NULL;
	const struct tomb_queue *longest = q;

	for (unsigned i = 0; i < TOMB_SOURCES; i++, q++) {
		if (q->len == 0) {
			continue;
		}
		if (oldest == NULL || (int32_t)(q->ended_s - oldest->ended_s) < 0) {
			oldest = q;
		}
		if (q->len > longest->len) {
			longest = q;
		}
	}
	if (longest->len > TOMB_SOURCE_MIN && longest->len > kind_len / TOMB_SOURCE_SHARE) {
		return longest->first;
	}
	return oldest->first;
}

static uint32_t take_place(struct graveyard *g)
{
	uint32_t nr = g->free_list;

	if (nr != TOMB_NIL) {
		g->free_list = g->link[nr].next;
		return nr;
	}
	return g->fresh++;
}

bool graveyard_add(struct graveyard *g, const struct flow *f, uint64_t hash, enum tomb_cause cause,
                   struct mono now)
{
	bool evicts = g->alive == g->pool_len;
	uint32_t nr;

	if (g->pool_len == 0) {
		return false;
	}
	if (evicts) {
		del_place(g, victim(g));
	}
	nr = take_place(g);
	write_tomb(&g->pool[nr], f, cause);
	if (g->extra != NULL && (f->timer[1] | f->timer[2]) != 0) {
		g->extra[nr] = flow_extra_of_copy(f);
		g->pool[nr].has_extra = 1;
	}
	hindex_add(&g->index, hash, nr);
	enqueue(g, nr, seconds_of(now));
	g->alive++;
	return evicts;
}

void graveyard_prefetch_bucket(const struct graveyard *g, uint64_t hash)
{
	if (g->pool_len > 0) {
		hindex_prefetch(&g->index, hash);
	}
}

uint32_t graveyard_prefetch_tomb(const struct graveyard *g, uint64_t hash)
{
	/* Reads unlocked; hidden from the thread sanitizer. */
#ifndef __SANITIZE_THREAD__
	struct hindex_iter it;
	uint32_t nr = g->pool_len == 0 ? HINDEX_NIL : hindex_first(&g->index, hash, &it);

	if (nr < g->pool_len) {
		__builtin_prefetch(&g->pool[nr]);
		__builtin_prefetch(&g->link[nr]);
		return nr;
	}
#else
	(void)g;
	(void)hash;
#endif
	return TOMB_NIL;
}

void graveyard_prefetch_links(const struct graveyard *g, uint32_t nr)
{
#ifndef __SANITIZE_THREAD__
	const struct tomb_link l = g->link[nr];

	if (l.next < g->pool_len) {
		__builtin_prefetch(&g->link[l.next], 1);
	}
	if (l.prev < g->pool_len) {
		__builtin_prefetch(&g->link[l.prev], 1);
	}
#else
	(void)g;
	(void)nr;
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

		key_of(&g->pool[nr], &found);
		if (flowkey_equal(&found, key)) {
			return nr;
		}
	}
	return TOMB_NIL;
}

static void read_tomb(const struct tomb *b, uint32_t ended_s, const struct flow_extra *extra,
                      struct mono now, struct tomb_info *out)
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
	t->state = states[b->state];
	t->last_class = SEG_NONE;
	out->status = FLOW_SEEN_REPLY | FLOW_ASSURED;
	if (b->win[1].extra0 != 0) {
		out->status |= FLOW_ORIG_HI;
	}
	if (b->win[0].maxwin == 0 && b->win[1].maxwin == 0) {
		out->status = status_with_knowledge(out->status, KNOWN_NOTHING);
	} else if (b->win[1].extra1 != 0) {
		out->status = status_with_knowledge(out->status, KNOWN_GAP);
	}
	out->cause = b->cause;
	if (b->has_extra != 0) {
		out->extra = *extra;
	}
	out->ended =
		(struct mono){ sec_to_ns((int64_t)(now.ns / NSEC_PER_SEC) - age_s(ended_s, now)) };
}

void graveyard_read(const struct graveyard *g, uint32_t nr, struct mono now, struct tomb_info *out)
{
	read_tomb(&g->pool[nr], g->link[nr].ended_s, graveyard_extra_at(g, nr), now, out);
	/* It may be deleted soon: dequeue() writes its neighbours' links. */
	if (g->link[nr].prev != TOMB_NIL) {
		__builtin_prefetch(&g->link[g->link[nr].prev], 1);
	}
	if (g->link[nr].next != TOMB_NIL) {
		__builtin_prefetch(&g->link[g->link[nr].next], 1);
	}
}

void graveyard_del(struct graveyard *g, uint32_t nr, uint64_t hash)
{
	del(g, nr, hash);
	g->taken++;
}

void graveyard_end(struct graveyard *g, uint32_t nr, struct mono now)
{
	dequeue(g, nr);
	g->pool[nr].cause = TOMB_DELETED;
	enqueue(g, nr, seconds_of(now));
}

uint32_t graveyard_next(const struct graveyard *g, uint32_t *cursor, unsigned *budget)
{
	while (*budget > 0 && *cursor < g->fresh) {
		uint32_t nr = (*cursor)++;

		--*budget;
		if (is_alive(&g->pool[nr])) {
			return nr;
		}
	}
	return TOMB_NIL;
}

unsigned graveyard_age(struct graveyard *g, struct mono now, int64_t remember_ns, unsigned budget)
{
	unsigned deleted = 0;

	for (unsigned i = 0; i < TOMB_QUEUES && g->alive > 0; i++) {
		const struct tomb_queue *q = &g->queue[i];

		while (q->len > 0 && deleted < budget &&
		       sec_to_ns(age_s(q->ended_s, now)) >= remember_ns) {
			del_place(g, q->first);
			deleted++;
		}
	}
	return deleted;
}

const void *graveyard_tomb_at(const struct graveyard *g, uint32_t nr)
{
	return &g->pool[nr];
}

void graveyard_set_extras(struct graveyard *g, struct flow_extra *mem)
{
	g->extra = mem;
}

const struct flow_extra *graveyard_extra_at(const struct graveyard *g, uint32_t nr)
{
	return g->extra != NULL ? &g->extra[nr] : NULL;
}

const uint32_t *graveyard_ended_at(const struct graveyard *g, uint32_t nr)
{
	return &g->link[nr].ended_s;
}

bool graveyard_read_copy(const struct tomb_copy *copy, struct mono now, struct tomb_info *out)
{
	struct tomb b;

	memcpy(&b, copy->word, sizeof(b));
	if (!is_alive(&b)) {
		return false;
	}
	read_tomb(&b, (uint32_t)copy->ended_s, &copy->extra, now, out);
	return true;
}

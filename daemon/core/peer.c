/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What other nodes report: finwall/peer.h. Which of two states of a connection is the later one
 * follows from the states themselves, because reports come late, twice, and not in order with the
 * packets that pass here.
 */
#include "shard.h"

/* Places that one call of the sweep reads, and of them under one hold of the lock. */
#define SWEEP_BUDGET 4096
#define SWEEP_SLICE  32

/* The order in which a connection passes through its states. */
static const uint8_t rank_of[TCP_STATES_LEN] = {
	[TCP_NONE] = 0,        [TCP_SYN_SENT] = 1, [TCP_SYN_SENT2] = 2,  [TCP_SYN_RECV] = 3,
	[TCP_ESTABLISHED] = 4, [TCP_FIN_WAIT] = 5, [TCP_CLOSE_WAIT] = 6, [TCP_LAST_ACK] = 7,
	[TCP_TIME_WAIT] = 8,   [TCP_CLOSE] = 9,
};

static bool is_replicated(const struct flow *f)
{
	return (f->probes & FLOW_PROBE_REPLICATED) != 0;
}

static struct peer_mark *mark_of(const struct shard *s, const struct flow *f)
{
	return &s->marks[f - s->flows.pool];
}

/* As this node stores an entry that another one reported. */
static struct flow as_replicated(const struct flow *f)
{
	struct flow fresh = *f;

	fresh.probes = FLOW_PROBE_REPLICATED;
	fresh.extras &= FLOW_EXTRA_ONE_WAY;
	fresh.ifindex = 0; /* the other node's numbers */
	fresh.status &= (uint8_t) ~(FLOW_LEASED | FLOW_HAD_LEASE);
	if (f->key.proto == IPPROTO_NR_TCP) {
		tcp_note_gap(&fresh.conn.tcp, &fresh.status);
	}
	return fresh;
}

/* seq_after() where both sides of the comparison are known; a side that sent nothing has 0. */
static bool is_beyond(uint32_t end, uint32_t older)
{
	return end != 0 && older != 0 && (int32_t)(end - older) > 0;
}

/* True for a report of a connection that was opened after the closed one in the table. */
static bool reopens(const struct flow *f, const struct flow *closed)
{
	return flow_is_closed(closed) && !flow_is_closed(f) &&
	       is_beyond(f->conn.tcp.seen[DIR_ORIG].end, closed->conn.tcp.seen[DIR_ORIG].end);
}

/* True when the numbers of both can be those of one connection. */
static bool may_be_same(const struct tcp_conn *a, const struct tcp_conn *b)
{
	for (unsigned dir = 0; dir < 2; dir++) {
		uint32_t distance = a->seen[dir].end - b->seen[dir].end;

		if (a->seen[dir].end != 0 && b->seen[dir].end != 0 &&
		    distance > UINT32_C(1) << 30 && -distance > UINT32_C(1) << 30) {
			return false;
		}
	}
	return true;
}

static uint32_t later_seq(uint32_t a, uint32_t b)
{
	return b != 0 && (a == 0 || (int32_t)(b - a) > 0) ? b : a;
}

static void merge_side(struct tcp_conn *own, const struct tcp_conn *theirs, unsigned dir)
{
	struct tcp_seen *s = &own->seen[dir];
	const struct tcp_seen *o = &theirs->seen[dir];

	s->end = later_seq(s->end, o->end);
	s->maxend = later_seq(s->maxend, o->maxend);
	if (o->maxwin_bytes > s->maxwin_bytes) {
		s->maxwin_bytes = o->maxwin_bytes;
	}
	if ((theirs->flags[dir] & TCP_SIDE_MAXACK) != 0) {
		s->maxack = (own->flags[dir] & TCP_SIDE_MAXACK) != 0
		                    ? later_seq(s->maxack, o->maxack)
		                    : o->maxack;
	}
	if ((theirs->flags[dir] & TCP_SIDE_WSCALE) != 0) {
		own->scale[dir] = theirs->scale[dir];
	}
	/* What is not acknowledged is known to the node that receives the acknowledgements. */
	own->flags[dir] |= theirs->flags[dir] & (uint8_t)~TCP_SIDE_UNACKED;
}

/* Packets have passed elsewhere. What a witness has heard is out of date; that a side closed is
 * not. */
static void note_gap(const struct shard *s, struct flow *f)
{
	struct witness *w = shard_witness(s, f);

	if ((f->status & FLOW_KNOWN) != 0) {
		w->flags &= WITNESS_BESIDE | WITNESS_CLOSED;
	} else {
		*w = (struct witness){ .flags = 0 };
	}
	tcp_note_gap(&f->conn.tcp, &f->status);
}

/* Returns whether the state moved on. */
static bool merge_tcp(struct shard *s, struct flow *own, const struct flow *f, uint64_t hash)
{
	bool was_closed = flow_is_closed(own);
	bool is_later = rank_of[f->conn.tcp.state] > rank_of[own->conn.tcp.state];

	for (unsigned dir = 0; dir < 2; dir++) {
		merge_side(&own->conn.tcp, &f->conn.tcp, dir);
	}
	if (is_later) {
		own->conn.tcp.state = f->conn.tcp.state;
		own->conn.tcp.last_seq = f->conn.tcp.last_seq;
		own->conn.tcp.last_ack = f->conn.tcp.last_ack;
		own->conn.tcp.last_end = f->conn.tcp.last_end;
		own->conn.tcp.last_win = f->conn.tcp.last_win;
		own->conn.tcp.last_dir = f->conn.tcp.last_dir;
		own->conn.tcp.last_class = f->conn.tcp.last_class;
		own->conn.tcp.last_scale = f->conn.tcp.last_scale;
		own->conn.tcp.last_flags = f->conn.tcp.last_flags;
		own->conn.tcp.retrans = f->conn.tcp.retrans;
	}
	note_gap(s, own);
	if ((own->extras & FLOW_EXTRA_COUNTED) != 0) {
		shard_recount(s, own);
	}
	if (flow_is_closed(own) != was_closed) {
		flowtab_revalue(&s->flows, own, hash);
	}
	return is_later;
}

static enum peer_outcome merge(struct shard *s, struct flow *own, const struct flow *f,
                               uint64_t hash, struct mono now)
{
	bool is_later = false;
	uint8_t from;

	if (((own->status ^ f->status) & FLOW_ORIG_HI) != 0) {
		return PEER_OLDER;
	}
	shard_take_lease(s, NULL, own, now);
	if (own->key.proto == IPPROTO_NR_TCP) {
		if (!may_be_same(&own->conn.tcp, &f->conn.tcp)) {
			return PEER_OLDER;
		}
		from = own->conn.tcp.state;
		is_later = merge_tcp(s, own, f, hash);
		flowtab_count_state(&s->flows, own, from);
	}
	own->status |= f->status & FLOW_SEEN_REPLY;
	if ((f->status & ~own->status & FLOW_ASSURED) != 0) {
		flowtab_assure(&s->flows, own, hash);
	}
	if (is_later || mono_diff(f->deadline, own->deadline) > 0) {
		flowtab_set_deadline(&s->flows, own, f->deadline);
	}
	return PEER_MERGED;
}

/* A report of a connection whose tombstone is here. Returns whether it is live after all; deletes
 * the tombstone unless the two may be different connections. */
static bool outlives_tomb(struct shard *s, const struct flow *f, uint64_t hash, uint32_t nr,
                          struct mono now)
{
	struct tomb_info tomb;

	graveyard_read(&s->graveyard, nr, now, &tomb);
	if (tomb.cause == TOMB_DELETED &&
	    !is_beyond(f->conn.tcp.seen[DIR_ORIG].end, tomb.conn.seen[DIR_ORIG].end)) {
		return false;
	}
	if ((f->status & FLOW_REVIVED) != 0 || status_knowledge(f->status) == KNOWN_EXACT) {
		graveyard_del(&s->graveyard, nr, hash);
	}
	return true;
}

static enum peer_outcome insert(struct shard *s, const struct flow *f, uint64_t hash,
                                const struct peer_mark *mark)
{
	struct flow fresh = as_replicated(f);
	struct flow *inserted = flowtab_insert(&s->flows, &fresh, hash);

	if (inserted == NULL) {
		return PEER_FULL;
	}
	*shard_origin(s, inserted) = 0;
	if ((f->timer[1] | f->timer[2]) != 0) {
		shard_set_extra(s, inserted, flow_extra_of_copy(f));
	}
	*mark_of(s, inserted) = *mark;
	if (s->accounts != NULL) {
		s->accounts[inserted - s->flows.pool] = (struct flow_account){ 0 };
	}
	if ((fresh.status & FLOW_KNOWN) != 0) {
		bool is_beside = graveyard_find(&s->graveyard, &fresh.key, hash) != UINT32_MAX;

		*shard_witness(s, inserted) =
			(struct witness){ .flags = is_beside ? WITNESS_BESIDE : 0 };
	}
	return PEER_TAKEN;
}

static enum peer_outcome take_flow(struct shard *s, const struct flow *f, uint64_t hash,
                                   const struct peer_mark *mark, struct mono now)
{
	struct flow *live = flowtab_find(&s->flows, &f->key, hash);
	bool is_tcp = f->key.proto == IPPROTO_NR_TCP;
	uint32_t tomb;

	if (live != NULL && !is_replicated(live) && !(is_tcp && reopens(f, live))) {
		return mark->node == PEER_SELF ? PEER_OLDER : merge(s, live, f, hash, now);
	}
	if (live != NULL) {
		shard_delete(s, live, hash);
	}
	tomb = is_tcp ? graveyard_find(&s->graveyard, &f->key, hash) : UINT32_MAX;
	if (tomb != UINT32_MAX && !outlives_tomb(s, f, hash, tomb, now)) {
		return PEER_OLDER;
	}
	return insert(s, f, hash, mark);
}

/* Deletes the live entry, which is replicated, and remembers it. Returns what was done. */
static enum peer_outcome end_replicated(struct shard *s, struct engine_worker *w, struct flow *live,
                                        const struct flow *f, uint64_t hash, bool remembers,
                                        struct mono ended)
{
	struct flow memory;

	if (live != NULL) {
		shard_delete(s, live, hash);
	}
	if (remembers) {
		knowledge_to_remember(f, NULL, &memory);
	}
	if (!remembers || !graveyard_wants(&memory)) {
		return live != NULL ? PEER_ENDED : PEER_OLDER;
	}
	shard_bury(s, w, &memory, hash, TOMB_IDLE, ended);
	return PEER_TAKEN;
}

enum peer_outcome engine_peer_flow(struct engine *e, struct engine_worker *w, const struct flow *f,
                                   const struct peer_mark *mark, struct mono now)
{
	uint64_t hash = flowkey_hash(&f->key, &e->cfg.hash_key);
	struct shard *s = shard_of(e, hash);
	enum peer_outcome outcome;

	if (mono_is_due(f->deadline, now)) {
		return engine_peer_ended(e, w, f, true, f->deadline, now);
	}
	shard_lock(e, s);
	outcome = take_flow(s, f, hash, mark, now);
	shard_unlock(s);
	return outcome;
}

enum peer_outcome engine_peer_ended(struct engine *e, struct engine_worker *w, const struct flow *f,
                                    bool remembers, struct mono ended, struct mono now)
{
	uint64_t hash = flowkey_hash(&f->key, &e->cfg.hash_key);
	struct shard *s = shard_of(e, hash);
	enum peer_outcome outcome = PEER_OLDER;
	struct flow *live;

	if (mono_diff(now, ended) >= w->policy->tun.remember_ns) {
		remembers = false;
	}
	shard_lock(e, s);
	live = flowtab_find(&s->flows, &f->key, hash);
	if (live == NULL || is_replicated(live)) {
		outcome = end_replicated(s, w, live, f, hash, remembers, ended);
	}
	shard_unlock(s);
	return outcome;
}

enum peer_outcome engine_peer_tomb(struct engine *e, struct engine_worker *w,
                                   const struct tomb_info *tomb, const struct peer_mark *mark,
                                   struct mono now)
{
	uint64_t hash = flowkey_hash(&tomb->key, &e->cfg.hash_key);
	struct shard *s = shard_of(e, hash);
	struct flow *live;

	shard_lock(e, s);
	live = flowtab_find(&s->flows, &tomb->key, hash);
	/* It ended while its node could not report it. */
	if (live != NULL && is_replicated(live) && mark_of(s, live)->node == mark->node &&
	    (int32_t)(mark_of(s, live)->seq - mark->seq) < 0) {
		shard_delete(s, live, hash);
	}
	shard_unlock(s);
	return engine_import_tomb(e, w, tomb, now) ? PEER_TAKEN : PEER_OLDER;
}

size_t engine_peer_sweep(struct engine *e, struct engine_cursor *cur, const struct peer_mark *mark)
{
	size_t swept = 0;

	for (unsigned seen = 0; seen < SWEEP_BUDGET && cur->shard < e->cfg.shards_len;
	     seen += SWEEP_SLICE) {
		struct shard *s = &e->shard[cur->shard];
		unsigned budget = SWEEP_SLICE;
		struct flow *f;

		shard_lock(e, s);
		while ((f = flowtab_next(&s->flows, &cur->at, &budget)) != NULL) {
			const struct peer_mark *m = mark_of(s, f);

			if (is_replicated(f) && m->node == mark->node &&
			    (int32_t)(m->seq - mark->seq) < 0) {
				shard_delete(s, f, flowkey_hash(&f->key, &e->cfg.hash_key));
				swept++;
			}
		}
		shard_unlock(s);
		if (budget > 0) {
			cur->shard++;
			cur->at = 0;
		}
	}
	return swept;
}

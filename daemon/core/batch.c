/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Batches of packets, and one packet: its verdict, its entry, its decision, its counters.
 *
 * A batch is done in chunks, each in passes: read or decode all; hash all keys and start loading
 * their index buckets; start loading the flows; decide one by one. So the memory of one packet is
 * loaded while others are worked on. A shard's lock is kept while the next packet has the same
 * shard.
 */
#include "expire.h"
#include "fastpath.h"
#include "lease_offer.h"
#include "slowpath.h"
#include "tcp_window.h"
#include "trace.h"

static void read_chunk(const struct fastpath *x, const struct frame *frames, unsigned len,
                       struct chunk *c, struct decoded *decoded);
static void hash_chunk(struct engine *e, unsigned len, struct chunk *c,
                       const struct decoded *decoded);
static void prefetch_chunk(unsigned len, struct chunk *c);
static void prefetch_accounts(unsigned len, const struct chunk *c);
static void decide_one(struct engine *e, struct fastpath *x, const struct frame *frame,
                       struct chunk *c, unsigned i, struct decoded *d, struct decision *out);
static void decode(const struct frame *frame, struct decoded *d);
static void decide(struct engine *e, const struct decoded *d, struct decision *out);
static void conclude(const struct engine *e, const struct decoded *d, struct outcome *o,
                     struct decision *out);

void engine_batch(struct engine *e, struct engine_worker *w, struct mono now,
                  const struct frame *frames, size_t len, struct decision *out)
{
	const struct context cx = {
		.policy = w->policy,
		.worker = w,
		.counts = &e->counts,
		.now = now,
		.raw_hooks = verdict_raw_hooks(w->policy),
	};
	struct fastpath x;
	struct chunk c;
	struct decoded decoded[CHUNK];

	fastpath_init(&x, e, &cx);
	for (size_t done = 0; done < len; done += CHUNK) {
		unsigned chunk = (unsigned)(len - done < CHUNK ? len - done : CHUNK);
		struct shard *locked = NULL;

		read_chunk(&x, &frames[done], chunk, &c, decoded);
		hash_chunk(e, chunk, &c, decoded);
		prefetch_chunk(chunk, &c);
		if (x.accounts) {
			prefetch_accounts(chunk, &c);
		}
		for (unsigned i = 0; i < chunk; i++) {
			if (c.shard[i] != locked) {
				if (locked != NULL) {
					shard_unlock(locked);
				}
				locked = c.shard[i];
				shard_lock(e, locked);
			}
			decide_one(e, &x, &frames[done + i], &c, i, &decoded[i], &out[done + i]);
		}
		shard_unlock(locked);
	}
	fastpath_count(&x);
}

/* Notes the keys of all packets, and decodes those that the fast path does not take. */
static void read_chunk(const struct fastpath *x, const struct frame *frames, unsigned len,
                       struct chunk *c, struct decoded *decoded)
{
	c->ip6 = 0;
	for (unsigned i = 0; i < len; i++) {
		struct decoded *d = &decoded[i];

		if (fastpath_read(x, &frames[i], c, i)) {
			continue;
		}
		c->ip_size[i] = 0;
		d->cx = x->cx;
		decode(&frames[i], d);
		if (d->key.family == 6) {
			c->ip6 |= 1u << i;
			c->word[0][i] = d->key.lo.half[0];
			c->word[1][i] = d->key.lo.half[1];
			c->word[2][i] = d->key.hi.half[0];
			c->word[3][i] = d->key.hi.half[1];
			c->word[4][i] = flowkey_ports(&d->key);
		} else {
			c->word[0][i] = flowkey_ip4_pair(&d->key);
			c->word[1][i] = flowkey_ports(&d->key);
		}
	}
}

static bool is_syn(const struct decoded *d)
{
	return d->broken == REASON_NONE && d->pkt.kind == PKT_KIND_TCP &&
	       d->pkt.tcp.class_nr == SEG_SYN;
}

/* Starts loading what a new connection writes: a batch is often one SYN, which would wait for one
 * after the other. */
static void prefetch_new(const struct shard *s, uint64_t hash)
{
	graveyard_prefetch_bucket(&s->graveyard, hash);
	flowtab_prefetch_place(&s->flows);
	lease_prefetch(&s->leases, hash);
}

/* Hashes all keys and starts loading their buckets. */
static void hash_chunk(struct engine *e, unsigned len, struct chunk *c,
                       const struct decoded *decoded)
{
	const struct sipkey *key = &e->cfg.hash_key;
	uint32_t all = (uint32_t)((UINT64_C(1) << len) - 1);
	uint64_t hash_ip6[CHUNK];

	if (c->ip6 != all) {
		siphash13_many(key, c->word[0], CHUNK, FLOWKEY_WORDS_IP4, len, c->hash);
	}
	if (c->ip6 != 0) {
		siphash13_many(key, c->word[0], CHUNK, FLOWKEY_WORDS_IP6, len, hash_ip6);
		for (unsigned i = 0; i < len; i++) {
			c->hash[i] = (c->ip6 >> i & 1) != 0 ? hash_ip6[i] : c->hash[i];
		}
	}
	for (unsigned i = 0; i < len; i++) {
		c->shard[i] = shard_of(e, c->hash[i]);
		flowtab_prefetch_bucket(&c->shard[i]->flows, c->hash[i]);
		if (c->ip_size[i] == 0 && is_syn(&decoded[i])) {
			prefetch_new(c->shard[i], c->hash[i]);
		}
	}
}

/* Starts loading the entries; for packets without a live flow, the tombstones. */
static void prefetch_chunk(unsigned len, struct chunk *c)
{
	unsigned misses = 0;
	unsigned hits = 0;
	uint32_t tomb[CHUNK];

	for (unsigned i = 0; i < len; i++) {
		c->hint[i] = flowtab_prefetch_flow(&c->shard[i]->flows, c->hash[i]);
		if (c->hint[i] == HINDEX_NIL) {
			graveyard_prefetch_bucket(&c->shard[i]->graveyard, c->hash[i]);
			misses++;
		}
	}
	for (unsigned i = 0; i < len && misses > 0; i++) {
		tomb[i] = c->hint[i] == HINDEX_NIL
		                  ? graveyard_prefetch_tomb(&c->shard[i]->graveyard, c->hash[i])
		                  : UINT32_MAX;
		hits += tomb[i] != UINT32_MAX;
	}
	for (unsigned i = 0; i < len && hits > 0; i++) {
		if (tomb[i] != UINT32_MAX) {
			graveyard_prefetch_links(&c->shard[i]->graveyard, tomb[i]);
		}
	}
}

/* Starts loading what the flows have carried. */
static __attribute__((noinline)) void prefetch_accounts(unsigned len, const struct chunk *c)
{
	for (unsigned i = 0; i < len; i++) {
		if (c->hint[i] != HINDEX_NIL) {
			__builtin_prefetch(&c->shard[i]->accounts[c->hint[i]], 1);
		}
	}
}

/*
 * Sets all but state and reason. Parts that a field set here guards stay as they are: clearing them
 * would cost every packet.
 */
static inline void init_outcome(struct outcome *o)
{
	o->live = NULL;
	o->related = NULL;
	o->is_ignored = false;
	o->gone = (struct flow_extra){ 0, 0 };
	o->has_status = false;
	o->status = 0;
	o->wants_entry = false;
	o->displaced = NULL;
	o->is_opening = false;
	o->is_held = false;
	o->must_drop = false;
	o->proof = PROOF_NONE;
	o->is_unproved = false;
	o->has_late = false;
	o->dir = DIR_ORIG;
}

/* A segment that the fast path tracked; its rules read the packet. */
static void conclude_tracked(const struct engine *e, const struct frame *frame,
                             const struct context *cx, const struct chunk *c, unsigned i,
                             struct flow *live, struct decoded *d, struct decision *out)
{
	struct outcome o;

	d->cx = cx;
	d->shard = c->shard[i];
	d->hash = c->hash[i];
	(void)pkt_decode(frame, &d->pkt);
	init_outcome(&o);
	o.live = live;
	o.state = CT_ESTABLISHED;
	o.reason = REASON_TCP_TRACKED;
	o.dir = (enum flow_dir)out->dir;
	conclude(e, d, &o, out);
}

/* Out of line, as shard_note(): inlined they cost every packet 4 %. */
static __attribute__((noinline, cold)) void decide_traced(struct engine *e, const struct decoded *d,
                                                          struct decision *out)
{
	bool is_traced = trace_begin(d);

	decide(e, d, out);
	if (is_traced) {
		trace_end(d, out);
	}
}

/* Fast path, or slow path. */
static void decide_one(struct engine *e, struct fastpath *x, const struct frame *frame,
                       struct chunk *c, unsigned i, struct decoded *d, struct decision *out)
{
	struct flow *live;

	if (c->ip_size[i] != 0) {
		switch (fastpath_decide(x, frame, c, i, out, &live)) {
		case FASTPATH_DECIDED:
			return;
		case FASTPATH_TRACKED:
			conclude_tracked(e, frame, x->cx, c, i, live, d, out);
			return;
		case FASTPATH_REFUSED:
			d->cx = x->cx;
			decode(frame, d);
			break;
		}
	}
	d->shard = c->shard[i];
	d->hash = c->hash[i];
	d->hint = c->hint[i];
	if (d->cx->worker->trace != NULL) {
		decide_traced(e, d, out);
		return;
	}
	decide(e, d, out);
}

/* Decodes and verifies. An ICMP error gets the key of the flow that it quotes; a packet without a
 * key gets zeroes. */
static void decode(const struct frame *frame, struct decoded *d)
{
	const struct pkt *p = &d->pkt;
	enum key_side side;
	bool is_error;

	memset(&d->key, 0, sizeof(d->key));
	d->broken = (uint8_t)pkt_decode(frame, &d->pkt);
	if (d->broken != REASON_NONE) {
		return;
	}
	if (frame->csum != CSUM_TRUSTED) {
		d->broken = (uint8_t)pkt_verify(p, (enum csum_policy)d->cx->policy->tun.checksum);
	}
	if (d->broken != REASON_NONE || p->kind == PKT_KIND_UNTRACKED) {
		return;
	}
	is_error = p->kind == PKT_KIND_ICMP_ERROR;
	if (!flowkey_from_tuple(is_error ? &p->quoted : &p->tuple, &d->key, &side)) {
		d->broken = is_error ? REASON_ICMP_QUOTE : REASON_ICMP_TYPE;
		return;
	}
	d->side = (uint8_t)side;
}

/*
 * A revival uses up the tombstone of its connection. A new connection leaves it, because anybody
 * can forge a SYN or an ACK: lookup.c deletes it when the other end has proved the new one.
 */
static void settle_tomb(const struct decoded *d, struct flow *f)
{
	struct graveyard *graveyard = &d->shard->graveyard;
	bool revived = (f->status & FLOW_REVIVED) != 0;
	uint32_t tomb;

	if (d->pkt.kind != PKT_KIND_TCP) {
		return;
	}
	tomb = graveyard_find(graveyard, &d->key, d->hash);
	if (tomb != UINT32_MAX && revived) {
		graveyard_del(graveyard, tomb, d->hash);
		stat_add(&d->cx->worker->stats.event[EVENT_FLOW_REVIVED], 1);
		tomb = UINT32_MAX;
	}
	if (tomb != UINT32_MAX && (f->status & FLOW_KNOWN) == 0) {
		f->status = status_with_knowledge(f->status, KNOWN_LEARNT);
	}
	if ((f->status & FLOW_KNOWN) != 0) {
		struct witness *w = shard_witness(d->shard, f);

		*w = (struct witness){ .flags = tomb != UINT32_MAX ? WITNESS_BESIDE : 0 };
		if (d->pkt.tcp.class_nr == SEG_ACK) {
			const struct pkt_tcp *tcp = &d->pkt.tcp;

			(void)witness_hear(w, flow_dir_of(f, (enum key_side)d->side), tcp->seq,
			                   tcp->seq + tcp->payload_size, tcp->ack, tcp->win);
		}
	}
}

/*
 * A remembered connection is revived in place of the entry that was beside it. If the ends of that
 * one have agreed on something it may be the connection that is open, and the segment an old one:
 * it is remembered in turn. Otherwise it may be a forger's.
 */
static void displace(const struct decoded *d, struct outcome *o)
{
	struct shard *s = d->shard;
	struct flow memory;
	bool remembers = shard_memory(s, o->displaced, &memory) &&
	                 status_knowledge(memory.status) != KNOWN_NOTHING;

	shard_end(s, d->cx->worker, o->displaced, d->hash, FLOW_END_DISPLACED, d->cx->now);
	stat_add(&d->cx->worker->stats.event[EVENT_FLOW_DISPLACED], 1);
	o->live = shard_insert(s, d->cx->worker, &o->fresh, d->hash);
	settle_tomb(d, o->live);
	if (remembers) {
		shard_bury(s, d->cx->worker, &memory, d->hash, TOMB_EVICTED, d->cx->now);
	}
}

/* Inserts the flow of an accepted packet, in place of another where the table is full. Returns
 * false when no flow may be evicted. */
static bool insert(const struct decoded *d, struct outcome *o)
{
	struct shard *s = d->shard;

	o->fresh.deadline = mono_add(d->cx->now, o->fresh_ttl_ns);
	if (o->displaced != NULL) {
		displace(d, o);
		return true;
	}
	if (flowtab_is_scarce(&s->flows) &&
	    sources_know(s->sources, &s->graveyard.sip, &o->fresh, d->cx->now)) {
		o->fresh.extras |= FLOW_EXTRA_SPARED;
	}
	o->live = shard_insert(s, d->cx->worker, &o->fresh, d->hash);
	if (o->live == NULL) {
		struct flow *victim = expire_find_victim(
			d->cx, s, d->hash, (o->fresh.extras & FLOW_EXTRA_SPARED) != 0);

		if (victim == NULL) {
			return false;
		}
		expire_victim(d->cx, s, victim);
		o->live = shard_insert(s, d->cx->worker, &o->fresh, d->hash);
	}
	settle_tomb(d, o->live);
	return true;
}

/*
 * A revival at a full table: the tombstone serves as the entry, with the state after the segment,
 * so that the closing handshake passes segment by segment.
 */
static bool revive_tomb(const struct decoded *d, const struct outcome *o)
{
	struct graveyard *graveyard = &d->shard->graveyard;
	uint32_t nr = graveyard_find(graveyard, &d->key, d->hash);
	struct tomb_info tomb;

	if ((o->fresh.status & FLOW_REVIVED) == 0 || nr == UINT32_MAX) {
		return false;
	}
	graveyard_read(graveyard, nr, d->cx->now, &tomb);
	graveyard_del(graveyard, nr, d->hash);
	if (graveyard_wants(&o->fresh)) {
		(void)graveyard_add(graveyard, &o->fresh, d->hash, (enum tomb_cause)tomb.cause,
		                    tomb.ended);
	}
	return true;
}

static void count(const struct decoded *d, const struct outcome *o, enum verdict v)
{
	struct stats *st = &d->cx->worker->stats;
	const struct frame *f = d->pkt.frame;

	stat_add(&st->reason[o->reason], 1);
	stat_add(&st->verdict[f->hook][o->state][v], 1);
	stat_add(&st->verdict_bytes[f->hook][o->state][v], f->true_size);
}

/* The entry of a packet as rules see it, or NULL. */
static const struct flow *entry_of(const struct outcome *o)
{
	if (o->live != NULL) {
		return o->live;
	}
	return o->related != NULL ? o->related : o->wants_entry ? &o->fresh : NULL;
}

static void read_account(const struct decoded *d, const struct outcome *o, const struct flow *f,
                         struct rule_ct *ct)
{
	struct flow_account a = { .packets = { 0 } };

	if (f != NULL && f != &o->fresh) {
		a = shard_account_of(d->shard, f);
	} else if (f == NULL && o->has_status) {
		a = o->gone_account;
	}
	if (o->state != CT_RELATED && !o->is_ignored) {
		a.packets[o->dir]++;
		a.bytes[o->dir] += d->pkt.frame->true_size;
	}
	memcpy(ct->packets, a.packets, sizeof(ct->packets));
	memcpy(ct->bytes, a.bytes, sizeof(ct->bytes));
}

/* The connection of a packet. */
static void read_ct(const struct decoded *d, const struct outcome *o, unsigned uses,
                    struct rule_ct *ct)
{
	const struct flow *f = entry_of(o);

	*ct = (struct rule_ct){ .mark = o->gone.mark };
	if (f == NULL) {
		ct->tuple[o->dir] = d->pkt.tuple;
		ct->tuple[dir_other(o->dir)] = tuple_reversed(&d->pkt.tuple);
	} else {
		enum key_side opener = flow_orig_side(f);

		flowkey_to_tuple(&f->key, opener, &ct->tuple[DIR_ORIG]);
		flowkey_to_tuple(&f->key, opener == SIDE_LO ? SIDE_HI : SIDE_LO,
		                 &ct->tuple[DIR_REPLY]);
		ct->mark =
			(f == &o->fresh ? flow_extra_of_copy(f) : shard_extra_of(d->shard, f)).mark;
		ct->left_ns = f == &o->fresh ? o->fresh_ttl_ns : mono_diff(f->deadline, d->cx->now);
	}
	if ((d->pkt.frame->has & FRAME_HAS_CT) != 0 && d->cx->worker->sink.kernel_tuples != NULL) {
		/* as they were before addresses were translated */
		(void)d->cx->worker->sink.kernel_tuples(d->cx->worker->sink.ctx, d->pkt.frame,
		                                        ct->tuple);
	}
	if ((uses & RULE_USES_CT_ACCOUNT) != 0) {
		read_account(d, o, f, ct);
	}
}

/* The timeouts that a rule gives to a new connection. */
static void set_timeouts(const struct decoded *d, struct outcome *o, uint32_t timeouts)
{
	struct flow *f = &o->fresh;
	struct tunables own;
	const struct tunables *tun = lookup_tunables(d->cx->policy, timeouts, &own);

	if (d->pkt.kind == PKT_KIND_TCP) {
		o->fresh_ttl_ns =
			ttl_ns(tun, (enum tcp_state)f->conn.tcp.state,
		               (enum tcp_class)d->pkt.tcp.class_nr, ttl_facts(&f->conn.tcp, tun));
	} else {
		o->fresh_ttl_ns = tun->udp_unreplied_ns;
	}
	f->timer[2] = timeouts;
}

/* What rules have set of the connection. */
static void apply_ct(const struct decoded *d, struct outcome *o, const struct rule_ct *ct)
{
	struct flow *f = o->live != NULL ? o->live : o->related;

	if (ct->mark_is_set && f != NULL) {
		struct flow_extra extra = shard_extra_of(d->shard, f);

		extra.mark = ct->mark;
		shard_set_extra(d->shard, f, extra);
	}
	if (!o->wants_entry) {
		return;
	}
	if (ct->mark_is_set) {
		o->fresh.timer[1] = ct->mark;
	}
	if (ct->timeouts_are_set) {
		set_timeouts(d, o, ct->timeouts);
	}
	if ((ct->tracking & RULE_TRACK_ONE_WAY) != 0) {
		o->fresh.extras |= FLOW_EXTRA_ONE_WAY;
	}
	if ((ct->tracking & RULE_TRACK_LIBERAL) != 0 && d->pkt.kind == PKT_KIND_TCP) {
		o->fresh.conn.tcp.flags[DIR_ORIG] |= TCP_SIDE_LIBERAL;
		o->fresh.conn.tcp.flags[DIR_REPLY] |= TCP_SIDE_LIBERAL;
	}
}

/* Evaluates rules that read or set more of the connection than its state. */
static __attribute__((noinline)) void evaluate_ct(const struct decoded *d, struct outcome *o,
                                                  unsigned uses, struct rule_input *in,
                                                  struct rule_result *out)
{
	struct rule_ct ct;

	if (o->state != CT_INVALID && o->state != CT_UNTRACKED) {
		read_ct(d, o, uses, &ct);
		in->ct = &ct;
	}
	verdict_eval(d->cx, (enum base_chain)d->pkt.frame->hook, in, out);
	if (in->ct != NULL) {
		apply_ct(d, o, &ct);
	}
}

/* Evaluates the chain of the packet's hook. A packet that opens an entry is counted by `ct count`.
 */
static void evaluate(const struct decoded *d, struct outcome *o, struct rule_result *out)
{
	const struct ruleset *rs = d->cx->policy->rules;
	const unsigned uses = rs != NULL ? ruleset_ct_uses(rs) : 0;
	struct rule_input in = {
		.pkt = &d->pkt,
		.state = o->state,
		.dir = o->dir,
		.has_flow = o->live != NULL || o->has_status,
		.flow_status = o->live != NULL ? o->live->status : o->status,
	};

	if (o->wants_entry) {
		o->claim.len = 0;
		if (rs != NULL && ruleset_counts_connections(rs)) {
			in.mode = EVAL_CLAIM;
			in.claim = &o->claim;
		}
	}
	if (uses != 0) {
		evaluate_ct(d, o, uses, &in, out);
		return;
	}
	verdict_eval(d->cx, (enum base_chain)d->pkt.frame->hook, &in, out);
}

/* A claim stays with its entry, and is given back where there is none. */
static void settle_claim(const struct decoded *d, struct outcome *o)
{
	if (o->claim.len == 0) {
		return;
	}
	if (o->live != NULL) {
		shard_count(d->shard, o->live, &o->claim);
	} else {
		conncount_give_back(d->shard->counts, &o->claim);
	}
}

/* The decision on a packet that the rules before the tracker drop. */
static __attribute__((noinline, cold)) void drop_untracked(const struct decoded *d,
                                                           struct outcome *o,
                                                           const struct rule_result *r,
                                                           struct decision *out)
{
	o->state = CT_UNTRACKED;
	o->reason = REASON_NOTRACK;
	count(d, o, verdict_of(r));
	*out = (struct decision){
		.verdict =
			(uint8_t)(d->cx->policy->tun.enforce == 0 ? VERDICT_ACCEPT : verdict_of(r)),
		.reject_with = r->reject_with,
		.state = CT_UNTRACKED,
		.reason = REASON_NOTRACK,
		.rule_nr = r->rule_nr,
	};
}

/* How the rules before the tracker have decided. */
enum raw {
	RAW_TRACK,
	RAW_UNTRACKED,
	RAW_DROP,
};

/* The kernel tracks a packet that has an entry there, whatever these rules say: its address may
 * have been another one before. */
static enum raw judge_raw(const struct decoded *d, struct rule_result *r)
{
	const struct frame *frame = d->pkt.frame;

	if ((d->cx->raw_hooks >> frame->hook & 1) == 0 ||
	    (frame->hook != HOOK_OUTPUT && (frame->has & FRAME_HAS_CT) != 0)) {
		return RAW_TRACK;
	}
	verdict_eval_raw(d->cx, &d->pkt, r);
	if (verdict_of(r) != VERDICT_ACCEPT) {
		return RAW_DROP;
	}
	return r->is_untracked != 0 ? RAW_UNTRACKED : RAW_TRACK;
}

/* A packet on the slow path, under its shard's lock. */
static void decide(struct engine *e, const struct decoded *d, struct decision *out)
{
	struct rule_result raw;
	struct outcome o;

	init_outcome(&o);
	switch (judge_raw(d, &raw)) {
	case RAW_DROP:
		drop_untracked(d, &o, &raw, out);
		return;
	case RAW_UNTRACKED:
		o.state = CT_UNTRACKED;
		o.reason = REASON_NOTRACK;
		break;
	case RAW_TRACK:
		if (d->broken != REASON_NONE) {
			o.reason = (enum reason)d->broken;
			o.state = CT_INVALID;
			break;
		}
		lookup_packet(e, d, &o);
		break;
	}
	conclude(e, d, &o, out);
}

/* rule_nr: that let it in. */
static void note_new(const struct decoded *d, const struct flow *f, uint32_t rule_nr)
{
	*shard_origin(d->shard, f) = flow_origin(rule_nr, d->cx->policy->generation);
	if (d->cx->worker->sink.flow != NULL) {
		shard_note(d->shard, d->cx->worker, f, FLOW_CHANGE_NEW, FLOW_END_NONE, d->cx->now);
	}
}

/* From the outcome of the look-up to the decision: verdict, entry, counters. */
static void conclude(const struct engine *e, const struct decoded *d, struct outcome *o,
                     struct decision *out)
{
	struct rule_result rules;
	enum verdict judged;
	bool passes;

	if (o->is_held) {
		*out = (struct decision){ .is_held = 1, .rule_nr = UINT32_MAX };
		return;
	}
	evaluate(d, o, &rules);
	if (rules.is_untracked != 0) {
		o->state = CT_UNTRACKED;
	}
	judged = o->must_drop ? VERDICT_DROP : verdict_of(&rules);
	passes = judged == VERDICT_ACCEPT || d->cx->policy->tun.enforce == 0;
	if (o->wants_entry && passes && !insert(d, o) && !revive_tomb(d, o)) {
		o->reason = REASON_TABLE_FULL;
		o->state = CT_INVALID;
		judged = VERDICT_DROP;
		passes = d->cx->policy->tun.enforce == 0;
	}
	if (o->wants_entry) {
		settle_claim(d, o);
		if (o->live != NULL) {
			note_new(d, o->live, rules.rule_nr);
			o->is_opening = d->cx->worker->sink.flow != NULL;
		}
	}
	if (o->proof != PROOF_NONE && passes && o->live != NULL) {
		lookup_end_older(d, o);
	}
	if (o->is_unproved && passes) {
		*shard_unproved(d->shard, d->hash) = o->unproved;
	}
	count(d, o, judged);
	if (o->live != NULL && !o->is_ignored &&
	    (o->state == CT_ESTABLISHED || o->state == CT_NEW)) {
		shard_account(d->shard, o->live, o->dir, d->pkt.frame->true_size, d->cx->now);
	}
	if (o->has_late) {
		late_report(d, o, judged);
	}
	*out = (struct decision){
		.verdict = (uint8_t)(passes ? VERDICT_ACCEPT : judged),
		.reject_with = rules.reject_with,
		.state = (uint8_t)o->state,
		.dir = (uint8_t)o->dir,
		.reason = (uint8_t)o->reason,
		.mark_is_set = rules.mark_is_set,
		.is_opening = o->is_opening,
		.mark = rules.mark,
		.rule_nr = rules.rule_nr,
	};
	if (o->live != NULL) {
		if (leases_are_on(e) && judged == VERDICT_ACCEPT &&
		    (o->state == CT_ESTABLISHED || o->state == CT_NEW) &&
		    d->cx->worker->trace == NULL && d->cx->raw_hooks == 0) {
			lease_offer(d->cx, d->shard, o->live, d->hash, &d->pkt, o->dir);
		}
		out->status = o->live->status;
		out->tcp_state = o->live->key.proto == IPPROTO_NR_TCP ? o->live->conn.tcp.state
		                                                      : (uint8_t)TCP_NONE;
	}
}

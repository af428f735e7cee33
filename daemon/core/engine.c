/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of a packet through the core: decode, find, track, decide, commit, count.
 *
 * A batch is done in chunks, each in passes: decode all; hash all and start loading their index
 * buckets; start loading the flows that these name; decide one by one. So the memory of one packet
 * is fetched while others are worked on. The lock of a shard is kept while the next packet is of
 * the same one.
 *
 * Packets of the common shape are not decoded but left to express.c, and come back where they have
 * to be decided the general way.
 */
#include <finwall/engine.h>

#include "express.h"
#include "shard.h"

/* Spins before a waiting worker gives its processor away: the holder may have been descheduled. */
#define SPINS_BEFORE_YIELD 1000

/* How long the answer to a rejected packet may take: it is made at once, and queued like any other.
 */
#define REJECTED_TTL_NS NSEC_PER_SEC

static void read_chunk(const struct express *x, const struct frame *frames, unsigned len,
                       struct chunk *c, struct job *jobs);
static void hash_chunk(struct engine *e, unsigned len, struct chunk *c);
static void prefetch_chunk(unsigned len, struct chunk *c);
static void decide_one(struct engine *e, struct express *x, const struct frame *frame,
                       struct chunk *c, unsigned i, struct job *j, struct decision *out);
static void decode(const struct frame *frame, struct job *j);
static void decide(struct engine *e, const struct job *j, struct decision *out);
static void conclude(const struct job *j, struct track *t, struct decision *out);

/* As many keys can be counted by as there can be connections, and some that are on their way. */
static uint32_t counts_max(const struct engine_config *cfg)
{
	return cfg->flows_max + 1024;
}

static size_t claims_size(uint32_t flows_len)
{
	return (flows_len * sizeof(struct conncount_claim) + 63) & ~(size_t)63;
}

static size_t shard_memory(const struct engine_config *cfg)
{
	uint32_t flows_len = cfg->flows_max / cfg->shards_len + 1;

	return flowtab_size(flows_len) +
	       graveyard_size(cfg->tombs_max / cfg->shards_len + (cfg->tombs_max > 0));
}

size_t engine_table_size(const struct engine_config *cfg)
{
	size_t head = sizeof(struct engine) + cfg->shards_len * sizeof(struct shard);

	return ((head + 63) & ~(size_t)63) + cfg->shards_len * shard_memory(cfg);
}

/* What only rules that count connections touch lies behind what every connection does. */
size_t engine_size(const struct engine_config *cfg)
{
	return engine_table_size(cfg) +
	       cfg->shards_len * claims_size(cfg->flows_max / cfg->shards_len + 1) +
	       conncount_size(counts_max(cfg));
}

struct engine *engine_init(void *mem, const struct engine_config *cfg)
{
	struct engine *e = mem;
	size_t head = sizeof(struct engine) + cfg->shards_len * sizeof(struct shard);
	unsigned char *at = (unsigned char *)mem + ((head + 63) & ~(size_t)63);
	unsigned char *counts_at = (unsigned char *)mem + engine_table_size(cfg);
	uint32_t flows = cfg->flows_max / cfg->shards_len;
	uint32_t tombs = cfg->tombs_max / cfg->shards_len;

	e->cfg = *cfg;
	for (uint32_t i = 0; i < cfg->shards_len; i++) {
		struct shard *s = &e->shard[i];
		/* What does not divide evenly goes to the first shards, so that the sum is exact.
		 */
		uint32_t flows_here =
			flows == 0 ? 1 : flows + (i < cfg->flows_max % cfg->shards_len);
		uint32_t tombs_here = tombs + (i < cfg->tombs_max % cfg->shards_len);

		flowtab_init(&s->flows, at, flows_here, cfg->start);
		at += flowtab_size(flows_here);
		graveyard_init(&s->graves, at, tombs_here, &cfg->hash_key);
		at += graveyard_size(tombs_here);
		s->claims = (struct conncount_claim *)(void *)counts_at;
		counts_at += claims_size(flows_here);
		s->counts = &e->counts;
	}
	conncount_init(&e->counts, counts_at, counts_max(cfg), &cfg->hash_key, cfg->yield);
	return e;
}

void shard_lock(const struct engine *e, struct shard *s)
{
	unsigned spins = 0;

	while (atomic_exchange_explicit(&s->lock, 1, memory_order_acquire) != 0) {
		while (atomic_load_explicit(&s->lock, memory_order_relaxed) != 0) {
			if (++spins % SPINS_BEFORE_YIELD == 0 && e->cfg.yield != NULL) {
				e->cfg.yield();
			}
			shard_relax();
		}
	}
}

void shard_unlock(struct shard *s)
{
	atomic_store_explicit(&s->lock, 0, memory_order_release);
}

void engine_batch(struct engine *e, struct engine_worker *w, struct mono now,
                  const struct frame *frames, size_t len, struct decision *out)
{
	const struct rule_asking asking = { .counts = &e->counts };
	const struct run run = { .policy = w->policy, .w = w, .now = now, .asking = &asking };
	struct express x;
	struct chunk c;
	struct job jobs[CHUNK];

	express_init(&x, e, &run);
	for (size_t done = 0; done < len; done += CHUNK) {
		unsigned chunk = (unsigned)(len - done < CHUNK ? len - done : CHUNK);
		struct shard *locked = NULL;

		read_chunk(&x, &frames[done], chunk, &c, jobs);
		hash_chunk(e, chunk, &c);
		prefetch_chunk(chunk, &c);
		for (unsigned i = 0; i < chunk; i++) {
			if (c.shard[i] != locked) {
				if (locked != NULL) {
					shard_unlock(locked);
				}
				locked = c.shard[i];
				shard_lock(e, locked);
			}
			decide_one(e, &x, &frames[done + i], &c, i, &jobs[i], &out[done + i]);
		}
		shard_unlock(locked);
	}
	express_count(&x);
}

/* Decodes what is not for the express path, and notes the keys of all. */
static void read_chunk(const struct express *x, const struct frame *frames, unsigned len,
                       struct chunk *c, struct job *jobs)
{
	c->ip6 = 0;
	for (unsigned i = 0; i < len; i++) {
		struct job *j = &jobs[i];

		j->run = x->run;
		if (express_read(x, &frames[i], c, i)) {
			continue;
		}
		c->ip_size[i] = 0;
		decode(&frames[i], j);
		if (j->key.family == 6) {
			c->ip6 |= 1u << i;
			c->word[0][i] = j->key.lo.half[0];
			c->word[1][i] = j->key.lo.half[1];
			c->word[2][i] = j->key.hi.half[0];
			c->word[3][i] = j->key.hi.half[1];
			c->word[4][i] = flowkey_ports(&j->key);
		} else {
			c->word[0][i] = flowkey_ip4_pair(&j->key);
			c->word[1][i] = flowkey_ports(&j->key);
		}
	}
}

/* Hashes all keys and starts loading their buckets. */
static void hash_chunk(struct engine *e, unsigned len, struct chunk *c)
{
	const struct sipkey *key = &e->cfg.hash_key;
	uint32_t all = (1u << len) - 1;
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
	}
}

/* Starts loading the entries; of packets of no live flow, what may be remembered of them. */
static void prefetch_chunk(unsigned len, struct chunk *c)
{
	unsigned strangers = 0;

	for (unsigned i = 0; i < len; i++) {
		c->hint[i] = flowtab_prefetch_flow(&c->shard[i]->flows, c->hash[i]);
		if (c->hint[i] == HINDEX_NIL) {
			graveyard_prefetch_bucket(&c->shard[i]->graves, c->hash[i]);
			strangers++;
		}
	}
	for (unsigned i = 0; i < len && strangers > 0; i++) {
		if (c->hint[i] == HINDEX_NIL) {
			graveyard_prefetch_tomb(&c->shard[i]->graves, c->hash[i]);
		}
	}
}

/* The short way, or the general one. */
static void decide_one(struct engine *e, struct express *x, const struct frame *frame,
                       struct chunk *c, unsigned i, struct job *j, struct decision *out)
{
	struct track t;

	if (c->ip_size[i] != 0) {
		switch (express_decide(x, frame, c, i, out, &t.live)) {
		case EXPRESS_DECIDED:
			return;
		case EXPRESS_TRACKED:
			(void)pkt_decode(frame, &j->pkt);
			t.state = CT_ESTABLISHED;
			t.reason = REASON_TCP_TRACKED;
			t.dir = (enum flow_dir)out->dir;
			t.wants_entry = false;
			t.must_drop = false;
			t.has_late = false;
			conclude(j, &t, out);
			return;
		case EXPRESS_REFUSED:
			decode(frame, j);
			break;
		}
	}
	j->shard = c->shard[i];
	j->hash = c->hash[i];
	j->hint = c->hint[i];
	decide(e, j, out);
}

/* Decodes and verifies. An error about a flow gets that flow's key; what has no key, zeroes. */
static void decode(const struct frame *frame, struct job *j)
{
	const struct pkt *p = &j->pkt;
	enum key_side side;
	bool is_error;

	memset(&j->key, 0, sizeof(j->key));
	j->broken = (uint8_t)pkt_decode(frame, &j->pkt);
	if (j->broken != REASON_NONE) {
		return;
	}
	if (frame->csum != CSUM_TRUSTED) {
		j->broken = (uint8_t)pkt_verify(p, (enum csum_policy)j->run->policy->tun.checksum);
	}
	if (j->broken != REASON_NONE || p->kind == PKT_KIND_UNTRACKED) {
		return;
	}
	is_error = p->kind == PKT_KIND_ICMP_ERROR;
	if (!flowkey_from_tuple(is_error ? &p->quoted : &p->tuple, &j->key, &side)) {
		j->broken = is_error ? REASON_ICMP_QUOTE : REASON_ICMP_TYPE;
		return;
	}
	j->side = (uint8_t)side;
}

void job_rules(const struct job *j, enum base_chain chain, enum ct_state state, enum flow_dir dir,
               struct rule_result *out)
{
	const struct ruleset *rs = j->run->policy->rules;
	struct rule_input in = {
		.pkt = &j->pkt,
		.state = state,
		.dir = dir,
		.now = j->run->now,
		.asking = j->run->asking,
		.log = j->run->w->sink.log,
		.log_ctx = j->run->w->sink.ctx,
	};

	if (rs == NULL || !ruleset_has_chain(rs, chain)) {
		const struct tunables *tun = &j->run->policy->tun;

		*out = (struct rule_result){ .code = RULE_ACCEPT, .rule_nr = UINT32_MAX };
		if (chain == CHAIN_LATE) {
			out->code = (uint8_t)(RULE_LATE_FIRST + tun->late_close);
		}
		if (chain == CHAIN_IDLE) {
			out->code = (uint8_t)(RULE_IDLE_FIRST + tun->on_idle);
		}
		return;
	}
	ruleset_eval(rs, j->run->w->counters, chain, &in, out);
}

/* Ends a flow that is dead already, or else one that never proved itself. */
static void make_room(const struct job *j, struct flow *victim)
{
	struct shard *s = j->shard;
	uint64_t hash = flowkey_hash(&victim->key, &s->graves.sip);

	if (mono_is_due(victim->deadline, j->run->now) &&
	    !shard_expire(s, j->run->w, victim, hash, j->run->now)) {
		return;
	}
	shard_bury(s, j->run->w, victim, hash, TOMB_EVICTED, j->run->now);
	shard_delete(s, victim, hash);
	stat_add(&j->run->w->stats.event[EVENT_FLOW_EVICTED], 1);
}

/*
 * What is remembered of the connection before ends with a SYN, or with its revival. A pickup leaves
 * it: anybody can forge an ACK, and must not make us forget.
 */
static void end_memory(const struct job *j, const struct track *t)
{
	struct graveyard *graves = &j->shard->graves;
	bool revived = (t->fresh.status & FLOW_REVIVED) != 0;
	uint32_t tomb;

	if (j->pkt.kind != PKT_KIND_TCP || (!revived && j->pkt.tcp.class_nr != SEG_SYN)) {
		return;
	}
	tomb = graveyard_find(graves, &j->key, j->hash);
	if (tomb != UINT32_MAX) {
		graveyard_del(graves, tomb, j->hash);
		stat_add(
			&j->run->w->stats.event[revived ? EVENT_FLOW_REVIVED : EVENT_TOMB_REPLACED],
			1);
	}
}

/* Puts the flow in whose first packet was accepted. Returns false when there is no room. */
static bool commit(const struct job *j, struct track *t)
{
	struct flowtab *flows = &j->shard->flows;

	t->fresh.deadline = mono_add(j->run->now, t->fresh_ttl_ns);
	t->live = flowtab_insert(flows, &t->fresh, j->hash);
	if (t->live == NULL) {
		struct flow *victim = flowtab_victim(flows, j->hash, j->run->now);

		if (victim == NULL) {
			return false;
		}
		make_room(j, victim);
		t->live = flowtab_insert(flows, &t->fresh, j->hash);
	}
	stat_add(&j->run->w->stats.event[EVENT_FLOW_NEW], 1);
	end_memory(j, t);
	return true;
}

/*
 * The kernel tells the sender of a rejected packet by a RST or ICMP error of its own making, which
 * comes through the output hook. An entry that lives for a moment makes it an answer, ESTABLISHED
 * or RELATED, instead of INVALID. It takes nobody's place: neither a live flow's nor a tombstone's.
 */
static void commit_rejected(const struct job *j, struct track *t)
{
	if ((t->fresh.status & FLOW_REVIVED) != 0) {
		return;
	}
	t->fresh.deadline = mono_add(j->run->now, REJECTED_TTL_NS);
	if (flowtab_insert(&j->shard->flows, &t->fresh, j->hash) != NULL) {
		stat_add(&j->run->w->stats.event[EVENT_FLOW_NEW], 1);
	}
}

static void count(const struct job *j, const struct track *t, enum verdict v)
{
	struct stats *st = &j->run->w->stats;
	const struct frame *f = j->pkt.frame;

	stat_add(&st->reason[t->reason], 1);
	stat_add(&st->verdict[f->hook][t->state][v], 1);
	stat_add(&st->verdict_bytes[f->hook][t->state][v], f->true_size);
}

/*
 * The event of a late close, and what every policy would have made of it. The rules are asked again
 * for the states that a policy can give, without counting or logging.
 */
static void report_late(const struct job *j, struct track *t, enum verdict judged)
{
	unsigned nr = (t->late.class_nr == SEG_RST ? LATE_RST_UNKNOWN : LATE_FIN_UNKNOWN) +
	              t->late.has_tomb;
	struct engine_worker quiet = { .policy = j->run->policy };
	const struct rule_asking dry = { .is_dry = true, .counts = j->shard->counts };
	const struct run asking = {
		.policy = j->run->policy, .w = &quiet, .now = j->run->now, .asking = &dry
	};
	struct job asked = *j;
	bool passes[CT_STATES_LEN] = { false };

	asked.run = &asking;
	for (unsigned s = 0; s < CT_STATES_LEN; s++) {
		struct rule_result rules;

		if (s == CT_INVALID || s == CT_ESTABLISHED || s == CT_LATE) {
			job_rules(&asked, (enum base_chain)j->pkt.frame->hook, (enum ct_state)s,
			          t->dir, &rules);
			passes[s] = verdict_of(&rules) == VERDICT_ACCEPT;
		}
	}
	for (unsigned p = 0; p < LATE_POLICIES_LEN; p++) {
		bool pass = p != LATE_REJECT && passes[reason_state(t->late_would[p])];

		if (p == t->late.policy) {
			pass = judged == VERDICT_ACCEPT;
		}
		stat_add(&j->run->w->stats.late[p][nr][pass], 1);
	}
	t->late.reason = (uint8_t)t->reason;
	t->late.verdict = (uint8_t)judged;
	if (j->run->w->sink.late != NULL) {
		j->run->w->sink.late(j->run->w->sink.ctx, &t->late);
	}
}

/* Asks the rules about a packet that opens an entry, and counts it where they count. */
static void judge_opening(const struct job *j, struct track *t, struct rule_result *rules)
{
	const struct rule_asking counting = { .counts = j->shard->counts, .claim = &t->claim };
	const struct ruleset *rs = j->run->policy->rules;
	struct run run = *j->run;
	struct job counted;

	t->claim.len = 0;
	if (rs == NULL || !ruleset_counts_connections(rs)) {
		job_rules(j, (enum base_chain)j->pkt.frame->hook, t->state, t->dir, rules);
		return;
	}
	run.asking = &counting;
	counted = *j;
	counted.run = &run;
	job_rules(&counted, (enum base_chain)j->pkt.frame->hook, t->state, t->dir, rules);
}

/* What was counted is kept with the entry, or given back where there is none. */
static void settle_claim(const struct job *j, struct track *t)
{
	if (t->claim.len == 0) {
		return;
	}
	if (t->live != NULL) {
		shard_count(j->shard, t->live, &t->claim);
	} else {
		conncount_give_back(j->shard->counts, &t->claim);
	}
}

/* Everything about one packet, under its shard's lock. */
static void decide(struct engine *e, const struct job *j, struct decision *out)
{
	struct track t;

	t.live = NULL;
	t.wants_entry = false;
	t.must_drop = false;
	t.has_late = false;
	t.dir = DIR_ORIG;
	if (j->broken != REASON_NONE) {
		t.reason = (enum reason)j->broken;
		t.state = CT_INVALID;
	} else {
		job_track(e, j, &t);
	}
	conclude(j, &t, out);
}

/* Asks the rules about what was tracked, and does what follows from their answer. */
static void conclude(const struct job *j, struct track *t, struct decision *out)
{
	struct rule_result rules;
	enum verdict judged;
	bool passes;

	if (t->wants_entry) {
		judge_opening(j, t, &rules);
	} else {
		job_rules(j, (enum base_chain)j->pkt.frame->hook, t->state, t->dir, &rules);
	}
	judged = t->must_drop ? VERDICT_DROP : verdict_of(&rules);
	passes = judged == VERDICT_ACCEPT || j->run->policy->tun.enforce == 0;
	if (t->wants_entry && passes && !commit(j, t)) {
		t->reason = REASON_TABLE_FULL;
		t->state = CT_INVALID;
		judged = VERDICT_DROP;
		passes = j->run->policy->tun.enforce == 0;
	}
	if (t->wants_entry) {
		settle_claim(j, t);
		if (judged == VERDICT_REJECT && !passes) {
			commit_rejected(j, t);
		}
	}
	count(j, t, judged);
	if (t->has_late) {
		report_late(j, t, judged);
	}
	*out = (struct decision){
		.verdict = (uint8_t)(passes ? VERDICT_ACCEPT : judged),
		.reject_with = rules.reject_with,
		.state = (uint8_t)t->state,
		.dir = (uint8_t)t->dir,
		.reason = (uint8_t)t->reason,
		.mark_is_set = rules.mark_is_set,
		.mark = rules.mark,
		.rule_nr = rules.rule_nr,
	};
	if (t->live != NULL) {
		out->status = t->live->status;
		out->tcp_state = t->live->key.proto == IPPROTO_NR_TCP ? t->live->conn.tcp.state
		                                                      : (uint8_t)TCP_NONE;
	}
}

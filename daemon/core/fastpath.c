/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fast path: segments that need only the window check, which are nearly all packets.
 *
 * It takes packets of one shape: an IP header without options or extensions, not a later fragment;
 * TCP with ACK and without SYN, FIN, RST and URG; no TCP options, or a timestamp in the usual
 * layout only; no checksum to verify. The connection must be ESTABLISHED, answered and ASSURED,
 * with both windows known, no keepalive unanswered and its deadline ahead; nothing that it could
 * prove may be left open (knowledge.h); and the segment must fit its window. Every other packet is
 * refused before anything has changed, and takes the slow path.
 *
 * Its effect on entry, counters and decision is that of the slow path, bit for bit;
 * tests/oracle/fastpath.c compares the two. It does not fill a struct pkt, because that would take
 * most of its time, and it evaluates the rules once per batch where they give all packets of open
 * connections the same verdict. The window arithmetic is the tracker's: tcp_window.h.
 *
 * What may change here is which packets are taken, and how fast. How a segment changes a connection
 * must not: that belongs to tcp_window.h, which both paths use. A change needs the comparison above
 * (ctest -R fastpath) and a measurement (finwall-bench engine).
 */
#include "fastpath.h"

#include "lease_offer.h"
#include "plain_segment.h"

#include <finwall/bytes.h>

/* Both must be set in the flow. */
#define STATUS_NEEDED (FLOW_SEEN_REPLY | FLOW_ASSURED)

void fastpath_init(struct fastpath *x, const struct engine *e, const struct context *cx)
{
	const struct tunables *tun = &cx->policy->tun;

	x->cx = cx;
	x->tun = tun;
	x->is_off = e->fastpath_is_off || cx->worker->trace != NULL;
	x->accounts = e->cfg.accounts;
	x->has_leases = leases_are_on(e) && cx->raw_hooks == 0;
	x->verifies = tun->checksum == CSUM_POLICY_FULL;
	for (unsigned facts = 0; facts < TTL_FACTS_LEN; facts++) {
		x->ttl_ns[facts] = ttl_ns(tun, TCP_ESTABLISHED, SEG_ACK, facts);
		/* A timeout of 0 leaves the deadline alone, which this path cannot. */
		x->is_off |= x->ttl_ns[facts] == 0;
	}
	for (unsigned hook = 0; hook < HOOKS_LEN; hook++) {
		x->verdict[hook][0].is_known = 0;
		x->verdict[hook][1].is_known = 0;
	}
}

/* An end is one number here: address << 16 | port. */
static inline bool read_ip4(const struct frame *frame, size_t cap_size, struct chunk *c, unsigned i)
{
	const uint8_t *ip = frame->data;
	const uint8_t *tcp = ip + IP4_SIZE;
	size_t tcp_size;
	uint64_t lo;
	uint64_t hi;
	bool is_hi;

	if (ip[0] != 0x45 || ip[9] != IPPROTO_NR_TCP ||
	    (load_be16(ip + 6) & IP4_OFFSET_MASK) != 0) {
		return false;
	}
	tcp_size = common_size(tcp, cap_size - IP4_SIZE);
	if (tcp_size == 0) {
		return false;
	}
	lo = (uint64_t)load_word(ip + 12) << 16 | load_be16(tcp);
	hi = (uint64_t)load_word(ip + 16) << 16 | load_be16(tcp + 2);
	is_hi = lo > hi;
	swap_if_u64(is_hi, &lo, &hi);
	c->word[0][i] = lo >> 16 | hi >> 16 << 32;
	c->word[1][i] = ports_word(IPPROTO_NR_TCP, 4, lo & 0xffff, hi & 0xffff);
	c->side[i] = is_hi ? SIDE_HI : SIDE_LO;
	c->ip_size[i] = IP4_SIZE;
	c->payload[i] = frame->true_size - IP4_SIZE - (uint32_t)tcp_size;
	return true;
}

static inline bool read_ip6(const struct frame *frame, size_t cap_size, struct chunk *c, unsigned i)
{
	const uint8_t *ip = frame->data;
	const uint8_t *tcp = ip + IP6_SIZE;
	size_t tcp_size;
	uint64_t lo[3];
	uint64_t hi[3];
	bool is_hi;

	if (ip[0] >> 4 != 6 || cap_size < IP6_SIZE + TCP_SIZE || ip[6] != IPPROTO_NR_TCP) {
		return false;
	}
	tcp_size = common_size(tcp, cap_size - IP6_SIZE);
	if (tcp_size == 0) {
		return false;
	}
	memcpy(lo, ip + 8, 16);
	memcpy(hi, ip + 24, 16);
	lo[2] = load_be16(tcp);
	hi[2] = load_be16(tcp + 2);
	is_hi = ends_src_is_hi(lo, hi, (uint16_t)lo[2], (uint16_t)hi[2]);
	for (unsigned h = 0; h < 3; h++) {
		swap_if_u64(is_hi, &lo[h], &hi[h]);
	}
	c->word[0][i] = lo[0];
	c->word[1][i] = lo[1];
	c->word[2][i] = hi[0];
	c->word[3][i] = hi[1];
	c->word[4][i] = ports_word(IPPROTO_NR_TCP, 6, lo[2], hi[2]);
	c->side[i] = is_hi ? SIDE_HI : SIDE_LO;
	c->ip_size[i] = IP6_SIZE;
	c->payload[i] = frame->true_size - IP6_SIZE - (uint32_t)tcp_size;
	c->ip6 |= 1u << i;
	return true;
}

bool fastpath_read(const struct fastpath *x, const struct frame *frame, struct chunk *c, unsigned i)
{
	size_t cap_size = frame->cap_size < frame->true_size ? frame->cap_size : frame->true_size;

	if (cap_size < IP4_SIZE + TCP_SIZE || x->is_off ||
	    (x->cx->raw_hooks >> frame->hook & 1) != 0) {
		return false;
	}
	/* pkt_verify() skips packets that were not copied whole, and those of the output hook. */
	if (x->verifies && frame->csum != CSUM_TRUSTED && cap_size == frame->true_size &&
	    frame->hook != HOOK_OUTPUT) {
		return false;
	}
	return read_ip4(frame, cap_size, c, i) || read_ip6(frame, cap_size, c, i);
}

static inline bool is_ip6(const struct chunk *c, unsigned i)
{
	return c->ip_size[i] == IP6_SIZE;
}

/* The words of an IPv4 key behind its addresses are zero. */
static inline bool has_key(const struct flow *f, const struct chunk *c, unsigned i)
{
	const struct flowkey *k = &f->key;

	if (!is_ip6(c, i)) {
		return ((flowkey_ports(k) ^ c->word[1][i]) |
		        (flowkey_ip4_pair(k) ^ c->word[0][i])) == 0;
	}
	return ((k->lo.half[0] ^ c->word[0][i]) | (k->lo.half[1] ^ c->word[1][i]) |
	        (k->hi.half[0] ^ c->word[2][i]) | (k->hi.half[1] ^ c->word[3][i]) |
	        (flowkey_ports(k) ^ c->word[4][i])) == 0;
}

/* The hint was wrong: two keys of a bucket have the same tag, or the flow was inserted since. */
static __attribute__((noinline)) struct flow *find_slowly(const struct chunk *c, unsigned i)
{
	uint64_t ports = c->word[is_ip6(c, i) ? 4 : 1][i];
	struct flowkey key = {
		.lo_port = (uint16_t)ports,
		.hi_port = (uint16_t)(ports >> 16),
		.proto = IPPROTO_NR_TCP,
		.family = is_ip6(c, i) ? 6 : 4,
	};

	if (is_ip6(c, i)) {
		for (unsigned h = 0; h < 2; h++) {
			key.lo.half[h] = c->word[h][i];
			key.hi.half[h] = c->word[2 + h][i];
		}
	} else {
		key.lo.word[0] = (uint32_t)c->word[0][i];
		key.hi.word[0] = (uint32_t)(c->word[0][i] >> 32);
	}
	return flowtab_find(&c->shard[i]->flows, &key, c->hash[i]);
}

static inline struct flow *find(const struct chunk *c, unsigned i)
{
	const struct flowtab *flows = &c->shard[i]->flows;
	uint32_t hint = c->hint[i];

	if (hint < flows->pool_len && has_key(&flows->pool[hint], c, i)) {
		return &flows->pool[hint];
	}
	return find_slowly(c, i);
}

/* Finds the verdict of the hook's chain on packets of open connections. */
static __attribute__((noinline)) void evaluate(const struct fastpath *x, enum hook hook,
                                               uint8_t family, struct fastpath_verdict *v)
{
	struct rule_result rules;

	*v = (struct fastpath_verdict){ .is_known = 1 };
	v->is_fixed = verdict_is_fixed(x->cx->policy, (enum base_chain)hook, family, CT_ESTABLISHED,
	                               &rules);
	v->judged = (uint8_t)verdict_of(&rules);
	v->decision = (struct decision){
		.verdict = x->tun->enforce == 0 ? (uint8_t)VERDICT_ACCEPT : v->judged,
		.reject_with = rules.reject_with,
		.state = CT_ESTABLISHED,
		.reason = REASON_TCP_TRACKED,
		.tcp_state = TCP_ESTABLISHED,
		.rule_nr = rules.rule_nr,
	};
}

/*
 * True when the segments of a flow that is not KNOWN_EXACT need only be noted: its sides have
 * agreed, and no tombstone is kept beside it.
 */
static bool is_noted_only(const struct shard *s, const struct flow *f)
{
	unsigned flags = shard_witness(s, f)->flags;

	return status_knowledge(f->status) == KNOWN_LEARNT &&
	       (flags & (WITNESS_AGREED | WITNESS_BESIDE)) == WITNESS_AGREED;
}

enum fastpath_result fastpath_decide(struct fastpath *x, const struct frame *frame,
                                     const struct chunk *c, unsigned i, struct decision *out,
                                     struct flow **live)
{
	struct flow *f = find(c, i);
	const uint8_t *tcp = frame->data + c->ip_size[i];
	struct fastpath_verdict *v;
	struct tcp_conn *t;
	struct seg s;
	struct fit fit;
	bool is_exact;

	if (f != NULL && lease_is_held(f)) {
		shard_take_lease(c->shard[i], x->cx->worker, f, x->cx->now);
	}
	if (f == NULL ||
	    ((~f->status & STATUS_NEEDED) | f->probes | (f->extras & FLOW_EXTRA_SLOW)) != 0 ||
	    mono_is_due(f->deadline, x->cx->now)) {
		return FASTPATH_REFUSED;
	}
	t = &f->conn.tcp;
	if (!is_plain(t, SEG_ACK)) {
		return FASTPATH_REFUSED;
	}
	is_exact = (f->status & FLOW_KNOWN) == 0;
	if (!is_exact && !is_noted_only(c->shard[i], f)) {
		return FASTPATH_REFUSED;
	}
	s.seq = load_be32(tcp + 4);
	s.ack = load_be32(tcp + 8);
	s.sack = s.ack;
	s.end = s.seq + c->payload[i];
	s.win = load_be16(tcp + 14);
	s.class_nr = SEG_ACK;
	s.dir = flow_dir_of(f, (enum key_side)c->side[i]);
	s.other = dir_other(s.dir);
	s.is_syn = false;
	s.has_ack = true;
	fit = fit_of(t, &s);
	if (!(fit.seq_is_inside & fit.seq_is_recent & fit.ack_was_seen & fit.ack_is_recent)) {
		return FASTPATH_REFUSED;
	}
	update_windows(t, &s);
	t->last_class = SEG_ACK;
	if (!is_exact) {
		(void)witness_hear(shard_witness(c->shard[i], f), s.dir, s.seq, s.end, s.ack,
		                   s.win);
	}
	flowtab_set_deadline(&c->shard[i]->flows, f,
	                     mono_add(x->cx->now, x->ttl_ns[ttl_facts(t, x->tun)]));
	v = &x->verdict[frame->hook][is_ip6(c, i)];
	if (!v->is_known) {
		evaluate(x, (enum hook)frame->hook, is_ip6(c, i) ? 6 : 4, v);
	}
	*out = v->decision;
	out->dir = (uint8_t)s.dir;
	out->status = f->status;
	if (!v->is_fixed) {
		*live = f;
		return FASTPATH_TRACKED;
	}
	if (x->accounts) {
		shard_account(c->shard[i], f, s.dir, frame->true_size, x->cx->now);
	}
	v->packets++;
	v->bytes += frame->true_size;
	if (x->has_leases && v->judged == VERDICT_ACCEPT) {
		lease_offer_fixed(x->cx, c->shard[i], f, c->hash[i], (enum hook)frame->hook);
	}
	return FASTPATH_DECIDED;
}

void fastpath_count(struct fastpath *x)
{
	struct stats *st = &x->cx->worker->stats;

	for (unsigned hook = 0; hook < HOOKS_LEN; hook++) {
		for (unsigned ip6 = 0; ip6 < 2; ip6++) {
			const struct fastpath_verdict *v = &x->verdict[hook][ip6];

			if (!v->is_known || v->packets == 0) {
				continue;
			}
			stat_add(&st->reason[REASON_TCP_TRACKED], v->packets);
			stat_add(&st->verdict[hook][CT_ESTABLISHED][v->judged], v->packets);
			stat_add(&st->verdict_bytes[hook][CT_ESTABLISHED][v->judged], v->bytes);
		}
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The express path: segments that need nothing but the window check, which are nearly all of them.
 *
 * It takes a packet that has one shape (an IP header without options or extensions, not a later
 * fragment; TCP with ACK and without SYN, FIN, RST and URG; no options, or only a timestamp as
 * everybody writes it; a checksum that nobody has to verify) and whose connection is in one
 * condition (ESTABLISHED, answered and ASSURED, both windows known, no keepalive out, its time not
 * over), if the segment fits its window. Everything else it hands back before anything has changed,
 * and the general way decides.
 *
 * What it does to an entry, a counter and a decision is, bit for bit, what the general way would
 * have done; tests/oracle/express.c holds the two against each other. It reads no packet into
 * a struct pkt, because most of its time would go there, and asks the rules once per batch where
 * they answer all packets of open connections alike. The window arithmetic is not its own:
 * tcp_window.h.
 */
#include "express.h"

#include <finwall/bytes.h>

#define IP4_SIZE 20
#define IP6_SIZE 40
#define TCP_SIZE 20

/* With the timestamp option. */
#define STAMPED_SIZE (TCP_SIZE + 12)

/* Both must be set of a flow that comes this way. */
#define STATUS_NEEDED (FLOW_SEEN_REPLY | FLOW_ASSURED)

void express_init(struct express *x, const struct engine *e, const struct run *run)
{
	const struct tunables *tun = &run->policy->tun;

	x->run = run;
	x->tun = tun;
	x->is_off = e->express_is_off;
	x->verifies = tun->checksum == CSUM_POLICY_FULL;
	for (unsigned facts = 0; facts < TTL_FACTS_LEN; facts++) {
		x->ttl_ns[facts] = ttl_ns(tun, TCP_ESTABLISHED, SEG_ACK, facts);
		/* That would leave the deadline as it is. */
		x->is_off |= x->ttl_ns[facts] == 0;
	}
	for (unsigned hook = 0; hook < HOOKS_LEN; hook++) {
		x->answer[hook][0].is_known = 0;
		x->answer[hook][1].is_known = 0;
	}
}

/*
 * Size of the header of a segment that may be data or an acknowledgement, and nothing else; 0 for
 * any other. Data offset and flags are looked at together.
 */
static inline size_t common_size(const uint8_t *tcp, size_t cap_size)
{
	unsigned offset_and_flags = load_be16(tcp + 12) & (0xf0ff & ~(TCP_PSH | TCP_ECE | TCP_CWR));

	if (offset_and_flags == (STAMPED_SIZE / 4 << 12 | TCP_ACK) && cap_size >= STAMPED_SIZE &&
	    opts_are_plain(tcp + TCP_SIZE, STAMPED_SIZE - TCP_SIZE)) {
		return STAMPED_SIZE;
	}
	return offset_and_flags == (TCP_SIZE / 4 << 12 | TCP_ACK) ? TCP_SIZE : 0;
}

static inline uint32_t load_word(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* What the last word of a TCP key has besides the ports. */
static inline uint64_t ports_word(uint8_t family, uint64_t lo_port, uint64_t hi_port)
{
	const struct flowkey rest = { .proto = IPPROTO_NR_TCP, .family = family };

	return flowkey_ports(&rest) | lo_port | hi_port << 16;
}

/* The two ends are numbers here: the address, and the port in the last 16 bits. */
static inline bool read_ip4(const struct frame *frame, size_t cap_size, struct chunk *c, unsigned i)
{
	const uint8_t *ip = frame->data;
	const uint8_t *tcp = ip + IP4_SIZE;
	size_t tcp_size;
	uint64_t lo;
	uint64_t hi;
	bool is_hi;

	if (ip[0] != 0x45 || ip[9] != IPPROTO_NR_TCP || (load_be16(ip + 6) & 0x1fff) != 0) {
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
	c->word[1][i] = ports_word(4, lo & 0xffff, hi & 0xffff);
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
	c->word[4][i] = ports_word(6, lo[2], hi[2]);
	c->side[i] = is_hi ? SIDE_HI : SIDE_LO;
	c->ip_size[i] = IP6_SIZE;
	c->payload[i] = frame->true_size - IP6_SIZE - (uint32_t)tcp_size;
	c->ip6 |= 1u << i;
	return true;
}

bool express_read(const struct express *x, const struct frame *frame, struct chunk *c, unsigned i)
{
	size_t cap_size = frame->cap_size < frame->true_size ? frame->cap_size : frame->true_size;

	if (cap_size < IP4_SIZE + TCP_SIZE || x->is_off) {
		return false;
	}
	/* pkt_verify() leaves out what was not copied whole, and what we send ourselves. */
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

/* An IPv4 key has nothing but zeroes behind its addresses. */
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

/* The hint was wrong: two keys of one bucket have the same tag, or it came too late. */
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

/* Asks the rules what they make of every packet of an open connection. */
static __attribute__((noinline)) void learn_answer(const struct express *x, enum hook hook,
                                                   uint8_t family, struct express_answer *a)
{
	const struct ruleset *rs = x->run->policy->rules;
	struct rule_result rules = { .code = RULE_ACCEPT, .rule_nr = UINT32_MAX };

	*a = (struct express_answer){ .is_known = 1, .is_fixed = 1 };
	if (rs != NULL && ruleset_has_chain(rs, (enum base_chain)hook)) {
		a->is_fixed =
			ruleset_is_fixed(rs, (enum base_chain)hook, family, CT_ESTABLISHED, &rules);
	}
	a->judged = (uint8_t)verdict_of(&rules);
	a->decision = (struct decision){
		.verdict = x->tun->enforce == 0 ? (uint8_t)VERDICT_ACCEPT : a->judged,
		.reject_with = rules.reject_with,
		.state = CT_ESTABLISHED,
		.reason = REASON_TCP_TRACKED,
		.tcp_state = TCP_ESTABLISHED,
		.rule_nr = rules.rule_nr,
	};
}

enum express_result express_decide(struct express *x, const struct frame *frame,
                                   const struct chunk *c, unsigned i, struct decision *out,
                                   struct flow **live)
{
	struct flow *f = find(c, i);
	const uint8_t *tcp = frame->data + c->ip_size[i];
	struct express_answer *a;
	struct tcp_conn *t;
	struct seg s;
	struct fit fit;

	if (f == NULL || ((~f->status & STATUS_NEEDED) | f->probes) != 0 ||
	    mono_is_due(f->deadline, x->run->now)) {
		return EXPRESS_REFUSED;
	}
	t = &f->conn.tcp;
	if (!is_plain(t, SEG_ACK)) {
		return EXPRESS_REFUSED;
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
		return EXPRESS_REFUSED;
	}
	update_windows(t, &s);
	t->last_class = SEG_ACK;
	flowtab_set_deadline(&c->shard[i]->flows, f,
	                     mono_add(x->run->now, x->ttl_ns[ttl_facts(t, x->tun)]));
	a = &x->answer[frame->hook][is_ip6(c, i)];
	if (!a->is_known) {
		learn_answer(x, (enum hook)frame->hook, is_ip6(c, i) ? 6 : 4, a);
	}
	*out = a->decision;
	out->dir = (uint8_t)s.dir;
	out->status = f->status;
	if (!a->is_fixed) {
		*live = f;
		return EXPRESS_TRACKED;
	}
	a->packets++;
	a->bytes += frame->true_size;
	return EXPRESS_DECIDED;
}

void express_count(struct express *x)
{
	struct stats *st = &x->run->w->stats;

	for (unsigned hook = 0; hook < HOOKS_LEN; hook++) {
		for (unsigned ip6 = 0; ip6 < 2; ip6++) {
			const struct express_answer *a = &x->answer[hook][ip6];

			if (!a->is_known || a->packets == 0) {
				continue;
			}
			stat_add(&st->reason[REASON_TCP_TRACKED], a->packets);
			stat_add(&st->verdict[hook][CT_ESTABLISHED][a->judged], a->packets);
			stat_add(&st->verdict_bytes[hook][CT_ESTABLISHED][a->judged], a->bytes);
		}
	}
}

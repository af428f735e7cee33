/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel fast path: the tracker of core, as a BPF match of the hook rules in front of the
 * queue. doc/design.md, "The kernel fast path".
 *
 * A packet matches, and is accepted, if the kernel side owns a lease of its connection, the lease's
 * generation is in force, the chain of this hook accepts all its packets, and the tracker accepts
 * it. TCP: SYN+ACK, data, acknowledgements and FIN, by the code of core: tcp_window.h where only
 * the windows matter, tcp_step.h otherwise. A segment that the tracker refuses or ignores, a SYN
 * and a RST have changed nothing here, and go to the queue. UDP: all datagrams; before the
 * first answer only if the rules accept those, too.
 *
 * Two CPUs may have packets of one connection at once, and the engine may take the lease back: who
 * changes a lease holds the lock bit of its word. The wait for it is bounded; then the packet goes
 * to the queue, which is always correct.
 *
 * A socket filter: packets are read by bpf_skb_load_bytes(), and begin with the IP header.
 */
#include <finwall/lease_layout.h>

#include "core/plain_segment.h"
#include "core/tcp_step.h"
#include "core/tcp_window.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define UDP_SIZE 8

/* skb->protocol, network byte order. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define PROTOCOL_IP4 0x0008
#define PROTOCOL_IP6 0xdd86
#else
#define PROTOCOL_IP4 0x0800
#define PROTOCOL_IP6 0x86dd
#endif

/* Tries to take a lease's lock: a microsecond or two. A window check takes a tenth of that. */
#define LOCK_TRIES 1000

/* Values of skb->ip_summed. */
#define CHECKSUM_UNNECESSARY 1
#define CHECKSUM_PARTIAL     3

const volatile struct lease_skb kernel_skb SEC(LEASE_SKB_SECTION) = { 0 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct lease_control);
} control SEC(".maps");

/* The loader sets the numbers of elements. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct lease_bucket);
} buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct lease);
} leases SEC(".maps");

/* Numbers of leases, plus one. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, uint64_t);
} notes SEC(".maps");

/* What is read of a TCP header. */
struct seen_tcp {
	uint32_t seq;
	uint32_t ack;
	uint32_t payload; /* bytes */
	uint16_t win;
	uint8_t class_nr;  /* enum tcp_class */
	uint8_t opts_size; /* unless is_common */
};

/* What is read of a packet. */
struct seen {
	uint64_t word[FLOWKEY_WORDS_MAX]; /* of its key, as hashed */
	uint64_t hash;
	struct seen_tcp tcp; /* zeroes for others */
	uint8_t proto;
	uint8_t side;      /* enum key_side */
	uint8_t is_common; /* TCP: of the common shape, without options that matter here */
	uint8_t flags;     /* TCP */
	/* of its look-up: */
	uint32_t lease_nr;
	int64_t now_ns;
};

/* A datagram that the tracker accepts (pkt.c). */
static ALWAYS_INLINE bool udp_is_valid(const uint8_t *udp, uint32_t udp_size)
{
	uint16_t length = load_be16(udp + 4);

	return length >= UDP_SIZE && length <= udp_size;
}

/* Sets the class of the segment. Returns false for those that are for the queue. */
static ALWAYS_INLINE bool classify(struct seen *p)
{
	switch (p->flags & ~(TCP_PSH | TCP_ECE | TCP_CWR)) {
	case TCP_ACK:
		p->tcp.class_nr = SEG_ACK;
		return true;
	case TCP_ACK | TCP_FIN:
		p->tcp.class_nr = SEG_FIN;
		return true;
	case TCP_ACK | TCP_SYN:
		p->tcp.class_nr = SEG_SYNACK;
		return true;
	default:
		return false;
	}
}

/* Reads a TCP header; size: bytes from it on. Returns false if the segment is for the queue. */
static ALWAYS_INLINE bool read_tcp(const uint8_t *tcp, uint32_t size, struct seen *p)
{
	uint32_t tcp_size = (uint32_t)common_size(tcp, size);

	p->is_common = tcp_size != 0;
	p->flags = tcp[13];
	p->tcp.class_nr = SEG_ACK;
	p->tcp.opts_size = 0;
	if (!p->is_common) {
		tcp_size = (tcp[12] >> 4) * 4u;
		if (tcp_size < TCP_SIZE || !classify(p)) {
			return false;
		}
		p->tcp.opts_size = (uint8_t)(tcp_size - TCP_SIZE);
	}
	if (tcp_size > size) {
		return false;
	}
	p->tcp.payload = size - tcp_size;
	p->tcp.seq = load_be32(tcp + 4);
	p->tcp.ack = load_be32(tcp + 8);
	p->tcp.win = load_be16(tcp + 14);
	return true;
}

/* Reads the header behind the IP header; size: bytes from l4 on. Returns false if the packet is for
 * the queue. */
static ALWAYS_INLINE bool read_transport(const uint8_t *l4, uint32_t size, struct seen *p)
{
	if (p->proto != IPPROTO_NR_TCP) {
		return p->proto == IPPROTO_NR_UDP && udp_is_valid(l4, size);
	}
	return size >= TCP_SIZE && read_tcp(l4, size, p);
}

/* The sum of an even number of bytes, to be folded. */
static ALWAYS_INLINE uint32_t sum_of(const uint8_t *b, unsigned size)
{
	uint32_t sum = 0;

#pragma unroll
	for (unsigned i = 0; i < size; i += 2) {
		sum += load_be16(b + i);
	}
	return sum;
}

/*
 * True if the transport checksum of a SYN+ACK or FIN is right, or known to be: its device has
 * verified it, or it will be filled in later (pkt_verify()). sum: of pseudo-header, header,
 * options.
 */
static __attribute__((noinline)) bool checksum_is_right(struct __sk_buff *skb, uint32_t sum,
                                                        uint32_t payload)
{
	uint8_t summed = 0;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	/* With payload the queue verifies it. */
	if (payload == 0 && sum == 0xffff) {
		return true;
	}
	if (kernel_skb.ip_summed_at != 0 &&
	    bpf_probe_read_kernel(&summed, 1, (const uint8_t *)skb + kernel_skb.ip_summed_at) ==
	            0) {
		summed = summed >> (kernel_skb.ip_summed_shift & 7) & 3;
		return summed == CHECKSUM_UNNECESSARY || summed == CHECKSUM_PARTIAL;
	}
	return false;
}

/* Options, and what they say. */
struct opts {
	uint8_t bytes[OPTS_BUF]; /* padded with zeros */
	volatile uint32_t at;
	volatile uint32_t sack;
	uint32_t size;
	volatile uint8_t flags;
	volatile uint8_t scale;
	uint8_t unused[2];
};

/*
 * Global functions are verified by themselves, whatever their callers do: each has the verifier's
 * budget, and arguments of which the values are not known.
 */
__attribute__((noinline)) int finwall_syn_opts(struct opts *o)
{
	struct pkt_tcp tcp;

	if (o == NULL) {
		return 0;
	}
	tcp.opts = o->bytes;
	tcp.opts_size = (uint8_t)o->size;
	o->at = 0;
	parse_options(&tcp, &o->at, &o->flags, &o->scale);
	return 0;
}

__attribute__((noinline)) int finwall_sack_opts(struct opts *o)
{
	struct pkt_tcp tcp;

	if (o == NULL) {
		return 0;
	}
	tcp.opts = o->bytes;
	tcp.opts_size = (uint8_t)o->size;
	o->at = 0;
	highest_sack(&tcp, &o->at, &o->sack);
	return 0;
}

/* size: not 0. Returns false if there are too many options, or too few bytes. */
static ALWAYS_INLINE bool load_opts(struct __sk_buff *skb, uint32_t at, uint32_t size,
                                    uint8_t *opts)
{
	uint32_t last = size - 1;

	/* Linux 6.1 must see that at least one byte is read. */
	__asm__ volatile("" : "+r"(last));
	return last < OPTS_MAX && bpf_skb_load_bytes(skb, at, opts, last + 1) == 0;
}

/* Reads the options behind a TCP header at this offset, and adds them to *sum. A function of its
 * own for the sake of the stack. */
static __attribute__((noinline)) bool read_opts(struct __sk_buff *skb, const struct seen *p,
                                                uint32_t tcp_at, struct opts_read *out,
                                                uint32_t *sum)
{
	struct opts o;

	__builtin_memset(&o, 0, sizeof(o));
	if (p->tcp.opts_size != 0 &&
	    !load_opts(skb, tcp_at + TCP_SIZE, p->tcp.opts_size, o.bytes)) {
		return false;
	}
	o.size = p->tcp.opts_size;
	o.sack = p->tcp.ack;
	if (p->tcp.opts_size != 0) {
		if (p->tcp.class_nr == SEG_SYNACK) {
			(void)finwall_syn_opts(&o);
		}
		(void)finwall_sack_opts(&o);
	}
	*out = (struct opts_read){ o.sack, p->tcp.opts_size != 0, o.flags, o.scale, 0 };
	*sum += sum_of(o.bytes, OPTS_MAX);
	return true;
}

/* Reads what a segment needs that is not of the common shape, and verifies the checksum. sum: of
 * the pseudo-header and the TCP header. Returns false if the segment is for the queue. */
static ALWAYS_INLINE bool read_more(struct __sk_buff *skb, const struct lease_control *c,
                                    const struct seen *p, uint32_t tcp_at, unsigned hook,
                                    uint32_t sum, struct opts_read *out)
{
	return read_opts(skb, p, tcp_at, out, &sum) &&
	       (hook == HOOK_OUTPUT || c->verifies == 0 || p->tcp.class_nr == SEG_ACK ||
	        checksum_is_right(skb, sum, p->tcp.payload));
}

static ALWAYS_INLINE bool read_ip4(struct __sk_buff *skb, const struct sipkey *key, struct seen *p,
                                   uint32_t *sum)
{
	uint8_t ip[IP4_SIZE + STAMPED_SIZE];
	const uint8_t *l4 = ip + IP4_SIZE;
	uint32_t size = skb->len;
	uint64_t lo;
	uint64_t hi;
	bool is_hi;

	if (size >= sizeof(ip)) {
		if (bpf_skb_load_bytes(skb, 0, ip, sizeof(ip)) != 0) {
			return false;
		}
	} else {
		__builtin_memset(ip, 0, sizeof(ip));
		if (size >= IP4_SIZE + TCP_SIZE) {
			if (bpf_skb_load_bytes(skb, 0, ip, IP4_SIZE + TCP_SIZE) != 0) {
				return false;
			}
		} else if (bpf_skb_load_bytes(skb, 0, ip, IP4_SIZE + UDP_SIZE) != 0) {
			return false;
		}
	}
	if (ip[0] != 0x45 || (load_be16(ip + 6) & IP4_OFFSET_MASK) != 0) {
		return false;
	}
	p->proto = ip[9];
	if (!read_transport(l4, size - IP4_SIZE, p)) {
		return false;
	}
	if (p->proto == IPPROTO_NR_TCP && !p->is_common) {
		*sum = sum_of(ip + 12, 8) + IPPROTO_NR_TCP + (size - IP4_SIZE) +
		       sum_of(l4, TCP_SIZE);
	}
	lo = (uint64_t)load_word(ip + 12) << 16 | load_be16(l4);
	hi = (uint64_t)load_word(ip + 16) << 16 | load_be16(l4 + 2);
	is_hi = lo > hi;
	swap_if_u64(is_hi, &lo, &hi);
	p->word[0] = lo >> 16 | hi >> 16 << 32;
	p->word[1] = ports_word(p->proto, 4, lo & 0xffff, hi & 0xffff);
	p->side = is_hi ? SIDE_HI : SIDE_LO;
	p->hash = siphash13(key, p->word, FLOWKEY_WORDS_IP4);
	return true;
}

static __attribute__((noinline)) bool read_ip6(struct __sk_buff *skb, const struct sipkey *key,
                                               struct seen *p, uint32_t *sum)
{
	uint8_t ip[IP6_SIZE + STAMPED_SIZE];
	const uint8_t *l4 = ip + IP6_SIZE;
	uint32_t size = skb->len;
	uint64_t lo[3];
	uint64_t hi[3];
	bool is_hi;

	if (size >= sizeof(ip)) {
		if (bpf_skb_load_bytes(skb, 0, ip, sizeof(ip)) != 0) {
			return false;
		}
	} else {
		__builtin_memset(ip, 0, sizeof(ip));
		if (size >= IP6_SIZE + TCP_SIZE) {
			if (bpf_skb_load_bytes(skb, 0, ip, IP6_SIZE + TCP_SIZE) != 0) {
				return false;
			}
		} else if (bpf_skb_load_bytes(skb, 0, ip, IP6_SIZE + UDP_SIZE) != 0) {
			return false;
		}
	}
	if (ip[0] >> 4 != 6) {
		return false;
	}
	p->proto = ip[6];
	if (!read_transport(l4, size - IP6_SIZE, p)) {
		return false;
	}
	if (p->proto == IPPROTO_NR_TCP && !p->is_common) {
		*sum = sum_of(ip + 8, 32) + IPPROTO_NR_TCP + (size - IP6_SIZE) +
		       sum_of(l4, TCP_SIZE);
	}
	memcpy(lo, ip + 8, 16);
	memcpy(hi, ip + 24, 16);
	lo[2] = load_be16(l4);
	hi[2] = load_be16(l4 + 2);
	is_hi = ends_src_is_hi(lo, hi, (uint16_t)lo[2], (uint16_t)hi[2]);
	swap_if_u64(is_hi, &lo[0], &hi[0]);
	swap_if_u64(is_hi, &lo[1], &hi[1]);
	swap_if_u64(is_hi, &lo[2], &hi[2]);
	p->word[0] = lo[0];
	p->word[1] = lo[1];
	p->word[2] = hi[0];
	p->word[3] = hi[1];
	p->word[4] = ports_word(p->proto, 6, lo[2], hi[2]);
	p->side = is_hi ? SIDE_HI : SIDE_LO;
	p->hash = siphash13(key, p->word, FLOWKEY_WORDS_IP6);
	return true;
}

static ALWAYS_INLINE bool has_key(const struct lease *l, const struct seen *p, bool is_ip6)
{
	const struct flowkey *k = &l->key;

	if (!is_ip6) {
		return ((flowkey_ports(k) ^ p->word[1]) | (flowkey_ip4_pair(k) ^ p->word[0])) == 0;
	}
	return ((k->lo.half[0] ^ p->word[0]) | (k->lo.half[1] ^ p->word[1]) |
	        (k->hi.half[0] ^ p->word[2]) | (k->hi.half[1] ^ p->word[3]) |
	        (flowkey_ports(k) ^ p->word[4])) == 0;
}

static ALWAYS_INLINE struct lease *find(const struct lease_control *c, const struct seen *p,
                                        bool is_ip6, uint32_t *lease_nr)
{
	uint32_t bucket_nr = (uint32_t)p->hash & (c->buckets_len - 1);
	uint32_t tag = LEASE_ENTRY_TAG(lease_index_entry(p->hash, 0));
	struct lease_bucket *b = bpf_map_lookup_elem(&buckets, &bucket_nr);

	if (b == NULL) {
		return NULL;
	}
#pragma unroll
	for (unsigned i = 0; i < LEASE_BUCKET_LEN; i++) {
		uint32_t entry = *(volatile uint32_t *)&b->entry[i];
		uint32_t nr = LEASE_ENTRY_NR(entry);
		struct lease *l;

		if (entry == 0 || LEASE_ENTRY_TAG(entry) != tag) {
			continue;
		}
		l = bpf_map_lookup_elem(&leases, &nr);
		if (l != NULL && has_key(l, p, is_ip6)) {
			*lease_nr = nr;
			return l;
		}
	}
	return NULL;
}

/* Takes the lock of a valid lease. *word: the value before. */
static ALWAYS_INLINE bool try_lock(struct lease *l, uint64_t *word)
{
	uint64_t seen = *(volatile uint64_t *)&l->word;

	*word = seen;
	return (seen & (LEASE_VALID | LEASE_LOCKED)) == LEASE_VALID &&
	       __sync_val_compare_and_swap(&l->word, seen, seen | LEASE_LOCKED) == seen;
}

/* The same while others hold it. */
__attribute__((noinline)) int finwall_lock(struct lease *l, uint64_t *word)
{
	if (l == NULL || word == NULL) {
		return 0;
	}
	for (unsigned i = 0; i < LOCK_TRIES; i++) {
		if (try_lock(l, word)) {
			return 1;
		}
		if ((*word & LEASE_VALID) == 0) {
			return 0;
		}
	}
	return 0;
}

/* Atomic, as a full barrier: what was written to the lease is seen before. */
static ALWAYS_INLINE void unlock(struct lease *l, uint64_t word)
{
	(void)__sync_lock_test_and_set(&l->word, lease_next_word(word, LEASE_VALID));
}

/* What the time to live depends on: an index. */
static ALWAYS_INLINE uint32_t facts_of(const struct tcp_conn *t, const struct lease_control *c)
{
	uint32_t facts = ttl_facts_of(t, c->tcp_max_retrans);

	/* Linux 6.1 does not see the bound, which the compiler knows: it must not remove the mask.
	 */
	__asm__ volatile("" : "+r"(facts));
	return facts & (TTL_FACTS_LEN - 1);
}

/* A segment of the common shape in an ASSURED connection: the window check, and its effect. */
static ALWAYS_INLINE bool track(struct lease *l, const struct lease_control *c,
                                const struct seen *p, enum flow_dir dir, int64_t now_ns)
{
	struct tcp_conn *t = &l->conn;
	struct seg s = {
		.seq = p->tcp.seq,
		.ack = p->tcp.ack,
		.sack = p->tcp.ack,
		.end = p->tcp.seq + p->tcp.payload,
		.win = p->tcp.win,
		.class_nr = SEG_ACK,
		.dir = dir,
		.other = dir_other(dir),
		.is_syn = false,
		.has_ack = true,
	};
	struct fit fit = fit_of(t, &s);

	if (!(fit.seq_is_inside & fit.seq_is_recent & fit.ack_was_seen & fit.ack_is_recent)) {
		return false;
	}
	update_windows(t, &s);
	t->last_class = SEG_ACK;
	l->deadline_ns = now_ns + c->tcp_ttl_ns[TCP_ESTABLISHED][facts_of(t, c)];
	return true;
}

/* The engine is to read this lease soon. It is locked. */
static ALWAYS_INLINE void note(struct lease *l, uint32_t lease_nr, struct lease_control *c)
{
	uint32_t at;
	uint64_t *place;

	if (*(volatile uint8_t *)&l->is_noted != 0) {
		return;
	}
	l->is_noted = 1;
	at = (uint32_t)__sync_fetch_and_add(&c->notes_end, 1) & (c->leases_len - 1);
	place = bpf_map_lookup_elem(&notes, &at);
	if (place != NULL) {
		/* Atomic, as a barrier. */
		(void)__sync_lock_test_and_set(place, (uint64_t)lease_nr + 1);
	}
}

/* A copy of a connection, and what its step depends on besides. */
struct step_args {
	struct tcp_conn conn;
	uint8_t status; /* FLOW_*, before the segment; afterwards with what it has gained */
	uint8_t dir;
	uint8_t be_liberal;
	uint8_t unused[5];
};

/* The tracker's step. Returns whether the segment is accepted; the copy is then up to date, but for
 * the deadline. Otherwise it must not be used. */
__attribute__((noinline)) int finwall_step(struct step_args *a, const struct seen_tcp *tcp,
                                           const struct opts_read *opts)
{
	struct step_rules rules = { .be_liberal = false };
	struct step result;
	struct seg s;
	unsigned status;

	if (a == NULL || tcp == NULL || opts == NULL || a->conn.state >= TCP_STATES_LEN) {
		return 0;
	}
	rules.be_liberal = a->be_liberal != 0;
	status = a->status;
	s = (struct seg){
		.opts = opts,
		.seq = tcp->seq,
		.ack = tcp->ack,
		.sack = tcp->ack,
		.end = tcp->seq + tcp->payload + (tcp->class_nr != SEG_ACK),
		.win = tcp->win,
		.class_nr = tcp->class_nr,
		.dir = a->dir & 1,
		.status = status,
		.is_syn = tcp->class_nr == SEG_SYNACK,
		.has_ack = true,
	};
	s.other = s.dir ^ 1;
	/* Without an answer the packet is a new one for the rules. */
	if ((s.dir == DIR_ORIG && (status & FLOW_SEEN_REPLY) == 0) ||
	    (s.class_nr != SEG_ACK && s.class_nr != SEG_FIN && s.class_nr != SEG_SYNACK) ||
	    tcp_step(&a->conn, &s, &rules, &result) != STEP_ACCEPT) {
		return 0;
	}
	/* Its time to live would be another one. */
	if ((status & FLOW_SEEN_REPLY) == 0 && result.to == TCP_ESTABLISHED) {
		return 0;
	}
	step_settle(&a->conn, &s, result.from, result.to);
	status |= step_assures(status, result.from, result.to) ? FLOW_ASSURED : 0;
	status |= s.dir == DIR_REPLY ? FLOW_SEEN_REPLY : 0;
	a->status = (uint8_t)status;
	return 1;
}

/*
 * Any other segment: the tracker's step on a copy, which replaces the entry if the segment is
 * accepted. What else the engine does with an accepted segment is done here, or nothing has changed
 * and false is returned.
 */
static ALWAYS_INLINE bool step(struct lease *l, struct lease_control *c, const struct seen *p,
                               const struct opts_read *opts, enum flow_dir dir)
{
	const uint8_t gained = FLOW_SEEN_REPLY | FLOW_ASSURED;
	uint8_t status = (uint8_t)(l->status | l->gained);
	struct step_args a = {
		.conn = l->conn,
		.status = status,
		.dir = dir,
		.be_liberal = c->tcp_be_liberal,
	};
	int64_t ttl_ns;

	if ((p->tcp.class_nr == SEG_FIN && l->may_close == 0) ||
	    finwall_step(&a, &p->tcp, opts) == 0 || a.conn.state >= TCP_STATES_LEN) {
		return false;
	}
	ttl_ns = c->tcp_ttl_ns[a.conn.state][facts_of(&a.conn, c)];
	if (ttl_ns != 0) {
		l->deadline_ns = p->now_ns + ttl_ns;
	}
	if (a.conn.state != l->conn.state || a.status != status) {
		note(l, p->lease_nr, c);
	}
	l->conn = a.conn;
	l->gained = a.status & gained;
	return true;
}

static ALWAYS_INLINE bool track_tcp(struct lease *l, struct lease_control *c, const struct seen *p,
                                    const struct opts_read *opts, enum flow_dir dir, int64_t now_ns)
{
	if (p->is_common && ((l->status | l->gained) & FLOW_ASSURED) != 0 &&
	    is_plain(&l->conn, SEG_ACK)) {
		return track(l, c, p, dir, now_ns);
	}
	return step(l, c, p, opts, dir);
}

/* As udp_track(). Before the first answer a datagram is a new one for the rules. */
static ALWAYS_INLINE bool track_udp(struct lease *l, struct lease_control *c, uint32_t lease_nr,
                                    unsigned hook, enum flow_dir dir, int64_t now_ns)
{
	unsigned status = l->status | l->gained;
	bool is_stream = (status & FLOW_SEEN_REPLY) != 0 && now_ns > l->udp_stream_from_ns;
	unsigned gained = is_stream ? FLOW_ASSURED : 0;

	if (dir == DIR_REPLY) {
		gained |= FLOW_SEEN_REPLY;
	} else if ((status & FLOW_SEEN_REPLY) == 0 && (l->new_hooks & 1u << hook) == 0) {
		return false;
	}
	if ((gained & ~status) != 0) {
		l->gained |= (uint8_t)gained;
		note(l, lease_nr, c);
	}
	l->deadline_ns = now_ns + (is_stream ? c->udp_ttl_ns : c->udp_new_ttl_ns);
	return true;
}

/* A packet of a lease that is locked, and has this generation. */
static ALWAYS_INLINE bool judge_locked(struct lease *l, struct lease_control *c,
                                       const struct seen *p, const struct opts_read *opts,
                                       uint32_t lease_nr, uint32_t size, uint32_t iif,
                                       unsigned hook, enum flow_dir dir, int64_t now_ns)
{
	if ((l->hooks[dir] & 1u << hook) == 0 || (l->iif[dir] != 0 && l->iif[dir] != iif)) {
		return false;
	}
	if (p->proto == IPPROTO_NR_TCP ? !track_tcp(l, c, p, opts, dir, now_ns)
	                               : !track_udp(l, c, lease_nr, hook, dir, now_ns)) {
		return false;
	}
	l->packets[dir]++;
	l->bytes[dir] += size;
	return true;
}

/*
 * Counts an accepted packet. Each CPU has its own counters. In the output hook a packet may
 * interrupt another one on the same CPU.
 */
static ALWAYS_INLINE void count(struct lease_control *c, unsigned hook, uint32_t size)
{
	struct lease_cpu *cpu = &c->cpu[bpf_get_smp_processor_id() & (LEASE_CPUS - 1)];

	if (hook == HOOK_OUTPUT) {
		__sync_fetch_and_add(&cpu->count[hook][LEASE_PASSED], 1);
		__sync_fetch_and_add(&cpu->count[hook][LEASE_BYTES], size);
	} else {
		cpu->count[hook][LEASE_PASSED]++;
		cpu->count[hook][LEASE_BYTES] += size;
	}
}

/*
 * CLOCK_MONOTONIC_COARSE, which changes with a tick only: read once in a tick on each CPU. At the
 * beginning of a tick it may still have its earlier value, and keeps that until the next one.
 */
static ALWAYS_INLINE int64_t coarse_clock(struct lease_control *c)
{
	uint32_t cpu_nr = bpf_get_smp_processor_id();
	struct lease_cpu *cpu = &c->cpu[cpu_nr & (LEASE_CPUS - 1)];
	uint64_t tick = bpf_jiffies64();

	if (cpu_nr >= LEASE_CPUS) {
		return (int64_t)bpf_ktime_get_coarse_ns();
	}
	if (cpu->tick != tick) {
		/* In this order: one that interrupts this reads the clock itself. */
		*(volatile int64_t *)&cpu->now_ns = (int64_t)bpf_ktime_get_coarse_ns();
		*(volatile uint64_t *)&cpu->tick = tick;
	}
	return *(volatile int64_t *)&cpu->now_ns;
}

/* Starts loading a cache line before the lock, which later loads wait for. */
static ALWAYS_INLINE void touch(const void *at)
{
	(void)*(const volatile uint64_t *)at;
}

static ALWAYS_INLINE int judge(struct __sk_buff *skb, unsigned hook)
{
	uint32_t zero = 0;
	struct lease_control *c = bpf_map_lookup_elem(&control, &zero);
	bool is_ip6 = skb->protocol == PROTOCOL_IP6;
	uint32_t size = skb->len;
	uint32_t lease_nr = 0;
	struct opts_read opts = { .sack = 0 };
	uint32_t sum = 0;
	struct seen p = { .tcp = { .seq = 0 } };
	struct lease *l;
	uint64_t word;
	int64_t now_ns;
	bool passes = false;

	if (c == NULL || (!is_ip6 && skb->protocol != PROTOCOL_IP4)) {
		return 0;
	}
	now_ns = coarse_clock(c);
	if (now_ns >= c->valid_until_ns) {
		return 0;
	}
	touch(&c->tcp_ttl_ns[TCP_ESTABLISHED][0]);
	if (is_ip6) {
		if (!read_ip6(skb, &c->hash_key, &p, &sum)) {
			return 0;
		}
	} else if (!read_ip4(skb, &c->hash_key, &p, &sum)) {
		return 0;
	}
	l = find(c, &p, is_ip6, &lease_nr);
	if (l == NULL) {
		return 0;
	}
	touch(&l->deadline_ns);
	touch(&l->bytes[0]);
	opts.sack = p.tcp.ack;
	if (p.proto == IPPROTO_NR_TCP && !p.is_common &&
	    !read_more(skb, c, &p, is_ip6 ? IP6_SIZE : IP4_SIZE, hook, sum, &opts)) {
		l->was_refused = 1;
		return 0;
	}
	p.lease_nr = lease_nr;
	p.now_ns = now_ns;
	if (!try_lock(l, &word) && finwall_lock(l, &word) == 0) {
		return 0;
	}
	/* Again: the lease may have been another connection's meanwhile. */
	if (lease_word_generation(word) == *(volatile uint32_t *)&c->generation &&
	    now_ns < l->deadline_ns && has_key(l, &p, is_ip6)) {
		/* With a constant direction each. */
		if (status_dir_of(l->status, p.side) == DIR_ORIG) {
			passes = judge_locked(l, c, &p, &opts, lease_nr, size, skb->ifindex, hook,
			                      DIR_ORIG, now_ns);
		} else {
			passes = judge_locked(l, c, &p, &opts, lease_nr, size, skb->ifindex, hook,
			                      DIR_REPLY, now_ns);
		}
	}
	if (!passes) {
		l->was_refused = 1;
	}
	unlock(l, word);
	if (passes) {
		count(c, hook, size);
	}
	return passes;
}

SEC("socket")
int finwall_input(struct __sk_buff *skb)
{
	return judge(skb, HOOK_INPUT);
}

SEC("socket")
int finwall_forward(struct __sk_buff *skb)
{
	return judge(skb, HOOK_FORWARD);
}

SEC("socket")
int finwall_output(struct __sk_buff *skb)
{
	return judge(skb, HOOK_OUTPUT);
}

char LICENSE[] SEC("license") = "GPL";

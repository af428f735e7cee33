/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel fast path: the window check of core, as a BPF match of the hook rules in front of the
 * queue. doc/design.md, "The kernel fast path".
 *
 * A packet matches, and is accepted, if the kernel side owns a lease of its connection, the lease's
 * generation is in force, the chain of this hook accepts all its packets, and the packet is one
 * that needs only the window check: what fastpath.c takes in user space, and UDP datagrams. Its
 * effect on windows and deadline is that of the engine, by the same code (core/tcp_window.h). Every
 * other packet does not match, and goes to the queue.
 *
 * Two CPUs may have packets of one connection at once, and the engine may take the lease back: who
 * changes a lease holds the lock bit of its word. The wait for it is bounded; then the packet goes
 * to the queue, which is always correct. No packet can interrupt the holder on its own CPU, because
 * the tables of iptables are evaluated with softirqs disabled.
 *
 * A socket filter: packets are read by bpf_skb_load_bytes(), and begin with the IP header.
 */
#include <finwall/lease_layout.h>

#include "core/plain_segment.h"
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

/* Tries to take a lease's lock: a microsecond or so. */
#define LOCK_TRIES 32

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

/* What is read of a packet. */
struct seen {
	uint64_t word[FLOWKEY_WORDS_MAX]; /* of its key, as hashed */
	uint64_t hash;
	uint32_t payload; /* TCP: bytes */
	uint32_t seq;
	uint32_t ack;
	uint16_t win;
	uint8_t proto;
	uint8_t side; /* enum key_side */
};

/* A datagram that the tracker accepts (pkt.c). */
static ALWAYS_INLINE bool udp_is_valid(const uint8_t *udp, uint32_t udp_size)
{
	uint16_t length = load_be16(udp + 4);

	return length >= UDP_SIZE && length <= udp_size;
}

static ALWAYS_INLINE void read_tcp(const uint8_t *tcp, struct seen *p)
{
	p->seq = load_be32(tcp + 4);
	p->ack = load_be32(tcp + 8);
	p->win = load_be16(tcp + 14);
}

/* Reads the header behind the IP header; size: bytes from l4 on. Returns false if the packet is for
 * the queue. */
static ALWAYS_INLINE bool read_transport(const uint8_t *l4, uint32_t size, struct seen *p)
{
	uint32_t tcp_size;

	if (p->proto != IPPROTO_NR_TCP) {
		return p->proto == IPPROTO_NR_UDP && udp_is_valid(l4, size);
	}
	if (size < TCP_SIZE) {
		return false;
	}
	tcp_size = (uint32_t)common_size(l4, size);
	if (tcp_size == 0) {
		return false;
	}
	p->payload = size - tcp_size;
	read_tcp(l4, p);
	return true;
}

static ALWAYS_INLINE bool read_ip4(struct __sk_buff *skb, const struct sipkey *key, struct seen *p)
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

static ALWAYS_INLINE bool read_ip6(struct __sk_buff *skb, const struct sipkey *key, struct seen *p)
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
                                        bool is_ip6)
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
			return l;
		}
	}
	return NULL;
}

/* Takes the lock of a valid lease. *word: the value before. */
static ALWAYS_INLINE bool lock(struct lease *l, uint64_t *word)
{
	for (unsigned i = 0; i < LOCK_TRIES; i++) {
		uint64_t seen = *(volatile uint64_t *)&l->word;

		if ((seen & LEASE_VALID) == 0) {
			return false;
		}
		if ((seen & LEASE_LOCKED) == 0 &&
		    __sync_val_compare_and_swap(&l->word, seen, seen | LEASE_LOCKED) == seen) {
			*word = seen;
			return true;
		}
	}
	return false;
}

/* Atomic, as a full barrier: what was written to the lease is seen before. */
static ALWAYS_INLINE void unlock(struct lease *l, uint64_t word)
{
	(void)__sync_lock_test_and_set(&l->word, lease_next_word(word, LEASE_VALID));
}

/* A segment in direction dir: the window check, and its effect. */
static ALWAYS_INLINE bool track(struct lease *l, const struct lease_control *c,
                                const struct seen *p, enum flow_dir dir, int64_t now_ns)
{
	struct tcp_conn *t = &l->conn;
	struct seg s = {
		.seq = p->seq,
		.ack = p->ack,
		.sack = p->ack,
		.end = p->seq + p->payload,
		.win = p->win,
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
	l->deadline_ns = now_ns + c->tcp_ttl_ns[ttl_facts_of(t, c->tcp_max_retrans) & 7];
	return true;
}

/* The same for any protocol. The lease is locked, and has this generation. */
static ALWAYS_INLINE bool judge_locked(struct lease *l, const struct lease_control *c,
                                       const struct seen *p, uint32_t size, uint32_t iif,
                                       unsigned hook, enum flow_dir dir, int64_t now_ns)
{
	if ((l->hooks[dir] & 1u << hook) == 0 || (l->iif[dir] != 0 && l->iif[dir] != iif)) {
		return false;
	}
	if (p->proto == IPPROTO_NR_TCP) {
		if (!track(l, c, p, dir, now_ns)) {
			return false;
		}
	} else {
		/* As udp_track(). */
		bool is_stream = now_ns > l->udp_stream_from_ns;

		l->is_stream |= is_stream;
		l->deadline_ns = now_ns + (is_stream ? c->udp_ttl_ns : c->udp_new_ttl_ns);
	}
	l->packets[dir]++;
	l->bytes[dir] += size;
	return true;
}

/* Counts an accepted packet. Each CPU has its own counters, and softirqs are disabled. */
static ALWAYS_INLINE void count(struct lease_control *c, unsigned hook, uint32_t size)
{
	struct lease_cpu *cpu = &c->cpu[bpf_get_smp_processor_id() & (LEASE_CPUS - 1)];

	cpu->count[hook][LEASE_PASSED]++;
	cpu->count[hook][LEASE_BYTES] += size;
}

static ALWAYS_INLINE int judge(struct __sk_buff *skb, unsigned hook)
{
	uint32_t zero = 0;
	struct lease_control *c = bpf_map_lookup_elem(&control, &zero);
	bool is_ip6 = skb->protocol == PROTOCOL_IP6;
	uint32_t size = skb->len;
	struct seen p;
	struct lease *l;
	uint64_t word;
	int64_t now_ns;
	bool passes = false;

	if (c == NULL || (!is_ip6 && skb->protocol != PROTOCOL_IP4)) {
		return 0;
	}
	now_ns = (int64_t)bpf_ktime_get_coarse_ns();
	if (now_ns >= c->valid_until_ns) {
		return 0;
	}
	if (is_ip6) {
		if (!read_ip6(skb, &c->hash_key, &p)) {
			return 0;
		}
	} else if (!read_ip4(skb, &c->hash_key, &p)) {
		return 0;
	}
	l = find(c, &p, is_ip6);
	if (l == NULL || !lock(l, &word)) {
		return 0;
	}
	/* Again: the lease may have been another connection's meanwhile. */
	if (lease_word_generation(word) == *(volatile uint32_t *)&c->generation &&
	    now_ns < l->deadline_ns && has_key(l, &p, is_ip6)) {
		/* With a constant direction each. */
		if (status_dir_of(l->status, p.side) == DIR_ORIG) {
			passes = judge_locked(l, c, &p, size, skb->ifindex, hook, DIR_ORIG, now_ns);
		} else {
			passes =
				judge_locked(l, c, &p, size, skb->ifindex, hook, DIR_REPLY, now_ns);
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

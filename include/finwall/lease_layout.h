/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that the engine shares with the kernel fast path (daemon/bpf/fastpath.bpf.c): four array
 * maps, which the daemon maps into its own memory. doc/design.md, "The kernel fast path".
 *
 * A lease is the part of a connection that the kernel side owns while it is valid: windows,
 * state, deadline and counters. The index finds it by the keyed hash of the connection's key. The
 * notes name leases that have changed their state. Compiled for both targets.
 */
#ifndef FINWALL_LEASE_LAYOUT_H
#define FINWALL_LEASE_LAYOUT_H

#include <finwall/flow.h>
#include <finwall/siphash.h>

#include <stddef.h>
#include <stdint.h>

#define LEASE_MAGIC   UINT32_C(0x46574c31) /* "FWL1" */
#define LEASE_VERSION 2u

/* Leases at most: the index has so many bits for a number. */
#define LEASES_MAX (1u << 22)

/*
 * The word of a lease. The lower half changes with each use, so that a compare-and-swap with an
 * earlier value fails. The upper half is the generation that the lease was granted under.
 */
#define LEASE_LOCKED    UINT64_C(1) /* somebody changes the lease */
#define LEASE_VALID     UINT64_C(2) /* the kernel side owns the connection */
#define LEASE_STEP      UINT64_C(4) /* of the count in the other bits of the lower half */
#define LEASE_LOW       UINT64_C(0xffffffff)
#define LEASE_GEN_SHIFT 32

/* The value after a change that ends with this flag, LEASE_VALID or 0. */
static inline uint64_t lease_next_word(uint64_t word, uint64_t valid)
{
	uint64_t low = ((word & ~(LEASE_LOCKED | LEASE_VALID)) + LEASE_STEP) & LEASE_LOW;

	return (word & ~LEASE_LOW) | low | valid;
}

static inline uint32_t lease_word_generation(uint64_t word)
{
	return (uint32_t)(word >> LEASE_GEN_SHIFT);
}

struct lease {
	uint64_t word; /* first: LEASE_* */
	/* set by the engine when it grants the lease */
	struct flowkey key;
	uint8_t status;   /* FLOW_* */
	uint8_t hooks[2]; /* by enum flow_dir: a bit per enum hook whose chain accepts */
	/* set by the kernel side: a packet of the connection went to the queue */
	uint8_t was_refused;
	uint8_t flow_hook; /* as in struct flow, for an adoption */
	uint8_t may_close; /* the kernel side accepts FIN */
	uint8_t gained;    /* by the kernel side: FLOW_SEEN_REPLY, FLOW_ASSURED */
	/* set by the kernel side when it adds the lease to the notes, cleared by the engine when it
	 * has removed it there */
	uint8_t is_noted;
	uint32_t index_at; /* its entry there */
	uint32_t flow_ifindex;
	/* owned by the kernel side while LEASE_VALID */
	int64_t deadline_ns;
	struct tcp_conn conn;
	/* accepted by the kernel side since the first lease of the connection, by enum flow_dir */
	uint64_t packets[2];
	uint64_t bytes[2];
	/* set by the engine: the incoming interface that hooks[] depends on, 0 = any */
	uint32_t iif[2];
	/* the engine's own */
	uint32_t terms_generation; /* hooks[] and iif[] were learnt under it */
	uint32_t next_free;
	int64_t udp_stream_from_ns; /* struct udp_conn */
	uint32_t flow_nr;           /* its place in the table of its shard */
	/* set by the engine: as hooks[], of datagrams before the first answer */
	uint8_t new_hooks;
	uint8_t unused[3];
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct lease) == 192, "three cache lines");
_Static_assert(offsetof(struct lease, deadline_ns) == 64, "the second cache line");
_Static_assert(offsetof(struct lease, packets) == 128, "the third cache line");

/* A bucket of the index: numbers of leases and tags of their hashes. 0 = empty. */
#define LEASE_BUCKET_LEN 8

struct lease_bucket {
	uint32_t entry[LEASE_BUCKET_LEN];
};

/* The entry of a lease. The tag has 10 bits; the shard's bits of the hash are not used. */
static inline uint32_t lease_index_entry(uint64_t hash, uint32_t nr)
{
	return (uint32_t)(hash >> 38 & 0x3ff) << 22 | (nr + 1);
}

#define LEASE_ENTRY_NR(entry)  (((entry) & (LEASES_MAX - 1)) - 1)
#define LEASE_ENTRY_TAG(entry) ((entry) >> 22)

/* What the kernel side did with packets that it found no lease for, or refused. */
enum lease_count {
	LEASE_PASSED, /* packets, by hook */
	LEASE_BYTES,
	LEASE_COUNTS_LEN,
};

/* CPUs with counters of their own; others share these. A power of two. */
#define LEASE_CPUS 64u

struct lease_cpu {
	uint64_t count[HOOKS_LEN][LEASE_COUNTS_LEN];
	/* the clock, as read in this tick of the kernel's; not of CPUs that share this */
	uint64_t tick;
	int64_t now_ns;
} __attribute__((aligned(64)));

/* One element. Written by the daemon, but for cpu[]. */
struct lease_control {
	/* Set by the loader. The first cache line is what each packet needs. */
	uint32_t magic;
	uint32_t version;
	uint32_t leases_len;  /* a power of two */
	uint32_t buckets_len; /* likewise */
	uint32_t lease_size;
	/* set by the daemon before it grants leases */
	uint32_t generation; /* leases of another one are not valid */
	struct sipkey hash_key;
	/* no lease is valid from this instant on; the daemon moves it while it runs */
	int64_t valid_until_ns;
	uint32_t tcp_max_retrans;
	uint8_t tcp_be_liberal;
	uint8_t verifies; /* checksums of SYN+ACK and FIN */
	uint8_t unused[2];
	int64_t udp_ttl_ns; /* of a stream */
	/* of segments without RST, by enum tcp_state and enum ttl_fact; 0 = the deadline stays */
	int64_t tcp_ttl_ns[TCP_STATES_LEN][8];
	int64_t udp_new_ttl_ns;
	/* Leases that the kernel side has added to the notes: the next place, modulo leases_len. A
	 * lease is there at most once, so the notes are never full. */
	uint64_t notes_end __attribute__((aligned(64)));
	struct lease_cpu cpu[LEASE_CPUS];
} __attribute__((aligned(64)));

_Static_assert(offsetof(struct lease_control, tcp_ttl_ns) == 64, "a cache line a state");

#define LEASE_ALWAYS INT64_MAX

/*
 * Set by the loader in the program: where struct sk_buff of this kernel has ip_summed, the byte and
 * the lowest bit in it. 0: not known. Then the program verifies each checksum, also one that a
 * device has verified.
 */
struct lease_skb {
	uint32_t ip_summed_at;
	uint32_t ip_summed_shift;
};

#define LEASE_SKB_SECTION ".rodata.skb"

#endif
